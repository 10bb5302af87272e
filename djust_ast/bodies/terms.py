"""Total, pure expressions: Python that cannot raise for any value of its columns, and reads nothing else.

What is not in these tables is refused (``NotTotalError``): the body then runs on an instance, as in plain Django.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any, NoReturn

from django.db import models
from django.db.models import Field

if TYPE_CHECKING:
    from djust_ast.bodies.pure import Scope

Types = frozenset[type]


class Key:
    """The type of a foreign key's column: that of whatever it points to."""


class Choice:
    """The type of a member of an enumeration, which is only compared."""


class NotTotalError(Exception):
    """The expression may raise, or its value may depend on more than columns."""


@dataclass(frozen=True, slots=True)
class Term:
    """An expression and the exact types that its value may have; ``column`` where it is just that."""

    node: ast.expr
    types: Types
    column: str = ""


STR, INT, FLOAT, BOOL, NONE = (Types([one]) for one in (str, int, float, bool, NoneType))
# What ``str()`` and ``==`` take, whatever the value. Not ``datetime``, where it is compared.
_PRINTED: Types = frozenset(
    [str, int, bool, float, NoneType, dt.date, dt.datetime, dt.time, dt.timedelta, Decimal, uuid.UUID]
)
_EQUATED: Types = frozenset([str, int, bool, NoneType, dt.date, uuid.UUID, Choice])
_LISTED: Types = frozenset([str, int, bool, NoneType, Choice])
CONSTANTS = (str, int, float, bool, NoneType)
RETURNED: Types = _PRINTED | {Key}
MOST = 2**63

# The types of columns by the exact classes of their fields: others may hold anything.
COLUMNS: dict[type[Field[Any, Any]], type] = {
    **dict.fromkeys(
        (models.CharField, models.TextField, models.SlugField, models.EmailField, models.URLField), str
    ),
    **dict.fromkeys(
        (
            models.IntegerField,
            models.SmallIntegerField,
            models.BigIntegerField,
            models.PositiveIntegerField,
            models.PositiveSmallIntegerField,
            models.PositiveBigIntegerField,
            models.AutoField,
            models.BigAutoField,
            models.SmallAutoField,
        ),
        int,
    ),
    models.BooleanField: bool,
    models.FloatField: float,
    models.DecimalField: Decimal,
    models.DateField: dt.date,
    models.DateTimeField: dt.datetime,
    models.TimeField: dt.time,
    models.DurationField: dt.timedelta,
    models.UUIDField: uuid.UUID,
    models.ForeignKey: Key,
    models.OneToOneField: Key,
}


def refuse(why: str) -> NoReturn:
    """Say why it is not total."""
    raise NotTotalError(why)


def of_column(field: Field[Any, Any]) -> Types:
    """The types of what a column of ``field`` holds."""
    found = COLUMNS.get(type(field))
    if found is None:
        refuse(f"a {type(field).__name__}")
    # Nobody has seen the table of a model that is not managed.
    return (
        frozenset([found]) if field.model._meta.managed and not field.null else frozenset([found, NoneType])
    )


def constant(value: Any) -> Term:
    """A value that is written down."""
    if type(value) not in CONSTANTS or (type(value) is int and abs(value) >= MOST):
        refuse("a constant")
    return Term(ast.Constant(value), frozenset([type(value)]))


def needs(term: Term, types: Types) -> Term:
    """``term``, if its values are of no other types."""
    return term if term.types <= types else refuse("a value of another type")


# -- operators ------------------------------------------------------------------------------------------------


def unary(scope: Scope, node: ast.UnaryOp) -> Term:
    """``not a``, ``-a``."""
    operand = scope.term(node.operand)
    if isinstance(node.op, ast.Not):
        return Term(ast.UnaryOp(ast.Not(), operand.node), BOOL)
    if isinstance(node.op, ast.USub) and operand.types in (INT, FLOAT):
        return Term(ast.UnaryOp(ast.USub(), operand.node), operand.types)
    refuse("an operator")


def binary(scope: Scope, node: ast.BinOp) -> Term:
    """``a + b``, ``"%s" % a``."""
    if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and type(node.left.value) is str:
        return _formatted(scope, node.left.value, node.right)
    return operated(scope.term(node.left), node.op, scope.term(node.right))


def operated(left: Term, operator: ast.operator, right: Term) -> Term:
    """What an operator gives."""
    if left.types != right.types or left.types not in _ARITHMETIC.get(type(operator), ()):
        refuse("an operator")
    if type(operator) in _DIVIDING and not (isinstance(right.node, ast.Constant) and right.node.value):
        refuse("a division")
    return Term(ast.BinOp(left.node, operator, right.node), left.types)


_DIVIDING = (ast.FloorDiv, ast.Mod)
_ARITHMETIC: dict[type[ast.operator], tuple[Types, ...]] = {
    ast.Add: (STR, INT, FLOAT),
    ast.Sub: (INT, FLOAT),
    ast.Mult: (INT, FLOAT),
    ast.FloorDiv: (INT,),
    ast.Mod: (INT,),
}


def _formatted(scope: Scope, text: str, right: ast.expr) -> Term:
    """``"%s, %d" % (a, b)``."""
    found = re.findall(r"%(.?)", text, re.DOTALL)
    signs = [sign for sign in found if sign != "%"]
    terms = [scope.term(part) for part in (right.elts if isinstance(right, ast.Tuple) else [right])]
    if len(signs) != len(terms):
        refuse("a format")
    for sign, term in zip(signs, terms, strict=True):
        needs(term, _SIGNS.get(sign) or refuse("a format"))
    values = ast.Tuple([term.node for term in terms], ast.Load())
    return Term(ast.BinOp(ast.Constant(text), ast.Mod(), values), STR)


_SIGNS: dict[str, Types] = {"s": _PRINTED, "d": INT}


def boolean(scope: Scope, node: ast.BoolOp) -> Term:
    """``a or b``, ``a and b``: each operand knows what those before it have shown."""
    either, parts, types = isinstance(node.op, ast.Or), [], frozenset[type]()
    for position, part in enumerate(node.values):
        term = scope.term(part)
        last = position == len(node.values) - 1
        types |= term.types - NONE if either and not last else term.types
        parts.append(term.node)
        scope = scope.knowing(part, not either)
    return Term(ast.BoolOp(node.op, parts), types)


def conditional(scope: Scope, node: ast.IfExp) -> Term:
    """``a if b else c``."""
    test = scope.term(node.test)
    body = scope.knowing(node.test, True).term(node.body)
    orelse = scope.knowing(node.test, False).term(node.orelse)
    return Term(ast.IfExp(test.node, body.node, orelse.node), body.types | orelse.types)


def comparison(scope: Scope, node: ast.Compare) -> Term:
    """``a == b``, ``a < b <= c``, ``a in (b, c)``, ``a is None``."""
    if len(node.ops) > 1 and any(isinstance(operator, ast.In | ast.NotIn) for operator in node.ops):
        refuse("a comparison")
    left = scope.term(node.left)
    first, parts = left, []
    for operator, part in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, ast.In | ast.NotIn) and (items := scope.items(part)) is not None:
            needs(left, _LISTED | {dt.date})
            right = Term(ast.Tuple([needs(item, _LISTED).node for item in items], ast.Load()), frozenset())
        else:
            right = scope.term(part)
            _comparable(operator, left, right)
        parts.append(right.node)
        left = right
    return Term(ast.Compare(first.node, node.ops, parts), BOOL)


def _comparable(operator: ast.cmpop, left: Term, right: Term) -> None:
    match operator:
        case ast.Is() | ast.IsNot() if right.types == NONE and isinstance(right.node, ast.Constant):
            return
        case ast.Eq() | ast.NotEq() if left.types <= _EQUATED and right.types <= _EQUATED:
            return
        case ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() if left.types == right.types:
            if left.types in (STR, INT, FLOAT):
                return
        case ast.In() | ast.NotIn() if left.types == right.types == STR:
            return
    refuse("a comparison")


# -- text -----------------------------------------------------------------------------------------------------


def joined(scope: Scope, node: ast.JoinedStr) -> Term:
    """``f"{a} {b}"``, without formats."""
    parts: list[ast.expr] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            if part.format_spec is not None or part.conversion not in (-1, ord("s")):
                refuse("a format")
            value = needs(scope.term(part.value), _PRINTED)
            parts.append(ast.FormattedValue(value.node, part.conversion, None))
        else:
            parts.append(part)
    return Term(ast.JoinedStr(parts), STR)


def sliced(scope: Scope, node: ast.Subscript) -> Term:
    """``a[:10]`` of text."""
    value = needs(scope.term(node.value), STR)
    if not isinstance(node.slice, ast.Slice):
        refuse("an item")
    ends = [node.slice.lower, node.slice.upper]
    found = [None if end is None else needs(scope.term(end), INT).node for end in ends]
    if node.slice.step is not None:
        refuse("a step")
    return Term(ast.Subscript(value.node, ast.Slice(found[0], found[1], None), ast.Load()), STR)


def method(owner: Term, name: str, arguments: Sequence[Term]) -> Term:
    """What a method of text gives."""
    needs(owner, STR)
    least, most, fixed, types = _METHODS.get(name) or refuse(f".{name}()")
    if not least <= len(arguments) <= most:
        refuse(f".{name}()")
    for argument in arguments:
        needs(argument, STR)
        if fixed and not isinstance(argument.node, ast.Constant):
            refuse(f".{name}()")
    attribute = ast.Attribute(owner.node, name, ast.Load())
    return Term(ast.Call(attribute, [argument.node for argument in arguments], []), types)


# The least and most arguments, all text; whether they must be constants; what it gives.
_METHODS: dict[str, tuple[int, int, bool, Types]] = {
    **dict.fromkeys(("strip", "lstrip", "rstrip"), (0, 1, False, STR)),
    **dict.fromkeys(("upper", "lower", "title", "capitalize", "swapcase", "casefold"), (0, 0, False, STR)),
    **dict.fromkeys(("removeprefix", "removesuffix"), (1, 1, False, STR)),
    **dict.fromkeys(("startswith", "endswith"), (1, 1, False, BOOL)),
    **dict.fromkeys(("isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower"), (0, 0, False, BOOL)),
    **dict.fromkeys(("find", "count"), (1, 1, False, INT)),
    "replace": (2, 2, True, STR),
}


def join(separator: Term, items: Sequence[Term]) -> Term:
    """``", ".join([a, b])``."""
    found = ast.Tuple([needs(item, STR).node for item in items], ast.Load())
    return Term(ast.Call(ast.Attribute(needs(separator, STR).node, "join", ast.Load()), [found], []), STR)


def builtin(name: str, argument: Term) -> Term:
    """``str(a)``, ``len(a)``, ``bool(a)``."""
    takes, types = _BUILTINS[name]
    if takes is not None:
        needs(argument, takes)
    return Term(ast.Call(ast.Name(name, ast.Load()), [argument.node], []), types)


_BUILTINS: dict[str, tuple[Types | None, Types]] = {
    "str": (_PRINTED, STR),
    "len": (STR, INT),
    "bool": (None, BOOL),
}
BUILTINS = frozenset(_BUILTINS)

Translation = Callable[["Scope", Any], Term]

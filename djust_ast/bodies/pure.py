"""Members whose bodies are total, pure expressions over the columns of their object, so that a row can say them.

A body is run on terms: an ``if`` becomes a conditional expression, a name what it stands for. Members of the same
object that are pure themselves are put in their place.
"""

from __future__ import annotations

import ast
import enum
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import FunctionType
from typing import Any

from django.db.models import Choices, Model
from django.utils.functional import cached_property

from djust_ast.bodies import terms
from djust_ast.bodies.sources import definition_of, same_code
from djust_ast.bodies.statics import MISSING, static
from djust_ast.bodies.terms import NONE, RETURNED, Choice, NotTotalError, Term, Types, refuse
from djust_ast.hints import function_of
from djust_ast.members import ColumnMember, member

OBJECT = "row"  # what the expression's columns are attributes of; it has no other
MAX_STEPS = 500
MAX_NODES = 200
MAX_DEPTH = 5
Watched = tuple[Any, str, Any]


@dataclass(frozen=True, slots=True)
class Expression:
    """What a member gives: ``node``, in which ``row.attname`` stands for a column, one of ``columns``.

    ``watched`` are ``(owner, name, value)`` of what it was told from.
    """

    node: ast.expr
    columns: tuple[str, ...]
    watched: tuple[Watched, ...]

    def holds(self) -> bool:
        """Whether nothing of that has been replaced since."""
        return all(_found(owner, name) is value for owner, name, value in self.watched)


def _found(owner: Any, name: str) -> Any:
    return owner.get(name, MISSING) if isinstance(owner, dict) else getattr(owner, name, MISSING)


@cache
def expression(model: type[Model], name: str) -> Expression | None:
    """The member ``name`` of ``model`` as an expression, read as a template reads it; ``None`` where it is none."""
    reading = _Reading(model)
    try:
        found = terms.needs(reading.member(name, called=True), RETURNED)
    except NotTotalError:
        return None
    if sum(1 for _ in ast.walk(found.node)) > MAX_NODES:
        return None
    return Expression(found.node, tuple(reading.columns), tuple(reading.watched))


@dataclass(slots=True)
class _Reading:
    """One member and those inside it: the columns that they read, and what they were told from."""

    model: type[Model]
    columns: dict[str, None] = field(default_factory=dict)
    watched: list[Watched] = field(default_factory=list)
    steps: int = 0
    depth: int = 0

    def step(self) -> None:
        """Stop where it has become too large."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            refuse("too large")

    def watch(self, owner: Any, name: str, value: Any) -> None:
        """Note that ``owner.name`` was ``value``, which is looked up in the same way each time."""
        if _found(owner, name) is not value:
            refuse("what gives another value each time")
        self.watched.append((owner, name, value))

    def member(self, name: str, *, called: bool) -> Term:
        """What a property gives, or a method that is called."""
        attribute = static(self.model, name)
        kind = type(attribute)
        if kind not in _MEMBERS or (
            (kind is FunctionType) is not called and not (called and self.depth == 0)
        ):
            refuse("a member")
        if getattr(attribute, "alters_data", False) or getattr(attribute, "do_not_call_in_templates", False):
            refuse("a method that a template does not call")
        function = function_of(attribute)
        definition = definition_of(function) if type(function) is FunctionType else None
        if not isinstance(definition, ast.FunctionDef) or self.depth >= MAX_DEPTH:
            refuse("a function without source")
        if not _only_self(definition.args) or not same_code(definition, function):
            refuse("a function")
        self.watch(self.model, name, attribute)
        self.watch(function, "__code__", function.__code__)
        self.depth += 1
        term = Scope(self, definition.args.args[0].arg, function, {}, {}).block(definition.body)
        self.depth -= 1
        return term


_MEMBERS = (FunctionType, property, cached_property, functools.cached_property)


def _only_self(arguments: ast.arguments) -> bool:
    more = (arguments.posonlyargs, arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
    return len(arguments.args) == 1 and not any(more)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a body stands: what its names stand for, and what is known of columns by the tests before."""

    reading: _Reading
    self: str
    function: FunctionType
    names: Mapping[str, Term]
    known: Mapping[str, Types]

    # -- statements ---------------------------------------------------------------------------------------

    def block(self, statements: list[ast.stmt]) -> Term:
        """What a body gives from here on."""
        self.reading.step()
        if not statements:
            return terms.constant(None)
        first, *rest = statements
        match first:
            case ast.Return(value=None):
                return terms.constant(None)
            case ast.Return(value=ast.expr() as value):
                return self.term(value)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                return self.block(rest)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                return self._with(name, self.term(value)).block(rest)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                return self._with(name, self.term(value)).block(rest)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=operator, value=value):
                left = self.term(ast.Name(target.id, ast.Load()))
                return self._with(name, terms.operated(left, operator, self.term(value))).block(rest)
            case ast.If(test=test, body=body, orelse=orelse):
                tested = self.term(test)
                one = self.knowing(test, True).block([*body, *rest])
                other = self.knowing(test, False).block([*orelse, *rest])
                return Term(ast.IfExp(tested.node, one.node, other.node), one.types | other.types)
        return refuse(f"a {type(first).__name__}")

    def _with(self, name: str, term: Term) -> Scope:
        if name == self.self:
            refuse("another object")
        return replace(self, names={**self.names, name: term})

    def knowing(self, test: ast.expr, truth: bool) -> Scope:
        """The same where ``test`` is true, or false."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.knowing(operand, not truth)
            case ast.BoolOp(op=operator, values=values) if isinstance(operator, ast.And) is truth:
                return functools.reduce(lambda scope, value: scope.knowing(value, truth), values, self)
            case ast.Compare(
                left=left, ops=[ast.Is() | ast.IsNot() as how], comparators=[ast.Constant(value=None)]
            ):
                none = isinstance(how, ast.Is) is truth
                term = self.term(left)
                return self._narrowed(term, term.types & NONE if none else term.types - NONE)
            case ast.Name() | ast.Attribute() if truth:
                term = self.term(test)
                return self._narrowed(term, term.types - NONE)
        return self

    def _narrowed(self, term: Term, types: Types) -> Scope:
        return replace(self, known={**self.known, term.column: types}) if term.column and types else self

    # -- expressions --------------------------------------------------------------------------------------

    def term(self, node: ast.expr) -> Term:
        """What an expression gives."""
        self.reading.step()
        translate = EXPRESSIONS.get(type(node)) or refuse(f"a {type(node).__name__}")
        return translate(self, node)

    def items(self, node: ast.expr) -> list[Term] | None:
        """The constants of a display, or of a tuple that a class or a module has; ``None`` for anything else."""
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return [self.term(item) for item in node.elts]
        found = self._object(node)
        return [_of_value(item) for item in found] if type(found) in (tuple, frozenset) else None

    def _name(self, node: ast.Name) -> Term:
        if node.id in self.names:
            term = self.names[node.id]
            return replace(term, types=self.known.get(term.column, term.types)) if term.column else term
        return _of_value(self._object(node))

    def _attribute(self, node: ast.Attribute) -> Term:
        if isinstance(node.value, ast.Name) and node.value.id == self.self and self.self not in self.names:
            found = member(self.reading.model, node.attr)
            if isinstance(found, ColumnMember):
                attname = found.field.attname
                self.reading.columns[attname] = None
                types = self.known.get(attname) or terms.of_column(found.field)
                return Term(ast.Attribute(ast.Name(OBJECT, ast.Load()), attname, ast.Load()), types, attname)
            if type(static(self.reading.model, node.attr)) in _MEMBERS:
                return self.reading.member(node.attr, called=False)
        return _of_value(self._object(node))

    def _object(self, node: ast.expr) -> Any:
        """What a name of the module, or an attribute of a class, stands for; ``MISSING`` for anything else."""
        match node:
            case ast.Name(id=name) if name == self.self:
                return self.reading.model  # whose attributes an object has, where nobody has given it others
            case ast.Name(id=name) if name not in self.function.__code__.co_varnames and self._global(name):
                found = self.function.__globals__[name]
                self.reading.watch(self.function.__globals__, name, found)
                return found
            case ast.Attribute(value=inner, attr=name):
                owner = self._object(inner)
                if isinstance(owner, enum.EnumMeta):
                    return owner.__members__.get(name, MISSING)
                found = static(owner, name) if isinstance(owner, type) else MISSING
                if type(found) in _FIXED or isinstance(found, enum.EnumMeta):
                    self.reading.watch(owner, name, found)
                    return found
        return MISSING

    def _global(self, name: str) -> bool:
        return name in self.function.__globals__ and name not in self.function.__code__.co_freevars

    def _call(self, node: ast.Call) -> Term:
        if node.keywords:
            refuse("a call")
        match node.func:
            case ast.Attribute(value=ast.Name(id=name), attr=method) if name == self.self and not node.args:
                return self.reading.member(method, called=True)
            case ast.Attribute(value=owner, attr="join") if len(node.args) == 1:
                return terms.join(self.term(owner), self.items(node.args[0]) or refuse("a call"))
            case ast.Attribute(value=owner, attr=method):
                return terms.method(self.term(owner), method, [self.term(part) for part in node.args])
            case ast.Name(id=name) if name in terms.BUILTINS and len(node.args) == 1:
                code = self.function.__code__
                if name in (*code.co_varnames, *code.co_freevars, *self.function.__globals__):
                    refuse("a call")
                return terms.builtin(name, self.term(node.args[0]))
        return refuse("a call")


# Values of classes and modules that are what they are.
_FIXED = (*terms.CONSTANTS, tuple, frozenset)


def _of_value(value: Any) -> Term:
    """A constant of a class or a module, or a member of an enumeration, which is as good as its value to compare."""
    if (
        isinstance(value, Choices)
        and type(value).__eq__ in (str.__eq__, int.__eq__)
        and value == value._value_
    ):
        return Term(terms.constant(value._value_).node, frozenset([Choice]))
    return terms.constant(value)


EXPRESSIONS: dict[type[ast.expr], Callable[[Scope, Any], Term]] = {
    ast.Constant: lambda scope, node: terms.constant(node.value),
    ast.Name: Scope._name,
    ast.Attribute: Scope._attribute,
    ast.Call: Scope._call,
    ast.UnaryOp: terms.unary,
    ast.BinOp: terms.binary,
    ast.BoolOp: terms.boolean,
    ast.IfExp: terms.conditional,
    ast.Compare: terms.comparison,
    ast.JoinedStr: terms.joined,
    ast.Subscript: terms.sliced,
}

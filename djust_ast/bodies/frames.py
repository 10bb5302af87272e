"""Runs a body on values that stand for all that its names may be: statements and expressions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from djust_ast.bodies.values import (
    NOTHING,
    PLAIN,
    Closure,
    File,
    Items,
    Made,
    Manager,
    Mapped,
    Obj,
    Plain,
    Real,
    Rows,
    Super,
    Unknown,
    Value,
    Vars,
    each,
    either,
    is_plain,
)

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis

Names = dict[str, Value]


class Frame:
    """One call: its ``names``, what it returned and yielded.

    Both ways of a branch are taken, one after the other; what a name may be afterwards is either. A loop is run
    twice, so that what one round leaves to the next is seen.
    """

    def __init__(
        self, analysis: Analysis, names: Names, around: Mapping[str, Any], file: str, cls: type | None = None
    ) -> None:
        self.analysis = analysis
        self.names = names
        self.around = around
        self.file = file
        self.cls = cls
        self.returned: list[Value] = []
        self.yielded: list[Value] = []
        self.left: list[list[Names]] = []  # the names where a loop is left, innermost loop last

    # -- statements: each says whether the next one is reached --------------------------------------------

    def block(self, statements: Iterable[ast.stmt]) -> bool:
        return all(self.statement(statement) for statement in statements)

    def statement(self, node: ast.stmt) -> bool:
        self.analysis.step(self.file, node)
        run = STATEMENTS.get(type(node))
        if run is None:
            self.analysis.opens(f"has a {type(node).__name__.lower()} statement")
            return True
        return run(self, node) is not False

    def _return(self, node: ast.Return) -> bool:
        self.returned.append(Real(None) if node.value is None else self.value(node.value))
        return False

    def _raise(self, node: ast.Raise) -> bool:
        for part in (node.exc, node.cause):
            if part is not None:
                self.value(part)
        return False

    def _expr(self, node: ast.Expr) -> None:
        self.value(node.value)

    def _assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            self.bind(target, value)

    def _ann_assign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.bind(node.target, self.value(node.value))

    def _aug_assign(self, node: ast.AugAssign) -> None:
        self.bind(
            node.target, self._operated(self._loaded(node.target), self.value(node.value), type(node.op))
        )

    def _loaded(self, target: ast.expr) -> Value:
        match target:
            case ast.Name(id=name):
                return self.name(name)
            case ast.Attribute(value=owner, attr=name):
                return self.analysis.attribute(self.value(owner), name)
        return self.value(target)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.names.pop(target.id, None)
            else:
                self.bind(target, NOTHING)

    def _if(self, node: ast.If) -> bool:
        self.truth(node.test)
        return self._either_way(lambda: self.block(node.body), lambda: self.block(node.orelse))

    def _either_way(self, *ways: Any) -> bool:
        before, reached = self.names, []
        for way in ways:
            self.names = dict(before)
            if way():
                reached.append(self.names)
        self.names = _joined(reached) if reached else before
        return bool(reached)

    def _for(self, node: ast.For) -> bool:
        item = either(self.analysis.elements(self.value(node.iter)))
        return self._loop(node, lambda: self.bind(node.target, item))

    def _while(self, node: ast.While) -> bool:
        return self._loop(node, lambda: self.truth(node.test))

    def _loop(self, node: ast.For | ast.While, begin: Any) -> bool:
        forever = (
            isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
        )
        self.left.append([] if forever else [dict(self.names)])
        for _ in range(2):
            begin()
            before = self.names
            self.names = dict(before)
            if self.block(node.body):
                self.left[-1].append(self.names)
            self.names = _joined([before, *self.left[-1]])
        walked = _chains(self.left[-1])
        if walked:
            self.analysis.opens(f"follows {walked!r} from object to object")
        left = self.left.pop()
        self.names = _joined(left or [self.names])
        return self.block(node.orelse) if left else False

    def _leave_loop(self, _: ast.Break | ast.Continue) -> bool:
        if self.left:
            self.left[-1].append(self.names)
        return False

    def _try(self, node: ast.Try) -> bool:
        before = dict(self.names)
        ended = self.block(node.body)
        after = self.names
        raised = _joined([before, after])

        def handled(handler: ast.ExceptHandler) -> bool:
            self.names = dict(raised)
            if handler.type is not None:
                self.value(handler.type)
            if handler.name:
                self.names[handler.name] = PLAIN
            return self.block(handler.body)

        def went_well() -> bool:
            self.names = dict(after)
            return ended and self.block(node.orelse)

        reached = self._either_way(went_well, *(lambda h=h: handled(h) for h in node.handlers))
        return self.block(node.finalbody) and reached

    def _with(self, node: ast.With) -> bool:
        for item in node.items:
            entered = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, entered)
        return self.block(node.body)

    def _import_from(self, node: ast.ImportFrom) -> None:
        package = str(self.around.get("__package__") or self.around.get("__name__") or "")
        if node.level > 1:
            package = package.rsplit(".", node.level - 1)[0]
        name = ".".join(filter(None, [package if node.level else "", node.module or ""]))
        module = sys.modules.get(name)
        for alias in node.names:
            found = getattr(module, "__dict__", {}).get(alias.name) or sys.modules.get(f"{name}.{alias.name}")
            value = (
                Unknown(f"{name}.{alias.name}") if found is None else self.analysis.wrap(found, alias.name)
            )
            self.names[alias.asname or alias.name] = value

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            module = sys.modules.get(name)
            self.names[alias.asname or name] = Unknown(name) if module is None else Real(module)

    def _function(self, node: ast.FunctionDef) -> None:
        if node.decorator_list:
            self.analysis.opens(f"decorates a function {node.name}()")
        self.names[node.name] = Closure(node, self)

    def _assert(self, node: ast.Assert) -> None:
        self.truth(node.test)

    def _pass(self, _: ast.Pass) -> None:
        pass

    # -- binding ------------------------------------------------------------------------------------------

    def bind(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self.names[name] = value
            case ast.Attribute(value=owner, attr=name):
                self.analysis.assign(self.value(owner), name, value)
            case ast.Subscript(value=owner, slice=index):
                self.value(index)
                self._put(self.value(owner), value)
            case ast.Starred(value=inner):
                self.bind(inner, Items([value]))
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                starred = any(isinstance(one, ast.Starred) for one in targets)
                for position, one in enumerate(targets):
                    self.bind(one, self.analysis.item(value, None if starred else position))

    def _put(self, owner: Value, value: Value) -> None:
        for choice in each(owner):
            match choice:
                case Items():
                    choice.items.append(value)
                    choice.exact = False
                case Mapped():
                    choice.rest.append(value)
                case Obj() | Unknown() | Rows() | Manager() | Vars() | Made() | File():
                    self.analysis.opens("sets an item of what is not a list or dict")
                    self.analysis.escape([owner, value])
                case Real():
                    self.analysis.escape([value])

    # -- expressions --------------------------------------------------------------------------------------

    def value(self, node: ast.expr) -> Value:
        self.analysis.step(self.file, node)
        evaluate = EXPRESSIONS.get(type(node))
        if evaluate is None:
            self.analysis.opens(f"has a {type(node).__name__} expression")
            return Unknown("an expression")
        found: Value = evaluate(self, node)
        return found

    def truth(self, node: ast.expr) -> None:
        self.analysis.truth(self.value(node))

    def name(self, name: str) -> Value:
        if name in self.names:
            return self.names[name]
        builtins = self.around.get("__builtins__", {})
        builtins = builtins if isinstance(builtins, dict) else vars(builtins)
        for space in (self.around, builtins):
            if name in space:
                return self.analysis.wrap(space[name], name)
        return NOTHING

    def _name(self, node: ast.Name) -> Value:
        return self.name(node.id)

    def _constant(self, node: ast.Constant) -> Value:
        return Real(node.value)

    def _attribute(self, node: ast.Attribute) -> Value:
        return self.analysis.attribute(self.value(node.value), node.attr)

    def _call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args:
            return self._super()
        owner = name = None
        if isinstance(node.func, ast.Attribute):
            owner, name = self.value(node.func.value), node.func.attr
        callee = self.value(node.func) if owner is None else None
        positional: list[Value] = []
        named: Names = {}
        more: list[Value] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                self._spread(self.value(argument.value), positional, more)
            else:
                positional.append(self.value(argument))
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg is not None:
                named[keyword.arg] = value
            elif isinstance(value, Mapped):
                named |= value.named
                more += value.rest
            else:
                more += self.analysis.elements(value)
        if owner is not None and name is not None:
            return self.analysis.call_method(owner, name, positional, named, more)
        return NOTHING if callee is None else self.analysis.call(callee, positional, named, more)

    def _spread(self, value: Value, positional: list[Value], more: list[Value]) -> None:
        if isinstance(value, Items) and value.exact and not more:
            positional += value.items
        else:
            more += self.analysis.elements(value)

    def _super(self) -> Value:
        first = next(iter(self.names.values()), NOTHING)
        return Unknown("super()") if self.cls is None else Super(self.cls, first)

    def _bool_op(self, node: ast.BoolOp) -> Value:
        values = [self.value(part) for part in node.values]
        for value in values[:-1]:
            self.analysis.truth(value)
        return either(values)

    def _unary_op(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            self.analysis.truth(value)
        else:
            self.analysis.plainly(value)
        return PLAIN

    def _bin_op(self, node: ast.BinOp) -> Value:
        return self._operated(self.value(node.left), self.value(node.right), type(node.op))

    def _operated(self, left: Value, right: Value, operator: type[ast.operator]) -> Value:
        if isinstance(left, Items) or isinstance(right, Items):
            if operator is ast.Mod:
                self.analysis.speak(left, right)
                return PLAIN
            items = [item for side in (left, right) for item in self.analysis.elements(side)]
            return Items(items)
        if isinstance(left, Rows | Manager) or isinstance(right, Rows | Manager):
            return self.analysis.refined(left, right)
        if operator is ast.Mod:
            self.analysis.speak(left, right)
        else:
            self.analysis.plainly(left, right)
        return PLAIN

    def _compare(self, node: ast.Compare) -> Value:
        values = [self.value(part) for part in (node.left, *node.comparators)]
        for operator, left, right in zip(node.ops, values, values[1:], strict=False):
            self.analysis.compare(operator, left, right)
        return PLAIN

    def _if_exp(self, node: ast.IfExp) -> Value:
        self.truth(node.test)
        return either([self.value(node.body), self.value(node.orelse)])

    def _subscript(self, node: ast.Subscript) -> Value:
        owner, index = self.value(node.value), self.value(node.slice)
        constant = index.value if isinstance(index, Real) and isinstance(index.value, int | str) else None
        if isinstance(node.slice, ast.Slice):
            return either(self.analysis.sliced(choice) for choice in each(owner))
        return self.analysis.item(owner, constant)

    def _slice(self, node: ast.Slice) -> Value:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self.value(part)
        return PLAIN

    def _sequence(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        items: list[Value] = []
        more: list[Value] = []
        for part in node.elts:
            if isinstance(part, ast.Starred):
                self._spread(self.value(part.value), items, more)
            else:
                items.append(self.value(part))
        return Items(items + more, exact=not more and not isinstance(node, ast.Set))

    def _dict(self, node: ast.Dict) -> Value:
        mapped = Mapped()
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.value(item)
            name = None if key is None else self.value(key)
            if isinstance(name, Real) and isinstance(name.value, str):
                mapped.named[name.value] = value
            elif key is None and isinstance(value, Mapped):
                mapped.named |= value.named
                mapped.rest += value.rest
            else:
                mapped.rest.append(value)
        return mapped

    def _joined_str(self, node: ast.JoinedStr) -> Value:
        for part in node.values:
            self.value(part)
        return PLAIN

    def _formatted(self, node: ast.FormattedValue) -> Value:
        self.analysis.speak(self.value(node.value))
        if node.format_spec is not None:
            self.value(node.format_spec)
        return PLAIN

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        outside = self.names
        self.names = dict(outside)
        for generator in node.generators:
            if generator.is_async:
                self.analysis.opens("is asynchronous")
            items = either(self.analysis.elements(self.value(generator.iter)))
            self.bind(generator.target, items)
            for test in generator.ifs:
                self.truth(test)
        if isinstance(node, ast.DictComp):
            self.value(node.key)
            made: Value = Mapped({}, [self.value(node.value)])
        else:
            made = Items([self.value(node.elt)])
        walrus = {name: value for name, value in self.names.items() if name in _walrus(node)}
        self.names = outside | walrus
        return made

    def _lambda(self, node: ast.Lambda) -> Value:
        return Closure(node, self)

    def _named_expr(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.bind(node.target, value)
        return value

    def _starred(self, node: ast.Starred) -> Value:
        return self.value(node.value)

    def _yield(self, node: ast.Yield) -> Value:
        self.yielded.append(Real(None) if node.value is None else self.value(node.value))
        return PLAIN

    def _yield_from(self, node: ast.YieldFrom) -> Value:
        self.yielded += self.analysis.elements(self.value(node.value))
        return PLAIN


def _joined(several: list[Names]) -> Names:
    """What the names may be where several ways meet."""
    if len(several) == 1:
        return several[0]
    names: Names = {}
    for name in dict.fromkeys(name for one in several for name in one):
        names[name] = either([one[name] for one in several if name in one])
    return names


MAX_CHAIN = 2


def _chains(several: list[Names]) -> str | None:
    """A name that stood for object after object of one model, as ``node = node.parent`` makes it in a loop."""
    for name in several[-1] if several else ():
        models = [
            value.model
            for value in set(each(either([one[name] for one in several if name in one])))
            if isinstance(value, Obj)
        ]
        if any(models.count(model) > MAX_CHAIN for model in models):
            return name
    return None


def _walrus(node: ast.AST) -> set[str]:
    return {
        inner.target.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.NamedExpr) and isinstance(inner.target, ast.Name)
    }


def is_data(value: Value) -> bool:
    """Whether no object can be reached from it."""
    return isinstance(value, Plain) or (isinstance(value, Real) and is_plain(value.value))


STATEMENTS: dict[type[ast.stmt], Any] = {
    ast.Return: Frame._return,
    ast.Raise: Frame._raise,
    ast.Expr: Frame._expr,
    ast.Assign: Frame._assign,
    ast.AnnAssign: Frame._ann_assign,
    ast.AugAssign: Frame._aug_assign,
    ast.Delete: Frame._delete,
    ast.If: Frame._if,
    ast.For: Frame._for,
    ast.While: Frame._while,
    ast.Break: Frame._leave_loop,
    ast.Continue: Frame._leave_loop,
    ast.Try: Frame._try,
    ast.With: Frame._with,
    ast.Import: Frame._import,
    ast.ImportFrom: Frame._import_from,
    ast.FunctionDef: Frame._function,
    ast.Assert: Frame._assert,
    ast.Pass: Frame._pass,
}
EXPRESSIONS: dict[type[ast.expr], Any] = {
    ast.Name: Frame._name,
    ast.Constant: Frame._constant,
    ast.Attribute: Frame._attribute,
    ast.Call: Frame._call,
    ast.BoolOp: Frame._bool_op,
    ast.UnaryOp: Frame._unary_op,
    ast.BinOp: Frame._bin_op,
    ast.Compare: Frame._compare,
    ast.IfExp: Frame._if_exp,
    ast.Subscript: Frame._subscript,
    ast.Slice: Frame._slice,
    ast.Tuple: Frame._sequence,
    ast.List: Frame._sequence,
    ast.Set: Frame._sequence,
    ast.Dict: Frame._dict,
    ast.JoinedStr: Frame._joined_str,
    ast.FormattedValue: Frame._formatted,
    ast.ListComp: Frame._comprehension,
    ast.SetComp: Frame._comprehension,
    ast.GeneratorExp: Frame._comprehension,
    ast.DictComp: Frame._comprehension,
    ast.Lambda: Frame._lambda,
    ast.NamedExpr: Frame._named_expr,
    ast.Starred: Frame._starred,
    ast.Yield: Frame._yield,
    ast.YieldFrom: Frame._yield_from,
}

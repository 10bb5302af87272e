"""What expressions stand for, in a frame."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from djust_ast.bodies.values import (
    NOTHING,
    PLAIN,
    Closure,
    Items,
    Manager,
    Mapped,
    Real,
    Rows,
    Super,
    Unknown,
    Value,
    each,
    either,
)

if TYPE_CHECKING:
    from djust_ast.bodies.frames import Frame, Names


def _name(frame: Frame, node: ast.Name) -> Value:
    return frame.name(node.id)


def _constant(frame: Frame, node: ast.Constant) -> Value:
    return Real(node.value)


def _attribute(frame: Frame, node: ast.Attribute) -> Value:
    return frame.analysis.attribute(frame.value(node.value), node.attr)


def _call(frame: Frame, node: ast.Call) -> Value:
    if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args:
        return _super(frame)
    owner = name = None
    if isinstance(node.func, ast.Attribute):
        owner, name = frame.value(node.func.value), node.func.attr
    callee = frame.value(node.func) if owner is None else None
    positional: list[Value] = []
    named: Names = {}
    more: list[Value] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            _spread(frame, frame.value(argument.value), positional, more)
        else:
            positional.append(frame.value(argument))
    for keyword in node.keywords:
        value = frame.value(keyword.value)
        if keyword.arg is not None:
            named[keyword.arg] = value
        elif isinstance(value, Mapped):
            named |= value.named
            more += value.rest
        else:
            more += frame.analysis.elements(value)
    if owner is not None and name is not None:
        return frame.analysis.call_method(owner, name, positional, named, more)
    return NOTHING if callee is None else frame.analysis.call(callee, positional, named, more)


def _spread(frame: Frame, value: Value, positional: list[Value], more: list[Value]) -> None:
    if isinstance(value, Items) and value.exact and not more:
        positional += value.items
    else:
        more += frame.analysis.elements(value)


def _super(frame: Frame) -> Value:
    first = next(iter(frame.names.values()), NOTHING)
    return Unknown("super()") if frame.cls is None else Super(frame.cls, first)


def _bool_op(frame: Frame, node: ast.BoolOp) -> Value:
    values = [frame.value(part) for part in node.values]
    for value in values[:-1]:
        frame.analysis.truth(value)
    return either(values)


def _unary_op(frame: Frame, node: ast.UnaryOp) -> Value:
    value = frame.value(node.operand)
    if isinstance(node.op, ast.Not):
        frame.analysis.truth(value)
    else:
        frame.analysis.plainly(value)
    return PLAIN


def _bin_op(frame: Frame, node: ast.BinOp) -> Value:
    return operated(frame, frame.value(node.left), frame.value(node.right), type(node.op))


def operated(frame: Frame, left: Value, right: Value, operator: type[ast.operator]) -> Value:
    """What an operator gives: of containers a container, of querysets a queryset, of anything else data."""
    if isinstance(left, Items) or isinstance(right, Items):
        if operator is ast.Mod:
            frame.analysis.speak(left, right)
            return PLAIN
        items = [item for side in (left, right) for item in frame.analysis.elements(side)]
        return Items(items)
    if isinstance(left, Rows | Manager) or isinstance(right, Rows | Manager):
        return frame.analysis.refined(left, right)
    if operator is ast.Mod:
        frame.analysis.speak(left, right)
    else:
        frame.analysis.plainly(left, right)
    return PLAIN


def _compare(frame: Frame, node: ast.Compare) -> Value:
    values = [frame.value(part) for part in (node.left, *node.comparators)]
    for operator, left, right in zip(node.ops, values, values[1:], strict=False):
        frame.analysis.compare(operator, left, right)
    return PLAIN


def _if_exp(frame: Frame, node: ast.IfExp) -> Value:
    frame.truth(node.test)
    return either([frame.value(node.body), frame.value(node.orelse)])


def _subscript(frame: Frame, node: ast.Subscript) -> Value:
    owner, index = frame.value(node.value), frame.value(node.slice)
    constant = index.value if isinstance(index, Real) and isinstance(index.value, int | str) else None
    if isinstance(node.slice, ast.Slice):
        return either(frame.analysis.sliced(choice) for choice in each(owner))
    return frame.analysis.item(owner, constant)


def _slice(frame: Frame, node: ast.Slice) -> Value:
    for part in (node.lower, node.upper, node.step):
        if part is not None:
            frame.value(part)
    return PLAIN


def _sequence(frame: Frame, node: ast.Tuple | ast.List | ast.Set) -> Value:
    items: list[Value] = []
    more: list[Value] = []
    for part in node.elts:
        if isinstance(part, ast.Starred):
            _spread(frame, frame.value(part.value), items, more)
        else:
            items.append(frame.value(part))
    return Items(items + more, exact=not more and not isinstance(node, ast.Set))


def _dict(frame: Frame, node: ast.Dict) -> Value:
    mapped = Mapped()
    for key, item in zip(node.keys, node.values, strict=True):
        value = frame.value(item)
        name = None if key is None else frame.value(key)
        if isinstance(name, Real) and isinstance(name.value, str):
            mapped.named[name.value] = value
        elif key is None and isinstance(value, Mapped):
            mapped.named |= value.named
            mapped.rest += value.rest
        else:
            mapped.rest.append(value)
    return mapped


def _joined_str(frame: Frame, node: ast.JoinedStr) -> Value:
    for part in node.values:
        frame.value(part)
    return PLAIN


def _formatted(frame: Frame, node: ast.FormattedValue) -> Value:
    frame.analysis.speak(frame.value(node.value))
    if node.format_spec is not None:
        frame.value(node.format_spec)
    return PLAIN


def _comprehension(frame: Frame, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
    outside = frame.names
    frame.names = dict(outside)
    for generator in node.generators:
        if generator.is_async:
            frame.analysis.opens("is asynchronous")
        items = either(frame.analysis.elements(frame.value(generator.iter)))
        frame.bind(generator.target, items)
        for test in generator.ifs:
            frame.truth(test)
    if isinstance(node, ast.DictComp):
        frame.value(node.key)
        made: Value = Mapped({}, [frame.value(node.value)])
    else:
        made = Items([frame.value(node.elt)])
    walrus = {name: value for name, value in frame.names.items() if name in _walrus(node)}
    frame.names = outside | walrus
    return made


def _lambda(frame: Frame, node: ast.Lambda) -> Value:
    return Closure(node, frame)


def _named_expr(frame: Frame, node: ast.NamedExpr) -> Value:
    value = frame.value(node.value)
    frame.bind(node.target, value)
    return value


def _starred(frame: Frame, node: ast.Starred) -> Value:
    return frame.value(node.value)


def _yield(frame: Frame, node: ast.Yield) -> Value:
    frame.yielded.append(Real(None) if node.value is None else frame.value(node.value))
    return PLAIN


def _yield_from(frame: Frame, node: ast.YieldFrom) -> Value:
    frame.yielded += frame.analysis.elements(frame.value(node.value))
    return PLAIN


def _walrus(node: ast.AST) -> set[str]:
    return {
        inner.target.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.NamedExpr) and isinstance(inner.target, ast.Name)
    }


EXPRESSIONS: dict[type[ast.expr], Any] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.BoolOp: _bool_op,
    ast.UnaryOp: _unary_op,
    ast.BinOp: _bin_op,
    ast.Compare: _compare,
    ast.IfExp: _if_exp,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dict,
    ast.JoinedStr: _joined_str,
    ast.FormattedValue: _formatted,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
    ast.Lambda: _lambda,
    ast.NamedExpr: _named_expr,
    ast.Starred: _starred,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
}

"""What statements do to the names of a frame; each says whether the next one is reached."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

from djust_ast.bodies.expressions import operated
from djust_ast.bodies.statics import wrap
from djust_ast.bodies.values import NOTHING, PLAIN, Closure, Obj, Real, Unknown, Value, each, either

if TYPE_CHECKING:
    from djust_ast.bodies.frames import Frame, Names


def _return(frame: Frame, node: ast.Return) -> bool:
    frame.returned.append(Real(None) if node.value is None else frame.value(node.value))
    return False


def _raise(frame: Frame, node: ast.Raise) -> bool:
    for part in (node.exc, node.cause):
        if part is not None:
            frame.value(part)
    return False


def _expr(frame: Frame, node: ast.Expr) -> None:
    frame.value(node.value)


def _assign(frame: Frame, node: ast.Assign) -> None:
    value = frame.value(node.value)
    for target in node.targets:
        frame.bind(target, value)


def _ann_assign(frame: Frame, node: ast.AnnAssign) -> None:
    if node.value is not None:
        frame.bind(node.target, frame.value(node.value))


def _aug_assign(frame: Frame, node: ast.AugAssign) -> None:
    frame.bind(
        node.target, operated(frame, _loaded(frame, node.target), frame.value(node.value), type(node.op))
    )


def _loaded(frame: Frame, target: ast.expr) -> Value:
    match target:
        case ast.Name(id=name):
            return frame.name(name)
        case ast.Attribute(value=owner, attr=name):
            return frame.analysis.attribute(frame.value(owner), name)
    return frame.value(target)


def _delete(frame: Frame, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            frame.names.pop(target.id, None)
        else:
            frame.bind(target, NOTHING)


def _if(frame: Frame, node: ast.If) -> bool:
    frame.truth(node.test)
    return _either_way(frame, lambda: frame.block(node.body), lambda: frame.block(node.orelse))


def _either_way(frame: Frame, *ways: Any) -> bool:
    before, reached = frame.names, []
    for way in ways:
        frame.names = dict(before)
        if way():
            reached.append(frame.names)
    frame.names = _joined(reached) if reached else before
    return bool(reached)


def _for(frame: Frame, node: ast.For) -> bool:
    item = either(frame.analysis.elements(frame.value(node.iter)))
    return _loop(frame, node, lambda: frame.bind(node.target, item))


def _while(frame: Frame, node: ast.While) -> bool:
    return _loop(frame, node, lambda: frame.truth(node.test))


def _loop(frame: Frame, node: ast.For | ast.While, begin: Any) -> bool:
    forever = isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
    frame.left.append([] if forever else [dict(frame.names)])
    for _ in range(2):
        begin()
        before = frame.names
        frame.names = dict(before)
        if frame.block(node.body):
            frame.left[-1].append(frame.names)
        frame.names = _joined([before, *frame.left[-1]])
    walked = _chains(frame.left[-1])
    if walked:
        frame.analysis.opens(f"follows {walked!r} from object to object")
    left = frame.left.pop()
    frame.names = _joined(left or [frame.names])
    return frame.block(node.orelse) if left else False


def _leave_loop(frame: Frame, _: ast.Break | ast.Continue) -> bool:
    if frame.left:
        frame.left[-1].append(frame.names)
    return False


def _try(frame: Frame, node: ast.Try) -> bool:
    before = dict(frame.names)
    ended = frame.block(node.body)
    after = frame.names
    raised = _joined([before, after])

    def handled(handler: ast.ExceptHandler) -> bool:
        frame.names = dict(raised)
        if handler.type is not None:
            frame.value(handler.type)
        if handler.name:
            frame.names[handler.name] = PLAIN
        return frame.block(handler.body)

    def went_well() -> bool:
        frame.names = dict(after)
        return ended and frame.block(node.orelse)

    reached = _either_way(frame, went_well, *(lambda h=h: handled(h) for h in node.handlers))
    return frame.block(node.finalbody) and reached


def _with(frame: Frame, node: ast.With) -> bool:
    for item in node.items:
        entered = frame.value(item.context_expr)
        if item.optional_vars is not None:
            frame.bind(item.optional_vars, entered)
    return frame.block(node.body)


def _import_from(frame: Frame, node: ast.ImportFrom) -> None:
    package = str(frame.around.get("__package__") or frame.around.get("__name__") or "")
    if node.level > 1:
        package = package.rsplit(".", node.level - 1)[0]
    name = ".".join(filter(None, [package if node.level else "", node.module or ""]))
    module = sys.modules.get(name)
    for alias in node.names:
        found = getattr(module, "__dict__", {}).get(alias.name) or sys.modules.get(f"{name}.{alias.name}")
        value = Unknown(f"{name}.{alias.name}") if found is None else wrap(found, alias.name)
        frame.names[alias.asname or alias.name] = value


def _import(frame: Frame, node: ast.Import) -> None:
    for alias in node.names:
        name = alias.name if alias.asname else alias.name.partition(".")[0]
        module = sys.modules.get(name)
        frame.names[alias.asname or name] = Unknown(name) if module is None else Real(module)


def _function(frame: Frame, node: ast.FunctionDef) -> None:
    if node.decorator_list:
        frame.analysis.opens(f"decorates a function {node.name}()")
    frame.names[node.name] = Closure(node, frame)


def _assert(frame: Frame, node: ast.Assert) -> None:
    frame.truth(node.test)


def _pass(frame: Frame, _: ast.Pass) -> None:
    pass


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


STATEMENTS: dict[type[ast.stmt], Any] = {
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Expr: _expr,
    ast.Assign: _assign,
    ast.AnnAssign: _ann_assign,
    ast.AugAssign: _aug_assign,
    ast.Delete: _delete,
    ast.If: _if,
    ast.For: _for,
    ast.While: _while,
    ast.Break: _leave_loop,
    ast.Continue: _leave_loop,
    ast.Try: _try,
    ast.With: _with,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.FunctionDef: _function,
    ast.Assert: _assert,
    ast.Pass: _pass,
}

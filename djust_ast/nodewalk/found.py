"""What hangs on a node of which nothing is known: expressions, and lists of nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from django.template import Engine, Library, Node, NodeList, Origin, Template, Variable
from django.template.base import FilterExpression, Parser, Token
from django.template.defaulttags import IfNode

Found = FilterExpression | Variable | NodeList | Node

# Where nothing is to be found, or all the world.
_CLOSED = (
    *(str, bytes, int, float, complex, type(None), type, ModuleType),
    *(FunctionType, MethodType, BuiltinFunctionType),
    *(Engine, Library, Origin, Parser, Template, Token),
)
_MAX_OBJECTS = 2_000
_MAX_DEPTH = 20


def bodies_of(node: Node) -> list[NodeList]:
    """The lists of nodes inside a node, in their order."""
    if isinstance(node, IfNode):
        return [body for _, body in node.conditions_nodelists]
    if type(node).__module__.startswith("django.template"):
        # Django does not list the body of what `@simple_block_tag` makes.
        names = dict.fromkeys([*node.child_nodelists, "nodelist"])
        return [body for name in names if (body := getattr(node, name, None))]
    bodies = (found for found in search(node) if isinstance(found, NodeList | Node))
    return [found if isinstance(found, NodeList) else NodeList([found]) for found in bodies]


def search(node: Node) -> Iterator[Found]:
    """The expressions, lists of nodes and single nodes on ``node``, in what it holds, and in what that holds."""
    first = {name: getattr(node, name, None) for name in node.child_nodelists}
    yield from _search([first, _attributes(node)], {id(node)}, 0)


def _search(value: Any, seen: set[int], depth: int) -> Iterator[Found]:
    if isinstance(value, _CLOSED) or id(value) in seen or len(seen) > _MAX_OBJECTS or depth > _MAX_DEPTH:
        return
    seen.add(id(value))
    if isinstance(value, FilterExpression | Variable | NodeList | Node):
        yield value
        return
    if isinstance(value, Mapping):
        values = list(value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        values = list(value)
    else:
        values = list(_attributes(value).values())
    for inner in values:
        yield from _search(inner, seen, depth + 1)


def _attributes(value: Any) -> dict[str, Any]:
    slots = {
        name: getattr(value, name, None)
        for kind in type(value).__mro__
        for name in _names(kind.__dict__.get("__slots__", ()))
    }
    return slots | getattr(value, "__dict__", {})


def _names(slots: Any) -> list[str]:
    return [slots] if isinstance(slots, str) else list(slots)

"""What the methods of a class give the attributes of an object that the class does not have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING

from django.db.models import Model

from djust_ast.bodies.known import module_of
from djust_ast.bodies.sources import definition_of
from djust_ast.bodies.values import Obj, Value, either
from djust_ast.hints import function_of

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


def assigned(analysis: Analysis, obj: Obj, name: str) -> Value | None:
    """What the methods of a class give the attribute ``name`` of an object; ``None`` where none does."""
    key = (obj.model, obj.read, name)
    if key in analysis.done:
        return analysis.done[key]
    sites = list(assignments(obj.model, name))
    if not sites:
        return None
    analysis.done[key] = either(())
    analysis.done[key] = found = either(analysis.aside(function, node, obj) for function, node in sites)
    return found


def assignments(model: type[Model], name: str) -> Iterator[tuple[FunctionType, ast.expr | None]]:
    """What the methods of ``model`` and of its bases set ``self.name`` to; ``None`` where it is not simply set."""
    for base in model.__mro__:
        if module_of(base).startswith("django.") or base is object:
            continue
        for attribute in vars(base).values():
            function = function_of(attribute)
            if isinstance(function, FunctionType) and name in function.__code__.co_names:
                yield from ((function, value) for value in _set_in(function, name))


@lru_cache(maxsize=1024)
def _set_in(function: FunctionType, name: str) -> tuple[ast.expr | None, ...]:
    definition = definition_of(function)
    if definition is None:
        return ()
    found: list[ast.expr | None] = []
    for node in ast.walk(definition):
        match node:
            case ast.Assign(targets=[ast.Attribute(attr=attr)], value=value) if attr == name:
                found.append(value)
            case ast.AnnAssign(target=ast.Attribute(attr=attr), value=value) if attr == name:
                found.append(value)
            case ast.Attribute(attr=attr, ctx=ast.Store()) if attr == name:
                found.append(None)
    simple = [value for value in found if value is not None]
    return tuple(simple) if len(found) == 2 * len(simple) else (*simple, None)

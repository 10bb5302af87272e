"""The arguments of a call, and the names that parameters give them."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from djust_ast.bodies.sources import Definition
from djust_ast.bodies.statics import wrap
from djust_ast.bodies.values import Items, Mapped, Unknown, Value, either


@dataclass(slots=True)
class Arguments:
    """The arguments of a call; ``more`` may go anywhere."""

    positional: list[Value]
    named: dict[str, Value] = field(default_factory=dict)
    more: list[Value] = field(default_factory=list)

    def all(self) -> list[Value]:
        """All of them."""
        return [*self.positional, *self.named.values(), *self.more]


def names_of(definition: Definition, function: FunctionType, arguments: Arguments) -> dict[str, Value]:
    """The names that a function begins with."""
    defaults = [wrap(value) for value in function.__defaults__ or ()]
    keyword = {name: wrap(value) for name, value in (function.__kwdefaults__ or {}).items()}
    return bind(definition.args, arguments, defaults, keyword)


def bind(
    parameters: ast.arguments, arguments: Arguments, defaults: list[Value], keyword: dict[str, Value]
) -> dict[str, Value]:
    """The names of ``parameters`` with their values."""
    names = [item.arg for item in (*parameters.posonlyargs, *parameters.args)]
    bound: dict[str, Value] = dict(keyword)
    if defaults:
        bound |= dict(zip(names[-len(defaults) :], defaults, strict=True))
    taken = dict(zip(names, arguments.positional, strict=False))
    known = {*names, *(item.arg for item in parameters.kwonlyargs)}
    bound |= taken | {name: value for name, value in arguments.named.items() if name in known}
    if arguments.more:
        for name in known - taken.keys() - arguments.named.keys():
            bound[name] = either([*([bound[name]] if name in bound else []), *arguments.more])
    for name in known:
        bound.setdefault(name, Unknown(f"the argument {name!r}"))
    if parameters.vararg is not None:
        rest = arguments.positional[len(names) :]
        bound[parameters.vararg.arg] = Items([*rest, *arguments.more], exact=not arguments.more)
    if parameters.kwarg is not None:
        others = {name: value for name, value in arguments.named.items() if name not in known}
        bound[parameters.kwarg.arg] = Mapped(others, list(arguments.more))
    return bound


def asynchronous(function: FunctionType) -> bool:
    """Whether calling it runs nothing yet."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def filled(cell: Any) -> bool:
    """Whether the variable of an outer function has a value."""
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True

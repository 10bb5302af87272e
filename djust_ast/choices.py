"""What is asked about the name of a dynamic ``{% include %}`` or ``{% extends %}``, and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.template.base import Origin

Path = tuple[str | None, ...]
"""A name of the context and the steps below it; ``None`` stands for each element."""

Operand = tuple[str | Path, ...]
"""What a value may be: literals, and what is found at paths."""


Calls = tuple[tuple[str, Operand | None], ...]
"""Filters, and what their arguments may be."""


class Question(NamedTuple):
    """The name of a template as an expression: ``{% include widget.kind|add:".html" %}``.

    ``kind`` is ``include`` or ``extends``, ``template`` the name of the template that asks, ``calls`` are the
    filters and what their arguments may be.
    """

    kind: str
    template: str | None
    head: Operand
    calls: Calls

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths that the name is made of."""
        operands = (self.head, *(argument or () for _, argument in self.calls))
        return tuple(source for operand in operands for source in operand if isinstance(source, tuple))


@dataclass(frozen=True, slots=True)
class Given:
    """A template object that a context holds: its display name, its name for ``./x``, and its source."""

    name: str
    template: str | None
    source: str
    origin: Origin | None = field(compare=False, repr=False, default=None)


class Answer(NamedTuple):
    """For each value that the name may have the candidates, of which the first that there is counts.

    ``why`` says why nobody knows, if nobody does. ``owners`` are the classes of the objects that were looked into,
    ``twins`` the pairs of a name that was read and another one of the context for the same object.
    """

    choices: tuple[tuple[str | Given, ...], ...] = ()
    why: str = ""
    owners: frozenset[Any] = frozenset()
    twins: frozenset[tuple[str, str]] = frozenset()


Ask = Callable[[Question], Answer]


def dotted(path: Path) -> str:
    """``widgets[each].template``, as people read a path."""
    return "".join("[each]" if step is None else f".{step}" for step in path).removeprefix(".")

"""What live objects ask of their related managers, answered for all of them at once.

A related manager asks its instance for a queryset that was prefetched. Where a template asks it for no more than
``count``, ``exists``, ``first``, ``last`` or an index of ``all``, it is handed its own queryset that knows these
answers; clones of that are as ever, and what is written through the manager makes it forget them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from django.db.models import Model, QuerySet

from djust_ast.fetch.answers import Load, asked
from djust_ast.fetch.owners import cache_of, chunks, fetchable
from djust_ast.plans import Level
from djust_ast.runtime import itself

Answer = Callable[[], Any]


class Asking:
    """The objects whose manager is asked the same; when the first of them asks, it is answered for all."""

    __slots__ = ("answers", "levels", "load", "owners", "top")

    def __init__(self, levels: Sequence[Level], owners: Sequence[Model], load: Load) -> None:
        self.levels = [replace(level, lazy=True) for level in levels]
        self.top = max([level.top for level in levels if level.via == "all"], default=0)
        self.owners = owners
        self.load = load
        self.answers: dict[int, tuple[Model, dict[str, Answer]]] | None = None

    def of(self, kept: dict[str, Any]) -> tuple[Model, dict[str, Answer]] | None:
        """The owner of a cache, and a function for each thing that is asked of its manager."""
        if self.answers is None:
            self.answers = {}
            relation = self.levels[0].relation
            for db, chunk in chunks([owner for owner in self.owners if fetchable(owner, relation)], relation):
                found = [asked(level, chunk, db, self.load) for level in self.levels]
                for owner in chunk:
                    own = {via: answer for one in found for via, answer in one(owner).items()}
                    self.answers[id(cache_of(owner, True))] = owner, own
        return self.answers.get(id(kept))


def answering(queryset: QuerySet[Any, Any], answers: dict[str, Answer], top: int) -> QuerySet[Any, Any]:
    """``queryset`` itself, which has the ``answers`` by heart, and the ``top`` first rows of ``all``."""
    vars(queryset)["_known"] = answers, top
    queryset.__class__ = _answering(type(queryset))
    return queryset


class _Known:
    """The methods of a queryset that know answers."""

    _known: tuple[dict[str, Answer], int]

    def count(self) -> Any:
        return self._ask("count")

    def exists(self) -> Any:
        return self._ask("exists")

    def first(self) -> Any:
        return self._ask("first")

    def last(self) -> Any:
        return self._ask("last")

    def __len__(self) -> int:
        size = self._size()
        return super().__len__() if size is None else size  # type: ignore[misc]

    def __bool__(self) -> bool:
        size = self._size()
        return super().__bool__() if size is None else size > 0  # type: ignore[misc]

    def __getitem__(self, index: Any) -> Any:
        answers, top = self._known
        if type(index) is int and 0 <= index < top:
            return answers["all"]()[index]
        return super().__getitem__(index)  # type: ignore[misc]

    def _size(self) -> int | None:
        answers, top = self._known
        return len(answers["all"]()) if "all" in answers and not top else None

    def _ask(self, name: str) -> Any:
        known = self._known[0].get(name) or getattr(super(), name)
        return known()

    def _clone(self) -> Any:
        clone = super()._clone()  # type: ignore[misc]
        clone.__class__ = type(self).__mro__[2]
        return clone

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(self._clone(), memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return itself, (self._clone(),)


@cache
def _answering(cls: type[Any]) -> type[Any]:
    told = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(cls.__name__, (_Known, cls), told)

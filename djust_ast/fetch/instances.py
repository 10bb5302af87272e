"""The instance route: joins for what must be there, prefetches for the rest, each when first touched.

``prefetch_related_objects`` and Django's own caches do the work. A level that only a branch reads hangs on the
instances as a dict whose ``__missing__`` fetches it for all siblings at once: ``_prefetched_objects_cache`` for
to-many, ``_state.fields_cache`` for to-one, where Django's descriptors look first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django import VERSION
from django.db import connections
from django.db.models import Model, Prefetch, prefetch_related_objects

from djust_ast.plans import Level, QueryPlan
from djust_ast.states import AnyQuerySet


def joined(queryset: AnyQuerySet, plan: QueryPlan) -> AnyQuerySet:
    """A clone of ``queryset`` with the plan's joins added to the user's own."""
    return queryset.select_related(*plan.select_related) if plan.select_related else queryset._chain()


def load(objects: Sequence[Model], plan: QueryPlan) -> None:
    """Fetch the plan's levels for ``objects``; the lazy ones when first touched."""
    if not objects:
        return
    for level in plan.levels:
        owners = list(_owners(objects, level))
        if not owners:
            continue
        here = replace(level, path=level.path[-1:])
        if level.lazy:
            _attach(owners, here)
        else:
            _prefetch(owners, here)


class Siblings(dict[str, Any]):
    """A cache of one instance that fills those of all its ``peers`` when a planned name is missing."""

    __slots__ = ("levels", "peers")

    def __init__(self, known: dict[str, Any], peers: list[Model], levels: dict[str, Level]) -> None:
        super().__init__(known)
        self.peers = peers
        self.levels = levels

    def __missing__(self, name: str) -> Any:
        level = self.levels.pop(name, None)  # the peers share ``levels``: one fetch for all
        if level is None:
            raise KeyError(name)
        _prefetch(self.peers, level)
        return self[name]

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))


def _attach(owners: list[Model], level: Level) -> None:
    accessor = level.relation.accessor
    shared: dict[tuple[bool, int], dict[str, Level]] = {}
    for owner in owners:
        cache = _cache(owner, level)
        if isinstance(cache, Siblings) and cache.peers == owners:
            cache.levels[accessor] = level
        else:
            levels = shared.setdefault((level.relation.many, 0), {accessor: level})
            cache = Siblings(cache, owners, levels)
            if level.relation.many:
                owner._prefetched_objects_cache = cache  # type: ignore[attr-defined]
            else:
                owner._state.fields_cache = cache
        if not level.relation.many and not level.relation.reverse and not _key(owner, level):
            cache.setdefault(accessor, None)


def _prefetch(owners: Sequence[Model], level: Level) -> None:
    for chunk in _chunks(owners, level):
        prefetch_related_objects(chunk, _lookup(chunk, level))
    if level.plan.levels:
        load(list(_children(owners, level)), level.plan)


def _lookup(owners: Sequence[Model], level: Level) -> str | Prefetch[Any]:
    relation = level.relation
    if not level.plan.select_related:
        return relation.accessor
    manager = relation.model._default_manager if relation.many else relation.model._base_manager
    queryset = joined(manager.get_queryset(), level.plan)
    return Prefetch(relation.accessor, queryset.using(owners[0]._state.db))


def _owners(objects: Iterable[Model], level: Level) -> Iterator[Model]:
    """The distinct objects that the level hangs on, as far as they are loaded and have a key."""
    seen: set[int] = set()
    for obj in objects:
        owner: Any = obj
        for name in level.path[:-1]:
            owner = owner._state.fields_cache.get(name) if owner is not None else None
        if owner is None or id(owner) in seen or level.relation.local not in owner.__dict__:
            continue
        seen.add(id(owner))
        if level.relation.many and (owner.pk is None or owner._state.adding):
            continue
        yield owner


def _children(owners: Iterable[Model], level: Level) -> Iterator[Model]:
    name = level.relation.accessor
    seen: set[int] = set()
    for owner in owners:
        value = _cache(owner, level).get(name)
        for child in value if level.relation.many and value is not None else (value,):
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield child


def _cache(owner: Any, level: Level) -> Any:
    if level.relation.many:
        return owner.__dict__.get("_prefetched_objects_cache", {})
    return owner._state.fields_cache


def _key(owner: Model, level: Level) -> bool:
    return owner.__dict__[level.relation.local] is not None


def _chunks(owners: Sequence[Model], level: Level) -> Iterator[list[Model]]:
    """Lists short enough for one query.

    Django 5.2 compiles a forward prefetch to ``id = 1 OR id = 2 ...``, which SQLite refuses from about 1,000 on.
    """
    connection = connections[owners[0]._state.db or "default"]
    size = connection.features.max_query_params or 10_000
    if connection.vendor == "sqlite" and VERSION < (6, 0):
        size = 500
    for start in range(0, len(owners), size):
        yield list(owners[start : start + size])

"""The objects whose relations are fetched: which of them there are, and how many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django import VERSION
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model

from djust_ast.relations import Relation


def fetchable(owner: Model, relation: Relation) -> bool:
    """Whether the key is loaded and there: a deferred one would be fetched row by row, an unsaved one refused."""
    if relation.local not in owner.__dict__:
        return False
    if owner.__dict__[relation.local] is None and not (relation.nullable or relation.many):
        return False  # a required key that is not set yet: Django raises
    return not (relation.many or relation.reverse) or not (owner._state.adding or owner.pk is None)


def followed(objects: Sequence[Model], path: Sequence[str]) -> Sequence[Model]:
    """The distinct objects at the end of ``path``, as far as they are loaded."""
    if not path:
        return objects
    found: dict[int, Any] = {id(obj): obj for obj in objects}
    for name in path:
        others = [obj._state.fields_cache.get(name) for obj in found.values()]
        found = {id(other): other for other in others if other is not None}
    return list(found.values())


def cache_of(owner: Any, many: bool) -> Any:
    """Where Django keeps the other sides of the relations of ``owner``."""
    return owner.__dict__.get("_prefetched_objects_cache", {}) if many else owner._state.fields_cache


def database(owner: Model, relation: Relation) -> str:
    """Where Django reads the other side of ``relation``: routers decide it for each owner."""
    own = owner._state.db or DEFAULT_DB_ALIAS
    if not settings.DATABASE_ROUTERS or relation.model is Model:
        return own
    return router.db_for_read(relation.model, instance=owner)


def chunks(owners: Sequence[Model], *relations: Relation) -> Iterator[tuple[str, list[Model]]]:
    """The owners whose ``relations`` are read from the same databases, the first of which comes with them.

    Without ``relations`` it is their own. The lists are short enough for one query. Django 5.2 compiles a forward
    prefetch to ``id = 1 OR id = 2 ...``, which SQLite refuses from about 1,000 on.
    """
    groups: dict[tuple[str, ...], list[Model]] = {}
    for owner in owners:
        aliases = [database(owner, relation) for relation in relations]
        groups.setdefault(tuple(aliases or [owner._state.db or DEFAULT_DB_ALIAS]), []).append(owner)
    for (alias, *_), own in groups.items():
        connection = connections[alias]
        size = connection.features.max_query_params or 10_000
        if connection.vendor == "sqlite" and VERSION < (6, 0):
            size = 500
        for start in range(0, len(own), size):
            yield alias, own[start : start + size]

"""The row route: ``values_list`` of just the planned columns, one query a level, grouped by the parent's key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections

from djust_ast.members import Relation
from djust_ast.plans import Level, QueryPlan
from djust_ast.records import LazyRecords, Records
from djust_ast.states import AnyQuerySet

Row = tuple[Any, ...]
Run = Callable[[AnyQuerySet], tuple[list[Any], list[Any]]]


def rows_of(queryset: AnyQuerySet, plan: QueryPlan) -> list[Row]:
    """The tuples of the plan's columns."""
    return list(queryset.values_list(*plan.columns))


def getter(level: Level, rows: Sequence[Row], db: str, run: Run) -> Callable[[Any], Any]:
    """A function from a parent's key to what stands for the other side of ``level``.

    ``run`` fetches and serializes a queryset, and returns the keys beside the records. Nothing is fetched
    where there is no parent. The keys go into as few queries as the database takes; each runs when one of its
    keys is asked for, and for a lazy level that is when a template touches the rows.
    """
    column, many = level.key, level.relation.many
    keys = list(dict.fromkeys([row[column] for row in rows if row[column] is not None]))
    limit = connections[db].features.max_query_params
    size = max(limit - 50, 1) if limit else 10_000
    chunk_of = {key: index // size for index, key in enumerate(keys)}
    fetched: dict[int, dict[Any, Any]] = {}

    def fetch(chunk: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        asked = keys[chunk * size : (chunk + 1) * size]
        for key, record in zip(*run(_by_key(level.relation, asked, db)), strict=True):
            if many:
                found.setdefault(key, Records()).append(record)
            else:
                found[key] = record
        return found

    def get(key: Any) -> Any:
        chunk = chunk_of.get(key)
        if chunk is None:
            return Records() if many else None
        if chunk not in fetched:
            fetched[chunk] = fetch(chunk)
        found = fetched[chunk].get(key)
        return Records() if found is None and many else found

    return (lambda key: LazyRecords(lambda: get(key))) if level.lazy else get


def _by_key(relation: Relation, keys: list[Any], db: str) -> AnyQuerySet:
    manager = relation.model._default_manager if relation.many else relation.model._base_manager
    queryset = manager.get_queryset().using(db).filter(**{f"{relation.remote}__in": keys})
    return queryset if relation.many else queryset.order_by()

"""The row route: ``values_list`` of just the planned columns, one query a level, grouped by the parent's key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db import connections

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
    where there is no parent; a lazy level is fetched at the first touch of any parent's rows.
    """
    column = level.key
    keys = dict.fromkeys(row[column] for row in rows)
    keys.pop(None, None)

    def fetch() -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for queryset in _queries(level, list(keys), db):
            for key, record in zip(*run(queryset), strict=True):
                if level.relation.many:
                    found.setdefault(key, Records()).append(record)
                else:
                    found[key] = record
        return found

    if not level.lazy:
        found = fetch() if keys else {}
        if level.relation.many:
            return lambda key: found.get(key) or Records()
        return found.get
    once: list[dict[Any, Any]] = []

    def touched(key: Any) -> list[Any]:
        if not once:
            once.append(fetch())
        return once[0].get(key) or Records()

    return lambda key: LazyRecords(lambda: touched(key))


def _queries(level: Level, keys: list[Any], db: str) -> Iterator[AnyQuerySet]:
    relation = level.relation
    manager = relation.model._default_manager if relation.many else relation.model._base_manager
    limit = connections[db].features.max_query_params
    size = max(limit - 50, 1) if limit else 10_000
    for start in range(0, len(keys), size):
        chunk = keys[start : start + size]
        queryset = manager.get_queryset().using(db).filter(**{f"{relation.remote}__in": chunk})
        yield queryset if relation.many else queryset.order_by()

"""The row route: ``values_list`` of just the planned columns, one query a level, grouped by the parent's key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db import connections
from django.db.models import Count, Q, Window
from django.db.models.functions import RowNumber
from django.db.models.lookups import LessThanOrEqual

from djust_ast.plans import Level, QueryPlan
from djust_ast.records import LazyRecords, Records, Size
from djust_ast.relations import Relation
from djust_ast.states import AnyQuerySet, rows_behind

Row = tuple[Any, ...]
Run = Callable[[AnyQuerySet], tuple[list[Any], list[Any]]]


def rows_of(queryset: AnyQuerySet, plan: QueryPlan) -> list[Row]:
    """The tuples of the plan's columns."""
    found = queryset.values_list(*plan.columns)
    if not queryset.query.where.contains_over_clause:
        return list(found)
    # Around a window Django selects a column that has two names (``animal_id``, ``animal__id``) only once.
    unique: dict[Any, str] = {}
    for column, name in zip(found.query.select, plan.columns, strict=True):
        unique.setdefault(column, name)
    if len(unique) == len(plan.columns):
        return list(found)
    place = {column: index for index, column in enumerate(unique)}
    order = [place[column] for column in found.query.select]
    return [tuple([row[index] for index in order]) for row in queryset.values_list(*unique.values())]


def getter(level: Level, keys: Sequence[Any], db: str, run: Run) -> Callable[[Any], Any]:
    """A function from a parent's key to what stands for the other side of ``level``.

    ``run`` fetches and serializes a queryset, and returns the keys beside the records. A lazy level is fetched
    when a template touches the rows.
    """
    many, one = level.relation.many, level.via in ENDS

    def fetch(queryset: AnyQuerySet) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        keys, records = run(queryset)
        for key, record in zip(_parents(level.relation, keys), records, strict=True):
            if many and not one:
                found.setdefault(key, Records()).append(record)
            else:
                found[key] = record
        return found

    find = _finder(level, keys, db, fetch)

    def get(key: Any) -> Any:
        found = find(key)
        return Records() if found is None and many and not one else found

    if not level.lazy:
        return get
    # A template calls ``first`` where it looks it up, as it calls the manager's.
    return (lambda key: partial(get, key)) if one else (lambda key: LazyRecords(lambda: get(key)))


ENDS = ("first", "last")


def tally(level: Level, keys: Sequence[Any], db: str) -> Callable[[Any], dict[str, Any]]:
    """A function from a parent's key to what the template asks of the number of its rows.

    The answers of a lazy level are functions, which a template calls where it looks them up, as it calls the
    manager's.
    """

    def fetch(queryset: AnyQuerySet) -> dict[Any, Any]:
        found = list(counted(queryset, level.relation))
        parents = _parents(level.relation, [key for key, _ in found])
        return dict(zip(parents, [count for _, count in found], strict=True))

    find = _finder(level, keys, db, fetch)

    def answer(ask: str, key: Any) -> Any:
        return _ANSWERS[ask](find(key) or 0)

    return lambda key: {
        ask: partial(answer, ask, key) if level.lazy else answer(ask, key) for ask in level.asks
    }


_ANSWERS: dict[str, Callable[[int], Any]] = {"count": int, "exists": bool, "all": Size}


def counted(queryset: AnyQuerySet, relation: Relation) -> AnyQuerySet:
    """``(parent's key, number of rows)`` of a queryset of the rows behind ``relation``."""
    return queryset.order_by().values_list(relation.remote).annotate(_count=Count("*"))


def _finder(
    level: Level, parents: Sequence[Any], db: str, fetch: Callable[[AnyQuerySet], dict[Any, Any]]
) -> Callable[[Any], Any]:
    """A function from a parent's key to what ``fetch`` has for it, or ``None``.

    Nothing is fetched where there is no parent. The keys go into as few queries as the database takes; each runs
    when one of its keys is asked for.
    """
    keys = list(dict.fromkeys([key for key in parents if key is not None]))
    limit = connections[db].features.max_query_params
    size = max(limit - 50, 1) if limit else 10_000
    chunk_of = {key: index // size for index, key in enumerate(keys)}
    fetched: dict[int, dict[Any, Any]] = {}

    def find(key: Any) -> Any:
        chunk = chunk_of.get(key)
        if chunk is None:
            return None
        if chunk not in fetched:
            asked = keys[chunk * size : (chunk + 1) * size]
            fetched[chunk] = fetch(_by_key(level, asked, db))
        return fetched[chunk].get(key)

    return find


def _parents(relation: Relation, keys: list[Any]) -> list[Any]:
    """The parents' keys as the parents have them: those of a generic relation may be text."""
    return keys if relation.generic is None else [relation.generic.key(key) for key in keys]


def _by_key(level: Level, keys: list[Any], db: str) -> AnyQuerySet:
    relation = level.relation
    own = {f"{relation.remote}__in": keys}
    if relation.generic is not None:
        own |= relation.generic.restriction(db)
    queryset = rows_behind(relation).using(db)
    if level.via:
        return picked(queryset, level, **own)
    queryset = queryset.filter(**own)
    return queryset if relation.many else queryset.order_by()


def picked(queryset: AnyQuerySet, level: Level, **own: Any) -> AnyQuerySet:
    """The first rows of each parent, in the order in which ``first``, ``last`` or an index takes them."""
    if not queryset.ordered:
        queryset = queryset.order_by("pk")
    if level.via == "last":
        queryset = queryset.reverse()
    order = [order for order, _ in queryset.query.get_compiler(using=queryset.db).get_order_by()]
    number = Window(RowNumber(), partition_by=level.relation.remote, order_by=order)
    # In one call, so that both mean the same row of a table between.
    found: AnyQuerySet = queryset.filter(Q(**own) & Q(LessThanOrEqual(number, level.top)))
    return found if level.via == "all" else found.order_by()

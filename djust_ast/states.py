"""What a queryset is already, and so what may be done to it.

Nothing here runs a query. The reasons are said by ``explain()``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.models import Manager, Model
from django.db.models.expressions import RawSQL
from django.db.models.query import ModelIterable, QuerySet
from django.db.models.sql.query import Query
from django.db.models.sql.where import ExtraWhere

from djust_ast.members import RelationMember, member
from djust_ast.plans import FRESH, GIVEN, State
from djust_ast.relations import Relation
from djust_ast.stock import counts_together

AnyQuerySet = Any  # a queryset, its privates included: they are not in its stubs

# How an instance fetches what is not loaded (Django 6.1): itself alone, as ever, or with those that came with it.
FETCH_ONE = getattr(models, "FETCH_ONE", None)
FETCH_PEERS = getattr(models, "FETCH_PEERS", None)

# What Django's own QuerySet does, and records in its place rely on.
_KEPT = ("_fetch_all", "_iterator", "__iter__", "_clone", "_chain", "values_list", "_values", "iterator")


def state_of(queryset: AnyQuerySet) -> State:
    """What the planner may do to ``queryset``; ``GIVEN`` when it was evaluated."""
    if queryset._result_cache is not None:
        return GIVEN
    total = total_order(queryset) and not _spelled(queryset.query)
    reason = next((reason for applies, reason in REFUSALS if applies(queryset)), None)
    if reason is None and not total:
        reason = next((reason for applies, reason in TIED_REFUSALS if applies(queryset)), None)
    query = queryset.query
    return State(
        rows=reason,
        joins=total and not any(applies(queryset) for applies in NO_JOINS),
        steady=not total or any(applies(queryset) for applies in STEADY),
        unloaded=_unloaded(queryset),
        whole_rows=not total,
        distinct=query.distinct,
        # Without them equal rows would be one, or ties fall in another way.
        aliases=() if total and not query.distinct else tuple(query.annotation_select),
        known=frozenset([field.name for field in queryset._known_related_objects]),
        prefetched=frozenset(
            [
                str(getattr(lookup, "prefetch_to", lookup)).partition("__")[0]
                for lookup in queryset._prefetch_related_lookups
            ]
        ),
    )


def fetch_mode_of(value: Model | AnyQuerySet) -> Any:
    """How its instances fetch what is not loaded; ``FETCH_ONE`` before Django 6.1."""
    mode = getattr(value._state, "fetch_mode", FETCH_ONE) if isinstance(value, Model) else None
    mode = mode or getattr(value, "_fetch_mode", FETCH_ONE)
    return FETCH_ONE if getattr(mode, "ours", False) else mode


def rows_behind(relation: Relation) -> AnyQuerySet:
    """All rows of the other side of ``relation``, as a descriptor asks for them: in the mode of the parent."""
    manager = relation.model._default_manager if relation.many else relation.model._base_manager
    queryset: AnyQuerySet = manager.get_queryset()
    return queryset if fetch_mode_of(queryset) is FETCH_ONE else queryset.fetch_mode(FETCH_ONE)


def aliases_of(queryset: AnyQuerySet) -> tuple[str, ...]:
    """The annotations that its instances show under their names: they hide methods, but no properties."""
    names = queryset.query.annotation_select
    return tuple([name for name in names if not _settled(queryset.model, name)]) if names else ()


def _settled(model: type[Model], name: str) -> bool:
    """Whether the class answers for ``name``, whatever an instance has under it: a property, but no method."""
    return hasattr(type(inspect.getattr_static(model, name, None)), "__set__")


def attrs_of(queryset: AnyQuerySet) -> tuple[tuple[str, type[Model]], ...]:
    """The names under which the view's ``Prefetch()`` leave their rows, and the models of these."""
    found = []
    for lookup in queryset._prefetch_related_lookups:
        name = getattr(lookup, "to_attr", None)
        if not name or "__" in lookup.prefetch_to or hasattr(queryset.model, name):
            continue
        relation = member(queryset.model, lookup.prefetch_through)
        if lookup.queryset is not None:
            found.append((name, lookup.queryset.model))
        elif isinstance(relation, RelationMember):
            found.append((name, relation.relation.model))
    return tuple(found)


def state_behind(relation: Relation, rows: str | None = None) -> State:
    """The state of the query that fetches the other side of ``relation`` by key."""
    if not relation.many:
        return State(rows=rows, joins=not settings.DATABASE_ROUTERS)
    if relation.refusal is not None:
        return State(rows=relation.refusal, joins=False, steady=True)
    state = state_of(relation.model._default_manager.get_queryset())
    return (
        state
        if rows is None
        else State(rows=rows, joins=state.joins, steady=state.steady, unloaded=state.unloaded)
    )


def picked_state(relation: Relation, vias: Collection[str]) -> State | None:
    """The state of the query that fetches some rows of each parent; ``None`` where others might be taken.

    ``first`` and ``last`` order by the key what has no order of its own.
    """
    if relation.refusal is not None or not counts_together(relation.model):
        return None
    queryset = relation.model._default_manager.get_queryset()
    if not queryset.ordered and "all" not in vias:
        queryset = queryset.order_by("pk")
    state = state_of(queryset)
    return None if state.whole_rows else state


def plannable(queryset: AnyQuerySet) -> bool:
    """Whether it holds model instances that are made by Django's own iterable, lazily or already."""
    iterable = queryset._iterable_class
    return queryset._fields is None and (iterable is ModelIterable or hasattr(iterable, "plan"))


def total_order(queryset: AnyQuerySet) -> bool:
    """Whether the order ends in something unique, so that no two rows tie."""
    query = queryset.query
    if query.extra_order_by or query.group_by is not None or not (query.default_ordering or query.order_by):
        return False
    ordering = query.order_by or query.get_meta().ordering or ()
    names = [item.lstrip("-+") for item in ordering if isinstance(item, str)]
    if any(_unique(queryset.model, name) for name in names):
        return True
    return any(together <= set(names) for together in _unique_together(queryset.model))


def _unique(model: type[Model], name: str) -> bool:
    if name == "pk":
        return True
    return any(
        field.unique and not field.null and name in (field.name, field.attname) and not field.is_relation
        for field in model._meta.concrete_fields
    )


@cache
def _unique_together(model: type[Model]) -> tuple[frozenset[str], ...]:
    """The sets of columns that no two rows have in common."""
    meta: Any = model._meta
    together = [*meta.unique_together, *(constraint.fields for constraint in meta.total_unique_constraints)]
    together.append([field.name for field in getattr(meta, "pk_fields", ())])
    plain = {
        name
        for field in meta.concrete_fields
        if not field.null
        for name in (field.attname, *(() if field.is_relation else (field.name,)))
    }
    attnames = {field.name: field.attname for field in meta.concrete_fields}
    found = [frozenset([attnames.get(name, name) for name in names]) for names in together if names]
    return tuple([names for names in found if names <= plain])


def _spelled(query: Any) -> bool:
    """Whether the view wrote some of its SQL, whose names a further table may make ambiguous."""
    if query.extra or query.extra_tables:
        return True
    parts = [query.where, *query.annotations.values(), *query.order_by, *(query.get_meta().ordering or ())]
    while parts:
        part = parts.pop()
        if isinstance(part, RawSQL | ExtraWhere):
            return True
        if not isinstance(part, Query):  # names inside a subquery are its own
            parts += getattr(part, "get_source_expressions", list)()
    return False


def _own_methods(queryset: AnyQuerySet) -> bool:
    cls = type(queryset)
    return cls is not QuerySet and any(
        getattr(cls, name, None) is not getattr(QuerySet, name, None) for name in _KEPT
    )


def _deferred(queryset: AnyQuerySet) -> bool:
    return bool(queryset.query.deferred_loading[0]) or not queryset.query.deferred_loading[1]


def _unloaded(queryset: AnyQuerySet) -> frozenset[str] | None:
    """The columns that the view has deferred; ``None`` if it did not choose.

    From Django 6.1 on the owner of related rows is known only by a key that is loaded, so a deferred one stays so
    (``ModelIterable``).
    """
    if not _deferred(queryset):
        return None
    kept = queryset._known_related_objects if FETCH_ONE is not None else ()
    try:
        loaded = queryset.query.get_select_mask()
    except (FieldError, FieldDoesNotExist):  # Django raises when it runs
        return frozenset()
    if not loaded:
        return frozenset()
    fields = queryset.model._meta.concrete_fields
    return frozenset([field.attname for field in fields if field not in loaded and field not in kept])


def _own_prefetch(queryset: AnyQuerySet) -> bool:
    return any(not isinstance(lookup, str) for lookup in queryset._prefetch_related_lookups)


def _hiding(queryset: AnyQuerySet) -> bool:
    """Whether an annotation is found where the class has a member, such as ``get_status_display``."""
    return any(hasattr(queryset.model, name) for name in queryset.query.annotation_select)


# Why rows may not replace the instances of a queryset (docs/plans.md).
REFUSALS: tuple[tuple[Callable[[AnyQuerySet], Any], str], ...] = (
    (_own_methods, "the queryset class has its own way to make instances"),
    (lambda qs: qs.query.combinator, "a union, intersection or difference"),
    (lambda qs: qs.query.select_for_update, "select_for_update()"),
    (lambda qs: qs.query.distinct_fields, "distinct() on fields"),
    (lambda qs: qs.query.extra, "extra()"),
    (_own_prefetch, "a Prefetch() by the view"),
    (_hiding, "an annotation has the name of a method"),
    (lambda qs: settings.DATABASE_ROUTERS, "database routers"),
)
# The same where the order has ties: the columns of the main query could not stay as they are.
TIED_REFUSALS: tuple[tuple[Callable[[AnyQuerySet], Any], str], ...] = (
    (lambda qs: qs.query.select_related, "select_related() by the view, in an order with ties"),
    (_deferred, "only() or defer() by the view, in an order with ties"),
)
# Why the main query may not be joined.
NO_JOINS: tuple[Callable[[AnyQuerySet], Any], ...] = (
    lambda qs: qs.query.combinator,
    lambda qs: qs.query.select_for_update,
    lambda qs: qs.query.select_related is True,
    lambda qs: qs._known_related_objects,
    _deferred,
    lambda qs: settings.DATABASE_ROUTERS,
)


# Why the columns of the main query stay what they are.
STEADY: tuple[Callable[[AnyQuerySet], Any], ...] = (
    lambda qs: qs.query.combinator,
    lambda qs: qs.query.select_for_update,
    lambda qs: qs.query.select_related is True,
    lambda qs: qs.query.distinct_fields,
    lambda qs: qs.query.extra,
    _own_methods,
)


def queryset_of(value: Manager[Any] | AnyQuerySet) -> AnyQuerySet:
    """A manager's rows, or the queryset itself."""
    return value if isinstance(value, QuerySet) else value.all()


__all__ = [
    "FETCH_ONE",
    "FETCH_PEERS",
    "FRESH",
    "GIVEN",
    "attrs_of",
    "fetch_mode_of",
    "picked_state",
    "plannable",
    "queryset_of",
    "rows_behind",
    "state_behind",
    "state_of",
    "total_order",
]

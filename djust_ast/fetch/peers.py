"""What no plan foresaw, fetched for all rows at once: Django's ``FETCH_PEERS``, where there is such a thing.

Rows of one key get objects of their own, as without it, since a page may be able to tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from typing import Any
from weakref import ref

from django.db import models
from django.db.models import Model, QuerySet

from djust_ast.conf import settings
from djust_ast.members import RelationMember, member
from djust_ast.plans import QueryPlan
from djust_ast.seen import note
from djust_ast.states import AnyQuerySet
from djust_ast.stock import hand_made

FETCH_PEERS = getattr(models, "FETCH_PEERS", None)  # Django 6.1
FETCH_ONE = getattr(models, "FETCH_ONE", None)


def joined(queryset: AnyQuerySet, plan: QueryPlan) -> AnyQuerySet:
    """A clone of ``queryset`` with the plan's joins added to the user's own, and the columns that it asks for."""
    queryset = queryset.select_related(*plan.select_related) if plan.select_related else queryset._chain()
    if plan.deferred:
        queryset = queryset.defer(*plan.deferred)
    return with_peers(wanting(queryset, plan.wanted))


def wanting(queryset: AnyQuerySet, columns: Collection[str]) -> AnyQuerySet:
    """A clone of ``queryset`` that loads ``columns``, which the view has deferred, with the rest."""
    if not columns:
        return queryset
    clone = queryset._chain()
    chosen, defers = clone.query.deferred_loading
    # Under any of the names by which they may be deferred.
    fields = [clone.model._meta.get_field(name) for name in columns]
    names = {name for field in fields for name in (field.name, field.attname)}
    clone.query.deferred_loading = (chosen - names if defers else chosen | set(columns), defers)
    return clone


def with_peers(queryset: AnyQuerySet) -> AnyQuerySet:
    """``queryset`` with the fetch mode for peers, unless the user chose one or its instances are made by hand."""
    if (
        PEERS is None
        or not settings().LEARN
        or queryset._fetch_mode is not FETCH_ONE
        or queryset.query.select_related is True
    ):
        return queryset
    if any(_makes_its_own(model) for model in _models(queryset.model, queryset.query.select_related or {})):
        return queryset
    return queryset.fetch_mode(PEERS)


def together(objects: Iterable[Any]) -> None:
    """Have ``objects``, which came without a mode, fetch for each other as if they had come in one query."""
    if PEERS is None or not settings().LEARN:
        return
    groups: dict[type[Model], dict[int, Any]] = {}
    for obj in objects:
        if obj._state.fetch_mode is FETCH_ONE and not _makes_its_own(type(obj)):
            groups.setdefault(type(obj), {})[id(obj)] = obj
    for group in groups.values():
        references = tuple(map(ref, group.values()))
        for obj in group.values():
            obj._state.fetch_mode, obj._state.peers = PEERS, references


def with_prefetched(objects: Sequence[Model], queryset: AnyQuerySet) -> Sequence[Model]:
    """``objects`` of ``queryset``, with the rows that the view prefetches: these do not inherit its fetch mode."""
    lookups = (
        queryset._prefetch_related_lookups if PEERS is not None and queryset._fetch_mode is PEERS else ()
    )
    for lookup in lookups:
        found: Sequence[Any] = objects
        for name in str(getattr(lookup, "prefetch_to", lookup)).split("__"):
            found = [row for owner in found for row in _held(owner, name)]
            together(found)
    return objects


def _held(owner: Any, name: str) -> list[Any]:
    """What the view has prefetched under ``name``."""
    kept = owner.__dict__.get("_prefetched_objects_cache", {}).get(name)
    value = owner.__dict__.get(name, owner._state.fields_cache.get(name)) if kept is None else kept
    rows = list(value) if isinstance(value, list | QuerySet) else [value]
    return [row for row in rows if isinstance(row, Model)]


def _makes_its_own(model: type[Model]) -> bool:
    """Whether instances are made, or kept, in a way that Django's mode may not reach."""
    return getattr(model.from_db, "__func__", None) is not getattr(Model.from_db, "__func__", None) or (
        hand_made(model) is not None and not model._meta.parents
    )


def _models(model: type[Model], joined: dict[str, Any]) -> Iterator[type[Model]]:
    yield model
    for name, below in joined.items():
        found = next((field for field in model._meta.get_fields() if field.name == name), None)
        related = getattr(found, "related_model", None)
        if related is not None:
            yield from _models(related, below)


def _part(owners: Sequence[Model], name: str) -> None:
    """Give each owner an object of its own under ``name``, as Django gives it without a prefetch."""
    taken: set[int] = set()
    for owner in owners:
        other = owner._state.fields_cache.get(name)
        if other is not None and id(other) in taken:
            owner._state.fields_cache[name] = twin(other, {})
        taken.add(id(other))


def twin(obj: Any, twins: dict[int, Any]) -> Any:
    """A copy of ``obj`` and of the objects that it was fetched with."""
    if obj is not None and id(obj) not in twins:
        made = twins[id(obj)] = copy(obj)
        for name, other in obj._state.fields_cache.items():
            made._state.fields_cache[name] = twin(other, twins)
    return twins.get(id(obj))


def _sure(fetcher: Any, instance: Model) -> str | None:
    """The name of a foreign key behind which there always is a row: a missing one would look different."""
    field = getattr(fetcher, "field", None)
    if field is None or not hasattr(field, "cache_name"):
        return None
    found = member(type(instance), field.name)
    if not isinstance(found, RelationMember) or found.relation.many or found.relation.reverse:
        return None
    return str(field.cache_name) if found.relation.refusal is None else None


def _assigned(instance: Any, attname: str) -> bool:
    """Whether its key is there while those of peers are not loaded: these would have to be fetched for it."""
    return attname in instance.__dict__ and not all(
        attname in peer.__dict__ for reference in instance._state.peers if (peer := reference()) is not None
    )


def _apart() -> Any:
    if FETCH_PEERS is None:
        return None

    class Apart(type(FETCH_PEERS)):  # type: ignore[misc]
        """``FETCH_PEERS`` that gives each peer an object of its own."""

        __slots__ = ()
        ours = True  # which objects have of us, not of their user

        def fetch(self, fetcher: Any, instance: Any) -> None:
            name = _sure(fetcher, instance)
            if name is None or _assigned(instance, fetcher.field.attname):
                fetcher.fetch_one(instance)
                return
            note(type(instance), name)
            super().fetch(fetcher, instance)
            peers = [peer for reference in instance._state.peers if (peer := reference()) is not None]
            if len(peers) > 1:
                _part(peers, name)
                others = [peer._state.fields_cache.get(name) for peer in peers]
                references = tuple([ref(other) for other in others if other is not None])
                for other in filter(None, others):
                    other._state.peers = references

        def __reduce__(self) -> str:
            return "PEERS"

    return Apart()


PEERS = _apart()

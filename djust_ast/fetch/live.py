"""Live querysets with a plan: the user's own query, and instances that know what will be asked of them.

The plan hangs on ``_iterable_class``, which Django's clones keep, so ``query`` stays as the user wrote it and
``delete()``, ``count()`` and combinations see nothing of it.
"""

from __future__ import annotations

import copyreg
from collections.abc import Iterator
from copy import copy
from typing import Any, ClassVar

from django.db.models import prefetch_related_objects
from django.db.models.query import ModelIterable, RawQuerySet

from djust_ast.errors import PlanError
from djust_ast.fetch.instances import load
from djust_ast.fetch.peers import joined, together, wanting, with_peers, with_prefetched
from djust_ast.fetch.sql import prove
from djust_ast.plans import QueryPlan
from djust_ast.states import AnyQuerySet, state_of


class _Planned(type):
    """The class of iterables with a plan; pickled, they are Django's own again."""


def _stock() -> type[ModelIterable]:  # type: ignore[type-arg]
    return ModelIterable


def _reduced(_: _Planned) -> Any:
    return _stock, ()


copyreg.pickle(_Planned, _reduced)


class PlannedIterable(ModelIterable, metaclass=_Planned):  # type: ignore[type-arg]  # not subscriptable at run time
    """Makes instances as ``ModelIterable`` does, joined and prefetched by the plan.

    The joins are tried out at the first iteration: what Django refuses is left out.
    """

    plan: ClassVar[QueryPlan]
    joins: ClassVar[bool | None] = None

    def __iter__(self) -> Iterator[Any]:
        queryset: AnyQuerySet = self.queryset
        queryset = queryset._chain()
        queryset._iterable_class = ModelIterable
        queryset = self._changed(queryset)
        objects: Iterator[Any] | Any = ModelIterable(queryset, self.chunked_fetch, self.chunk_size)
        if self.chunked_fetch:
            yield from objects
            return
        found = list(objects)
        if queryset._prefetch_related_lookups:
            prefetch_related_objects(found, *queryset._prefetch_related_lookups)  # Django will find it done
            with_prefetched(found, queryset)
        load(found, self.plan)
        yield from found

    def _changed(self, queryset: AnyQuerySet) -> AnyQuerySet:
        """The query as planned, as far as what became of it since allows."""
        if self.plan.select_related or self.plan.wanted:
            state = state_of(queryset)
            if self.plan.select_related and state.joins and self._joinable(queryset):
                return joined(queryset, self.plan)
            if not state.steady:
                queryset = wanting(queryset, set(self.plan.wanted) & (state.unloaded or set()))
        return with_peers(queryset)

    def _joinable(self, queryset: AnyQuerySet) -> bool:
        cls = type(self)
        if cls.joins is None:
            try:
                prove(queryset, self.plan)
            except PlanError:
                cls.joins = False
            else:
                cls.joins = True
        return cls.joins


def planned(queryset: AnyQuerySet, plan: QueryPlan) -> AnyQuerySet:
    """A clone of ``queryset`` that follows ``plan`` when it is iterated."""
    return plan_in_place(queryset._chain(), plan)


def plan_in_place(queryset: AnyQuerySet, plan: QueryPlan) -> AnyQuerySet:
    """``queryset`` itself, which follows ``plan`` when it is iterated."""
    queryset._iterable_class = _Planned("PlannedIterable", (PlannedIterable,), {"plan": plan})
    return queryset


def planned_raw(queryset: RawQuerySet[Any], plan: QueryPlan) -> RawQuerySet[Any]:
    """A copy of ``queryset`` that follows ``plan`` when it is iterated."""
    clone: Any = copy(queryset)

    def iterator() -> Iterator[Any]:
        found = list(queryset.iterator())
        together(found)
        load(found, plan)
        yield from found

    clone.iterator = iterator  # which it asks for its rows
    return clone  # type: ignore[no-any-return]

"""Live querysets with a plan: the user's own query, and instances that know what will be asked of them.

The plan hangs on ``_iterable_class``, which Django's clones keep, so ``query`` stays as the user wrote it and
``delete()``, ``count()`` and combinations see nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.db.models.query import ModelIterable

from djust_ast.fetch.instances import joined, load
from djust_ast.plans import QueryPlan
from djust_ast.states import AnyQuerySet, state_of


class PlannedIterable(ModelIterable):  # type: ignore[type-arg]  # not subscriptable at run time
    """Makes instances as ``ModelIterable`` does, joined and prefetched by the plan."""

    plan: ClassVar[QueryPlan]

    def __iter__(self) -> Iterator[Any]:
        queryset: AnyQuerySet = self.queryset
        queryset = queryset._chain()
        queryset._iterable_class = ModelIterable
        if state_of(queryset).joins:
            queryset = joined(queryset, self.plan)
        objects: Iterator[Any] | Any = ModelIterable(queryset, self.chunked_fetch, self.chunk_size)
        if self.chunked_fetch:
            yield from objects
            return
        found = list(objects)
        load(found, self.plan)
        yield from found


def planned(queryset: AnyQuerySet, plan: QueryPlan) -> AnyQuerySet:
    """A clone of ``queryset`` that follows ``plan`` when it is iterated."""
    clone = queryset._chain()
    clone._iterable_class = type("PlannedIterable", (PlannedIterable,), {"plan": plan})
    return clone

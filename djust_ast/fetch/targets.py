"""The targets of generic foreign keys, fetched when first touched: one query for each type of object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from djust_ast.binder import bind
from djust_ast.errors import BindError
from djust_ast.fetch.peers import joined, twin
from djust_ast.planner import plan as make_plan
from djust_ast.plans import Level, QueryPlan, State, told
from djust_ast.stock import filtering

BARE = QueryPlan("instances")


class Groups:
    """The owners of one generic key by the types of their targets; a group is fetched with its first."""

    __slots__ = ("level", "of")

    def __init__(self, owners: Iterable[Any], level: Level) -> None:
        groups: dict[tuple[str, Any], list[Any]] = {}
        relation = level.relation
        self.level = level
        self.of: dict[int, list[Any]] = {}  # by the ids of the owners' caches, which are asked
        for owner in owners:
            values, cache = owner.__dict__, owner._state.fields_cache
            # What is deferred, or not there, is Django's own affair.
            if relation.accessor in cache or None in (
                values.get(relation.local),
                values.get(relation.field.fk_field),
            ):
                continue
            key = (owner._state.db or DEFAULT_DB_ALIAS, values[relation.local])
            group = groups.setdefault(key, [])
            group.append(owner)
            self.of[id(cache)] = group

    def fetch(self, cache: dict[str, Any]) -> list[tuple[list[Model], QueryPlan]]:
        """Put into the caches of all owners like that of ``cache`` their targets; these, and what to load below."""
        owners = self.of.get(id(cache), ())
        for owner in owners:
            del self.of[id(owner._state.fields_cache)]
        return self._fetched(owners) if owners else []

    def _fetched(self, owners: Iterable[Any]) -> list[tuple[list[Model], QueryPlan]]:
        name, field = self.level.relation.accessor, self.level.relation.field
        first = next(iter(owners))
        db = first._state.db or DEFAULT_DB_ALIAS
        found = field.get_content_type(id=first.__dict__[self.level.relation.local], using=db)
        model = found.model_class()
        if model is None or filtering(model._base_manager):
            return []
        asked: dict[Any, list[Any]] = {}
        for owner in owners:
            try:
                key = model._meta.pk.to_python(owner.__dict__[field.fk_field])
            except (ValidationError, TypeError, ValueError):
                continue  # Django raises when it comes to it
            asked.setdefault(key, []).append(owner)
        plan = self._plan(model)
        queryset = model._base_manager.using(db).filter(pk__in=list(asked)).order_by()
        rows = {obj.pk: obj for obj in joined(queryset, plan)}
        targets = []
        for key, group in asked.items():
            target = rows.get(key)
            for row, owner in enumerate(group):
                own = target if target is None or row == 0 else twin(target, {})
                owner._state.fields_cache[name] = own
                targets += [] if own is None else [own]
        return [(targets, plan)]

    def _plan(self, model: type[Model]) -> QueryPlan:
        plans, node = self.level.below, self.level.node
        if model not in plans and node is not None:
            try:
                plan = make_plan(
                    bind(node, model),
                    State(rows="its parent is an instance", joins=not settings.DATABASE_ROUTERS),
                )
                plans[model] = told(plan) if self.level.asking else plan
            except BindError:
                plans[model] = BARE
        return plans.get(model, BARE)

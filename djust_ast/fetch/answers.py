"""What a template asks of related managers whose rows it does not loop over, fetched for all instances at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db.models import F, Model

from djust_ast.fetch.owners import chunks, fetchable
from djust_ast.fetch.peers import joined
from djust_ast.fetch.rows import ENDS, getter, tally
from djust_ast.plans import Level, QueryPlan
from djust_ast.records import ANSWERS, Answers
from djust_ast.states import AnyQuerySet

KEY = "_djust_ast_key"
Load = Callable[[Sequence[Model], QueryPlan], object]


def answer(owners: Sequence[Model], levels: Sequence[Level], load: Load) -> None:
    """Give each owner the answers of the manager that all ``levels`` are of; ``load`` loads below its rows.

    Owners whose rows the view has fetched answer for themselves, and so do those that are not saved yet.
    """
    relation = levels[0].relation
    name = relation.accessor
    for db, chunk in chunks([owner for owner in owners if fetchable(owner, relation)], relation):
        ask = [asked(level, chunk, db, load) for level in levels]
        for owner in chunk:
            kept = owner.__dict__.get("_prefetched_objects_cache", {})
            if name in kept and name not in getattr(kept, "ours", ()):
                manager = getattr(owner, name)
                answers = {
                    via: getattr(manager, via) for level in levels for via in (*level.asks, level.via) if via
                }
            else:
                answers = {via: given for one in ask for via, given in one(owner).items()}
            owner.__dict__.setdefault(ANSWERS, {})[name] = Answers(answers)


def asked(level: Level, owners: Sequence[Any], db: str, load: Load) -> Callable[[Any], dict[str, Any]]:
    """A function from an owner to the answers of ``level``."""
    relation = level.relation
    keys = [owner.__dict__[relation.local] for owner in owners]
    if level.asks:
        count = tally(level, keys, db)
        return lambda owner: count(owner.__dict__[relation.local])
    get = getter(level, keys, db, partial(_instances, level, load))

    def take(owner: Any) -> Any:
        found = get(owner.__dict__[relation.local])
        found = found() if callable(found) else found
        if relation.way_back is not None:
            for obj in (found,) if level.via in ENDS else found:
                if obj is not None:
                    relation.way_back.set_cached_value(obj, owner)
        return found

    return lambda owner: {level.via: partial(take, owner) if level.lazy else take(owner)}


def _instances(level: Level, load: Load, queryset: AnyQuerySet) -> tuple[list[Any], list[Any]]:
    """The parents' keys of the rows, and the rows."""
    remote = level.relation.remote
    queryset = joined(queryset, level.plan)
    if level.relation.m2m:
        queryset = queryset.annotate(**{KEY: F(remote)})
    objects = list(queryset)
    load(objects, level.plan)
    if level.relation.m2m:
        return [obj.__dict__.pop(KEY) for obj in objects], objects
    return [getattr(obj, remote) for obj in objects], objects

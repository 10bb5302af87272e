"""What no plan foresaw, before Django 6.1: which of it may be fetched for all rows at once.

The first row that loads a relation lazily, in code that cannot be followed, has it fetched for all of them. So one
query takes the place of one or more that plain Django runs, whatever ran before, and nothing is remembered from one
page to the next that could go stale. From 6.1 on ``peers`` does it.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from django.conf import settings as django_settings
from django.db.models import Model
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor, ReverseOneToOneDescriptor

from djust_ast.conf import settings
from djust_ast.fetch.peers import PEERS
from djust_ast.members import RelationMember, member
from djust_ast.plans import Level, QueryPlan
from djust_ast.seen import note
from djust_ast.specs import SerializerSpec
from djust_ast.stock import hand_made, observed

_READING: Any = {ForwardManyToOneDescriptor.__get__.__code__, ReverseOneToOneDescriptor.__get__.__code__}
_PLAN = QueryPlan("instances", unseen=True)


def fetched() -> bool:
    """Whether it is: routers may send each row to a database of its own."""
    return PEERS is None and settings().LEARN and not django_settings.DATABASE_ROUTERS


def level(owner: Model, name: str) -> Level | None:
    """How to fetch the other side of ``name`` for ``owner`` and its peers, which a descriptor is about to load.

    ``None`` where Django would not ask the database, or where objects that are fetched together could be told from
    those that are fetched one by one: their making is seen, or the row may not be there.
    """
    if not _is_read(sys._getframe(2)):
        return None  # as when the relation is assigned: nothing would be loaded
    found = member(type(owner), name)
    if not isinstance(found, RelationMember) or found.relation.many or found.relation.refusal is not None:
        return None
    relation = found.relation
    if relation.accessor != name or owner.__dict__.get(relation.local) is None:
        return None
    if relation.field.model is not (relation.model if relation.reverse else type(owner)._meta.concrete_model):
        return None  # a parent in inheritance may hold it already
    if hand_made(relation.model) or observed(relation.model):
        return None
    note(type(owner), name)
    return Level((name,), relation, SerializerSpec(relation.model, ()), _PLAN, apart=True, foreseen=False)


def _is_read(frame: FrameType | None) -> bool:
    """Whether the descriptor that asks the cache, through its field, is read."""
    while frame is not None and frame.f_code.co_name in ("get_cached_value", "__missing__"):
        frame = frame.f_back
    return frame is not None and frame.f_code in _READING

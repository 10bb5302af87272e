"""Tells, while ``DEBUG`` is on, what a page loaded row by row although it could have been planned.

Every query that runs inside a template, and was not asked for by a plan, is traced back through the stack to the
descriptor that loads something, the property or method that reads it, and the line of the template::

    Lease.tenant_name reads Tenant.user, not planned: rentals/list.html:12

Nothing is patched: a wrapper is put around the queries of each connection when it is made.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from types import FrameType
from typing import Any

from django.db.models import Model
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ReverseOneToOneDescriptor,
)
from django.db.models.query import QuerySet
from django.db.models.query_utils import DeferredAttribute
from django.template.base import Node

from djust_ast.conf import given

logger = logging.getLogger("djust_ast")
MAX_SAID = 1_000
_said: set[str] = set()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Load:
    """One thing that was loaded lazily: ``owner.name``, read by ``member`` at ``place``."""

    owner: str
    name: str
    member: str | None = None
    place: str | None = None

    def __str__(self) -> str:
        what = f"{self.owner}.{self.name}"
        read = f"{self.member} reads {what}" if self.member else f"{what} is read"
        return f"{read}, not planned" + (f": {self.place}" if self.place else "")


def watch(connection: Any, **_: Any) -> None:
    """Look at the queries of ``connection`` while ``DEBUG`` is on; a receiver of ``connection_created``."""
    if given().get("DEBUG") is True and report not in connection.execute_wrappers:
        connection.execute_wrappers.append(report)


def report(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a query, and say in the log where it came from if no plan asked for it."""
    load = lazy_load(sys._getframe(1))
    if load is not None:
        _say(str(load))
    return execute(sql, params, many, context)


def _say(text: str) -> None:
    with _lock:
        if text in _said or len(_said) >= MAX_SAID:
            return
        _said.add(text)
    logger.warning(text)


def lazy_load(frame: FrameType | None) -> Load | None:
    """What is being loaded at ``frame``; ``None`` outside of templates, and where a plan is being run."""
    loaded: tuple[str, str] | None = None
    member: str | None = None
    for here in _callers(frame):
        if here.f_globals.get("__name__") in _PLANNED:
            return None
        owner = here.f_locals.get("self")
        if isinstance(owner, Node):
            if loaded is None or here.f_code.co_name != "render_annotated":
                continue
            token, origin = getattr(owner, "token", None), getattr(owner, "origin", None)
            place = (
                f"{getattr(origin, 'template_name', None) or '<template>'}:{token.lineno}" if token else None
            )
            return Load(*loaded, member, place)
        found = _loaded(here, owner) if member is None else None
        if found is not None and (loaded is None or isinstance(owner, _DESCRIPTORS)):
            loaded = found  # a descriptor asks through a queryset
        elif loaded is None:
            continue
        elif isinstance(owner, Model) and not here.f_globals.get("__name__", "").startswith("django.db."):
            member = f"{type(owner).__name__}.{here.f_code.co_name}"  # the outermost one is what the template named
    return None


# Modules that ask the database what a plan told them to ask.
_PLANNED = frozenset({"djust_ast.fetch.instances", "djust_ast.fetch.rows", "djust_ast.serializer"})


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


_DESCRIPTORS = (DeferredAttribute, ForwardManyToOneDescriptor, ReverseOneToOneDescriptor)


def _loaded(frame: FrameType, owner: Any) -> tuple[str, str] | None:
    """The object and the attribute that this frame is loading, if it is."""
    if isinstance(owner, _DESCRIPTORS) and frame.f_code.co_name == "__get__":
        instance = frame.f_locals.get("instance")
        if isinstance(instance, Model):
            related = getattr(owner, "related", None)
            name = related.get_accessor_name() if related is not None else owner.field.name
            return type(instance).__name__, str(name)
    if isinstance(owner, QuerySet) and frame.f_code.co_name in _ASKING:
        instance = vars(owner)["_hints"].get("instance")
        if isinstance(instance, Model):
            return type(instance).__name__, _manager_name(owner)
    return None


_ASKING = frozenset({"_fetch_all", "count", "exists", "iterator", "aggregate"})


def _manager_name(queryset: Any) -> str:
    """The related manager that a queryset comes from, as far as its conditions tell: all of its rows, or some."""
    instance = queryset._hints["instance"]
    for related in instance._meta.related_objects:
        if related.related_model is queryset.model and related.get_accessor_name():
            return f"{related.get_accessor_name()}{_refined(queryset, related)}"
    for field in instance._meta.many_to_many:
        if field.related_model is queryset.model:
            return f"{field.name}.all()"
    return f"... of {queryset.model.__name__}"


def _refined(queryset: Any, related: Any) -> str:
    """``.all()`` where the only condition is that of the manager, else ``.filter()``."""
    manager = getattr(queryset._hints["instance"], related.get_accessor_name())
    own = str(manager.all().query.where) if hasattr(manager, "all") else ""
    return ".all()" if str(queryset.query.where) == own else ".filter()"

"""Where a query came from: a plan, or what else, told from the stack while it runs.

Nothing is patched: whoever wraps the queries of a connection hands the frame of its wrapper to ``origin()``. It goes
up to the descriptor that loads something, the property or method that reads it, the expression and the line of the
template.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

from django.db.models import Model
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor, ReverseOneToOneDescriptor
from django.db.models.query import QuerySet
from django.db.models.query_utils import DeferredAttribute
from django.template.base import Node, Variable
from django.template.defaulttags import ForNode
from django.utils.functional import LazyObject

from djust_ast.plans import Level
from djust_ast.records import LazyRecords

Kind = Literal["planned", "missed", "asked", "fetched", "late", "outside"]

_DESCRIPTORS = (DeferredAttribute, ForwardManyToOneDescriptor, ReverseOneToOneDescriptor)
_ROWS = {"_fetch_all": "all", "iterator": "all"}
_ASKING = _ROWS | {"count": "count", "exists": "exists", "aggregate": "aggregate"}
_MACHINERY = ("django.", "djust_ast.")
_PEERS = "djust_ast.fetch.peers"  # which fetches what no plan foresaw
_DATABASE = ("django.db.", "django.contrib.contenttypes.")


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked the database.

    ``planned``: a plan. ``missed``: an object that loads ``what`` lazily. ``asked``: a body, a tag or another
    function, by itself. ``fetched``: the template, by looping over a queryset or asking it. ``late``: a lazy
    object of the view. ``outside``: no template, and nothing that is serialized.

    ``member`` is the property, method or function that the template named, ``expression`` the words of the
    template. ``instance``: ``what`` is an attribute of an object, such as ``Lease.tenant``. ``looped``: the template
    has fetched it inside of a loop.
    """

    kind: Kind
    what: str = "the database"
    member: str | None = None
    expression: str | None = None
    template: str | None = None
    line: int | None = None
    instance: bool = False
    looped: bool = False

    @property
    def place(self) -> str | None:
        """``rentals/list.html:12``."""
        return self.template and (self.template if self.line is None else f"{self.template}:{self.line}")

    def __str__(self) -> str:
        read = f"{self.member} reads {self.what}" if self.member else f"{self.what} is read"
        return f"{read}, not planned" + (f": {self.place}" if self.place else "")


def origin(frame: FrameType | None) -> Origin:
    """Who asked for the query that runs above ``frame``."""
    found = _Found()
    while frame is not None:
        result = found.look(frame)
        if result is not None:
            return result
        frame = frame.f_back
    return Origin("outside", found.what)


class _Found:
    """What the frames have told so far, from the query outwards."""

    def __init__(self) -> None:
        self.what = "the database"
        self.plainly = False  # a plan could have fetched it
        self.instance = False
        self.member: str | None = None
        self.function: str | None = None
        self.expression: str | None = None
        self.late = False
        self.unforeseen = False  # fetched for all rows, since one of them asked for it

    def look(self, frame: FrameType) -> Origin | None:
        module = str(frame.f_globals.get("__name__", ""))
        if module == "djust_ast.serializer" or (module.startswith("djust_ast.fetch.") and module != _PEERS):
            self.unforeseen = self.unforeseen or _unforeseen(frame)
            return None if self.unforeseen else Origin("planned")
        name = frame.f_code.co_name
        owner = frame.f_locals.get("self") if frame.f_code.co_varnames[:1] == ("self",) else None
        cls = type(owner)  # isinstance() would ask a SimpleLazyObject for what it wraps, and so without end
        if issubclass(cls, LazyRecords) or (issubclass(cls, QuerySet) and _planned(owner)):
            return Origin("planned")
        if issubclass(cls, Node) and name == "render_annotated":
            return self.ended(*_place(owner), self.expression or _words(owner), looped=_looped(frame, owner))
        if module == "djust_ast.integrations.context" and name == "serialize":
            return self.ended(getattr(owner, "name", None), None, self.expression, serialized=True)
        if cls is Variable and self.expression is None:
            self.expression = owner.var  # type: ignore[union-attr]
        elif issubclass(cls, LazyObject) and name == "_setup":
            self.late = True
        elif name == "prefetch_related_objects" and module == "django.db.models.query" and not self.member:
            self.what, self.plainly, self.instance = "the database", False, False  # for whoever asked for it
        elif self.member is None:
            self.loads(frame, owner, cls, name)
        if issubclass(cls, Model) and not module.startswith(_DATABASE):
            self.member = f"{cls.__name__}.{name}"  # the outermost one is what the template named
        elif not module.startswith(_MACHINERY):
            self.function = frame.f_code.co_qualname
        return None

    def loads(self, frame: FrameType, owner: Any, cls: type, name: str) -> None:
        """Look whether this frame loads something."""
        if name == "__get__" and (issubclass(cls, _DESCRIPTORS) or _is_generic(cls)):
            instance = frame.f_locals.get("instance")
            if issubclass(type(instance), Model):  # it asks through a queryset, which was there before
                self.what = f"{type(instance).__name__}.{_attribute(owner)}"
                self.plainly = self.instance = True
        elif issubclass(cls, QuerySet) and name in _ASKING and self.what == "the database":
            instance = vars(owner)["_hints"].get("instance")
            how = _ASKING[name]
            self.instance = issubclass(type(instance), Model)
            if self.instance:
                accessor, self.plainly = _manager(owner, instance)
                how = how if self.plainly else "filter"
                self.what = f"{type(instance).__name__}.{accessor}.{how}()"
                self.plainly = self.plainly and name in _ROWS
            else:
                self.what = f"{owner.model.__name__}.{how}()"

    def ended(
        self,
        template: str | None,
        line: int | None,
        expression: str | None,
        *,
        serialized: bool = False,
        looped: bool = False,
    ) -> Origin:
        """What it all comes to, in a template or where one is serialized."""
        member = self.member or self.function
        kind: Kind
        if self.late:
            kind = "late"
        elif self.instance and (self.plainly or member is None):
            kind = "missed"
        elif member is not None:
            kind = "asked"
        else:
            kind = "planned" if serialized else "fetched"
        return Origin(
            kind, self.what, member, expression, template, line, self.instance, looped and kind == "fetched"
        )


def _unforeseen(frame: FrameType) -> bool:
    level = frame.f_locals.get("level")
    return isinstance(level, Level) and not level.foreseen


def _planned(queryset: Any) -> bool:
    """Whether a plan hangs on it."""
    return hasattr(vars(queryset).get("_iterable_class"), "plan")


def place_of(node: Any) -> tuple[str, str]:
    """Where a node stands, ``rentals/list.html:12``, and its words."""
    template, line = _place(node)
    return template if line is None else f"{template}:{line}", _words(node) or type(node).__name__


def _place(node: Any) -> tuple[str, int | None]:
    """The template and the line of a node."""
    name = getattr(getattr(node, "origin", None), "template_name", None)
    return str(name or "<template>"), getattr(getattr(node, "token", None), "lineno", None)


def _looped(frame: FrameType | None, node: Any) -> bool:
    """Whether ``node`` is rendered inside of a loop."""
    while (frame := frame.f_back if frame else None) is not None:
        owner = frame.f_locals.get("self") if frame.f_code.co_name == "render" else None
        if type(owner) is ForNode and owner is not node:
            return True
    return False


def _words(node: Any) -> str | None:
    """What stands in the template."""
    return getattr(getattr(node, "token", None), "contents", None)


def _is_generic(cls: type) -> bool:
    """Whether it is a ``GenericForeignKey``, or its descriptor (6.1), whose module is not there before the apps."""
    return any(base.__name__.startswith("GenericForeignKey") for base in cls.__mro__)


def _attribute(descriptor: Any) -> str:
    related = getattr(descriptor, "related", None)
    if related is not None:
        return str(related.get_accessor_name())
    return str(getattr(descriptor, "field", descriptor).name)


def _manager(queryset: Any, instance: Model) -> tuple[str, bool]:
    """The related manager that a queryset comes from, and whether it has all of its rows, unrefined."""
    guess = f"... of {queryset.model.__name__}"
    for position, accessor in enumerate(_accessors(queryset.model, instance)):
        if _rows(getattr(instance, accessor)).query.where == queryset.query.where:
            return accessor, True
        guess = guess if position else accessor
    return guess, False


def _rows(manager: Any) -> Any:
    """All of its rows, anew: what is prefetched is not touched."""
    return manager._apply_rel_filters(super(type(manager), manager).get_queryset())


def _accessors(model: type[Model], instance: Model) -> Iterator[str]:
    """The names of the to-many relations of ``instance`` that lead to ``model``."""
    for related in instance._meta.related_objects:
        if related.related_model is model and not related.one_to_one and related.get_accessor_name():
            yield str(related.get_accessor_name())
    for field in (*instance._meta.many_to_many, *instance._meta.private_fields):
        if field.related_model is model and hasattr(getattr(instance, field.name), "get_queryset"):
            yield field.name

"""What an attribute of a class gives where it is read of an object: a table of descriptors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partialmethod
from types import FunctionType
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.db.models.fields.files import FileDescriptor, ImageFileDescriptor
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ManyToManyDescriptor,
    ReverseManyToOneDescriptor,
    ReverseOneToOneDescriptor,
)
from django.utils.functional import cached_property

from djust_ast.bodies.assigned import assigned
from djust_ast.bodies.known import module_of
from djust_ast.bodies.statics import MISSING, static, wrap
from djust_ast.bodies.values import (
    KEPT,
    PLAIN,
    Bound,
    File,
    Gives,
    Manager,
    Obj,
    Read,
    Real,
    Unknown,
    Value,
    Vars,
    either,
)
from djust_ast.members import ColumnMember, member

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


def of_static(analysis: Analysis, obj: Obj, name: str, attribute: Any) -> Value:
    """What an attribute of the class gives, read of an object."""
    if name == "_meta":
        return Real(obj.model._meta)
    if name == "__class__":
        return Real(obj.model)
    if name == "__dict__":
        return Vars(obj)
    for kind, bind in DESCRIPTORS:
        if isinstance(attribute, kind):
            return bind(analysis, obj, name, attribute)
    getter = static(type(attribute), "__get__")
    if isinstance(getter, FunctionType) and not module_of(getter).startswith("django."):
        return analysis.call(Real(getter), [Real(attribute), obj, Real(obj.model)])
    if getter is not MISSING:
        analysis.opens(f"reads {obj.model.__name__}.{name}, which is a {type(attribute).__qualname__}")
        analysis.escape([obj])
        return Unknown(f"{obj.model.__name__}.{name}")
    given = assigned(analysis, obj, name)
    return wrap(attribute, name) if given is None else either([wrap(attribute, name), given])


def _property(analysis: Analysis, obj: Obj, name: str, attribute: property) -> Value:
    if attribute.fget is None:
        return PLAIN
    return analysis.call(Real(attribute.fget), [obj])


def _cached(analysis: Analysis, obj: Obj, name: str, attribute: Any) -> Value:
    analysis.mark(obj, KEPT)
    return analysis.call(Real(attribute.func), [obj])


def _function(analysis: Analysis, obj: Obj, name: str, attribute: FunctionType) -> Value:
    return Bound(attribute, (obj,))


def _class_function(analysis: Analysis, obj: Obj, name: str, attribute: Any) -> Value:
    return class_function(obj.model, name, attribute)


def class_function(cls: type, name: str, attribute: Any) -> Value:
    """What a class method or static method is where it is read."""
    inner = attribute.__func__
    if isinstance(inner, functools._lru_cache_wrapper):
        inner = inner.__wrapped__
    if not isinstance(inner, FunctionType):
        return Unknown(f"{cls.__name__}.{name}") if isinstance(attribute, classmethod) else wrap(inner, name)
    return Bound(inner, (Real(cls),) if isinstance(attribute, classmethod) else ())


def _remembering(analysis: Analysis, obj: Obj, name: str, attribute: Any) -> Value:
    inner = attribute.__wrapped__
    analysis.mark(obj, KEPT)
    return Bound(inner, (obj,)) if isinstance(inner, FunctionType) else Unknown(name)


def _partial(analysis: Analysis, obj: Obj, name: str, attribute: partialmethod[Any]) -> Value:
    stock = static(Model, attribute.func.__name__) if isinstance(attribute.func, FunctionType) else MISSING
    field = attribute.keywords.get("field")
    if stock is attribute.func and field is not None:
        if field.is_relation or not isinstance(member(obj.model, field.attname), ColumnMember):
            analysis.opens(f"calls {name}()")
            return Unknown(name)
        obj.read.attr(field.attname)
        if attribute.func is not Model._get_FIELD_display:  # type: ignore[attr-defined]
            analysis.asks(obj.model, f"{name}()")
            return Gives(analysis.found(obj.model))
        return Gives(PLAIN)
    if not isinstance(attribute.func, FunctionType):
        return Unknown(name)
    return Bound(attribute.func, (obj, *(wrap(item) for item in attribute.args)))


def _file(analysis: Analysis, obj: Obj, name: str, attribute: FileDescriptor) -> Value:
    obj.read.attr(name)
    if type(attribute) not in _FILES:
        return Unknown(f"a {type(attribute.field).__name__}")
    cls = attribute.field.attr_class
    return PLAIN if module_of(cls).startswith("django.") else File(obj, cls)


_FILES = (FileDescriptor, ImageFileDescriptor)


def _managed(analysis: Analysis, obj: Obj, name: str, attribute: Any) -> Value:
    """A relation whose rows are not planned."""
    rel = attribute.rel
    related = rel.related_model
    if isinstance(attribute, ManyToManyDescriptor) and not attribute.reverse:
        related = rel.model
    field = getattr(rel, "field", None)
    if field is not None and related is obj.model and hasattr(field, "content_type_field_name"):
        related = rel.model  # a GenericRelation points the other way
    return Manager(related, cls=type(related._default_manager))


def _parent(analysis: Analysis, obj: Obj, name: str, attribute: Any) -> Value:
    """The other part of an object whose model inherits from a concrete one."""
    related = (
        attribute.field.remote_field.model if hasattr(attribute, "field") else attribute.related.related_model
    )
    analysis.asks(related, "get()")
    return Obj(related, Read(detached=True))


DESCRIPTORS: tuple[tuple[Any, Callable[..., Value]], ...] = (
    (property, _property),
    ((cached_property, functools.cached_property), _cached),
    (FunctionType, _function),
    ((classmethod, staticmethod), _class_function),
    (functools._lru_cache_wrapper, _remembering),
    (partialmethod, _partial),
    (FileDescriptor, _file),
    (ReverseManyToOneDescriptor, _managed),  # many-to-many and generic ones among them
    ((ForwardManyToOneDescriptor, ReverseOneToOneDescriptor), _parent),
)

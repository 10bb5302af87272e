"""Which columns of an object a page reads, and which of the others an instance need not have."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from typing import Any

from django.db.models import BinaryField, CharField, Field, JSONField, Model, TextField
from django.db.models.fields.files import FieldFile, FileDescriptor, ImageFieldFile
from django.db.models.query_utils import DeferredAttribute

from djust_ast.bodies import body
from djust_ast.members import (
    ColumnMember,
    ComputedMember,
    DisplayMember,
    RelationMember,
    member,
)
from djust_ast.paths import PathNode
from djust_ast.specs import (
    ENTERED,
    SPEAKS,
    Columns,
    Computed,
    Counted,
    Many,
    Related,
    SerializerSpec,
    SpecMember,
)
from djust_ast.stock import hand_made

MAX_LENGTH = 1_000  # of text that is as good as any other column


def columns_read(
    node: PathNode, model: type[Model], members: Iterable[SpecMember], *, closed: bool, held: Iterable[str]
) -> Columns:
    """What ``node``, with what bodies read, means for the columns of an object of ``model``.

    ``closed``: no code that cannot be followed gets to see the object. ``held`` are names of rows that the view
    prefetched.
    """
    read: set[str] = set()
    surely: set[str] = set()
    closed = closed and hand_made(model) is None and not set(held) & node.attrs.keys()
    computed = {m.name: m for m in members if isinstance(m, Computed)}
    for name, child in node.attrs.items():
        found = _of_member(model, name, child, computed.get(name))
        if found is None:
            closed = False
            found = ()
        read.update(found)
        if not child.conditional:
            surely.update(found, _by_body(model, name))
    if node.uses & SPEAKS:
        surely.update(_by_body(model, "__str__"))
    elif node.uses - ENTERED:  # data for JSON says what it prints, too
        told = body(model, "__str__")
        spoken = told.reads.attrs if told is not None else {}
        closed = closed and told is not None and told.told and _all_columns(model, spoken)
        read.update(_by_body(model, "__str__"))
    return Columns(frozenset(read), frozenset(surely & read), closed)


def _of_member(model: type[Model], name: str, node: PathNode, m: Computed | None) -> Iterable[str] | None:
    """The columns that reading ``name`` needs, besides those that its body reads; ``None``: any."""
    match member(model, name):
        case ColumnMember(field) | DisplayMember(field):
            return (field.attname,)
        case RelationMember(relation):
            if m is not None and (m.rows is None or not node.attrs.keys() <= _ROWS):
                return None  # what its rows lead back to is the object itself
            return (relation.local,)
        case ComputedMember():
            return _of_attribute(model, name)
    return ()


_ROWS = frozenset({"all", "count", "exists"})


def _of_attribute(model: type[Model], name: str) -> Iterable[str] | None:
    attribute = inspect.getattr_static(model, name, None)
    if isinstance(attribute, FileDescriptor):
        plain = attribute.field.attr_class in (FieldFile, ImageFieldFile)
        return (attribute.field.attname,) if plain else None
    if getattr(attribute, "do_not_call_in_templates", False):
        return None  # the bound method itself is used, which prints its object
    found = body(model, name)
    if found is not None:
        return () if found.told else None
    called = hasattr(type(attribute), "__get__") and not getattr(attribute, "alters_data", False)
    return None if called else ()


def _by_body(model: type[Model], name: str) -> Iterator[str]:
    """The columns that the body of ``name`` reads of its own object."""
    found = body(model, name)
    for read in found.reads.attrs if found is not None else ():
        of_it = member(model, read)
        if isinstance(of_it, ColumnMember):
            yield of_it.field.attname


def _all_columns(model: type[Model], names: Iterable[str]) -> bool:
    return all(isinstance(member(model, name), ColumnMember) for name in names)


# -- what may be left out -----------------------------------------------------------------------------------


def all_told(spec: SerializerSpec) -> bool:
    """Whether all that is read of the objects of ``spec``, and of those below them, is known.

    An object to which one below leads back has what is read of it there: columns, and no more than these.
    """
    return all(below.columns.closed and not any(map(_enters, _backs(below))) for below in spec.walk())


def unread(spec: SerializerSpec) -> list[Field[Any, Any]]:
    """The columns of an object that nothing reads, of those that may be left out."""
    read = spec.columns.read.union(*(back.columns.read for back in _backs(spec)))
    return [field for field in _spare(spec.model) if field.attname not in read]


def _backs(spec: SerializerSpec) -> Iterator[SerializerSpec]:
    """What is read of an object by way of those on the other side of its relations."""
    for below in chain.from_iterable(map(_behind, spec.members)):
        for m in below.members:
            if isinstance(m, Related) and m.known:
                yield m.spec


def _behind(m: SpecMember) -> Iterator[SerializerSpec]:
    match m:
        case Related() | Many():
            yield m.spec
        case Computed(rows=Many() as rows):
            yield rows.spec
        case (Counted() as counted) | Computed(rows=Counted() as counted):
            yield from (pick.spec for pick in counted.picks)


def _enters(spec: SerializerSpec) -> bool:
    return any(isinstance(m, Related | Many | Counted) or getattr(m, "rows", None) for m in spec.members)


@cache
def _spare(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    """The columns that Django itself never asks an instance for: no keys, and no way of their own to be read."""
    meta: Any = model._meta
    kept = {
        name
        for field in meta.private_fields
        for name in (getattr(field, "ct_field", None), getattr(field, "fk_field", None))
    }
    return tuple(
        [
            field
            for field in meta.concrete_fields
            if not (field.primary_key or field.unique or field.is_relation or field.name in kept)
            and type(inspect.getattr_static(model, field.attname)) is DeferredAttribute
        ]
    )


def wide(field: Field[Any, Any]) -> bool:
    """Whether there is no telling how much a value of it is."""
    if isinstance(field, CharField):
        return field.max_length is None or field.max_length > MAX_LENGTH
    return isinstance(field, TextField | JSONField | BinaryField)

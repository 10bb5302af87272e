"""What one name on a model is, told from its descriptor as ``getattr`` would find it.

``_meta.get_field()`` is not asked: a property may hide a field, and accessors differ from query names. Only
Django's own descriptor types are known; anything else is ``Computed``: Django's rules apply at render time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partialmethod
from typing import Any

from django.db.models import BooleanField, CharField, Field, IntegerField, Model, TextField
from django.db.models.fields.related_descriptors import (
    ForeignKeyDeferredAttribute,
    ForwardManyToOneDescriptor,
    ForwardOneToOneDescriptor,
    ManyToManyDescriptor,
    ReverseManyToOneDescriptor,
    ReverseOneToOneDescriptor,
)
from django.db.models.query_utils import DeferredAttribute
from django.utils.choices import CallableChoiceIterator
from django.utils.functional import Promise
from django.utils.hashable import make_hashable

from djust_ast.relations import (
    Relation,
    forward,
    generic_many,
    is_of,
    many_to_many,
    reverse_many,
    reverse_one,
)
from djust_ast.stock import MISSING


@dataclass(frozen=True, slots=True)
class ColumnMember:
    """A concrete column: what the attribute holds is what the column holds."""

    field: Field[Any, Any]


@dataclass(frozen=True, slots=True)
class RelationMember:
    """The other side of a relation."""

    relation: Relation


@dataclass(frozen=True, slots=True)
class DisplayMember:
    """Django's own ``get_FOO_display``: the label of a choice."""

    field: Field[Any, Any]
    labels: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True, slots=True)
class ComputedMember:
    """A property, a method, or any attribute whose meaning only the class knows."""


Member = ColumnMember | RelationMember | DisplayMember | ComputedMember


@lru_cache(maxsize=4096)  # names come from templates, misses too
def member(model: type[Model], name: str) -> Member | None:
    """What ``name`` is on ``model``, or ``None`` when the class has no such attribute."""
    if name == "pk" and issubclass(model, Model):
        return _primary_key(model)
    attribute = inspect.getattr_static(model, name, MISSING)
    if attribute is MISSING:
        return None
    classify = CLASSIFIERS.get(type(attribute))
    if classify is None and is_of(attribute, "ReverseGenericManyToOneDescriptor"):
        classify = _GENERIC
    return ComputedMember() if classify is None else classify(model, attribute) or ComputedMember()


def names(model: type[Model]) -> Iterator[str]:
    """The names that a template may reasonably use on ``model``; for "did you mean"."""
    for name in dir(model):
        if not name.startswith("_"):
            yield name


def _primary_key(model: type[Model]) -> Member:
    own = inspect.getattr_static(model, "pk", MISSING) is inspect.getattr_static(Model, "pk")
    pk = model._meta.pk
    if not own or pk is None or pk.attname is None or getattr(pk, "columns", None):
        return ComputedMember()
    return ColumnMember(pk) if isinstance(member(model, pk.attname), ColumnMember) else ComputedMember()


def _column(model: type[Model], attribute: Any) -> Member:
    return ColumnMember(attribute.field)


def _display(model: type[Model], attribute: Any) -> Member | None:
    stock = Model._get_FIELD_display  # type: ignore[attr-defined]
    if attribute.func is not stock or attribute.keywords.keys() != {"field"}:
        return None
    if inspect.getattr_static(model, "_get_FIELD_display") is not stock:
        return None
    field = attribute.keywords["field"]
    if not isinstance(member(model, field.attname), ColumnMember):
        return None
    plain = isinstance(field, _HASHABLE) and not hasattr(field, "from_db_value")
    if not plain or isinstance(field.choices, CallableChoiceIterator):
        return None
    try:
        labels = tuple(dict(make_hashable(field.flatchoices)).items())
    except TypeError:
        return None
    if not all(isinstance(label, str | Promise) for _, label in labels):
        return None
    return DisplayMember(field, labels)


# Fields whose values can be keys, and stay what they are where they are not among the choices.
_HASHABLE = (CharField, TextField, IntegerField, BooleanField)


def _related(
    relation: Callable[[type[Model], Any], Relation | None],
) -> Callable[[type[Model], Any], Member | None]:
    def classify(model: type[Model], attribute: Any) -> Member | None:
        found = relation(model, attribute)
        return None if found is None else RelationMember(found)

    return classify


CLASSIFIERS: dict[type, Callable[[type[Model], Any], Member | None]] = {
    DeferredAttribute: _column,
    ForeignKeyDeferredAttribute: _column,
    ForwardManyToOneDescriptor: _related(forward),
    ForwardOneToOneDescriptor: _related(forward),
    ReverseOneToOneDescriptor: _related(reverse_one),
    ReverseManyToOneDescriptor: _related(reverse_many),
    ManyToManyDescriptor: _related(many_to_many),
    partialmethod: _display,
}
_GENERIC = _related(generic_many)

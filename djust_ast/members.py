"""What one name on a model is, told from its descriptor as ``getattr`` would find it.

``_meta.get_field()`` is not asked: a property may hide a field, and accessors differ from query names. Only
Django's own descriptor types are known; anything else is ``Computed``: Django's rules apply at render time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, partialmethod
from typing import Any

from django.db.models import (
    BooleanField,
    CharField,
    Field,
    ForeignKey,
    IntegerField,
    Manager,
    Model,
    OneToOneField,
    TextField,
)
from django.db.models.base import ModelBase
from django.db.models.deletion import DO_NOTHING
from django.db.models.fields.related_descriptors import (
    ForeignKeyDeferredAttribute,
    ForwardManyToOneDescriptor,
    ForwardOneToOneDescriptor,
    ManyToManyDescriptor,
    ReverseManyToOneDescriptor,
    ReverseOneToOneDescriptor,
)
from django.db.models.manager import BaseManager
from django.db.models.query import QuerySet
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init
from django.utils.choices import CallableChoiceIterator
from django.utils.functional import Promise
from django.utils.hashable import make_hashable

MISSING = object()


@dataclass(frozen=True, slots=True)
class Generic:
    """What tells the rows of one model's objects from those of another's: their content type."""

    owner: type[Model]
    field: Any

    def restriction(self, db: str) -> dict[str, Any]:
        """The lookup that leaves only rows of the owner's objects."""
        types = self.field.remote_field.model._meta.get_field(
            self.field.content_type_field_name
        ).related_model
        found = types.objects.db_manager(db).get_for_model(
            self.owner, for_concrete_model=self.field.for_concrete_model
        )
        return {f"{self.field.content_type_field_name}__pk": found.pk}

    def key(self, value: Any) -> Any:
        """The owner's key that a row holds, perhaps as text."""
        return self.owner._meta.pk.to_python(value)


@dataclass(frozen=True, slots=True)
class Relation:
    """How to reach the other side of a relation.

    ``accessor`` is the attribute on the instance, ``lookup`` the name in queries. The other side is found by
    ``remote`` (an attribute name of ``model``, or a lookup for many-to-many) equal to our ``local`` attribute.
    ``missing`` is the exception that an absent reverse one-to-one raises, ``field`` the foreign key itself.
    ``generic`` says of whose rows a ``GenericRelation`` takes the keys. ``held``: it is the ``to_attr`` of a
    ``Prefetch()``, so that its rows are there.
    """

    accessor: str
    lookup: str
    model: type[Model]
    many: bool
    reverse: bool
    nullable: bool
    local: str
    remote: str
    m2m: bool = False
    missing: type[Exception] | None = None
    refusal: str | None = None
    field: Any = None
    generic: Generic | None = None
    held: bool = False

    @property
    def joinable(self) -> bool:
        """Whether a join shows what attribute access would show."""
        return not self.many and self.refusal is None

    @property
    def way_back(self) -> Any:
        """The field under which the other side holds the very object that we came from, if it does."""
        if self.field is None or self.reverse:
            return self.field
        return self.field.remote_field if isinstance(self.field, OneToOneField) else None

    def returns(self, came: Relation) -> bool:
        """Whether it leads back over ``came``: Django then hands back the very object that we came from."""
        one = came.reverse or isinstance(self.field, OneToOneField)
        return (
            one and self.field is not None and self.field == came.field and self.reverse is not came.reverse
        )


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
    if classify is None and _is_of(attribute, "ReverseGenericManyToOneDescriptor"):
        classify = _generic_many
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


def _forward(model: type[Model], attribute: Any) -> Member | None:
    field = attribute.field
    if not isinstance(field, ForeignKey) or field.remote_field.parent_link:
        return None
    return RelationMember(
        Relation(
            accessor=field.name,
            lookup=field.name,
            model=field.remote_field.model,
            many=False,
            reverse=False,
            nullable=field.null,
            local=field.attname,
            remote=field.target_field.attname,
            refusal=_loose(field) or filtering(field.remote_field.model._base_manager),
            field=field,
        )
    )


def _reverse_one(model: type[Model], attribute: Any) -> Member | None:
    related = attribute.related
    field = related.field
    if not isinstance(field, ForeignKey):
        return None
    return RelationMember(
        Relation(
            accessor=related.get_accessor_name(),
            lookup=field.related_query_name(),
            model=related.related_model,
            many=False,
            reverse=True,
            nullable=True,
            local=field.target_field.attname,
            remote=field.attname,
            missing=attribute.RelatedObjectDoesNotExist,
            refusal=_loose(field) or filtering(related.related_model._base_manager) or _other(field, model),
            field=field,
        )
    )


def _reverse_many(model: type[Model], attribute: Any) -> Member | None:
    field = attribute.rel.field
    if not isinstance(field, ForeignKey):
        return None
    related = attribute.rel.related_model
    if _personal(related._default_manager):
        return None
    return RelationMember(
        Relation(
            accessor=attribute.rel.get_accessor_name(),
            lookup=field.related_query_name(),
            model=related,
            many=True,
            reverse=True,
            nullable=False,
            local=field.target_field.attname,
            remote=field.attname,
            refusal=_unsteady(related._default_manager) or _other(field, model),
            field=field,
        )
    )


def _many_to_many(model: type[Model], attribute: Any) -> Member | None:
    field = attribute.field
    reverse = attribute.reverse
    other = attribute.rel.related_model if reverse else attribute.rel.model
    back = field.name if reverse else field.related_query_name()
    own = (field.m2m_reverse_target_field_name if reverse else field.m2m_target_field_name)()
    if _personal(other._default_manager):
        return None
    refusal = _unsteady(other._default_manager, exact=True)
    if attribute.rel.related_model is attribute.rel.model:
        refusal = refusal or "a many-to-many relation to itself"
    return RelationMember(
        Relation(
            accessor=attribute.rel.get_accessor_name() if reverse else field.name,
            lookup=field.related_query_name() if reverse else field.name,
            model=other,
            many=True,
            reverse=reverse,
            nullable=False,
            local=(field.remote_field.model if reverse else field.model)._meta.get_field(own).attname,
            remote=f"{back}__{own}",
            m2m=True,
            refusal=refusal,
        )
    )


def _generic_many(model: type[Model], attribute: Any) -> Member | None:
    field = attribute.rel.field
    related = attribute.rel.model
    pk = model._meta.pk
    if pk is None or _personal(related._default_manager):
        return None
    return RelationMember(
        Relation(
            accessor=field.name,
            lookup=field.name,
            model=related,
            many=True,
            reverse=True,
            nullable=False,
            local=pk.attname,
            remote=field.object_id_field_name,
            refusal=_unsteady(related._default_manager) or _of_parent(field, model),
            generic=Generic(model, field),
        )
    )


def targets(model: type[Model], name: str) -> Relation | None:
    """The way to the targets of a ``GenericForeignKey``, objects of any model; ``None`` for anything else."""
    attribute = inspect.getattr_static(model, name, None)
    field = attribute if _is_of(attribute, "GenericForeignKey") else getattr(attribute, "field", None)
    if not _is_of(attribute, "GenericForeignKey", "GenericForeignKeyDescriptor"):
        return None
    types = model._meta.get_field(field.ct_field)  # type: ignore[union-attr]
    if not isinstance(types, ForeignKey) or _loose(types):
        return None
    return Relation(
        accessor=name,
        lookup=name,
        model=Model,
        many=False,
        reverse=False,
        nullable=True,
        local=types.attname,
        remote="pk",
        refusal="a generic foreign key",
        field=field,
    )


def held(name: str, model: type[Model]) -> Relation:
    """The way to rows that the view prefetched under a name of its own."""
    return Relation(
        accessor=name,
        lookup=name,
        model=model,
        many=True,
        reverse=True,
        nullable=True,
        local="pk",
        remote="pk",
        refusal="prefetched by the view",
        held=True,
    )


def _is_of(attribute: Any, *names: str) -> bool:
    """Whether it is one of the descriptors of contenttypes, which may not be imported before it is installed."""
    cls = type(attribute)
    return cls.__name__ in names and cls.__module__ == _CONTENTTYPES


_CONTENTTYPES = "django.contrib.contenttypes.fields"


def _of_parent(field: Any, model: type[Model]) -> str | None:
    """Why the rows of its objects may be those of another class, too: the key stands where it was declared."""
    return (
        None
        if field.model is model
        else f"{field.model.__name__}.{field.name} is inherited by {model.__name__}"
    )


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


CLASSIFIERS: dict[type, Callable[[type[Model], Any], Member | None]] = {
    DeferredAttribute: _column,
    ForeignKeyDeferredAttribute: _column,
    ForwardManyToOneDescriptor: _forward,
    ForwardOneToOneDescriptor: _forward,
    ReverseOneToOneDescriptor: _reverse_one,
    ReverseManyToOneDescriptor: _reverse_many,
    ManyToManyDescriptor: _many_to_many,
    partialmethod: _display,
}


def _loose(field: Any) -> str | None:
    """Why the key may point to a row that is not there, so that a join would lose or invent something."""
    if not field.db_constraint:
        return f"{field} has no database constraint"
    if field.remote_field.on_delete is DO_NOTHING:
        return f"{field} does nothing on delete"
    for model in (field.model, field.remote_field.model):
        if not model._meta.managed:
            return f"the table of {model.__name__} is not managed"
    return None


def _other(field: Any, model: type[Model]) -> str | None:
    """Why the way back leads to an instance of another class: Django hands back the object that we came from."""
    target = field.remote_field.model
    return None if target is model else f"{field} points to {target.__name__}, not to {model.__name__}"


def filtering(manager: Any) -> str | None:
    """Why attribute access, which goes through ``_base_manager``, may see other rows than a join."""
    if type(manager).get_queryset is not BaseManager.get_queryset or manager._queryset_class is not QuerySet:
        return f"the base manager of {manager.model.__name__} is not Django's own"
    return None


def _unsteady(manager: Any, *, exact: bool = False) -> str | None:
    """Why the related manager's rows cannot be had without an instance."""
    get_queryset = type(manager).get_queryset
    if get_queryset is BaseManager.get_queryset:
        return None
    if exact or type(manager).__init__ not in (BaseManager.__init__, Manager.__init__):
        return f"the default manager of {manager.model.__name__} has its own get_queryset()"
    return None


def _personal(manager: Any) -> bool:
    """Whether a related manager may give other rows than its ``get_queryset()`` gives for all parents at once."""
    if type(manager).all is not BaseManager.all or answers_itself(manager._queryset_class):
        return True
    own = (cls for cls in type(manager).__mro__ if not cls.__module__.startswith("django.db.models."))
    return any(_asks_whose(function) for cls in own for function in vars(cls).values())


# What a list of records answers in the place of a queryset.
_ANSWERS = ("__iter__", "__len__", "__bool__", "__getitem__", "__contains__", "all", "count", "exists")


def answers_itself(cls: type[QuerySet[Any, Any]]) -> bool:
    """Whether a queryset class answers in a way of its own what records would answer for it."""
    return any(getattr(cls, name, None) is not getattr(QuerySet, name, None) for name in _ANSWERS)


@cache
def counts_rows(model: type[Model]) -> bool:
    """Whether ``count`` and ``exists`` of the managers of its rows are Django's own."""
    manager = type(model._default_manager)
    return all(getattr(manager, name) is getattr(Manager, name) for name in ("count", "exists"))


@cache
def picks_rows(model: type[Model]) -> bool:
    """Whether ``first`` and ``last`` of the managers of its rows are Django's own."""
    manager = type(model._default_manager)
    cls = getattr(model._default_manager, "_queryset_class", None)
    return all(
        getattr(manager, name) is getattr(Manager, name)
        and getattr(cls, name, None) is getattr(QuerySet, name)
        for name in ("first", "last", "reverse", "order_by", "filter")
    )


def _asks_whose(function: Any) -> bool:
    """Whether the code of ``function`` names what only a related manager has."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return code is not None and not _WHOSE.isdisjoint((*code.co_names, *code.co_consts))


_WHOSE = frozenset({"instance", "core_filters"})


# Whether an object of a class that defines one of these can be told from a record of it.
_VISIBLE = (
    "__getattribute__",
    "__getitem__",
    "__bool__",
    "__len__",
    "__iter__",
    "__contains__",
    "__call__",
    "__html__",
    "__lt__",
    "__gt__",
    "__le__",
    "__ge__",
)
_MAKING = ("__init__", "__new__", "__setattr__", "__getattr__")


@cache
def opaque(model: type[Model]) -> str | None:
    """Why no record may stand for an object of ``model``: it answers a template in its own way."""
    return next(
        (f"{model.__name__}.{name}() is its own" for name in _VISIBLE if _overridden(model, name)), None
    )


@cache
def hand_made(model: type[Model]) -> str | None:
    """Why rows of ``model`` may differ from its instances: it changes how instances are made or read."""
    if getattr(model.from_db, "__func__", None) is not getattr(Model.from_db, "__func__", None):
        return f"{model.__name__}.from_db() is its own"
    for name in _MAKING:
        if _overridden(model, name):
            return f"{model.__name__}.{name}() is its own"
    if type(model) is not ModelBase:
        return f"the class of {model.__name__} is made by {type(model).__name__}"
    if any(model._meta.parents.values()):  # a proxy has parents without links
        return f"{model.__name__} inherits from a concrete model"
    if len(getattr(model._meta, "pk_fields", ())) > 1:
        return f"{model.__name__} has a composite primary key"
    return None


def _overridden(model: type[Model], name: str) -> bool:
    stock = inspect.getattr_static(Model, name, MISSING)
    return inspect.getattr_static(model, name, MISSING) is not stock


def observed(model: type[Model]) -> bool:
    """Whether a signal receiver sees each instance of ``model``; receivers may connect at any time."""
    return pre_init.has_listeners(model) or post_init.has_listeners(model)

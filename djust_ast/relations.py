"""How to reach the other side of a relation, told from Django's descriptor for it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from django.db.models import ForeignKey, Model, OneToOneField
from django.db.models.deletion import DO_NOTHING

from djust_ast.stock import filtering, personal, unsteady


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


def forward(model: type[Model], attribute: Any) -> Relation | None:
    """A foreign key or a one-to-one; ``None`` for the link to a parent in inheritance."""
    field = attribute.field
    if not isinstance(field, ForeignKey) or field.remote_field.parent_link:
        return None
    return Relation(
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


def reverse_one(model: type[Model], attribute: Any) -> Relation | None:
    """The other side of a one-to-one."""
    related = attribute.related
    field = related.field
    if not isinstance(field, ForeignKey):
        return None
    return Relation(
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


def reverse_many(model: type[Model], attribute: Any) -> Relation | None:
    """The rows of a foreign key; ``None`` where the manager tells apart whose they are."""
    field = attribute.rel.field
    if not isinstance(field, ForeignKey):
        return None
    related = attribute.rel.related_model
    if personal(related._default_manager):
        return None
    return Relation(
        accessor=attribute.rel.get_accessor_name(),
        lookup=field.related_query_name(),
        model=related,
        many=True,
        reverse=True,
        nullable=False,
        local=field.target_field.attname,
        remote=field.attname,
        refusal=unsteady(related._default_manager) or _other(field, model),
        field=field,
    )


def many_to_many(model: type[Model], attribute: Any) -> Relation | None:
    """Either side of a many-to-many; ``None`` as for ``reverse_many``."""
    field = attribute.field
    reverse = attribute.reverse
    other = attribute.rel.related_model if reverse else attribute.rel.model
    back = field.name if reverse else field.related_query_name()
    own = (field.m2m_reverse_target_field_name if reverse else field.m2m_target_field_name)()
    if personal(other._default_manager):
        return None
    refusal = unsteady(other._default_manager, exact=True)
    return Relation(
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


def generic_many(model: type[Model], attribute: Any) -> Relation | None:
    """The rows of a ``GenericRelation``; ``None`` as for ``reverse_many``."""
    field = attribute.rel.field
    related = attribute.rel.model
    pk = model._meta.pk
    if pk is None or personal(related._default_manager):
        return None
    return Relation(
        accessor=field.name,
        lookup=field.name,
        model=related,
        many=True,
        reverse=True,
        nullable=False,
        local=pk.attname,
        remote=field.object_id_field_name,
        refusal=unsteady(related._default_manager) or _of_parent(field, model),
        generic=Generic(model, field),
    )


def targets(model: type[Model], name: str) -> Relation | None:
    """The way to the targets of a ``GenericForeignKey``, objects of any model; ``None`` for anything else."""
    attribute = inspect.getattr_static(model, name, None)
    field = attribute if is_of(attribute, "GenericForeignKey") else getattr(attribute, "field", None)
    if not is_of(attribute, "GenericForeignKey", "GenericForeignKeyDescriptor"):
        return None
    types = model._meta.get_field(field.ct_field)  # type: ignore[union-attr]
    if not isinstance(types, ForeignKey) or _loose(types):
        return None
    return _beyond_queries(name, Model, "a generic foreign key", many=False, local=types.attname, field=field)


def held(name: str, model: type[Model]) -> Relation:
    """The way to rows that the view prefetched under a name of its own."""
    return _beyond_queries(name, model, "prefetched by the view", many=True, local="pk", held=True)


def _beyond_queries(name: str, model: type[Model], refusal: str, *, many: bool, **rest: Any) -> Relation:
    """A way that no lookup leads."""
    return Relation(
        accessor=name,
        lookup=name,
        model=model,
        many=many,
        reverse=many,
        nullable=True,
        remote="pk",
        refusal=refusal,
        **rest,
    )


def is_of(attribute: Any, *names: str) -> bool:
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

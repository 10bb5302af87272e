"""What reading or setting an attribute means: a table of the kinds of values."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from django.db.models import Manager as DjangoManager
from django.db.models import Model
from django.db.models.query import QuerySet

from djust_ast.bodies.assigned import assigned
from djust_ast.bodies.descriptors import of_static
from djust_ast.bodies.known import module_of
from djust_ast.bodies.reals import of_made, of_real
from djust_ast.bodies.statics import MISSING, static
from djust_ast.bodies.values import (
    CHANGED,
    KEPT,
    PLAIN,
    Bound,
    Closure,
    File,
    Gives,
    Items,
    Made,
    Manager,
    Mapped,
    Method,
    Obj,
    Plain,
    Real,
    Rows,
    Super,
    Unknown,
    Value,
    Vars,
    either,
)
from djust_ast.members import ColumnMember, DisplayMember, RelationMember, member

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


def read(analysis: Analysis, value: Value, name: str, default: Value | None) -> Value:
    """What ``value.name`` gives."""
    match value:
        case Obj():
            return of_object(analysis, value, name, default)
        case Super(cls=cls, obj=obj):
            return _of_super(analysis, cls, obj, name)
        case Real(value=found):
            return of_real(analysis, found, name, default)
        case Rows() | Manager():
            return _of_manager(analysis, value, name)
        case Items() | Mapped() | Vars():
            return Method(value, name)
        case Made() | File():
            return of_made(analysis, value, name, default)
        case Unknown() if name == "_meta":
            return PLAIN  # of a model, whichever it is
        case Unknown(why=why):
            analysis.opens(f"reads .{name} of {why}")
            return Unknown(f"{why}.{name}")
        case Plain() | Bound() | Closure() | Method() | Gives():
            return PLAIN
    return either(())


def of_object(analysis: Analysis, obj: Obj, name: str, default: Value | None) -> Value:
    """What an attribute of an instance gives: a column, a relation, or what its class has under the name."""
    own = static(obj.model, "__getattribute__")
    if own is not static(Model, "__getattribute__"):
        analysis.opens(f"reads .{name} of {obj.model.__name__}, which has its own __getattribute__()")
        analysis.escape([obj])
        return Unknown(name)
    found = member(obj.model, name)
    match found:
        case ColumnMember(field):
            obj.read.attr(name)
            return either([Unknown(f"a {type(field).__name__}") if odd(field) else PLAIN])
        case RelationMember(relation) if relation.many:
            return Manager(relation.model, obj.read.attr(name), type(relation.model._default_manager))
        case RelationMember(relation):
            if obj.read.detached:
                analysis.asks(relation.model, "get()")
            return Obj(relation.model, obj.read.attr(name))
        case DisplayMember(field):
            obj.read.attr(field.attname)
            return Gives(PLAIN)
        case None:
            return _missing(analysis, obj, name, default)
    attribute = static(obj.model, name)
    if name in obj.read.set and (not hasattr(type(attribute), "__set__")):
        return either([obj.read.set[name], of_static(analysis, obj, name, attribute)])
    return of_static(analysis, obj, name, attribute)


def odd(field: Any) -> bool:
    """Whether the values of a field may be of any class."""
    cls = type(field)
    if module_of(cls).startswith("django."):
        return False
    return any(name in vars(base) for base in cls.__mro__ for name in _CONVERTING if not _stock(base))


_CONVERTING = ("from_db_value", "to_python", "contribute_to_class", "descriptor_class")


def _stock(cls: type) -> bool:
    return module_of(cls).startswith("django.") or cls is object


def _missing(analysis: Analysis, obj: Obj, name: str, default: Value | None) -> Value:
    """An attribute that the class does not have."""
    known = obj.read.set.get(name)
    if known is not None:
        return known if default is None else either([known, default])
    if name in _INSTANCE:
        return _INSTANCE[name](analysis, obj)
    given = assigned(analysis, obj, name) if name.startswith("_") else None
    if given is not None:
        return given if default is None else either([given, default])
    if static(obj.model, "__getattr__") is not MISSING:
        analysis.opens(f"reads {obj.model.__name__}.{name} by __getattr__()")
        analysis.escape([obj])
    found = Unknown(f"{obj.model.__name__}.{name}, which the class does not have")
    return found if default is None else either([default, found])


def in_dict(analysis: Analysis, obj: Obj, name: str) -> Value:
    """What ``obj.__dict__[name]`` holds: a column, or what some code has put there."""
    for field in obj.model._meta.concrete_fields:
        if field.attname == name:
            obj.read.attr(name)
            return Unknown(f"a {type(field).__name__}") if odd(field) else PLAIN
    if name in obj.read.set:
        return obj.read.set[name]
    given = assigned(analysis, obj, name)
    return Unknown(f"{obj.model.__name__}.{name}") if given is None else given


def _whole(analysis: Analysis, obj: Obj) -> Value:
    analysis.opens(f"reads __dict__ of a {obj.model.__name__}")
    analysis.escape([obj])
    return Unknown("__dict__")


_INSTANCE: dict[str, Callable[[Analysis, Obj], Value]] = {
    "__dict__": lambda analysis, obj: Vars(obj),
    "_state": lambda analysis, obj: PLAIN,
    "_prefetched_objects_cache": _whole,
}


def _of_super(analysis: Analysis, cls: type, obj: Value, name: str) -> Value:
    owner = obj.model if isinstance(obj, Obj) else obj.value if isinstance(obj, Real) else None
    mro = owner.__mro__ if isinstance(owner, type) else type(owner).__mro__
    if cls not in mro:
        analysis.opens("uses super()")
        analysis.escape([obj])
        return Unknown("super()")
    for base in mro[mro.index(cls) + 1 :]:
        if name in vars(base):
            attribute = vars(base)[name]
            if isinstance(obj, Obj):
                return of_static(analysis, obj, name, attribute)
            return Bound(attribute, (obj,)) if isinstance(attribute, FunctionType) else Unknown(name)
    return Unknown(f"super().{name}")


def _of_manager(analysis: Analysis, value: Rows | Manager, name: str) -> Value:
    if name == "model":
        return Real(value.model)
    cls = value.cls if isinstance(value, Manager) and value.cls is not None else None
    attribute = MISSING if cls is None else static(cls, name)
    attribute = getattr(attribute, "__wrapped__", attribute)  # a method that a manager has of its queryset
    if module_of(attribute).startswith("django."):
        return Method(value, name)
    if attribute is MISSING:
        attribute = static(getattr(type(value.model._default_manager), "_queryset_class", QuerySet), name)
    stock = attribute is MISSING or any(attribute is static(base, name) for base in (DjangoManager, QuerySet))
    if not stock and isinstance(attribute, FunctionType) and not hasattr(QuerySet, name):
        return Bound(attribute, (_asked(value, name),))
    return Method(value, name)


def _asked(value: Rows | Manager, name: str) -> Value:
    """The queryset of a method of the manager's own: no longer all rows, as far as we see."""
    manager = value.manager if isinstance(value, Rows) else value.read
    if manager is not None:
        manager.attr(name)
    return Manager(value.model, cls=value.cls if isinstance(value, Manager) else None)


def assign(analysis: Analysis, owner: Value, name: str, value: Value) -> None:
    """``owner.name = value``."""
    match owner:
        case Obj(model=model, read=read_):
            analysis.mark(owner, *_trace(model, name))
            known = read_.set.get(name)
            read_.set[name] = value if known is None else either([known, value])
        case Made():
            known = owner.set.get(name)
            owner.set[name] = value if known is None else either([known, value])
        case Unknown() | Real() | Rows() | Manager() | File() | Vars():
            analysis.opens(f"sets .{name} of what is not its own")
            analysis.escape([value])
            analysis.root.uses.update((CHANGED, KEPT))


def _trace(model: type[Model], name: str) -> tuple[str, ...]:
    """What setting ``name`` does to an object: only a class that knows the name has it read by others."""
    attribute = static(model, name)
    plain = attribute is MISSING or not hasattr(type(attribute), "__get__")
    return (KEPT,) if plain and not name.startswith("_prefetched") and name != "_state" else (KEPT, CHANGED)

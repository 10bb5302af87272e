"""What reading or setting an attribute means: a table of the kinds of values, and one of descriptors."""

from __future__ import annotations

import ast
import enum
import functools
import inspect
from collections.abc import Callable, Iterator
from functools import lru_cache, partialmethod
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from django.apps.registry import Apps
from django.conf import LazySettings
from django.db.models import Manager as DjangoManager
from django.db.models import Model
from django.db.models.fields.files import FileDescriptor, ImageFileDescriptor
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ManyToManyDescriptor,
    ReverseManyToOneDescriptor,
    ReverseOneToOneDescriptor,
)
from django.db.models.manager import BaseManager, ManagerDescriptor
from django.db.models.options import Options
from django.db.models.query import QuerySet
from django.utils.functional import cached_property

from djust_ast.bodies.known import TRUSTED, module_of
from djust_ast.bodies.sources import definition_of
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
    Read,
    Real,
    Rows,
    Super,
    Unknown,
    Value,
    Vars,
    either,
    is_plain,
)
from djust_ast.hints import function_of
from djust_ast.members import ColumnMember, DisplayMember, RelationMember, member

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis

MISSING = object()


def static(owner: Any, name: str) -> Any:
    """The attribute of a class or object as it is written down, or ``MISSING``."""
    return inspect.getattr_static(owner, name, MISSING)


def wrap(found: Any, name: str = "") -> Value:
    """A Python object as a value."""
    if isinstance(found, Model):
        return Unknown(f"{name}, a {type(found).__name__}")
    if isinstance(found, BaseManager) and found.model is not None:
        return Manager(found.model, cls=type(found))
    if isinstance(found, QuerySet):
        return Manager(found.model, cls=type(found))
    return Real(found)


def read(analysis: Analysis, value: Value, name: str, default: Value | None) -> Value:
    """What ``value.name`` gives."""
    match value:
        case Obj():
            return _of_object(analysis, value, name, default)
        case Super(cls=cls, obj=obj):
            return _of_super(analysis, cls, obj, name)
        case Real(value=found):
            return _of_real(analysis, found, name, default)
        case Rows() | Manager():
            return _of_manager(analysis, value, name)
        case Items() | Mapped() | Vars():
            return Method(value, name)
        case Made() | File():
            return _of_made(analysis, value, name, default)
        case Unknown() if name == "_meta":
            return PLAIN  # of a model, whichever it is
        case Unknown(why=why):
            analysis.opens(f"reads .{name} of {why}")
            return Unknown(f"{why}.{name}")
        case Plain() | Bound() | Closure() | Method() | Gives():
            return PLAIN
    return either(())


# -- objects --------------------------------------------------------------------------------------------------


def _of_object(analysis: Analysis, obj: Obj, name: str, default: Value | None) -> Value:
    own = static(obj.model, "__getattribute__")
    if own is not static(Model, "__getattribute__"):
        analysis.opens(f"reads .{name} of {obj.model.__name__}, which has its own __getattribute__()")
        analysis.escape([obj])
        return Unknown(name)
    found = member(obj.model, name)
    match found:
        case ColumnMember(field):
            obj.read.attr(name)
            return either([Unknown(f"a {type(field).__name__}") if _odd(field) else PLAIN])
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


def _odd(field: Any) -> bool:
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
    given = _given(analysis, obj, name) if name.startswith("_") else None
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
            return Unknown(f"a {type(field).__name__}") if _odd(field) else PLAIN
    if name in obj.read.set:
        return obj.read.set[name]
    given = _given(analysis, obj, name)
    return Unknown(f"{obj.model.__name__}.{name}") if given is None else given


def _given(analysis: Analysis, obj: Obj, name: str) -> Value | None:
    """What the methods of a class give the attribute ``name`` of an object; ``None`` where none does."""
    key = (obj.model, obj.read, name)
    if key in analysis.done:
        return analysis.done[key]
    sites = list(assignments(obj.model, name))
    if not sites:
        return None
    analysis.done[key] = either(())
    analysis.done[key] = found = either(analysis.aside(function, node, obj) for function, node in sites)
    return found


def assignments(model: type[Model], name: str) -> Iterator[tuple[FunctionType, ast.expr | None]]:
    """What the methods of ``model`` and of its bases set ``self.name`` to; ``None`` where it is not simply set."""
    for base in model.__mro__:
        if module_of(base).startswith("django.") or base is object:
            continue
        for attribute in vars(base).values():
            function = function_of(attribute)
            if isinstance(function, FunctionType) and name in function.__code__.co_names:
                yield from ((function, value) for value in _set_in(function, name))


@lru_cache(maxsize=1024)
def _set_in(function: FunctionType, name: str) -> tuple[ast.expr | None, ...]:
    definition = definition_of(function)
    if definition is None:
        return ()
    found: list[ast.expr | None] = []
    for node in ast.walk(definition):
        match node:
            case ast.Assign(targets=[ast.Attribute(attr=attr)], value=value) if attr == name:
                found.append(value)
            case ast.AnnAssign(target=ast.Attribute(attr=attr), value=value) if attr == name:
                found.append(value)
            case ast.Attribute(attr=attr, ctx=ast.Store()) if attr == name:
                found.append(None)
    simple = [value for value in found if value is not None]
    return tuple(simple) if len(found) == 2 * len(simple) else (*simple, None)


def _whole(analysis: Analysis, obj: Obj) -> Value:
    analysis.opens(f"reads __dict__ of a {obj.model.__name__}")
    analysis.escape([obj])
    return Unknown("__dict__")


_INSTANCE: dict[str, Callable[[Analysis, Obj], Value]] = {
    "__dict__": lambda analysis, obj: Vars(obj),
    "_state": lambda analysis, obj: PLAIN,
    "_prefetched_objects_cache": _whole,
}


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
    given = _given(analysis, obj, name)
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
    return _of_class_function(obj.model, name, attribute)


def _of_class_function(cls: type, name: str, attribute: Any) -> Value:
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


# -- what is there already ----------------------------------------------------------------------------------


def _of_real(analysis: Analysis, found: Any, name: str, default: Value | None) -> Value:
    if isinstance(found, ModuleType):
        content = vars(found).get(name, MISSING)
        return Unknown(f"{found.__name__}.{name}") if content is MISSING else wrap(content, name)
    if isinstance(found, type):
        return _of_class(analysis, found, name, default)
    if isinstance(found, LazySettings):
        content = getattr(found, name, MISSING)
        return wrap(content, name) if content is not MISSING else default or Unknown(f"settings.{name}")
    if is_plain(found) or isinstance(found, Options | FunctionType):
        return PLAIN
    if isinstance(found, Apps):
        return Real(getattr(found, name, None))
    if _trusted(type(found)):
        return PLAIN
    return _of_instance(analysis, found, name, default)


def _trusted(cls: type) -> bool:
    return module_of(cls).partition(".")[0] in TRUSTED


def _of_class(analysis: Analysis, cls: type, name: str, default: Value | None) -> Value:
    if isinstance(cls, enum.EnumMeta) or name in _NAMES or (issubclass(cls, Model) and name == "_meta"):
        return PLAIN
    attribute = static(cls, name)
    match attribute:
        case ManagerDescriptor():
            return Manager(cls, cls=type(vars(attribute)["manager"]))
        case FunctionType():
            return Real(attribute)
        case classmethod() | staticmethod():
            return _of_class_function(cls, name, attribute)
    if attribute is MISSING:
        return default or Unknown(f"{cls.__name__}.{name}")
    if _trusted(cls):
        return PLAIN
    if hasattr(type(attribute), "__get__") and not isinstance(attribute, type):
        return Unknown(f"{cls.__name__}.{name}")
    return wrap(attribute, name)


_NAMES = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})


def _of_made(analysis: Analysis, made: Made | File, name: str, default: Value | None) -> Value:
    if isinstance(made, File) and name == "instance":
        return made.obj
    if isinstance(made, Made) and name in made.set:
        return made.set[name]
    if name == "__class__":
        return Real(made.cls)
    attribute = static(made.cls, name)
    match attribute:
        case property(fget=FunctionType() as getter) if not module_of(getter).startswith("django."):
            return analysis.call(Real(getter), [made])
        case FunctionType() if not module_of(attribute).startswith("django."):
            return Bound(attribute, (made,))
        case classmethod() | staticmethod():
            return _of_class_function(made.cls, name, attribute)
    function = function_of(attribute)
    if isinstance(function, FunctionType) and not module_of(function).startswith("django."):
        return analysis.call(Real(function), [made])
    if isinstance(made, File):
        return PLAIN  # Django's own: the name, the address, the size
    if attribute is MISSING or hasattr(type(attribute), "__get__"):
        return default or Unknown(f"{made.cls.__name__}.{name}")
    return wrap(attribute, name)


def _of_instance(analysis: Analysis, found: Any, name: str, default: Value | None) -> Value:
    """An attribute of an object that is neither ours nor Django's: a registry, the settings of a package."""
    cls = type(found)
    if static(cls, "__getattribute__") is not static(object, "__getattribute__"):
        return Unknown(f"{cls.__name__}.{name}")
    attribute = static(found, name)
    if attribute is MISSING:
        return default or Unknown(f"{cls.__name__}.{name}")
    if isinstance(attribute, property) and attribute.fget is not None:
        return analysis.call(Real(attribute.fget), [Real(found)])
    if isinstance(attribute, FunctionType):
        return Bound(attribute, () if name in getattr(found, "__dict__", ()) else (Real(found),))
    if hasattr(type(attribute), "__get__") and not isinstance(attribute, type):
        return Unknown(f"{cls.__name__}.{name}")
    return wrap(attribute, name)


# -- managers ------------------------------------------------------------------------------------------------


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


# -- setting ------------------------------------------------------------------------------------------------


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

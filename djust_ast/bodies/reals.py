"""What an attribute gives of what is no instance of a model: of modules, classes, constants, made objects."""

from __future__ import annotations

import enum
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from django.apps.registry import Apps
from django.conf import LazySettings
from django.db.models import Model
from django.db.models.manager import ManagerDescriptor
from django.db.models.options import Options

from djust_ast.bodies.descriptors import class_function
from djust_ast.bodies.known import TRUSTED, module_of
from djust_ast.bodies.statics import MISSING, static, wrap
from djust_ast.bodies.values import PLAIN, Bound, File, Made, Manager, Real, Unknown, Value, is_plain
from djust_ast.hints import function_of

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


def of_real(analysis: Analysis, found: Any, name: str, default: Value | None) -> Value:
    """What an attribute of a Python object gives that was there before."""
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
            return class_function(cls, name, attribute)
    if attribute is MISSING:
        return default or Unknown(f"{cls.__name__}.{name}")
    if _trusted(cls):
        return PLAIN
    if hasattr(type(attribute), "__get__") and not isinstance(attribute, type):
        return Unknown(f"{cls.__name__}.{name}")
    return wrap(attribute, name)


_NAMES = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})


def of_made(analysis: Analysis, made: Made | File, name: str, default: Value | None) -> Value:
    """What an attribute gives of an object that a body has made, or that a file field holds."""
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
            return class_function(made.cls, name, attribute)
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

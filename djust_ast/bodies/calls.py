"""What a call means: Python functions are followed, others are looked up in tables."""

from __future__ import annotations

import functools
import logging
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Model
from django.utils.functional import Promise

from djust_ast.bodies import attributes, methods
from djust_ast.bodies.arguments import Arguments
from djust_ast.bodies.functions import FUNCTIONS, of_getattr
from djust_ast.bodies.known import CLOSED, TRUSTED, WRITING, module_of, speaking, within
from djust_ast.bodies.outside import evaluated, outside, spoken
from djust_ast.bodies.statics import static, wrap
from djust_ast.bodies.values import (
    PLAIN,
    Bound,
    Closure,
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
    each,
    either,
    is_plain,
)

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


def call(analysis: Analysis, callee: Value, arguments: Arguments) -> Value:
    """What calling one value gives."""
    match callee:
        case Bound(function=function, arguments=first):
            bound = Arguments([*first, *arguments.positional], arguments.named, arguments.more)
            return _function(analysis, function, bound)
        case Closure():
            return analysis.closure(callee, arguments)
        case Method(owner=owner, name=name):
            return call_method(analysis, owner, name, arguments)
        case Gives(result=result):
            return result
        case Real(value=found):
            return _real(analysis, found, arguments)
        case Plain():
            return methods.of_data(analysis, "", arguments)
        case Obj(model=model):
            own = static(model, "__call__")
            if isinstance(own, FunctionType):
                return analysis.call(Bound(own, (callee,)), arguments.positional)
    why = callee.why if isinstance(callee, Unknown) else "what is no function"
    analysis.opens(f"calls {why}")
    analysis.escape([callee, *arguments.all()])
    return Unknown(f"what {why} gives")


def call_method(analysis: Analysis, owner: Value, name: str, arguments: Arguments) -> Value:
    """What ``owner.name(...)`` gives."""
    match owner:
        case Plain():
            return methods.of_data(analysis, name, arguments)
        case Real(value=found) if is_plain(found) or isinstance(found, Promise | logging.Logger):
            return methods.of_data(analysis, name, arguments)
        case Items():
            return methods.of_items(analysis, owner, name, arguments)
        case Mapped():
            return methods.of_mapped(analysis, owner, name, arguments)
        case Vars():
            return methods.of_vars(analysis, owner, name, arguments)
        case Rows() | Manager():
            method = attributes.read(analysis, owner, name, None)
            if isinstance(method, Method):
                return methods.of_manager(analysis, owner, name, arguments)
            return call(analysis, method, arguments)
        case Obj() | Super() if name in WRITING and _stock_method(owner, name):
            obj = owner.obj if isinstance(owner, Super) else owner
            analysis.stores(name)
            analysis.opens(f"calls {name}()")
            analysis.escape([obj, *arguments.all()])
            return PLAIN
    return either(
        call(analysis, choice, arguments) for choice in each(attributes.read(analysis, owner, name, None))
    )


def _stock_method(owner: Obj | Super, name: str) -> bool:
    if isinstance(owner, Super):
        return True
    return static(owner.model, name) is static(Model, name)


def _function(analysis: Analysis, function: FunctionType, arguments: Arguments) -> Value:
    handler = FUNCTIONS.get(function)
    if handler is not None:
        return handler(analysis, arguments)
    module = module_of(function)
    name = function.__qualname__
    first = arguments.positional[0] if arguments.positional else None
    if isinstance(first, Obj) and static(Model, function.__name__) is function:
        return _stock_model(analysis, first, function.__name__, arguments)
    if speaking(module):
        return spoken(analysis, arguments)
    if within(module, CLOSED) or module.partition(".")[0] in TRUSTED:
        return outside(analysis, name, module, arguments)
    return analysis.run(function, arguments)


def _stock_model(analysis: Analysis, obj: Obj, name: str, arguments: Arguments) -> Value:
    """A method that every model has."""
    if name in WRITING:
        analysis.stores(name)
        analysis.opens(f"calls {name}()")
        analysis.escape(arguments.all())
        return PLAIN
    if name in ("__str__", "__repr__", "__hash__", "__eq__", "_get_pk_val"):
        if name == "__repr__":
            analysis.speak(obj)
        obj.read.attr("pk")
        return PLAIN
    if name == "get_deferred_fields":
        return PLAIN
    if name == "serializable_value" and len(arguments.positional) > 1:
        return of_getattr(analysis, arguments)
    analysis.opens(f"calls {obj.model.__name__}.{name}()")
    analysis.escape(arguments.all())
    return Unknown(f"what {name}() gives")


def _real(analysis: Analysis, found: Any, arguments: Arguments) -> Value:
    try:
        handler = FUNCTIONS.get(found)
    except TypeError:
        handler = None
    if handler is not None:
        return handler(analysis, arguments)
    if isinstance(found, MethodType) and found.__self__ is apps and found.__name__ in _LOOK_UPS:
        known = evaluated(analysis, found, arguments)
        some = found.__name__.endswith("_model") and isinstance(known, Unknown)
        return Real(Model) if some else known  # some model
    if isinstance(found, type):
        return _made(analysis, found, arguments)
    name = getattr(found, "__qualname__", type(found).__name__)
    module = module_of(found) or module_of(type(found))
    inner = _inner(found)
    if inner is None and speaking(module):
        return spoken(analysis, arguments)
    if inner is None and module.partition(".")[0] not in TRUSTED:
        own = static(type(found), "__call__")
        inner = (own, [Real(found)], {}) if isinstance(own, FunctionType) else None
    if inner is None:
        return outside(analysis, name, module, arguments)
    function, first, named = inner
    positional = [*first, *arguments.positional]
    return _function(analysis, function, Arguments(positional, named | arguments.named, arguments.more))


def _inner(found: Any) -> tuple[FunctionType, list[Value], dict[str, Value]] | None:
    """The function that a callable of Python's own calls, and the arguments that it adds."""
    match found:
        case FunctionType():
            return found, [], {}
        case functools._lru_cache_wrapper(__wrapped__=FunctionType() as function):
            return function, [], {}
        case MethodType(__func__=FunctionType() as function, __self__=owner):
            return function, [wrap(owner)], {}
        case functools.partial(func=FunctionType() as function, args=args, keywords=keywords):
            return function, [*map(wrap, args)], {name: wrap(value) for name, value in keywords.items()}
    return None


_LOOK_UPS = frozenset({"get_model", "get_registered_model", "get_app_config", "is_installed"})


def _made(analysis: Analysis, cls: type, arguments: Arguments) -> Value:
    """An instance of a class."""
    values = arguments.all()
    module = module_of(cls)
    if issubclass(cls, BaseException):
        return PLAIN
    if issubclass(cls, Model):
        analysis.opens(f"makes a {cls.__name__}")
        analysis.escape(values)
        return Unknown(f"a new {cls.__name__}")
    if speaking(module):
        return spoken(analysis, arguments)
    if module.partition(".")[0] in TRUSTED:
        return outside(analysis, cls.__name__, module, arguments)
    if issubclass(cls, tuple) and cls.__new__.__module__ != cls.__module__:
        return Items(values)
    plain_class = type(cls) is type and cls.__new__ is object.__new__
    start = static(cls, "__init__")
    if plain_class and not within(module, CLOSED) and isinstance(start, FunctionType):
        if start.__code__.co_filename.startswith("<"):  # a dataclass
            names = list(getattr(cls, "__match_args__", ()))
            given = dict(zip(names, arguments.positional, strict=False)) | arguments.named
            return Made(cls, given)
        made = Made(cls)
        _function(analysis, start, Arguments([made, *arguments.positional], arguments.named, arguments.more))
        return made
    if plain_class and start is static(object, "__init__"):
        return Made(cls)
    analysis.opens(f"makes a {cls.__name__}")
    analysis.escape(values)
    return Unknown(f"a new {cls.__name__}")

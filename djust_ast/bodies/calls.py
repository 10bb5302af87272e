"""What a call means: Python functions are followed, others are looked up in tables."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.urls import reverse
from django.utils.functional import Promise

from djust_ast.bodies import attributes
from djust_ast.bodies.known import (
    CLOSED,
    DATA,
    ONE,
    PAIRS,
    PRINTING,
    TRUSTED,
    WRITES,
    WRITING,
    module_of,
    speaking,
    within,
)
from djust_ast.bodies.sources import Definition
from djust_ast.bodies.values import (
    CHANGED,
    KEPT,
    NOTHING,
    PLAIN,
    Bound,
    Closure,
    Either,
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
    objects,
)

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


@dataclass(slots=True)
class Arguments:
    """The arguments of a call; ``more`` may go anywhere."""

    positional: list[Value]
    named: dict[str, Value] = field(default_factory=dict)
    more: list[Value] = field(default_factory=list)

    def all(self) -> list[Value]:
        """All of them."""
        return [*self.positional, *self.named.values(), *self.more]


# -- parameters ---------------------------------------------------------------------------------------------


def names_of(definition: Definition, function: FunctionType, arguments: Arguments) -> dict[str, Value]:
    """The names that a function begins with."""
    defaults = [attributes.wrap(value) for value in function.__defaults__ or ()]
    keyword = {name: attributes.wrap(value) for name, value in (function.__kwdefaults__ or {}).items()}
    return bind(definition.args, arguments, defaults, keyword)


def bind(
    parameters: ast.arguments, arguments: Arguments, defaults: list[Value], keyword: dict[str, Value]
) -> dict[str, Value]:
    """The names of ``parameters`` with their values."""
    names = [item.arg for item in (*parameters.posonlyargs, *parameters.args)]
    bound: dict[str, Value] = dict(keyword)
    if defaults:
        bound |= dict(zip(names[-len(defaults) :], defaults, strict=True))
    taken = dict(zip(names, arguments.positional, strict=False))
    known = {*names, *(item.arg for item in parameters.kwonlyargs)}
    bound |= taken | {name: value for name, value in arguments.named.items() if name in known}
    if arguments.more:
        for name in known - taken.keys() - arguments.named.keys():
            bound[name] = either([*([bound[name]] if name in bound else []), *arguments.more])
    for name in known:
        bound.setdefault(name, Unknown(f"the argument {name!r}"))
    if parameters.vararg is not None:
        rest = arguments.positional[len(names) :]
        bound[parameters.vararg.arg] = Items([*rest, *arguments.more], exact=not arguments.more)
    if parameters.kwarg is not None:
        others = {name: value for name, value in arguments.named.items() if name not in known}
        bound[parameters.kwarg.arg] = Mapped(others, list(arguments.more))
    return bound


def asynchronous(function: FunctionType) -> bool:
    """Whether calling it runs nothing yet."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def filled(cell: Any) -> bool:
    """Whether the variable of an outer function has a value."""
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


# -- calls --------------------------------------------------------------------------------------------------


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
            return _data(analysis, "", arguments)
        case Obj(model=model):
            own = attributes.static(model, "__call__")
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
            return _data(analysis, name, arguments)
        case Real(value=found) if is_plain(found) or isinstance(found, Promise | logging.Logger):
            return _data(analysis, name, arguments)
        case Items():
            return _items(analysis, owner, name, arguments)
        case Mapped():
            return _mapped(analysis, owner, name, arguments)
        case Vars():
            return _vars(analysis, owner, name, arguments)
        case Rows() | Manager():
            method = attributes.read(analysis, owner, name, None)
            if isinstance(method, Method):
                return _managed(analysis, owner, name, arguments)
            return call(analysis, method, arguments)
        case Obj() | Super() if name in WRITING and _stock_method(owner, name):
            obj = owner.obj if isinstance(owner, Super) else owner
            analysis.opens(f"calls {name}()")
            analysis.escape([obj, *arguments.all()])
            return PLAIN
    return either(
        call(analysis, choice, arguments) for choice in each(attributes.read(analysis, owner, name, None))
    )


def _stock_method(owner: Obj | Super, name: str) -> bool:
    if isinstance(owner, Super):
        return True
    return attributes.static(owner.model, name) is attributes.static(Model, name)


def _data(analysis: Analysis, name: str, arguments: Arguments) -> Value:
    """A method of text, a number, a date: it may print what it gets, or call it."""
    values = arguments.all()
    functions = [value for value in values for value in each(value) if isinstance(value, Closure | Bound)]
    for function in functions:
        analysis.call(function, [PLAIN])
    if name in PRINTING:
        analysis.speak(*values)
    elif next(objects(*values), None) is not None:
        analysis.opens(f"hands an object to .{name}()")
        analysis.escape(values)
    else:
        _suspicious(analysis, values, name)
    return PLAIN


def _suspicious(analysis: Analysis, values: list[Value], name: str) -> None:
    for value in values:
        for choice in each(value):
            if isinstance(choice, Unknown):
                analysis.opens(f"hands {choice.why} to {name or 'a function'}()")


def _function(analysis: Analysis, function: FunctionType, arguments: Arguments) -> Value:
    handler = FUNCTIONS.get(function)
    if handler is not None:
        return handler(analysis, arguments)
    module = module_of(function)
    name = function.__qualname__
    first = arguments.positional[0] if arguments.positional else None
    if isinstance(first, Obj) and attributes.static(Model, function.__name__) is function:
        return _stock_model(analysis, first, function.__name__, arguments)
    if speaking(module):
        return _spoken(analysis, arguments)
    if within(module, CLOSED) or module.partition(".")[0] in TRUSTED:
        return _outside(analysis, name, module, arguments)
    return analysis.run(function, arguments)


def _spoken(analysis: Analysis, arguments: Arguments) -> Value:
    values = arguments.all()
    analysis.speak(*values)
    for value in values:
        for choice in each(value):
            if isinstance(choice, Closure | Bound):
                analysis.speak(analysis.call(choice, [PLAIN]))
    return PLAIN


def _outside(analysis: Analysis, name: str, module: str, arguments: Arguments) -> Value:
    """A function that is not followed."""
    values = arguments.all()
    if module.partition(".")[0] not in TRUSTED:
        analysis.opens(f"calls {module}.{name}()")
        analysis.escape(values)
        return Unknown(f"what {name}() gives")
    if next(objects(*values), None) is not None:
        analysis.opens(f"hands an object to {name}()")
        analysis.escape(values)
        return Unknown(f"what {name}() gives")
    _suspicious(analysis, values, name)
    return PLAIN


def _stock_model(analysis: Analysis, obj: Obj, name: str, arguments: Arguments) -> Value:
    """A method that every model has."""
    if name in WRITING:
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
        return _getattr(analysis, arguments)
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
    if isinstance(found, FunctionType):
        return _function(analysis, found, arguments)
    if isinstance(found, functools._lru_cache_wrapper) and isinstance(found.__wrapped__, FunctionType):
        return _function(analysis, found.__wrapped__, arguments)
    if isinstance(found, MethodType):
        if found.__self__ is apps and found.__name__ in _LOOK_UPS:
            known = _evaluated(analysis, found, arguments)
            some = found.__name__.endswith("_model") and isinstance(known, Unknown)
            return Real(Model) if some else known  # some model
        if isinstance(found.__func__, FunctionType):
            first = attributes.wrap(found.__self__)
            return _function(
                analysis,
                found.__func__,
                Arguments([first, *arguments.positional], arguments.named, arguments.more),
            )
    if isinstance(found, type):
        return _made(analysis, found, arguments)
    name = getattr(found, "__qualname__", type(found).__name__)
    module = module_of(found) or module_of(type(found))
    if speaking(module):
        return _spoken(analysis, arguments)
    if module.partition(".")[0] in TRUSTED or isinstance(found, functools.partial):
        inner = found.func if isinstance(found, functools.partial) else None
        if isinstance(inner, FunctionType):
            bound = [attributes.wrap(value) for value in found.args]
            named = {key: attributes.wrap(value) for key, value in found.keywords.items()}
            return _function(
                analysis,
                inner,
                Arguments([*bound, *arguments.positional], named | arguments.named, arguments.more),
            )
        return _outside(analysis, name, module, arguments)
    own = attributes.static(type(found), "__call__")
    if isinstance(own, FunctionType):
        return _function(
            analysis,
            own,
            Arguments([Real(found), *arguments.positional], arguments.named, arguments.more),
        )
    return _outside(analysis, name, module, arguments)


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
        return _spoken(analysis, arguments)
    if module.partition(".")[0] in TRUSTED:
        return _outside(analysis, cls.__name__, module, arguments)
    if issubclass(cls, tuple) and cls.__new__.__module__ != cls.__module__:
        return Items(values)
    plain_class = type(cls) is type and cls.__new__ is object.__new__
    start = attributes.static(cls, "__init__")
    if plain_class and not within(module, CLOSED) and isinstance(start, FunctionType):
        if start.__code__.co_filename.startswith("<"):  # a dataclass
            names = list(getattr(cls, "__match_args__", ()))
            given = dict(zip(names, arguments.positional, strict=False)) | arguments.named
            return Made(cls, given)
        made = Made(cls)
        _function(analysis, start, Arguments([made, *arguments.positional], arguments.named, arguments.more))
        return made
    if plain_class and start is attributes.static(object, "__init__"):
        return Made(cls)
    analysis.opens(f"makes a {cls.__name__}")
    analysis.escape(values)
    return Unknown(f"a new {cls.__name__}")


# -- containers and querysets -------------------------------------------------------------------------------

_ADDING = frozenset({"append", "extend", "add", "insert", "update", "appendleft"})


def _items(analysis: Analysis, items: Items, name: str, arguments: Arguments) -> Value:
    if name in _ADDING:
        items.exact = False
        for value in arguments.all():
            new = analysis.elements(value) if name in ("extend", "update") else [value]
            items.items += [item for item in new if item not in items.items]
        return PLAIN
    if name == "sort":
        _ordered(analysis, [items], arguments.named)
        return PLAIN
    if name in ("pop", "popleft"):
        return either(items.items)
    if name in ("copy", "union", "intersection", "difference"):
        return Items(
            [*items.items, *(item for value in arguments.all() for item in analysis.elements(value))]
        )
    if name in ("index", "count", "remove", "discard"):
        for item in items.items:
            analysis.compare(ast.Eq(), item, either(arguments.positional))
    return PLAIN


def _mapped(analysis: Analysis, mapped: Mapped, name: str, arguments: Arguments) -> Value:
    values = [*mapped.named.values(), *mapped.rest]
    match name:
        case "get" | "pop" | "setdefault":
            key = arguments.positional[0] if arguments.positional else None
            known = key.value if isinstance(key, Real) and isinstance(key.value, str) else None
            found = mapped.rest if known is not None and known not in mapped.named else values
            if name == "setdefault":
                mapped.rest += arguments.positional[1:]
            return either([*found, *(arguments.positional[1:] or [Real(None)])])
        case "values":
            return Items(values)
        case "items":
            return Items([Items([PLAIN, either(values)], exact=True)])
        case "update":
            mapped.rest += [
                inner
                for value in arguments.all()
                for inner in ([*value.named.values(), *value.rest] if isinstance(value, Mapped) else [value])
            ]
            return PLAIN
        case "copy":
            return Mapped(dict(mapped.named), list(mapped.rest))
    return PLAIN


def _vars(analysis: Analysis, owner: Vars, name: str, arguments: Arguments) -> Value:
    key = arguments.positional[0] if arguments.positional else None
    if name == "get" and isinstance(key, Real) and isinstance(key.value, str):
        found = attributes.in_dict(analysis, owner.obj, key.value)
        return either([found, *(arguments.positional[1:] or [Real(None)])])
    analysis.opens(f"calls __dict__.{name}()")
    analysis.escape([owner, *arguments.all()])
    return Unknown("__dict__")


def _managed(analysis: Analysis, owner: Rows | Manager, name: str, arguments: Arguments) -> Value:
    """A method of a queryset or of a manager, Django's own, or unseen."""
    model = owner.model
    manager = owner.manager if isinstance(owner, Rows) else owner.read
    for value in arguments.all():
        for choice in each(value):
            if isinstance(choice, Obj):
                choice.read.attr("pk")
            elif isinstance(choice, Unknown):
                analysis.opens(f"asks {model.__name__} for {choice.why}")
            elif isinstance(choice, Rows):
                analysis.elements(choice)
    if name == "all":
        if isinstance(owner, Manager) and manager is not None:
            return Rows(model, manager)
        if isinstance(owner, Manager):
            return owner
    if manager is not None:
        manager.attr(name)
    if name in WRITES:
        analysis.opens(f"calls {model.__name__}.{name}()")
        analysis.escape([Obj(model, analysis.root), *arguments.all()])
    analysis.asks(model, f"{name}()")
    if name in ONE:
        return analysis.found(model)
    if name in PAIRS:
        return Items([analysis.found(model), PLAIN], exact=True)
    if name in DATA:
        return PLAIN
    if name == "iterator":
        return Items([analysis.found(model)])
    if name == "in_bulk":
        return Mapped({}, [analysis.found(model)])
    return Manager(model, cls=owner.cls if isinstance(owner, Manager) else None)


# -- functions that are known -------------------------------------------------------------------------------


def _getattr(analysis: Analysis, arguments: Arguments) -> Value:
    owner, *rest = arguments.positional or [NOTHING]
    name = rest[0] if rest else NOTHING
    default = rest[1] if len(rest) > 1 else None
    found = []
    for choice in each(name):
        if isinstance(choice, Real) and isinstance(choice.value, str):
            found.append(analysis.attribute(owner, choice.value, default))
        elif next(objects(owner), None) is not None or isinstance(owner, Unknown):
            analysis.opens("reads an attribute whose name is not known")
            analysis.escape([owner])
            found.append(Unknown("an attribute"))
        else:
            found.append(Unknown("an attribute"))
    return either([*found, *([] if default is None else [default])])


def _hasattr(analysis: Analysis, arguments: Arguments) -> Value:
    _getattr(analysis, Arguments([*arguments.positional[:2], PLAIN]))
    return PLAIN


def _setattr(analysis: Analysis, arguments: Arguments) -> Value:
    owner, name, *rest = [*arguments.positional, NOTHING, NOTHING][:3]
    if isinstance(name, Real) and isinstance(name.value, str):
        analysis.assign(owner, name.value, rest[0] if rest else NOTHING)
    else:
        analysis.opens("sets an attribute whose name is not known")
        analysis.escape([owner])
    return PLAIN


def _speaks(analysis: Analysis, arguments: Arguments) -> Value:
    analysis.speak(*arguments.all())
    return PLAIN


def _tests(analysis: Analysis, arguments: Arguments) -> Value:
    for value in arguments.positional:
        for choice in each(value):
            if isinstance(choice, Manager):
                analysis.elements(choice)
        analysis.truth(value)
    return PLAIN


def _looks(analysis: Analysis, arguments: Arguments) -> Value:
    """``isinstance`` and its like, which read nothing."""
    return PLAIN


def _hashes(analysis: Analysis, arguments: Arguments) -> Value:
    for obj in objects(*arguments.all()):
        analysis.special(obj, "__hash__")
    return PLAIN


def _type(analysis: Analysis, arguments: Arguments) -> Value:
    return either(
        Real(choice.model) if isinstance(choice, Obj) else PLAIN
        for value in arguments.positional[:1]
        for choice in each(value)
    )


def _collects(analysis: Analysis, arguments: Arguments) -> Value:
    """A container or iterator of what the arguments hold."""
    return Items([item for value in arguments.all() for item in analysis.elements(value)])


def _sets(analysis: Analysis, arguments: Arguments) -> Value:
    made = _collects(analysis, arguments)
    _hashes(analysis, Arguments([made]))
    return made


def _chains(analysis: Analysis, arguments: Arguments) -> Value:
    return Items(
        [
            item
            for value in arguments.all()
            for inner in analysis.elements(value)
            for item in analysis.elements(inner)
        ]
    )


def _ordered(analysis: Analysis, values: list[Value], named: dict[str, Value]) -> list[Value]:
    items = [item for value in values for item in analysis.elements(value)]
    key = named.get("key")
    if key is not None and not (isinstance(key, Real) and key.value is None):
        ranks = [analysis.call(key, [either(items)])]
    else:
        ranks = items
    for rank in ranks:
        analysis.compare(ast.Lt(), rank, rank)
    return items


def _sorts(analysis: Analysis, arguments: Arguments) -> Value:
    return Items(_ordered(analysis, arguments.positional, arguments.named))


def _picks(analysis: Analysis, arguments: Arguments) -> Value:
    """``min`` and ``max``: of one iterable, or of several values."""
    one = len(arguments.positional) == 1
    values: list[Value] = arguments.positional if one else [Items(list(arguments.positional))]
    default = arguments.named.get("default")
    return either([*_ordered(analysis, values, arguments.named), *([] if default is None else [default])])


def _folds(analysis: Analysis, arguments: Arguments) -> Value:
    """``sum``, ``any`` and ``all``."""
    for value in arguments.positional[:1]:
        for item in analysis.elements(value):
            analysis.truth(item)
            analysis.plainly(*(choice for choice in each(item) if isinstance(choice, Unknown)))
    return PLAIN


def _maps(analysis: Analysis, arguments: Arguments) -> Value:
    function, *rest = arguments.positional or [NOTHING]
    return Items([analysis.call(function, [either(analysis.elements(value)) for value in rest])])


def _filters(analysis: Analysis, arguments: Arguments) -> Value:
    function, *rest = arguments.positional or [NOTHING]
    items = [item for value in rest for item in analysis.elements(value)]
    if isinstance(function, Real) and function.value in (None, bool):
        for item in items:
            analysis.truth(item)
    else:
        analysis.truth(analysis.call(function, [either(items)]))
    return Items(items)


def _reduces(analysis: Analysis, arguments: Arguments) -> Value:
    function, *rest = arguments.positional or [NOTHING]
    items = either([item for value in rest[:1] for item in analysis.elements(value)])
    return either([items, *rest[1:], analysis.call(function, [either([items, *rest[1:]]), items])])


def _zips(analysis: Analysis, arguments: Arguments) -> Value:
    return Items([Items([either(analysis.elements(value)) for value in arguments.positional], exact=True)])


def _counts(analysis: Analysis, arguments: Arguments) -> Value:
    items = [item for value in arguments.positional[:1] for item in analysis.elements(value)]
    return Items([Items([PLAIN, either(items)], exact=True)])


def _next(analysis: Analysis, arguments: Arguments) -> Value:
    items = [item for value in arguments.positional[:1] for item in analysis.elements(value)]
    return either([*items, *arguments.positional[1:]])


def _dict(analysis: Analysis, arguments: Arguments) -> Value:
    mapped = Mapped(dict(arguments.named), list(arguments.more))
    for value in arguments.positional:
        for choice in each(value):
            if isinstance(choice, Mapped):
                mapped.named |= choice.named
                mapped.rest += choice.rest
            elif not isinstance(choice, Real | Closure | Bound):
                pairs = analysis.elements(choice)
                mapped.rest += [item for pair in pairs for item in analysis.elements(pair)]
    return mapped


def _groups(analysis: Analysis, arguments: Arguments) -> Value:
    value, *key = [*arguments.positional, *arguments.named.values()] or [NOTHING]
    items = analysis.elements(value)
    group = analysis.call(key[0], [either(items)]) if key else either(items)
    return Items([Items([group, Items(items)], exact=True)])


def _partial(analysis: Analysis, arguments: Arguments) -> Value:
    function, *rest = arguments.positional or [NOTHING]
    if isinstance(function, Bound) and not arguments.named:
        return Bound(function.function, (*function.arguments, *rest))
    if isinstance(function, Real) and isinstance(function.value, FunctionType) and not arguments.named:
        return Bound(function.value, tuple(rest))
    return _outside(analysis, "partial", "functools", arguments)


def _sees_all(analysis: Analysis, arguments: Arguments) -> Value:
    """``eval``, ``locals`` and their like, which reach every name."""
    analysis.opens("uses eval(), locals() or the like")
    analysis.escape(arguments.all())
    analysis.root.uses.update((CHANGED, KEPT))
    return Unknown("what eval() gives")


def _evaluated(analysis: Analysis, found: Callable[..., Any], arguments: Arguments) -> Value:
    """A look-up by constants, which is done."""
    values = list(_constants(arguments.positional))
    named = {name: value for name, value in arguments.named.items() if _constant(value)}
    if len(values) != len(arguments.positional) or named.keys() != arguments.named.keys() or arguments.more:
        return Unknown(f"what {found.__name__}() gives")
    try:
        return attributes.wrap(found(*values, **{name: value.value for name, value in named.items()}))  # type: ignore[union-attr]
    except (LookupError, ValueError, ImportError):
        return NOTHING


def _constant(value: Value) -> bool:
    return isinstance(value, Real) and is_plain(value.value)


def _constants(values: list[Value]) -> Iterator[Any]:
    return (value.value for value in values if isinstance(value, Real) and is_plain(value.value))


Handler = Callable[["Analysis", Arguments], Value]
FUNCTIONS: dict[Any, Handler] = {
    getattr: _getattr,
    hasattr: _hasattr,
    setattr: _setattr,
    **dict.fromkeys((str, repr, format, ascii, print, reverse), _speaks),
    **dict.fromkeys((bool, len), _tests),
    **dict.fromkeys((isinstance, issubclass, id, callable), _looks),
    hash: _hashes,
    **dict.fromkeys((eval, exec, locals, globals, vars, dir, compile, __import__), _sees_all),
    type: _type,
    **dict.fromkeys((list, tuple, iter, reversed, itertools.chain), _collects),
    **dict.fromkeys((set, frozenset), _sets),
    itertools.islice: lambda analysis, arguments: _collects(analysis, Arguments(arguments.positional[:1])),
    itertools.chain.from_iterable: _chains,
    itertools.groupby: _groups,
    sorted: _sorts,
    **dict.fromkeys((min, max), _picks),
    **dict.fromkeys((sum, any, all), _folds),
    map: _maps,
    filter: _filters,
    functools.reduce: _reduces,
    functools.partial: _partial,
    **dict.fromkeys((zip, itertools.zip_longest), _zips),
    enumerate: _counts,
    next: _next,
    **dict.fromkeys((dict, OrderedDict, defaultdict), _dict),
    get_user_model: lambda analysis, arguments: _evaluated(analysis, get_user_model, arguments),
}
__all__ = ["CHANGED", "FUNCTIONS", "KEPT", "Arguments", "Either", "call", "call_method"]

"""Functions that are known: what they read of their arguments, and what they give."""

from __future__ import annotations

import ast
import functools
import itertools
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.urls import reverse

from djust_ast.bodies.arguments import Arguments
from djust_ast.bodies.outside import evaluated, outside
from djust_ast.bodies.values import (
    CHANGED,
    KEPT,
    NOTHING,
    PLAIN,
    Bound,
    Closure,
    Items,
    Manager,
    Mapped,
    Obj,
    Real,
    Unknown,
    Value,
    each,
    either,
    objects,
)

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


def of_getattr(analysis: Analysis, arguments: Arguments) -> Value:
    """What ``getattr()`` gives."""
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
    of_getattr(analysis, Arguments([*arguments.positional[:2], PLAIN]))
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


def ordered(analysis: Analysis, values: list[Value], named: dict[str, Value]) -> list[Value]:
    """The items of ``values``, which are put in order: what their ``key`` or their comparisons read is noted."""
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
    return Items(ordered(analysis, arguments.positional, arguments.named))


def _picks(analysis: Analysis, arguments: Arguments) -> Value:
    """``min`` and ``max``: of one iterable, or of several values."""
    one = len(arguments.positional) == 1
    values: list[Value] = arguments.positional if one else [Items(list(arguments.positional))]
    default = arguments.named.get("default")
    return either([*ordered(analysis, values, arguments.named), *([] if default is None else [default])])


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
    return outside(analysis, "partial", "functools", arguments)


def _sees_all(analysis: Analysis, arguments: Arguments) -> Value:
    """``eval``, ``locals`` and their like, which reach every name."""
    analysis.opens("uses eval(), locals() or the like")
    analysis.escape(arguments.all())
    analysis.root.uses.update((CHANGED, KEPT))
    return Unknown("what eval() gives")


Handler = Callable[["Analysis", Arguments], Value]


FUNCTIONS: dict[Any, Handler] = {
    getattr: of_getattr,
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
    get_user_model: lambda analysis, arguments: evaluated(analysis, get_user_model, arguments),
}

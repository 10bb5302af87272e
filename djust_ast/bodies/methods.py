"""What the methods of data, of containers and of querysets give."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from djust_ast.bodies import attributes
from djust_ast.bodies.arguments import Arguments
from djust_ast.bodies.functions import ordered
from djust_ast.bodies.known import DATA, ONE, PAIRS, PRINTING, WRITES
from djust_ast.bodies.outside import suspicious
from djust_ast.bodies.values import (
    PLAIN,
    Bound,
    Closure,
    Items,
    Manager,
    Mapped,
    Obj,
    Real,
    Rows,
    Unknown,
    Value,
    Vars,
    each,
    either,
    objects,
)

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


def of_data(analysis: Analysis, name: str, arguments: Arguments) -> Value:
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
        suspicious(analysis, values, name)
    return PLAIN


_ADDING = frozenset({"append", "extend", "add", "insert", "update", "appendleft"})


def of_items(analysis: Analysis, items: Items, name: str, arguments: Arguments) -> Value:
    """A method of a list, tuple, set or iterator."""
    if name in _ADDING:
        items.exact = False
        for value in arguments.all():
            new = analysis.elements(value) if name in ("extend", "update") else [value]
            items.items += [item for item in new if item not in items.items]
        return PLAIN
    if name == "sort":
        ordered(analysis, [items], arguments.named)
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


def of_mapped(analysis: Analysis, mapped: Mapped, name: str, arguments: Arguments) -> Value:
    """A method of a dict."""
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


def of_vars(analysis: Analysis, owner: Vars, name: str, arguments: Arguments) -> Value:
    """A method of the ``__dict__`` of an object."""
    key = arguments.positional[0] if arguments.positional else None
    if name == "get" and isinstance(key, Real) and isinstance(key.value, str):
        found = attributes.in_dict(analysis, owner.obj, key.value)
        return either([found, *(arguments.positional[1:] or [Real(None)])])
    analysis.opens(f"calls __dict__.{name}()")
    analysis.escape([owner, *arguments.all()])
    return Unknown("__dict__")


def of_manager(analysis: Analysis, owner: Rows | Manager, name: str, arguments: Arguments) -> Value:
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
        analysis.stores(name)
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

"""Functions that are not followed: what they get may be printed, changed, or only looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from djust_ast.bodies.arguments import Arguments
from djust_ast.bodies.known import TRUSTED
from djust_ast.bodies.statics import wrap
from djust_ast.bodies.values import (
    NOTHING,
    PLAIN,
    Bound,
    Closure,
    Real,
    Unknown,
    Value,
    each,
    is_plain,
    objects,
)

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


def spoken(analysis: Analysis, arguments: Arguments) -> Value:
    """A function that prints what it gets."""
    values = arguments.all()
    analysis.speak(*values)
    for value in values:
        for choice in each(value):
            if isinstance(choice, Closure | Bound):
                analysis.speak(analysis.call(choice, [PLAIN]))
    return PLAIN


def outside(analysis: Analysis, name: str, module: str, arguments: Arguments) -> Value:
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
    suspicious(analysis, values, name)
    return PLAIN


def suspicious(analysis: Analysis, values: list[Value], name: str) -> None:
    """Note that code which is not followed gets values of which nothing is known."""
    for value in values:
        for choice in each(value):
            if isinstance(choice, Unknown):
                analysis.opens(f"hands {choice.why} to {name or 'a function'}()")


def evaluated(analysis: Analysis, found: Callable[..., Any], arguments: Arguments) -> Value:
    """A look-up by constants, which is done."""
    values = list(_constants(arguments.positional))
    named = {name: value for name, value in arguments.named.items() if _constant(value)}
    if len(values) != len(arguments.positional) or named.keys() != arguments.named.keys() or arguments.more:
        return Unknown(f"what {found.__name__}() gives")
    try:
        return wrap(found(*values, **{name: value.value for name, value in named.items()}))  # type: ignore[union-attr]
    except (LookupError, ValueError, ImportError):
        return NOTHING


def _constant(value: Value) -> bool:
    return isinstance(value, Real) and is_plain(value.value)


def _constants(values: list[Value]) -> Iterator[Any]:
    return (value.value for value in values if isinstance(value, Real) and is_plain(value.value))

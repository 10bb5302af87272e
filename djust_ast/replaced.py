"""Who has replaced what Django reads and renders templates with, so that ours would read them differently."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from operator import attrgetter
from types import ModuleType
from typing import Any, NamedTuple

from django.template import base, defaulttags, library, loader_tags
from django.templatetags import cache, i18n, l10n, static, tz

_PATTERN = r"({%.*?%}|{{.*?}}|{#.*?#})"
_OTHER_FLAGS = ~int(re.UNICODE | re.DOTALL)
# Of the first, everything: it decides what is read. `Template.render` and `_render` are replaced by whoever watches.
_WHOLE = ("Lexer", "DebugLexer", "Parser", "Token")
_PARTS = (
    *("Template.__init__", "Template.compile_nodelist"),
    *("FilterExpression", "FilterExpression.__init__", "Variable", "Variable.__init__"),
)
_NODES = (cache, defaulttags, i18n, l10n, library, loader_tags, static, tz)


class _Stock(NamedTuple):
    """What Django's own modules hold: where in a module, and what that was when we first looked."""

    home: ModuleType
    paths: tuple[str, ...]
    find: Callable[[Any], tuple[Any, ...]]
    found: tuple[Any, ...]
    """``None`` for what somebody had replaced before that."""


def replaced() -> list[str]:
    """Return what is not Django's own any more: ``name is other``."""
    others: dict[str, str] = {}
    if base.tag_re.pattern != _PATTERN or base.tag_re.flags & _OTHER_FLAGS:
        others["django.template.base.tag_re"] = repr(base.tag_re.pattern)
    for home, paths, find, stock in _STOCK:
        try:
            now = find(home)
        except AttributeError:  # a class that another one stands for may lack some
            now = tuple(_inside(home, path) for path in paths)
        if now == stock:
            continue
        for path, found, known in zip(paths, now, stock, strict=True):
            name = f"{home.__name__}.{path}"
            # What is in a class that is another one is another one, too.
            if found is not known and name.rpartition(".")[0] not in others:
                others[name] = _name(found)
    return [f"{path} is {other}" for path, other in others.items()]


def is_own(thing: Any, home: ModuleType) -> bool:
    """Return whether a class or function was written in that module, whatever name a wrapper gives itself."""
    if isinstance(thing, type):
        return thing.__module__ == home.__name__
    code = getattr(thing, "__code__", None)
    return code is not None and code.co_filename in _files(home)


def _inside(home: ModuleType, path: str) -> Any:
    found: Any = home
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _files(home: ModuleType) -> set[str]:
    """The files that the code of a module says it is from: one, unless somebody has replaced some of it."""
    spec = home.__spec__
    return {str(home.__file__)} | ({str(spec.origin)} if spec is not None else set())


def _name(found: Any) -> str:
    code = getattr(found, "__code__", None)
    if code is not None and getattr(found, "__wrapped__", None) is not None:
        return f"{found.__globals__.get('__name__')}.{code.co_qualname}"
    return f"{getattr(found, '__module__', None)}.{getattr(found, '__qualname__', type(found).__name__)}"


def _stock(home: ModuleType, paths: list[str]) -> _Stock:
    find: Callable[[Any], tuple[Any, ...]] = attrgetter(*paths, "__name__")
    *found, name = find(home)
    own = [thing if any(is_own(thing, known) for known in (home, base, library)) else None for thing in found]
    return _Stock(home, (*paths, "__name__"), find, (*own, name))


def _paths_of_readers() -> Iterator[str]:
    for name in _WHOLE:
        functions = vars(getattr(base, name))
        yield from (name, *(f"{name}.{inner}" for inner in functions if callable(functions[inner])))
    yield from _PARTS


def _paths_of_nodes(module: ModuleType) -> Iterator[str]:
    for name, kind in vars(module).items():
        # By type(kind): `settings`, which is lazy, may not be configured yet.
        if (
            issubclass(type(kind), type)
            and issubclass(kind, base.Node)
            and kind.__module__ == module.__name__
        ):
            yield f"{name}.render"


_STOCK = (
    _stock(base, [*_paths_of_readers()]),
    *(_stock(module, [*_paths_of_nodes(module)]) for module in _NODES),
)

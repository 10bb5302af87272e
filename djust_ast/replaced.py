"""Who has replaced what Django reads and renders templates with, so that ours would read them differently."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
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
    path: str
    found: Any
    """``None`` for what somebody had replaced before that."""


def replaced() -> list[str]:
    """Return what is not Django's own any more: ``name is other``."""
    others: dict[str, str] = {}
    if base.tag_re.pattern != _PATTERN or base.tag_re.flags & _OTHER_FLAGS:
        others["django.template.base.tag_re"] = repr(base.tag_re.pattern)
    elif _same():
        return []
    for home, path, known in _STOCK:
        name, found = f"{home.__name__}.{path}", _inside(home, path)
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


def _stock(home: ModuleType, path: str) -> _Stock:
    found = _inside(home, path)
    own = any(is_own(found, known) for known in (home, base, library))
    return _Stock(home, path, found if own else None)


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


def _comparison(stock: Sequence[_Stock]) -> Callable[[], bool]:
    """``base.Lexer.tokenize is stock_1 and ...`` as a function: each page asks, and no loop over names is as quick.

    What a class lacks that another one stands for is an ``AttributeError``.
    """
    at = {"lineno": 1, "col_offset": 0}
    names: dict[str, Any] = {}
    tests: list[ast.expr] = []
    for number, (home, path, found) in enumerate(stock):
        module, known = home.__name__.rpartition(".")[2], f"stock_{number}"
        names |= {module: home, known: found}
        value: ast.expr = ast.Name(module, ast.Load(), **at)
        for name in path.split("."):
            value = ast.Attribute(value, name, ast.Load(), **at)
        tests.append(ast.Compare(value, [ast.Is()], [ast.Name(known, ast.Load(), **at)], **at))
    parameters = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    function = ast.Lambda(parameters, ast.BoolOp(ast.And(), tests, **at), **at)
    compiled: Callable[[], bool] = eval(compile(ast.Expression(function), __file__, "eval"), names)  # noqa: S307 - names of Django's
    return compiled


def _same() -> bool:
    """Return whether all of it is as we first saw it."""
    try:
        return _compare()
    except AttributeError:
        return False


_STOCK = (
    *(_stock(base, path) for path in _paths_of_readers()),
    *(_stock(module, path) for module in _NODES for path in _paths_of_nodes(module)),
)
_compare = _comparison(_STOCK)

"""What the tags and filters of a template engine are, read from its live libraries."""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import django
from django.template import base
from django.template.engine import Engine
from django.template.library import Library

from djust_ast._extractor import Registry

_OWN_MODULES = (
    "django.template.defaulttags",
    "django.template.defaultfilters",
    "django.template.loader_tags",
    "django.templatetags.cache",
    "django.templatetags.i18n",
    "django.templatetags.l10n",
    "django.templatetags.static",
    "django.templatetags.tz",
    "django.contrib.humanize.templatetags.humanize",
)
_STOCK_LIBRARIES = {
    "cache": "django.templatetags.cache",
    "humanize": "django.contrib.humanize.templatetags.humanize",
    "i18n": "django.templatetags.i18n",
    "l10n": "django.templatetags.l10n",
    "static": "django.templatetags.static",
    "tz": "django.templatetags.tz",
}
_DECORATORS = {
    "Library.simple_tag.<locals>.dec.<locals>.compile_func": "simple",
    "Library.simple_block_tag.<locals>.dec.<locals>.compile_func": "simple_block",
    "Library.inclusion_tag.<locals>.dec.<locals>.compile_func": "inclusion",
}
_STOCK_PATTERN = r"({%.*?%}|{{.*?}}|{#.*?#})"
_STOCK_CLASSES = (base.Lexer, base.DebugLexer, base.Parser, base.Template.compile_nodelist)

Spec = dict[str, Any]


class _Entry(NamedTuple):
    signature: tuple[object, ...]
    registry: Registry


_registries: WeakKeyDictionary[Engine, _Entry] = WeakKeyDictionary()
_lock = threading.Lock()


def registry_for(engine: Engine) -> Registry:
    """Return the registry of ``engine``; a new one when its libraries or builtins have changed."""
    signature = _signature(engine)
    entry = _registries.get(engine)
    if entry is None or entry.signature != signature:
        registry = _encode(_spec(engine.template_builtins, engine.template_libraries, _is_dotall()))
        entry = _Entry(signature, registry)
        with _lock:
            _registries[engine] = entry
    return entry.registry


def stock_registry() -> Registry:
    """Return the registry of Django's own builtins and libraries, for use without a project."""
    return _stock_registry(_is_dotall())


def stock_spec(dotall: bool = False) -> Spec:
    """Return the specification of :func:`stock_registry`, before it is encoded."""
    builtins = [import_module(name).register for name in Engine.default_builtins]
    libraries = {name: import_module(module).register for name, module in _STOCK_LIBRARIES.items()}
    return _spec(builtins, libraries, dotall)


def lexer_is_patched() -> bool:
    """Return whether someone has replaced what Django reads templates with, so that ours may differ."""
    pattern = base.tag_re
    flags = pattern.flags & ~(re.UNICODE | re.DOTALL)
    classes = (base.Lexer, base.DebugLexer, base.Parser, base.Template.compile_nodelist)
    if pattern.pattern != _STOCK_PATTERN or flags or classes != _STOCK_CLASSES:
        return True
    owners = (base.Lexer.tokenize, base.Lexer.create_token, base.Parser.parse, base.Template.compile_nodelist)
    return any(getattr(owner, "__module__", None) != "django.template.base" for owner in owners)


@lru_cache(maxsize=2)
def _stock_registry(dotall: bool) -> Registry:
    return _encode(stock_spec(dotall))


def _signature(engine: Engine) -> tuple[object, ...]:
    libraries = (*engine.template_builtins, *engine.template_libraries.values())
    sizes = tuple((id(library), len(library.tags), len(library.filters)) for library in libraries)
    functions = hash(
        tuple(
            id(function)
            for library in libraries
            for function in (*library.tags.values(), *library.filters.values())
        )
    )
    return (tuple(engine.template_libraries), sizes, functions, _is_dotall())


def _is_dotall() -> bool:
    return bool(base.tag_re.flags & re.DOTALL)


def _encode(spec: Spec) -> Registry:
    return Registry(json.dumps(spec, sort_keys=True).encode())


def _spec(builtins: Iterable[Library], libraries: Mapping[str, Library], dotall: bool) -> Spec:
    # A module that nobody has imported has registered nothing: humanize alone takes longer than all the rest.
    own_tags, own_filters = _own_functions(tuple(name for name in _OWN_MODULES if name in sys.modules))
    tags: dict[str, Callable[..., Any]] = {}
    filters: dict[str, Callable[..., Any]] = {}
    for library in builtins:
        tags.update(library.tags)
        filters.update(library.filters)

    def specs(tags: Mapping[str, Callable[..., Any]], filters: Mapping[str, Callable[..., Any]]) -> Spec:
        return {
            "tags": {str(name): _tag_spec(name, function, own_tags) for name, function in tags.items()},
            "filters": {
                str(name): _filter_spec(name, function, own_filters) for name, function in filters.items()
            },
        }

    return {
        "django": list(django.VERSION[:2]),
        "dotall": dotall,
        "builtins": specs(tags, filters),
        "libraries": {name: specs(library.tags, library.filters) for name, library in libraries.items()},
    }


@lru_cache(maxsize=4)
def _own_functions(modules: tuple[str, ...]) -> tuple[dict[str, set[object]], dict[str, set[object]]]:
    """Return the functions that Django registers under each tag and filter name."""
    tags: dict[str, set[object]] = {}
    filters: dict[str, set[object]] = {}
    for module in modules:
        library = import_module(module).register
        for known, functions in ((tags, library.tags), (filters, library.filters)):
            for name, function in functions.items():
                if getattr(function, "__module__", None) == module:
                    known.setdefault(name, set()).add(function)
    return tags, filters


def _tag_spec(name: str, function: Callable[..., Any], own: Mapping[str, set[object]]) -> Spec | str | None:
    if function in own.get(name, ()):
        return "native"
    code = getattr(function, "__code__", None)
    kind = _DECORATORS.get(getattr(code, "co_qualname", ""))
    if code is None or kind is None or code.co_filename != Library.simple_tag.__code__.co_filename:
        return None
    cells = dict(
        zip(code.co_freevars, (_contents(cell) for cell in function.__closure__ or ()), strict=False)
    )
    takes_context = bool(cells.get("takes_context"))
    template = cells.get("filename")
    if kind == "simple_block" and not isinstance(cells.get("end_name"), str):
        return None
    return {
        "kind": kind,
        "takes_context": takes_context,
        "reads": context_reads(cells.get("func")) if takes_context else [],
        "end": cells.get("end_name") if kind == "simple_block" else None,
        "template": template if isinstance(template, str) else None,
        "signature": _signature_of(cells, kind, takes_context),
    }


def _signature_of(cells: Mapping[str, Any], kind: str, takes_context: bool) -> Spec | None:
    """Return what the tag's function accepts from the template, as ``parse_bits`` is told."""
    try:
        params, kwonly = list(cells["params"]), list(cells["kwonly"])
        defaults, kwonly_defaults = cells["defaults"] or (), cells["kwonly_defaults"] or {}
        fixed = (["context"] if takes_context else []) + (["content"] if kind == "simple_block" else [])
        varargs, varkw = cells["varargs"] is not None, cells["varkw"] is not None
    except (KeyError, TypeError):
        return None
    if params[: len(fixed)] != fixed:
        return None
    return {
        "params": params[len(fixed) :],
        "defaults": len(defaults),
        "varargs": varargs,
        "varkw": varkw,
        "kwonly": kwonly,
        "required": [name for name in kwonly if name not in kwonly_defaults],
    }


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _filter_spec(
    name: str, function: Callable[..., Any], own: Mapping[str, set[object]]
) -> Spec | str | None:
    if function in own.get(name, ()):
        return "native"
    try:
        spec = inspect.getfullargspec(inspect.unwrap(function))
    except TypeError:
        return None
    most = len(spec.args)
    return {"args": [max(most - len(spec.defaults or ()), 0), min(most, 255)]}


def context_reads(function: Callable[..., Any] | None) -> list[str] | None:
    """Return the names that a function reads from its ``context``, or ``None`` if it may read any.

    Only ``context["name"]``, ``context.get("name", ...)`` and ``"name" in context`` can be told, and nothing of
    a function that is decorated: the decorator sees the context as well.
    """
    if hasattr(function, "__wrapped__"):
        return None
    try:
        source = textwrap.dedent(inspect.getsource(function))  # type: ignore[arg-type]
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    match tree.body:
        case [ast.FunctionDef(args=arguments) as definition]:
            first = [*arguments.posonlyargs, *arguments.args][:1]
        case _:
            return None
    if not first or first[0].arg != "context":
        return None
    names: set[str] = set()
    told: set[ast.AST] = set()
    body = [node for statement in definition.body for node in ast.walk(statement)]
    for node in body:
        match node:
            case ast.Subscript(
                value=ast.Name(id="context") as read, slice=ast.Constant(value=str(name)), ctx=ast.Load()
            ):
                pass
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="context") as read, attr="get"),
                args=[ast.Constant(value=str(name)), *_],
                keywords=[],
            ):
                pass
            case ast.Compare(
                left=ast.Constant(value=str(name)),
                ops=[ast.In() | ast.NotIn()],
                comparators=[ast.Name(id="context") as read],
            ):
                pass
            case _:
                continue
        names.add(name)
        told.add(read)
    mentioned = [
        node
        for node in body
        if isinstance(node, ast.Name) and node.id in {"context", "locals", "vars", "eval", "exec"}
    ]
    return sorted(names) if all(node in told for node in mentioned) else None

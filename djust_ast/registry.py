"""What the tags and filters of a template engine are, read from its live libraries."""

from __future__ import annotations

import inspect
import json
import re
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from types import CodeType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import django
from django.template import base
from django.template.engine import Engine
from django.template.library import Library

from djust_ast.native import Registry
from djust_ast.tagbodies import ContextUse, context_use
from djust_ast.tagspecs import filter_spec_of, generation, tag_spec_of

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
_LIBRARY_FILE = Library.simple_tag.__code__.co_filename

Spec = dict[str, Any]
Function = Callable[..., Any]


class _Entry(NamedTuple):
    """A registry, and what it was made of: the functions themselves, so that none of them can be mistaken."""

    registry: Registry
    builtins: list[Library]
    libraries: dict[str, Library]
    tables: list[dict[str, Function]]
    live: list[dict[str, Function]]
    world: tuple[object, int]

    def is_of(self, engine: Engine) -> bool:
        """Whether the engine still has the same tags and filters."""
        return (
            self.world == _world()
            and self.builtins == engine.template_builtins
            and self.libraries == engine.template_libraries
            and self.tables == self.live
        )


_registries: WeakKeyDictionary[Engine, _Entry] = WeakKeyDictionary()
_lock = threading.Lock()


def registry_for(engine: Engine) -> Registry:
    """Return the registry of ``engine``; a new one when its libraries or builtins have changed."""
    entry = _registries.get(engine)
    if entry is None or not entry.is_of(engine):
        entry = _entry(engine)
        with _lock:
            _registries[engine] = entry
    return entry.registry


def stock_registry() -> Registry:
    """Return the registry of Django's own builtins and libraries, for use without a project."""
    return _stock_registry(_is_dotall())


def stock_libraries() -> dict[str, str]:
    """Return the libraries of Django that a template may load, by name, and where they live."""
    return dict(_STOCK_LIBRARIES)


def stock_spec(dotall: bool = False) -> Spec:
    """Return the specification of :func:`stock_registry`, before it is encoded."""
    builtins = [import_module(name).register for name in Engine.default_builtins]
    libraries = {name: import_module(module).register for name, module in _STOCK_LIBRARIES.items()}
    return _spec(builtins, libraries, dotall)


def forget(**_: object) -> None:
    """Read all libraries anew at the next use; a receiver of ``file_changed``, for code that reloads itself."""
    with _lock:
        _registries.clear()
    _own_functions.cache_clear()
    _own_filters.cache_clear()
    _stock_registry.cache_clear()


def own_filters() -> Mapping[int, str]:
    """Return the name of each filter of Django's own, by the ``id`` of its function."""
    return _own_filters(_own_modules())


@lru_cache(maxsize=2)
def _stock_registry(dotall: bool) -> Registry:
    return _encode(stock_spec(dotall))


def _entry(engine: Engine) -> _Entry:
    builtins, libraries = list(engine.template_builtins), dict(engine.template_libraries)
    live = [
        table for library in (*builtins, *libraries.values()) for table in (library.tags, library.filters)
    ]
    tables = [dict(table) for table in live]
    registry = _encode(_spec(builtins, libraries, _is_dotall()))
    return _Entry(registry, builtins, libraries, tables, live, _world())


def _world() -> tuple[object, int]:
    return base.tag_re, generation()


def _is_dotall() -> bool:
    return bool(base.tag_re.flags & re.DOTALL)


def _encode(spec: Spec) -> Registry:
    return Registry(json.dumps(spec, sort_keys=True).encode())


def _spec(builtins: Iterable[Library], libraries: Mapping[str, Library], dotall: bool) -> Spec:
    own_tags, own_filters = _own_functions(_own_modules())
    tags: dict[str, Function] = {}
    filters: dict[str, Function] = {}
    for library in builtins:
        tags.update(library.tags)
        filters.update(library.filters)

    def specs(tags: Mapping[str, Function], filters: Mapping[str, Function]) -> Spec:
        return {
            "tags": {str(name): _tag_spec(name, function, own_tags) for name, function in tags.items()},
            "filters": {
                str(name): _filter_spec(name, function, own_filters) for name, function in filters.items()
            },
        }

    return {
        "django": list(django.VERSION[:2]),
        "dotall": dotall,
        "unicode": unicodedata.unidata_version,  # which letters and digits the extractor knows
        "builtins": specs(tags, filters),
        "libraries": {name: specs(library.tags, library.filters) for name, library in libraries.items()},
    }


def _own_modules() -> tuple[str, ...]:
    # A module that nobody has imported has registered nothing: humanize alone takes longer than all the rest.
    return tuple(name for name in _OWN_MODULES if name in sys.modules)


@lru_cache(maxsize=4)
def _own_filters(modules: tuple[str, ...]) -> dict[int, str]:
    _, filters = _own_functions(modules)
    return {id(function): name for name, functions in filters.items() for function in functions}


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


def _tag_spec(name: str, function: Function, own: Mapping[str, set[object]]) -> Spec | str | None:
    if any(function is known for known in own.get(name, ())):
        return "native"
    cells = _cells(function)
    made = _made_spec(function, cells)
    written = tag_spec_of(function, cells.get("func"))
    if written is None:
        return made
    spec = written.json()
    if made is not None:
        # The decorator knows for certain what may stand in the tag, and where it ends.
        spec |= {"signature": made["signature"], "end": made["end"]}
        spec["assigns"] = spec["assigns"] or (None if made["kind"] == "inclusion" else "after")
    return spec


def _cells(function: Function) -> dict[str, Any]:
    """Return what a compile function keeps from the decorator of Django that made it, if one did."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or code.co_qualname not in _DECORATORS:
        return {}
    if code.co_filename != _LIBRARY_FILE:
        return {}
    closure = getattr(function, "__closure__", None) or ()
    return dict(zip(code.co_freevars, map(_contents, closure), strict=False))


def _made_spec(function: Any, cells: Mapping[str, Any]) -> Spec | None:
    if not cells:
        return None
    kind = _DECORATORS[function.__code__.co_qualname]
    takes_context = bool(cells.get("takes_context"))
    if kind == "simple_block" and not isinstance(cells.get("end_name"), str):
        return None
    use = context_use(cells.get("func")) if takes_context else ContextUse([], writes=False)
    return {
        "kind": kind,
        "takes_context": takes_context,
        "reads": use.reads,
        "writes": use.writes,
        "end": cells.get("end_name") if kind == "simple_block" else None,
        "template": _template_of(cells.get("filename")),
        "signature": _signature_of(cells, kind, takes_context),
    }


def _template_of(template: Any) -> str | list[str] | dict[str, str | None] | None:
    """Return what an inclusion tag renders, as Django finds it: a name, the first of some names, or a template."""
    template = getattr(template, "template", template)
    match template:
        case None | str():
            return template
        case base.Template():
            return {"object": template.name}
        case list() | tuple():
            return [str(name) for name in template]
    return None


def _signature_of(cells: Mapping[str, Any], kind: str, takes_context: bool) -> Spec | None:
    """Return what the tag's function accepts from the template, as ``parse_bits`` is told."""
    try:
        params, kwonly = list(cells["params"]), list(cells["kwonly"])
        defaults, kwonly_defaults = cells["defaults"] or (), cells["kwonly_defaults"] or {}
        fixed = (["context"] if takes_context else []) + (["content"] if kind == "simple_block" else [])
        varargs, varkw = cells["varargs"] is not None, cells["varkw"] is not None
        # Django 6.1 has already taken them away.
        fixed = fixed[len(inspect.getfullargspec(inspect.unwrap(cells["func"])).args) - len(params) :]
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


def _filter_spec(name: str, function: Function, own: Mapping[str, set[object]]) -> Spec | str | None:
    if any(function is known for known in own.get(name, ())):
        return "native"
    try:
        parameters = inspect.getfullargspec(inspect.unwrap(function))
    except TypeError:
        return None
    most = len(parameters.args)
    written = filter_spec_of(function)
    arity = {"args": [max(most - len(parameters.defaults or ()), 0), min(most, 255)]}
    return arity if written is None else written.json() | arity

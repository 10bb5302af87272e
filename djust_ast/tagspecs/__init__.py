"""Specs of tags and filters: those that are shipped, one module for each package, and those that a project adds.

A spec belongs to the function that compiles the tag (``"package.module:qualname"``), never to the tag's name: a
function that only looks like it, or a wrapper around it, does not get it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping
from importlib import import_module
from typing import Any

from djust_ast.tagspecs.spec import FilterSpec, TagSpec, spec_of

__all__ = [
    "FilterSpec",
    "TagSpec",
    "filter_spec_of",
    "generation",
    "register_filter_spec",
    "register_tag_spec",
    "tag_spec_of",
]

Function = Callable[..., Any]

SHIPPED = {
    "allauth": "allauth",
    "analytical": "analytical",
    "bootstrap4": "bootstrap4",
    "cms": "cms",
    "compressor": "compressor",
    "crispy_forms": "crispy_forms",
    "django_bootstrap5": "bootstrap5",
    "django_comments": "comments",
    "django_hosts": "hosts",
    "django_tables2": "tables2",
    "easy_thumbnails": "easy_thumbnails",
    "guardian": "guardian",
    "haystack": "haystack",
    "imagekit": "imagekit",
    "laces": "laces",
    "menus": "cms",
    "mptt": "mptt",
    "pipeline": "pipeline",
    "sekizai": "sekizai",
    "sorl": "sorl",
    "waffle": "waffle",
    "wagtail": "wagtail",
    "widget_tweaks": "widget_tweaks",
}
"""The module of specs for each top-level package; it is imported when a tag of that package is met."""

_tags: dict[str | Function, TagSpec] = {}
_filters: dict[str | Function, FilterSpec] = {}
_generation = 0


def register_tag_spec(tag: str | Function, **keys: Any) -> None:
    """Say what a hand-written tag reads, so that it is not taken to read everything.

    ``tag`` is the function that ``@register.tag`` was put on, or ``"package.module:qualname"`` of it. The keys
    are the fields of ``TagSpec``; one that there is not, or a wrong value, is a ``SpecError``.
    """
    _add(_tags, tag, spec_of(TagSpec, _name(tag), keys))


def register_filter_spec(filter: str | Function, **keys: Any) -> None:
    """Say what a filter reads of its value and its argument; the keys are the fields of ``FilterSpec``."""
    _add(_filters, filter, spec_of(FilterSpec, _name(filter), keys))


def tag_spec_of(function: Function, made_of: Function | None = None) -> TagSpec | None:
    """Return the spec of a tag's compile function, or of the function that a decorator of Django made it of."""
    found: TagSpec | None = _find(_tags, "TAGS", function, made_of)
    return found


def filter_spec_of(function: Function) -> FilterSpec | None:
    """Return the spec of a filter."""
    found: FilterSpec | None = _find(_filters, "FILTERS", function, None)
    return found


def generation() -> int:
    """Return a number that grows with every spec that is registered."""
    return _generation


def _add(specs: dict[str | Function, Any], key: str | Function, spec: Any) -> None:
    global _generation
    specs[key] = spec
    _generation += 1


def _name(key: str | Function) -> str:
    return key if isinstance(key, str) else f"{key.__module__}:{key.__qualname__}"


def _find(
    added: Mapping[str | Function, Any], table: str, function: Function, made_of: Function | None
) -> Any:
    for candidate in (function, made_of):
        if candidate is not None and isinstance(candidate, Hashable) and candidate in added:
            return added[candidate]
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    spec = added.get(f"{module}:{name}")
    if spec is None:
        shipped = SHIPPED.get(module.partition(".")[0])
        home = shipped and import_module(f"{__name__}.{shipped}")
        spec = getattr(home, table, {}).get(f"{module}:{name}")
    if not spec:
        return None
    real: Any = sys.modules.get(module)
    for step in name.split("."):
        real = getattr(real, step, None)
    return spec if real is not None and (real == function or real is made_of) else None

"""What becomes of one value of a context: a table of kinds, one function each.

The functions decide and run nothing; ``Served.value()`` does. So ``explain()`` tells what rendering does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.core.paginator import Page
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager
from django.db.models.query import RawQuerySet
from django.utils.functional import LazyObject

from djust_ast.integrations.containers import of_dict, of_list, of_model
from djust_ast.integrations.nested import of_nested
from djust_ast.integrations.querysets import of_manager, of_page, of_queryset, of_raw
from djust_ast.integrations.serving import Key, Served, Serving, each, listed, made
from djust_ast.jsonify import eager, inside
from djust_ast.paths import PathNode


def serve(key: Key, node: PathNode, value: Any, how: Serving) -> Served | None:
    """What ``value``, read as ``node``, becomes; ``None``: it passes untouched."""
    # By type(value): isinstance() would make a SimpleLazyObject load what it wraps.
    cls = type(value)
    if how.json:
        node = eager(node)
        node = listed(node) if cls in (list, tuple) else node
    for kind, handler in KINDS:
        if issubclass(cls, kind) and (kind not in _LOOPED or _loops_as(cls, kind)):
            served = handler(key, node, value, how)
            return _parts(key, node, value, how) if served is None and how.json else served
    return _parts(key, node, value, how) if how.json else of_nested(key, node, value, how)


def _parts(key: Key, node: PathNode, value: Any, how: Serving) -> Served | None:
    """A list of anything for JSON: of each of its parts what is read."""
    cls = type(value)
    if issubclass(cls, LazyObject):
        return Served("lazy object", lambda: made(key, node, inside(value), how))
    if issubclass(cls, (Iterator, RawQuerySet)):
        return Served("rows", lambda: made(key, node, list(value), how))
    if cls not in (list, tuple):
        return None
    element = each(node)
    return Served("list", lambda: [made((*key, "[each]"), element, part, how) for part in value])


KINDS: tuple[tuple[type, Callable[[Key, PathNode, Any, Serving], Served | None]], ...] = (
    (QuerySet, of_queryset),
    (BaseManager, of_manager),
    (RawQuerySet, of_raw),
    (Model, of_model),
    (Page, of_page),
    (list, of_list),
    (tuple, of_list),
    (dict, of_dict),
)


# Kinds whose subclasses may have a way of their own to be looped over.
_LOOPED = (Page, list, tuple)
_LOOPING = ("__iter__", "__getitem__", "__len__", "__bool__", "__contains__")


def _loops_as(cls: type, kind: type) -> bool:
    return all(getattr(cls, name, None) is getattr(kind, name, None) for name in _LOOPING)

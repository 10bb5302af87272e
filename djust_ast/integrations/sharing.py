"""Objects that a page may reach in two places."""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]
from collections.abc import Iterator
from types import MemberDescriptorType
from typing import Any

from django.core.paginator import Page
from django.db.models import Model, QuerySet
from django.db.models.query import RawQuerySet

from djust_ast.paths import PathNode

ANY = PathNode(uses=frozenset({"iter"}))
MAX_DEPTH = 5  # of containers in containers
SLOTS = (MemberDescriptorType, _tuplegetter)  # attributes of objects without a dict
VIEWS = ("items", "keys", "values")
_SHARED = (QuerySet, RawQuerySet, Model)
_HOLDERS = (dict, list, tuple)


def held(node: PathNode, value: Any, depth: int = 0) -> Iterator[Any]:
    """The querysets and model instances that a page may reach through ``value``.

    What is reached in two places is one object for a page: fetched once, and changed for both, as when a form
    that validates writes to its instance. Of objects of other classes the attributes are looked at, no deeper than
    lists and dicts.
    """
    cls = type(value)
    if issubclass(cls, QuerySet | RawQuerySet) or (issubclass(cls, Model) and depth == 0):
        yield value
    elif issubclass(cls, Page) and (node.uses or node.element or node.indexes or "object_list" in node.attrs):
        yield from held(node, value.object_list)
    elif cls is dict:
        whole = node.uses or node.element or not node.attrs.keys().isdisjoint(VIEWS)
        for name in value if whole and depth < MAX_DEPTH else value.keys() & node.attrs.keys():
            yield from held(node.attrs.get(name, ANY), value[name], depth + 1)
    elif cls in (list, tuple) and depth < MAX_DEPTH:
        for item in value:
            yield from held(ANY, item, depth + 1)
    elif hasattr(cls, "__dict__") and not issubclass(cls, Model | Page):
        for item in getattr(value, "__dict__", {}).values():
            if issubclass(type(item), _SHARED):
                yield item
            elif type(item) in _HOLDERS:
                yield from held(ANY, item, depth + 1)

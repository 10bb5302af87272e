"""Objects that a page may reach in two places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.paginator import Page
from django.db.models import Model, QuerySet
from django.db.models.query import RawQuerySet

from djust_ast.paths import PathNode

ANY = PathNode(uses=frozenset({"iter"}))
MAX_HELD = 3
_SHARED = (QuerySet, Model)


def held(node: PathNode, value: Any, depth: int = 0) -> Iterator[Any]:
    """The querysets and model instances that a page may reach through ``value``.

    What is reached in two places is one object for a page: fetched once, and changed for both, as when a form
    that validates writes to its instance. Of objects of other classes the attributes are looked at, no deeper.
    """
    cls = type(value)
    if issubclass(cls, QuerySet | RawQuerySet) or (issubclass(cls, Model) and depth == 0):
        yield value
    elif issubclass(cls, Page) and (node.uses or node.element or node.indexes or "object_list" in node.attrs):
        yield from held(node, value.object_list)
    elif cls is dict:
        for name, item in value.items():
            if node.uses or node.element or name in node.attrs:
                yield from held(node.attrs.get(name, ANY), item, depth + 1)
    elif cls in (list, tuple) and depth < MAX_HELD:
        for item in value:
            yield from held(ANY, item, depth + 1)
    elif hasattr(cls, "__dict__") and not issubclass(cls, Model | Page):
        yield from (
            item for item in getattr(value, "__dict__", {}).values() if issubclass(type(item), _SHARED)
        )

"""What values become, as data: what the modules for each kind of value share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.query import RawQuerySet

from djust_ast.elements import LIST_USES, element_of
from djust_ast.jsonify import eager
from djust_ast.paths import PathNode, merge, unsure
from djust_ast.serializer import Compiled, Serializer
from djust_ast.states import FETCH_ONE, fetch_mode_of

Key = tuple[str, ...]
_ONE_OF = frozenset({"first", "last"})  # what a queryset answers with one of its objects
OWN_MODE = "its objects have a fetch mode of their own"


@dataclass(frozen=True, slots=True)
class Served:
    """What a value becomes: ``value()`` makes it.

    ``reason`` says why it stays live, if it does. ``parts`` are the values inside it that are served.
    """

    kind: str
    value: Callable[[], Any]
    compiled: Compiled | None = None
    reason: str | None = None
    queryset: QuerySet[Any, Any] | None = None
    parts: Mapping[str, Served] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Serving:
    """How values are served: ``find`` gives the serializer of a node; ``live`` keeps every object live.

    ``serve`` says what becomes of a value inside another, ``guarded`` runs what is planned while the page renders.
    ``shared`` are the ids of querysets that the page reads
    in more than one place of the context.
    """

    find: Callable[..., Serializer]
    serve: Callable[[Key, PathNode, Any, Serving], Served | None]
    guarded: Callable[[Callable[[], None]], None]
    live: bool = False
    json: bool = False
    shared: frozenset[int] = frozenset()


def made(key: Key, node: PathNode, value: Any, how: Serving) -> Any:
    """What ``value`` becomes, or itself."""
    served = how.serve(key, node, value, how)
    return value if served is None else served.value()


def own_mode(value: Model | QuerySet[Any, Any] | RawQuerySet[Any], how: Serving) -> bool:
    """Whether it was told how to fetch what is not loaded, which a page shows: by errors, or by shared objects."""
    return fetch_mode_of(value) is not FETCH_ONE and not how.json


def each(node: PathNode) -> PathNode:
    """What is read of any one object of a collection."""
    element = element_of(node)
    ones = [*node.indexes.values(), *(node.attrs[name] for name in _ONE_OF & node.attrs.keys())]
    if not ones:
        return element or PathNode()
    return unsure(reduce(merge, ones if element is None else [element, *ones]))


def without_all(node: PathNode) -> PathNode:
    """``node`` with what is read through ``.all`` read directly: a queryset's ``all()`` is its rows again."""
    if "all" not in node.attrs:
        return node
    rest = node._replace(attrs={name: child for name, child in node.attrs.items() if name != "all"})
    return merge(rest, node.attrs["all"])


def listed(node: PathNode) -> PathNode:
    """``node`` as JSON has it: all rows of a collection, with all that is read of any of them.

    Where the collection is also used as a whole, so are its rows.
    """
    element = each(node)
    if not node.uses <= LIST_USES:
        element = element._replace(uses=element.uses | {"out"})
    return PathNode(uses=LIST_USES, element=eager(element), where=node.where)

"""What becomes of one value of a context: a table of kinds, one function each.

The functions decide and run nothing; ``Served.value()`` does. So ``explain()`` tells what rendering does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from django.core.paginator import Page
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager

from djust_ast.binder import DICT_NAMES, LIST_USES, element_of, in_parts, rows_node
from djust_ast.fetch.instances import load
from djust_ast.fetch.live import planned
from djust_ast.jsonify import eager, jsonify
from djust_ast.paths import PathNode, merge, unsure
from djust_ast.plans import GIVEN
from djust_ast.serializer import Compiled, Serializer
from djust_ast.states import plannable, state_of

Key = tuple[str, ...]
_ONE_OF = frozenset({"first", "last"})  # what a queryset answers with one of its objects


@dataclass(frozen=True, slots=True)
class Served:
    """What a value becomes: ``value()`` makes it. ``reason`` says why it stays live, if it does."""

    kind: str
    value: Callable[[], Any]
    compiled: Compiled | None = None
    reason: str | None = None
    queryset: QuerySet[Any, Any] | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """How values are served: ``find`` gives the serializer of a node; ``live`` keeps every object live.

    ``shared`` are the ids of querysets that the page reads in more than one place of the context.
    """

    find: Callable[[Key, PathNode, type[Model]], Serializer]
    live: bool = False
    json: bool = False
    shared: frozenset[int] = frozenset()


def serve(key: Key, node: PathNode, value: Any, how: Serving) -> Served | None:
    """What ``value``, read as ``node``, becomes; ``None``: it passes untouched."""
    # By type(value): isinstance() would make a SimpleLazyObject load what it wraps.
    cls = type(value)
    for kind, handler in KINDS:
        if issubclass(cls, kind):
            return handler(key, eager(node) if how.json else node, value, how)
    return None


def _queryset(key: Key, node: PathNode, queryset: QuerySet[Any, Any], how: Serving) -> Served | None:
    kind = f"queryset of {queryset.model.__name__}"
    if id(queryset) in how.shared and queryset._result_cache is None:
        return Served(kind, lambda: queryset, reason="the page reads it in two places, and fetches it once")
    if queryset._result_cache is None:
        node = _without_all(node)
    if not plannable(queryset):
        return Served(kind, lambda: queryset, reason="it does not hold instances of its own making")
    own_query = in_parts(node) and queryset._result_cache is None
    found = None if how.live or own_query else rows_node(node)
    if found is not None:
        element, lazy = found
        serializer = how.find(key, element, queryset.model)
        if serializer.spec.live is None:
            return _records(kind, serializer, queryset, lazy and not how.json, how)
    element = _each(node)
    if not element.attrs:
        return Served(kind, lambda: queryset, reason="the template enters none of its objects")
    return _planned(kind, how.find((*key, "[live]"), unsure(element), queryset.model), queryset)


def _records(
    kind: str, serializer: Serializer, queryset: QuerySet[Any, Any], lazy: bool, how: Serving
) -> Served:
    def value() -> Any:
        if lazy and queryset._result_cache is None:
            return serializer.lazy(queryset)
        records = serializer.many(queryset)
        return [jsonify(record, serializer.spec) for record in records] if how.json else records

    return Served(kind, value, serializer.variant(state_of(queryset)), queryset=queryset)


def _planned(kind: str, serializer: Serializer, queryset: QuerySet[Any, Any]) -> Served:
    reason = serializer.spec.live or "the collection itself is used as a whole"
    state = state_of(queryset)
    compiled = serializer.variant(replace(state, rows=state.rows or reason))

    def value() -> Any:
        if queryset._result_cache is None:
            return planned(queryset, serializer.proved(queryset, rows=reason).plan)
        load(queryset._result_cache, compiled.plan, given=True)
        return queryset

    return Served(f"{kind}, live", value, compiled, reason, queryset)


def _model(key: Key, node: PathNode, obj: Model, how: Serving) -> Served | None:
    if not node.attrs:
        return None
    serializer = how.find((*key, "[one]"), node, type(obj))
    compiled = serializer.variant(GIVEN)
    kind = type(obj).__name__
    if not how.live and serializer.spec.live is None:
        if how.json:
            return Served(kind, lambda: jsonify(serializer.one(obj), serializer.spec), compiled)
        return Served(kind, lambda: serializer.one(obj), compiled)

    def value() -> Model:
        load([obj], compiled.plan, given=True)
        return obj

    return Served(f"{kind}, live", value, compiled, serializer.spec.live or "a tag may read anything")


def _list(key: Key, node: PathNode, objects: list[Any] | tuple[Any, ...], how: Serving) -> Served | None:
    cls = type(objects[0]) if objects else None
    if cls is None or not issubclass(cls, Model) or any(type(obj) is not cls for obj in objects):
        return None
    element = _each(node)
    if not element.attrs:
        return None
    serializer = how.find((*key, "[list]"), element, cls)
    compiled = serializer.variant(GIVEN)
    kind = f"{type(objects).__name__} of {cls.__name__}"
    entered = node.uses <= LIST_USES and not node.attrs
    if not how.live and entered and serializer.spec.live is None:

        def records() -> Any:
            made = serializer.many(objects)
            if how.json:
                return [jsonify(record, serializer.spec) for record in made]
            return tuple(made) if type(objects) is tuple else made

        return Served(kind, records, compiled)

    def value() -> Any:
        load(objects, compiled.plan, given=True)
        return objects

    return Served(
        f"{kind}, live", value, compiled, serializer.spec.live or "the collection is used as a whole"
    )


def _dict(key: Key, node: PathNode, mapping: dict[Any, Any], how: Serving) -> Served | None:
    if type(mapping) is not dict:
        return None  # what it does with a name is its own
    if how.live or node.uses - {"bool"} or node.element or node.indexes or DICT_NAMES & node.attrs.keys():
        return None
    inside = {
        name: served
        for name, child in node.attrs.items()
        if name in mapping and (served := serve((*key, f".{name}"), child, mapping[name], how)) is not None
    }
    if not inside:
        return None
    return Served("dict", lambda: mapping | {name: served.value() for name, served in inside.items()})


def _page(key: Key, node: PathNode, page: Page[Any], how: Serving) -> Served | None:
    listed = node.attrs.get("object_list", PathNode(conditional=True))
    rows = PathNode(
        uses=node.uses | listed.uses,
        indexes=node.indexes,
        element=node.element,
        conditional=node.conditional or bool(node.attrs.keys() - {"object_list"}),
        filters=node.filters,
        where=node.where,
    )
    inner = serve((*key, "[page]"), merge(rows, listed._replace(uses=frozenset())), page.object_list, how)
    if inner is None:
        return None

    def value() -> Page[Any]:
        served = copy.copy(page)
        served.object_list = inner.value()
        return served

    return replace(inner, kind=f"page, {inner.kind}", value=value)


def _manager(key: Key, node: PathNode, manager: BaseManager[Any], how: Serving) -> Served | None:
    if node.attrs.keys() != {"all"} or node.uses or node.indexes or node.element or how.live:
        return None
    inner = _queryset((*key, "[manager]"), node.attrs["all"], manager.all(), how)
    return inner and replace(inner, kind=f"manager, {inner.kind}", value=lambda: {"all": inner.value()})


KINDS: tuple[tuple[type, Callable[[Key, PathNode, Any, Serving], Served | None]], ...] = (
    (QuerySet, _queryset),
    (BaseManager, _manager),
    (Model, _model),
    (Page, _page),
    (list, _list),
    (tuple, _list),
    (dict, _dict),
)


def _without_all(node: PathNode) -> PathNode:
    """``node`` with what is read through ``.all`` read directly: a queryset's ``all()`` is its rows again."""
    if "all" not in node.attrs:
        return node
    rest = node._replace(attrs={name: child for name, child in node.attrs.items() if name != "all"})
    return merge(rest, node.attrs["all"])


def _each(node: PathNode) -> PathNode:
    """What is read of any one object of a collection."""
    element = element_of(node)
    ones = [*node.indexes.values(), *(node.attrs[name] for name in _ONE_OF & node.attrs.keys())]
    if not ones:
        return element or PathNode()
    return unsure(reduce(merge, ones if element is None else [element, *ones]))


def held(node: PathNode, value: Any) -> Iterator[QuerySet[Any, Any]]:
    """The querysets that a page reads below ``value``."""
    cls = type(value)
    if issubclass(cls, QuerySet):
        yield value
    elif issubclass(cls, Page) and (node.uses or node.element or node.indexes or "object_list" in node.attrs):
        yield from held(node, value.object_list)
    elif cls is dict:
        for name in node.attrs.keys() & value.keys():
            yield from held(node.attrs[name], value[name])

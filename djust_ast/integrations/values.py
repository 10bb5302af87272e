"""What becomes of one value of a context: a table of kinds, one function each.

The functions decide and run nothing; ``Served.value()`` does. So ``explain()`` tells what rendering does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from django.core.paginator import Page
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager
from django.db.models.query import ModelIterable, RawQuerySet, ValuesIterable
from django.utils.functional import LazyObject

from djust_ast.binder import DICT_NAMES, LIST_USES, element_of, in_parts, rows_node
from djust_ast.fetch.instances import load
from djust_ast.fetch.live import planned, planned_raw
from djust_ast.jsonify import eager, inside, jsonify
from djust_ast.members import answers_itself
from djust_ast.paths import PathNode, merge, unsure
from djust_ast.plans import GIVEN, State
from djust_ast.serializer import Compiled, Serializer
from djust_ast.states import (
    FETCH_ONE,
    FETCH_PEERS,
    aliases_of,
    attrs_of,
    fetch_mode_of,
    plannable,
    state_of,
)

Key = tuple[str, ...]
_ONE_OF = frozenset({"first", "last"})  # what a queryset answers with one of its objects


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

    ``shared`` are the ids of querysets that the page reads in more than one place of the context.
    """

    find: Callable[..., Serializer]
    live: bool = False
    json: bool = False
    shared: frozenset[int] = frozenset()


def serve(key: Key, node: PathNode, value: Any, how: Serving) -> Served | None:
    """What ``value``, read as ``node``, becomes; ``None``: it passes untouched."""
    # By type(value): isinstance() would make a SimpleLazyObject load what it wraps.
    cls = type(value)
    if how.json:
        node = eager(node)
        node = _listed(node) if cls in (list, tuple) else node
    for kind, handler in KINDS:
        if issubclass(cls, kind) and (kind not in _LOOPED or _loops_as(cls, kind)):
            served = handler(key, node, value, how)
            return _parts(key, node, value, how) if served is None and how.json else served
    return _parts(key, node, value, how) if how.json else None


def _queryset(key: Key, node: PathNode, queryset: QuerySet[Any, Any], how: Serving) -> Served | None:
    kind = f"queryset of {queryset.model.__name__}"
    if id(queryset) in how.shared and queryset._result_cache is None:
        return Served(kind, lambda: queryset, reason="the page reads it in two places, and fetches it once")
    if how.json:
        node = _listed(_without_all(node))
        if not plannable(queryset) and queryset._iterable_class in (ModelIterable, ValuesIterable):
            return Served(kind, lambda: _made(key, node, list(queryset), how), reason="fetched as it is")
    elif "all" in node.attrs and queryset._result_cache is None and not answers_itself(type(queryset)):
        key, node = (*key, "[all]"), _without_all(node)  # an evaluated one fetches its all() anew
    if not plannable(queryset):
        return Served(kind, lambda: queryset, reason="it does not hold instances of its own making")
    asked = answers_itself(type(queryset)) or (in_parts(node) and queryset._result_cache is None)
    found = None if how.live or asked else rows_node(node)
    if found is not None:
        element, lazy = found
        serializer = how.find(key, element, queryset.model, aliases_of(queryset), attrs_of(queryset))
        if _own_mode(queryset, how) and not _as_peers(serializer, queryset):
            return Served(kind, lambda: queryset, reason=OWN_MODE)
        if serializer.spec.live is None:
            return _records(kind, serializer, queryset, lazy and not how.json, how)
    element = _each(node)
    if not element.attrs:
        return Served(kind, lambda: queryset, reason="the template enters none of its objects")
    if _own_mode(queryset, how):
        return Served(kind, lambda: queryset, reason=OWN_MODE)
    serializer = how.find((*key, "[live]"), unsure(element), queryset.model, (), attrs_of(queryset))
    return _planned(kind, serializer, queryset)


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
            return planned(queryset, compiled.plan)
        load(queryset._result_cache, compiled.plan, given=True)
        return queryset

    return Served(f"{kind}, live", value, compiled, reason, queryset)


def _model(key: Key, node: PathNode, obj: Model, how: Serving) -> Served | None:
    if not node.attrs:
        return None
    if _own_mode(obj, how):
        return Served(type(obj).__name__, lambda: obj, reason=OWN_MODE)
    live = how.live or id(obj) in how.shared
    serializer = how.find((*key, "[one]"), node, type(obj))
    compiled = serializer.variant(GIVEN)
    kind = type(obj).__name__
    if not live and serializer.spec.live is None:
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
        return _dicts(key, node, objects, how) or _mixed(key, node, objects, how)
    element = _each(node)
    if not element.attrs:
        return None
    serializer = how.find((*key, "[list]"), element, cls)
    compiled = serializer.variant(GIVEN)
    kind = f"{type(objects).__name__} of {cls.__name__}"
    if any(_own_mode(obj, how) for obj in objects):
        return Served(kind, lambda: objects, reason=OWN_MODE)
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


def _raw(key: Key, node: PathNode, rows: RawQuerySet[Any], how: Serving) -> Served | None:
    """A raw query: its statement is the view's, and what is read below its rows is fetched for all of them."""
    element = _each(node)
    if how.json or not element.attrs or id(rows) in how.shared or _own_mode(rows, how):
        return None
    queryset: Any = rows
    serializer = how.find((*key, "[raw]"), unsure(element), queryset.model)
    compiled = serializer.variant(State(rows="raw()", joins=False))

    def value() -> Any:
        if queryset._result_cache is None:
            return planned_raw(queryset, compiled.plan)
        load(queryset._result_cache, compiled.plan, given=True)
        return queryset

    return Served(f"raw queryset of {queryset.model.__name__}, live", value, compiled, "raw()")


def _mixed(key: Key, node: PathNode, objects: list[Any] | tuple[Any, ...], how: Serving) -> Served | None:
    """Instances of several models: they stay, and what is read below them is fetched for those of each model."""
    groups: dict[type[Model], list[Model]] = {}
    for obj in objects:
        if issubclass(type(obj), Model) and not _own_mode(obj, how):
            groups.setdefault(type(obj), []).append(obj)
    element = unsure(_each(node))
    if how.json or not element.attrs or not groups or len(groups) > MAX_MODELS:
        return None
    plans = {model: how.find((*key, "[mixed]"), element, model).variant(GIVEN).plan for model in groups}

    def value() -> Any:
        for model, group in groups.items():
            load(group, plans[model], given=True)
        return objects

    names = ", ".join(model.__name__ for model in groups)
    return Served(
        f"{type(objects).__name__} of {names}, live", value, reason="it holds objects of several kinds"
    )


def _dicts(key: Key, node: PathNode, objects: list[Any] | tuple[Any, ...], how: Serving) -> Served | None:
    """A short list of dicts, as of the widgets of a page: each is served by itself."""
    if how.json or how.live or node.attrs or not node.uses <= LIST_USES or len(objects) > MAX_DICTS:
        return None
    element = _each(node)
    parts = {
        row: served
        for row, part in enumerate(objects)
        if type(part) is dict and (served := serve((*key, "[each]"), element, part, how)) is not None
    }
    if not parts:
        return None

    def value() -> list[Any] | tuple[Any, ...]:
        made = [parts[row].value() if row in parts else part for row, part in enumerate(objects)]
        return tuple(made) if type(objects) is tuple else made

    return Served(type(objects).__name__, value, parts={str(row): part for row, part in parts.items()})


OWN_MODE = "its objects have a fetch mode of their own"


def _own_mode(value: Model | QuerySet[Any, Any] | RawQuerySet[Any], how: Serving) -> bool:
    """Whether it was told how to fetch what is not loaded, which a page shows: by errors, or by shared objects."""
    return fetch_mode_of(value) is not FETCH_ONE and not how.json


def _as_peers(serializer: Serializer, queryset: QuerySet[Any, Any]) -> bool:
    """Whether rows show what instances do that fetch for their peers, too, and ask no more often."""
    if fetch_mode_of(queryset) is not FETCH_PEERS or queryset._result_cache is not None:
        return False
    plan = serializer.variant(state_of(queryset)).plan
    return plan.instanceless and all(level.relation.many for level in plan.levels)


def _dict(key: Key, node: PathNode, mapping: dict[Any, Any], how: Serving) -> Served | None:
    if type(mapping) is not dict and not how.json:
        return None  # what it does with a name is its own
    if how.live or node.uses - {"bool"} or node.element or node.indexes or DICT_NAMES & node.attrs.keys():
        return None
    parts = {
        name: served
        for name, child in node.attrs.items()
        if name in mapping and (served := serve((*key, f".{name}"), child, mapping[name], how)) is not None
    }
    if not parts and not how.json:
        return None
    # Data that leaves the process is what is read.
    kept = {name: mapping[name] for name in node.attrs if name in mapping} if how.json else mapping

    def value() -> dict[Any, Any]:
        return kept | {name: served.value() for name, served in parts.items()}

    return Served("dict", value, parts=parts)


def _parts(key: Key, node: PathNode, value: Any, how: Serving) -> Served | None:
    """A list of anything for JSON: of each of its parts what is read."""
    cls = type(value)
    if issubclass(cls, LazyObject):
        return Served("lazy object", lambda: _made(key, node, inside(value), how))
    if issubclass(cls, (Iterator, RawQuerySet)):
        return Served("rows", lambda: _made(key, node, list(value), how))
    if cls not in (list, tuple):
        return None
    element = _each(node)
    return Served("list", lambda: [_made((*key, "[each]"), element, part, how) for part in value])


def _made(key: Key, node: PathNode, value: Any, how: Serving) -> Any:
    served = serve(key, node, value, how)
    return value if served is None else served.value()


def _listed(node: PathNode) -> PathNode:
    """``node`` as JSON has it: all rows of a collection, with all that is read of any of them.

    Where the collection is also used as a whole, so are its rows.
    """
    element = _each(node)
    if not node.uses <= LIST_USES:
        element = element._replace(uses=element.uses | {"out"})
    return PathNode(uses=LIST_USES, element=eager(element), where=node.where)


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
    (RawQuerySet, _raw),
    (Model, _model),
    (Page, _page),
    (list, _list),
    (tuple, _list),
    (dict, _dict),
)


# Kinds whose subclasses may have a way of their own to be looped over.
_LOOPED = (Page, list, tuple)
_LOOPING = ("__iter__", "__getitem__", "__len__", "__bool__", "__contains__")


def _loops_as(cls: type, kind: type) -> bool:
    return all(getattr(cls, name, None) is getattr(kind, name, None) for name in _LOOPING)


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


ANY = PathNode(uses=frozenset({"iter"}))
MAX_HELD = 3
MAX_MODELS = 20  # of which a list may hold objects
MAX_DICTS = 100  # a longer list of dicts is data of its own
_SHARED = (QuerySet, Model)

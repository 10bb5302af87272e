"""What becomes of querysets, managers and pages."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from django.core.paginator import Page
from django.db.models import QuerySet
from django.db.models.manager import BaseManager
from django.db.models.query import ModelIterable, RawQuerySet, ValuesIterable

from djust_ast.elements import ENDS, LIST_NAMES, LIST_USES, in_parts, rows_node, single_rows, whole_node
from djust_ast.fetch.instances import load
from djust_ast.fetch.live import planned, planned_raw
from djust_ast.integrations.serving import (
    OWN_MODE,
    Key,
    Served,
    Serving,
    each,
    listed,
    made,
    own_mode,
    without_all,
)
from djust_ast.jsonify import jsonify
from djust_ast.paths import PathNode, merge, unsure
from djust_ast.plans import State
from djust_ast.records import Picks
from djust_ast.serializer import Serializer
from djust_ast.states import (
    FETCH_PEERS,
    aliases_of,
    attrs_of,
    fetch_mode_of,
    plannable,
    state_of,
    total_order,
)
from djust_ast.stock import answers_itself, picks_itself


def of_queryset(key: Key, node: PathNode, queryset: QuerySet[Any, Any], how: Serving) -> Served | None:
    """Records where they can stand for its objects; else a clone that fetches what is read below them, too."""
    kind = f"queryset of {queryset.model.__name__}"
    if id(queryset) in how.shared and queryset._result_cache is None:
        return Served(kind, lambda: queryset, reason="the page reads it in two places, and fetches it once")
    if how.json:
        node = listed(without_all(node))
        if not plannable(queryset) and queryset._iterable_class in (ModelIterable, ValuesIterable):
            return Served(kind, lambda: made(key, node, list(queryset), how), reason="fetched as it is")
    elif "all" in node.attrs and queryset._result_cache is None and not answers_itself(type(queryset)):
        key, node = (*key, "[all]"), without_all(node)  # an evaluated one fetches its all() anew
    if not plannable(queryset):
        return Served(kind, lambda: queryset, reason="it does not hold instances of its own making")
    found = None if how.live or answers_itself(type(queryset)) else _read(key, node, queryset, how)
    if found is not None:
        serializer, lazy = found
        if own_mode(queryset, how) and not _as_peers(serializer, queryset):
            return Served(kind, lambda: queryset, reason=OWN_MODE)
        if serializer.spec.live is None:
            return _records(kind, serializer, queryset, lazy and not how.json, how)
    if single_rows(node) and not (how.live or how.json or picks_itself(type(queryset))):
        picked = _picked(key, node, queryset, how)
        if picked is not None:
            return picked
    element = each(node)
    if not element.attrs:
        return Served(kind, lambda: queryset, reason="the template enters none of its objects")
    if own_mode(queryset, how):
        return Served(kind, lambda: queryset, reason=OWN_MODE)
    serializer = how.find((*key, "[live]"), unsure(element), queryset.model, (), attrs_of(queryset))
    return _planned(kind, serializer, queryset)


def _read(
    key: Key, node: PathNode, queryset: QuerySet[Any, Any], how: Serving
) -> tuple[Serializer, bool] | None:
    """The serializer of its rows, and whether only a branch reads them; ``None`` where they cannot stand for it."""
    aliases, attrs = aliases_of(queryset), attrs_of(queryset)
    found = None if in_parts(node) and queryset._result_cache is None else rows_node(node)
    if found is not None:
        return how.find(key, found[0], queryset.model, aliases, attrs), found[1]
    whole = None if picks_itself(type(queryset)) or not total_order(queryset) else whole_node(node)
    refused = "last" in node.attrs and queryset.query.is_sliced  # by Django
    if whole is None or refused or queryset._result_cache is not None:
        return None
    serializer = how.find((*key, "[whole]"), whole, queryset.model, aliases, attrs)
    return None if _told_apart(serializer) else (serializer, False)


def _told_apart(serializer: Serializer) -> bool:
    """Whether a page may tell a row from the same row that is fetched once more."""
    return any(below.kept or below.changed or "esc" in below.uses for below in serializer.spec.walk())


def _picked(key: Key, node: PathNode, queryset: QuerySet[Any, Any], how: Serving) -> Served | None:
    """Single rows, each fetched once, with what is read below it."""
    if queryset._result_cache is not None or own_mode(queryset, how):
        return None
    if not queryset.ordered and ENDS & node.attrs.keys():
        return None  # Django may refuse, or take any: versions differ
    kind = f"queryset of {queryset.model.__name__}"
    element = unsure(each(node)) if node.indexes or node.attrs.keys() & ENDS else PathNode()
    serializer = how.find(
        (*key, "[picked]"), element, queryset.model, aliases_of(queryset), attrs_of(queryset)
    )
    if serializer.spec.live is not None or _told_apart(serializer):
        return None
    picks = [*node.indexes, *sorted(node.attrs.keys() & ENDS)]
    state = state_of(queryset[:1])
    parts = {
        name: Served(f"one of {kind}", lambda: None, serializer.variant(state), queryset=queryset[:1])
        for name in picks
    }
    parts |= {
        name: Served(kind, lambda: None, reason="asked once")
        for name in sorted(node.attrs.keys() & LIST_NAMES)
    }
    return Served(kind, lambda: Picks(queryset, serializer.many), parts=parts)


def _records(
    kind: str, serializer: Serializer, queryset: QuerySet[Any, Any], lazy: bool, how: Serving
) -> Served:
    def value() -> Any:
        if lazy and queryset._result_cache is None:
            return serializer.lazy(queryset)
        records = serializer.many(queryset)
        return [jsonify(record, serializer.spec) for record in records] if how.json else records

    return Served(
        kind, value, serializer.variant(replace(state_of(queryset), hidden=True)), queryset=queryset
    )


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


def _as_peers(serializer: Serializer, queryset: QuerySet[Any, Any]) -> bool:
    """Whether rows show what instances do that fetch for their peers, too, and ask no more often."""
    if fetch_mode_of(queryset) is not FETCH_PEERS or queryset._result_cache is not None:
        return False
    plan = serializer.variant(replace(state_of(queryset), hidden=True)).plan
    return plan.instanceless and all(level.relation.many for level in plan.levels)


def of_raw(key: Key, node: PathNode, rows: RawQuerySet[Any], how: Serving) -> Served | None:
    """A raw query: its statement is the view's, and what is read below its rows is fetched for all of them."""
    element = each(node)
    if how.json or not element.attrs or id(rows) in how.shared or own_mode(rows, how):
        return None
    queryset: Any = rows
    serializer = how.find((*key, "[raw]"), unsure(element), queryset.model)
    compiled = serializer.variant(State(rows="raw()", joins=False, steady=True))

    def value() -> Any:
        if queryset._result_cache is None:
            return planned_raw(queryset, compiled.plan)
        load(queryset._result_cache, compiled.plan, given=True)
        return queryset

    return Served(f"raw queryset of {queryset.model.__name__}, live", value, compiled, "raw()")


def of_page(key: Key, node: PathNode, page: Page[Any], how: Serving) -> Served | None:
    """A copy of a page, with what becomes of its objects."""
    listed = node.attrs.get("object_list", PathNode(conditional=True))
    rows = PathNode(
        # For a single row a page makes a list of all of them.
        uses=node.uses | listed.uses | (LIST_USES if node.indexes else frozenset()),
        indexes=node.indexes,
        element=node.element,
        conditional=node.conditional or bool(node.attrs.keys() - {"object_list"}),
        filters=node.filters,
        where=node.where,
    )
    inner = how.serve((*key, "[page]"), merge(rows, listed._replace(uses=frozenset())), page.object_list, how)
    if inner is None:
        return None

    def value() -> Page[Any]:
        served = copy.copy(page)
        served.object_list = inner.value()
        return served

    return replace(inner, kind=f"page, {inner.kind}", value=value)


def of_manager(key: Key, node: PathNode, manager: BaseManager[Any], how: Serving) -> Served | None:
    """A manager of which nothing but ``all`` is asked: what becomes of its queryset."""
    if node.attrs.keys() != {"all"} or node.uses or node.indexes or node.element or how.live:
        return None
    inner = of_queryset((*key, "[manager]"), node.attrs["all"], manager.all(), how)
    return inner and replace(inner, kind=f"manager, {inner.kind}", value=lambda: {"all": inner.value()})

"""Objects inside lists of lists, dicts of lists, tuples, dataclasses, and objects that are lazy.

All of them stay what they are, so that an object in two places is one. What is read below the objects is fetched for
all of a class at once, when first touched. Nothing is evaluated: a queryset fetches it when it is iterated, a
``SimpleLazyObject`` when it is set up.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Any

from django.core.paginator import Page
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager
from django.utils.functional import LazyObject, SimpleLazyObject, empty

from djust_ast.binder import MAX_SEGMENTS
from djust_ast.fetch.instances import load
from djust_ast.fetch.live import plan_in_place
from djust_ast.integrations.serving import Key, Served, Serving, each, own_mode
from djust_ast.integrations.sharing import SLOTS
from djust_ast.paths import PathNode, merge, unsure
from djust_ast.plans import GIVEN
from djust_ast.states import attrs_of, plannable, state_of

MAX_VALUES = 10_000  # that are looked at; what is behind them is left to Django
MAX_MODELS = 20  # of which a value may hold objects

Step = tuple[str, PathNode, Any]
Places = dict[Key, PathNode]


def of_nested(
    key: Key, node: PathNode, value: Any, how: Serving, but: frozenset[int] = frozenset()
) -> Served | None:
    """Whatever holds objects somewhere inside: itself, with what is read below them.

    ``but`` are the ids of querysets that are planned already.
    """
    found = _Found(how, but)
    found.enter(key, node, value)
    name = type(value).__name__
    planned = list(found.served(key))
    kinds = [served.kind for served in planned]
    parts = {
        f"[{served.kind}]" if kinds.count(served.kind) == 1 else f"[{served.kind} {row}]": served
        for row, served in enumerate(planned, 1)
    }
    if not parts:
        return None

    def itself() -> Any:
        for part in planned:
            part.value()
        return value

    return Served(f"{name}, live", itself, reason="what it holds stays as it is", parts=parts)


@dataclass(slots=True)
class _Group:
    """What is read in the same way: ``places`` are where in the tree, and what is read there."""

    values: dict[int, Any] = field(default_factory=dict)
    places: Places = field(default_factory=dict)

    def add(self, place: Key, node: PathNode, value: Any) -> None:
        self.values[id(value)] = value
        self.places[place] = node

    @property
    def node(self) -> PathNode:
        """All that is read of any of them."""
        return unsure(reduce(merge, self.places.values()))

    def key(self, *key: str) -> Key:
        """A name for that, the same for the same places."""
        return (*key, *(step for place in sorted(self.places) for step in ("|", *place)))


@dataclass(slots=True)
class _Found:
    """What there is inside a value, by how it is planned."""

    how: Serving
    but: frozenset[int] = frozenset()
    objects: dict[type[Model], _Group] = field(default_factory=dict)
    single: dict[int, _Group] = field(default_factory=dict)  # querysets and lazy objects
    left: int = MAX_VALUES

    def enter(self, place: Key, node: PathNode, value: Any) -> None:
        """Note what of ``value``, read as ``node``, is to be planned."""
        cls = type(value)
        self.left -= 1
        if self.left < 0 or cls in _PLAIN or not _enters(node):
            return
        if issubclass(cls, SimpleLazyObject) and value._wrapped is not empty:
            value, cls = value._wrapped, type(value._wrapped)
        if issubclass(cls, Model):
            if node.attrs and not own_mode(value, self.how):
                self.objects.setdefault(cls, _Group()).add(place, node, value)
        elif issubclass(cls, (QuerySet, LazyObject)):
            self._single(place, node, value)
        elif len(place) < MAX_SEGMENTS:
            for step, child, part in _inside(node, value):
                self.enter((*place, step), child, part)

    def _single(self, place: Key, node: PathNode, value: Any) -> None:
        if issubclass(type(value), LazyObject):
            if getattr(type(value), "_setup", None) is _SETUP and node.attrs:
                self.single.setdefault(id(value), _Group()).add(place, node, value)
        elif id(value) not in self.but and plannable(value) and not own_mode(value, self.how):
            if value._result_cache is None:
                self.single.setdefault(id(value), _Group()).add(place, node, value)
            else:
                self.enter((*place, "[loaded]"), node, value._result_cache)

    def served(self, key: Key) -> Iterator[Served]:
        """How each is planned."""
        for model, group in list(self.objects.items())[:MAX_MODELS]:
            yield _objects(key, model, group, self.how)
        for group in self.single.values():
            (value,) = group.values.values()
            of = _lazy if issubclass(type(value), LazyObject) else _queryset
            served = of(key, group, value, self.how)
            if served is not None:
                yield served


def _objects(key: Key, model: type[Model], group: _Group, how: Serving) -> Served:
    compiled = how.find(group.key(*key, "[in]"), group.node, model).variant(GIVEN)
    objects = list(group.values.values())
    return Served(
        model.__name__,
        lambda: load(objects, compiled.plan, given=True),
        compiled,
        "the objects are loaded already",
    )


def _queryset(key: Key, group: _Group, queryset: QuerySet[Any, Any], how: Serving) -> Served | None:
    node = unsure(each(group.node))
    if not node.attrs:
        return None
    serializer = how.find(group.key(*key, "[rows in]"), node, queryset.model, (), attrs_of(queryset))
    state = state_of(queryset)
    compiled = serializer.variant(replace(state, rows=state.rows or "what holds it stays as it is"))
    kind = f"queryset of {queryset.model.__name__}"
    return Served(
        kind, lambda: plan_in_place(queryset, compiled.plan), compiled, compiled.plan.reason, queryset
    )


def _lazy(key: Key, group: _Group, lazy: Any, how: Serving) -> Served:
    def plan(obj: Any) -> None:
        if issubclass(type(obj), Model) and not own_mode(obj, how):
            compiled = how.find(group.key(*key, "[lazy]"), group.node, type(obj)).variant(GIVEN)
            load([obj], compiled.plan, given=True)

    def hook() -> None:
        setup = lazy.__dict__["_setupfunc"]
        setup = setup.setup if isinstance(setup, _Hooked) else setup
        lazy.__dict__["_setupfunc"] = _Hooked(setup, lambda obj: how.guarded(partial(plan, obj)))

    return Served("lazy object", hook, reason="planned when it is set up")


@dataclass(frozen=True, slots=True, repr=False)
class _Hooked:
    """The function that makes what a lazy object stands for, and then plans what is read below it."""

    setup: Callable[[], Any]
    plan: Callable[[Any], None]

    def __call__(self) -> Any:
        obj = self.setup()
        self.plan(obj)
        return obj

    def __repr__(self) -> str:
        return repr(self.setup)


_SETUP: Any = vars(SimpleLazyObject)["_setup"]


# -- what is inside -----------------------------------------------------------------------------------------

_PLAIN = frozenset({str, int, float, bool, type(None), bytes})
_VIEWS: dict[str, Callable[[dict[Any, Any]], Iterable[Any]]] = {
    "items": dict.items, "keys": dict.keys, "values": dict.values
}  # fmt: skip


def _enters(node: PathNode) -> bool:
    return bool(node.attrs or node.indexes or node.element)


def _inside(node: PathNode, value: Any) -> Iterator[Step]:
    """What a template reaches of ``value``, where nothing has to run for it."""
    steps = next(steps for kind, steps in _KINDS if issubclass(type(value), kind))
    yield from steps(node, value)


def _rows(node: PathNode, rows: Iterable[Any]) -> Iterator[Step]:
    element = node.element if node.element is not None and _enters(node.element) else None
    if element is None and not node.indexes:
        return
    for row, part in enumerate(rows):
        if element is not None:
            yield "[each]", element, part
        child = node.indexes.get(str(row))
        if child is not None:
            yield str(row), child, part


def _named_rows(node: PathNode, rows: tuple[Any, ...]) -> Iterator[Step]:
    yield from _rows(node, tuple.__iter__(rows))
    names = getattr(type(rows), "_fields", ()) if node.attrs else ()
    for name, part in zip(names, tuple.__iter__(rows), strict=False):
        if name in node.attrs:
            yield name, node.attrs[name], part


def _names(node: PathNode, mapping: dict[Any, Any]) -> Iterator[Step]:
    for name, child in (*node.attrs.items(), *node.indexes.items()):
        if dict.__contains__(mapping, name):
            yield name, child, dict.__getitem__(mapping, name)
        elif name in _VIEWS:
            yield name, child, list(_VIEWS[name](mapping))
        elif name.isdecimal() and dict.__contains__(mapping, int(name)):
            yield name, child, dict.__getitem__(mapping, int(name))
    if node.element is not None:
        yield from _rows(node._replace(indexes={}), list(dict.keys(mapping)))


def _of_page(node: PathNode, page: Page[Any]) -> Iterator[Step]:
    rows = node._replace(attrs={})
    yield "[page]", merge(rows, node.attrs.get("object_list", PathNode())), page.object_list


def _attributes(node: PathNode, obj: Any) -> Iterator[Step]:
    try:
        held: Mapping[str, Any] = object.__getattribute__(obj, "__dict__")
    except AttributeError:
        held = {}
    for name, child in node.attrs.items():
        if name in held:
            yield name, child, held[name]
        elif isinstance(inspect.getattr_static(type(obj), name, None), SLOTS):
            yield name, child, getattr(obj, name, None)


def _nothing(node: PathNode, value: Any) -> Iterator[Step]:
    yield from ()


_VIEWED: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
# Of the first kind that a value is of; subclasses may loop in a way of their own, which is not asked.
_KINDS: tuple[tuple[Any, Callable[[PathNode, Any], Iterator[Step]]], ...] = (
    ((BaseManager, type, Iterator), _nothing),
    (dict, _names),
    (tuple, _named_rows),
    (list, lambda node, rows: _rows(node, list.__iter__(rows))),
    ((set, frozenset, deque, *_VIEWED), _rows),
    (Page, _of_page),
    (object, _attributes),
)

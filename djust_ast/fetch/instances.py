"""The instance route: joins for what must be there, prefetches for the rest, each when first touched.

``prefetch_related_objects`` and Django's own caches do the work. A level that only a branch reads hangs on the
instances as a dict whose ``__missing__`` fetches it for all siblings at once: ``_prefetched_objects_cache`` for
to-many, ``_state.fields_cache`` for to-one, where Django's descriptors look first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Model, Prefetch, prefetch_related_objects

from djust_ast.fetch import unforeseen
from djust_ast.fetch.answers import answer
from djust_ast.fetch.asked import Asking, answering
from djust_ast.fetch.owners import cache_of, chunks, fetchable, followed
from djust_ast.fetch.peers import PEERS, joined, twin
from djust_ast.fetch.targets import Groups
from djust_ast.planner import plan as make_plan
from djust_ast.plans import GIVEN, Level, QueryPlan, told
from djust_ast.relations import Relation
from djust_ast.states import rows_behind

_ROWS = QueryPlan("instances")
_Waiting = Level | Groups | Asking


def load(
    objects: Sequence[Model], plan: QueryPlan, *, given: bool = False, answers: bool = False
) -> list[tuple[Siblings, str]]:
    """Fetch the plan's levels for ``objects``; the lazy ones when first touched.

    ``answers``: records are made of the objects, which have what is asked of related managers, too.
    ``given``: the objects are the user's own, which Django would ask for their related rows each time. What an
    earlier call put into their caches is fetched anew; what this one puts there is returned, for ``forget``.
    """
    put: list[tuple[Siblings, str]] = []
    lazy: dict[tuple[tuple[str, ...], bool], dict[str, _Waiting]] = {}
    asked: dict[tuple[str, ...], list[Level]] = {}
    for level in plan.levels if objects else ():
        *path, name = level.path
        if level.relation.held:
            load(_held(followed(objects, path), name), level.plan)
            continue
        if (level.asks or level.via) and (level.asking or (answers and not level.live)):
            asked.setdefault(level.path, []).append(level)
            continue
        if level.asks or level.via:
            if "all" not in level.asks:
                continue
            level = replace(level, asks=(), plan=_ROWS, lazy=True)  # its rows have a size, too
        here = replace(level, path=(name,)) if path else level
        if level.lazy:
            lazy.setdefault((tuple(path), level.relation.many), {})[name] = here
        else:
            put += _prefetch(followed(objects, path), here, given=given, answers=answers)
    for (path_, many), levels in lazy.items():
        relations = [level.relation for level in levels.values() if isinstance(level, Level)]
        owners = followed(objects, path_)
        for _, chunk in chunks(owners, *relations):
            _attach(chunk, many, dict(levels))
        for waiting in levels.values() if given else ():
            if isinstance(waiting, Level) and waiting.plan.route == "instances":
                _load_below(owners, waiting)
    for path_, levels_ in asked.items():
        owners = followed(objects, path_[:-1])
        if answers and not levels_[0].live:
            answer(owners, levels_, load)
        else:
            for _, chunk in chunks(owners, levels_[0].relation):
                _attach(chunk, True, {path_[-1]: Asking(levels_, chunk, load)})
    if plan.unseen and not given and unforeseen.fetched():
        for path_ in ((), *plan.loaded):
            for _, chunk in chunks(followed(objects, path_)):
                _watch(chunk)
    return put


def _held(owners: Sequence[Model], name: str) -> list[Model]:
    """The rows that the view prefetched under a name of its own."""
    values = [owner.__dict__.get(name) for owner in owners]
    rows = [row for value in values for row in (value if isinstance(value, list) else [value])]
    return list({id(row): row for row in rows if isinstance(row, Model)}.values())


def forget(put: list[tuple[Siblings, str]]) -> None:
    """Take back what ``load`` put into the caches of the user's objects."""
    for cache, name in put:
        cache.withdraw(name)


class Siblings(dict[str, Any]):
    """A cache of one instance that fills those of all its ``peers`` when a planned name is missing.

    ``ours`` are the names that we put there, not the user.
    """

    __slots__ = ("levels", "ours", "peers")

    def __init__(self, known: dict[str, Any], peers: Sequence[Model], levels: dict[str, _Waiting]) -> None:
        super().__init__(known)
        self.peers = peers
        self.levels = levels
        self.ours: set[str] = set()

    def __missing__(self, name: str) -> Any:
        level = self.levels.get(name)  # the peers share ``levels``: one fetch for all
        if level is None:
            raise KeyError(name)
        if isinstance(level, Asking):
            return self._asked(name, level)
        if isinstance(level, Groups):
            for targets, plan in level.fetch(self):
                load(targets, plan)
            if name not in self:
                raise KeyError(name)
            return self[name]
        del self.levels[name]
        if level.plan.route == "targets":
            self.levels[name] = Groups(self.peers, level)
            return self[name]
        _prefetch(self.peers, level, given=level.relation.many)
        return self[name]

    def _asked(self, name: str, asking: Asking) -> Any:
        """The queryset that Django would make, which knows what it is asked; it is made anew each time."""
        found = asking.of(self)
        if found is None:
            raise KeyError(name)
        owner, answers = found
        levels, self.levels = self.levels, {}
        try:
            queryset = getattr(owner, name).get_queryset()
        finally:
            self.levels = levels
        return answering(queryset, answers, asking.top)

    def pop(self, name: str, *default: Any) -> Any:
        """Take ``name`` out, as a manager does that has written something: its answers are of before that."""
        if isinstance(self.levels.get(name), Asking):
            self.levels = {other: level for other, level in self.levels.items() if other != name}
        return super().pop(name, *default)

    def withdraw(self, name: str) -> None:
        """Drop ``name`` if it is ours."""
        if name in self.ours:
            self.ours.discard(name)
            self.pop(name, None)

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))


class Watched(Siblings):
    """A cache of an ``owner`` on which code runs that cannot be followed.

    A to-one relation that no plan foresaw is fetched for all peers when the first of them asks for it. ``tried``
    are those that were, once for all.
    """

    __slots__ = ("owner", "tried")

    def __init__(self, cache: dict[str, Any], owner: Model, peers: Sequence[Model], tried: set[str]) -> None:
        super().__init__(cache, peers, cache.levels if isinstance(cache, Siblings) else {})
        self.owner = owner
        self.tried = tried

    def __missing__(self, name: str) -> Any:
        try:
            return super().__missing__(name)
        except KeyError:
            level = unforeseen.level(self.owner, name) if name not in self.tried else None
            if level is None or not fetchable(self.owner, level.relation):
                raise
        self.tried.add(name)
        _prefetch(self.peers, level)
        return self[name]


def _watch(peers: list[Model]) -> None:
    tried: set[str] = set()
    for owner in peers:
        cache = cache_of(owner, False)
        if not isinstance(cache, Watched):
            _put_cache(owner, False, Watched(cache, owner, peers, tried))


def _attach(peers: list[Model], many: bool, levels: dict[str, _Waiting]) -> None:
    for owner in peers:
        cache = cache_of(owner, many)
        if not isinstance(cache, Siblings):
            cache = _put_cache(owner, many, Siblings(cache, peers, levels))
        else:  # the object was served before: keep what it has, but rows that it would ask for anew
            for name, level in levels.items():
                cache.withdraw(name)
                if name not in cache and not (isinstance(level, Asking) and name in cache.levels):
                    cache.levels[name] = level
        for name, level in levels.items() if not many else ():
            if not isinstance(level, Level) or level.relation.reverse:
                continue
            if owner.__dict__.get(level.relation.local, cache) is None:
                cache.setdefault(name, None)  # a NULL key needs no query


def _put_cache(owner: Any, many: bool, cache: Siblings) -> Siblings:
    if many:
        owner._prefetched_objects_cache = cache
    else:
        owner._state.fields_cache = cache
    return cache


def _prefetch(
    objects: Sequence[Model], level: Level, *, given: bool = False, answers: bool = False
) -> list[tuple[Siblings, str]]:
    relation = level.relation
    name, many = relation.accessor, relation.many
    lacking = []
    for obj in objects:
        cache = cache_of(obj, many)
        if many and isinstance(cache, Siblings):
            cache.withdraw(name)
        if name not in cache:
            lacking.append(obj)
    for db, chunk in chunks([owner for owner in lacking if fetchable(owner, relation)], relation):
        prefetch_related_objects(chunk, _lookup(level, db))
        if level.apart or _same_keys(chunk, relation):
            _part(chunk, relation)
    if len(lacking) == len(objects):
        if level.plan.levels or level.plan.unseen:
            load(list(_children(objects, level)), level.plan, answers=answers)
        return _mark(lacking, name) if given and many else []
    fetched = set(map(id, lacking))
    load(list(_children(lacking, level)), level.plan, answers=answers)
    # What the view has fetched lacks our joins.
    found = [obj for obj in objects if id(obj) not in fetched]
    load(list(_children(found, level)), _plan_of_found(level), answers=answers)
    return _mark(lacking, name) if given and many else []


def _load_below(owners: Sequence[Model], level: Level) -> None:
    """Load, when first touched, what is read below the other sides that the view has fetched."""
    plan = _plan_of_found(level)
    there = [owner for owner in owners if level.relation.accessor in cache_of(owner, level.relation.many)]
    if there and plan.levels:
        lazily = replace(plan, levels=tuple([replace(below, lazy=True) for below in plan.levels]))
        load(list(_children(there, level)), lazily, given=True)


def _plan_of_found(level: Level) -> QueryPlan:
    """The plan for rows of ``level`` that are there already."""
    model = level.spec.model
    if model not in level.below:
        plan = make_plan(level.spec, GIVEN)
        level.below[model] = told(plan) if level.asking else plan
    return level.below[model]


def _same_keys(owners: Sequence[Model], relation: Relation) -> bool:
    """Whether the other side, which leads back to its owner, would have to lead back to two."""
    if relation.way_back is None:
        return False
    keys = {owner.__dict__[relation.local] for owner in owners}
    return len(keys) < len(owners)


def _part(owners: Sequence[Model], relation: Relation) -> None:
    """Give each owner objects of its own under ``relation``, as Django gives them without a prefetch.

    Owners share them where they have the same key: rows of one parent, or instances of one row.
    """
    taken: set[int] = set()
    for owner in owners:
        value = cache_of(owner, relation.many).get(relation.accessor)
        if value is None:
            continue
        if relation.many:
            value._result_cache = [_own(obj, owner, relation, taken) for obj in value._result_cache]
        else:
            owner._state.fields_cache[relation.accessor] = _own(value, owner, relation, taken)


def _own(obj: Any, owner: Model, relation: Relation, taken: set[int]) -> Any:
    back = relation.way_back
    if id(obj) in taken:
        obj = twin(obj, {id(back.get_cached_value(obj, None)): owner} if back is not None else {})
    taken.add(id(obj))
    if back is not None:
        back.set_cached_value(obj, owner)
    return obj


def _mark(owners: Sequence[Model], name: str) -> list[tuple[Siblings, str]]:
    """Note that the rows under ``name`` are ours."""
    put = []
    for owner in owners:
        cache = cache_of(owner, True)
        if name in cache:
            if not isinstance(cache, Siblings):
                cache = _put_cache(owner, True, Siblings(cache, [owner], {}))
            cache.ours.add(name)
            put.append((cache, name))
    return put


def _lookup(level: Level, db: str) -> str | Prefetch[Any]:
    relation = level.relation
    if not (level.plan.select_related or level.plan.deferred) and PEERS is None:
        return relation.accessor
    queryset = joined(rows_behind(relation), level.plan)
    return Prefetch(relation.accessor, queryset.using(db))


def _children(owners: Iterable[Model], level: Level) -> Iterator[Model]:
    name, many = level.relation.accessor, level.relation.many
    seen: set[int] = set()
    for owner in owners:
        value = cache_of(owner, many).get(name)
        for child in value if many and value is not None else (value,):
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield child

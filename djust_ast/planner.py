"""Planning: a spec and the state of the objects at hand become a query plan.

Rows where they are provably what the instances would show, instances otherwise. The reasons of a refusal are
rows of ``docs/plans.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Field

from djust_ast.bodies.pure import Expression
from djust_ast.columns import all_told, unread, wide
from djust_ast.plans import FRESH, GIVEN, Level, QueryPlan, State
from djust_ast.relations import Relation
from djust_ast.specs import (
    Alias,
    Column,
    Computed,
    Counted,
    Inlined,
    Many,
    Missing,
    Related,
    SerializerSpec,
    Targets,
)
from djust_ast.states import picked_state, state_behind
from djust_ast.stock import counts_together, hand_made

Path = tuple[str, ...]
COUNTS = QueryPlan("counts")
TARGETS = QueryPlan("targets")
MAX_JOINS = 8
MANY_COLUMNS = (
    10  # of which Django makes instances faster without them, although it then has to look for each
)


def plan(spec: SerializerSpec, state: State = FRESH, *, key: str | None = None) -> QueryPlan:
    """The cheapest way to the objects of ``spec`` that shows what plain Django would show.

    ``key`` is a lookup whose value each row must carry: its parent's key.
    """
    reason = state.rows or next(_refusals(spec, state), None)
    if reason is None:
        return _rows(spec, state, key)
    return _instances(spec, state, reason)


# -- rows ---------------------------------------------------------------------------------------------------


def _refusals(spec: SerializerSpec, state: State) -> Iterator[str]:
    name = spec.model.__name__
    if spec.live is not None:
        yield f"{name} is {spec.live}"
    if spec.needs_instance and not spec.live:
        yield from (
            f"{name}.{m.name} needs the instance"
            for m in spec.spoken
            if isinstance(m, Missing) or (isinstance(m, Computed) and m.expression is None)
        )
        yield (
            f"{name} may be changed by a method" if spec.changed else f"{name} itself is printed or compared"
        )
    changed = hand_made(spec.model)
    if changed:
        yield changed
    for m in spec.members:
        match m:
            case Related(quiet=True) | Computed(quiet=True):
                yield f"{name}.{m.name} is read by a method"
            case Related(relation=relation):
                if relation.field is not None and relation.field.name in state.known:
                    yield f"rows of a related manager know their {m.name}"
                if m.keys_only:
                    continue
                if relation.refusal:
                    yield relation.refusal
                if state.whole_rows and (m.conditional or relation.reverse):
                    yield f"{name}.{m.name} may not be read, and the order of the main query must stay"
                yield from _refusals(m.spec, FRESH)
            case Many(relation=relation):
                if relation.refusal:
                    yield relation.refusal
                if _tied(m):
                    yield f"a part of {name}.{m.name} is taken, whose order may have ties"
                if (relation.m2m or _leads_back(m.spec)) and (
                    next(_refusals(m.spec, FRESH), None) or state_behind(relation).rows
                ):
                    yield f"the rows of {name}.{m.name} need instances"
            case Counted(relation=relation):
                if relation.refusal:
                    yield relation.refusal
                if not counts_together(relation.model):
                    yield f"the rows of {name}.{m.name} cannot be counted together"
                for pick in m.picks:
                    state_ = picked_state(relation, [pick.via])
                    if state_ is None:
                        yield f"a part of {name}.{m.name} is taken, whose order may have ties"
                    elif (relation.m2m or _leads_back(pick.spec)) and (
                        next(_refusals(pick.spec, FRESH), None) or state_.rows
                    ):
                        yield f"the rows of {name}.{m.name} need instances"


@dataclass(slots=True)
class _Layout:
    columns: dict[str, int] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    joins: int = 0

    def column(self, lookup: str) -> int:
        return self.columns.setdefault(lookup, len(self.columns))


def _rows(spec: SerializerSpec, state: State, key: str | None) -> QueryPlan:
    layout = _Layout()
    if state.whole_rows:
        for concrete in spec.model._meta.concrete_fields:
            layout.column(concrete.attname)
    if state.distinct:
        layout.column(spec.pk)
    for alias in state.aliases:
        layout.column(alias)
    _lay_out(spec, "", (), layout, joins=not state.whole_rows)
    if not layout.columns:
        layout.column(spec.pk)  # of a body that reads none; no column at all would mean all of them
    index = -1 if key is None else layout.column(key)
    return QueryPlan("rows", columns=tuple(layout.columns), levels=tuple(layout.levels), key=index)


def _lay_out(spec: SerializerSpec, prefix: str, path: Path, layout: _Layout, *, joins: bool) -> None:
    if not spec.anchored:
        layout.column(prefix + spec.pk)
    for m in spec.members:
        match m:
            case Column() | Alias() | Inlined():
                layout.column(prefix + m.attname)
            case Computed(expression=Expression(columns=columns)):
                for attname in columns:
                    layout.column(prefix + attname)
            case Related(relation=relation):
                if relation.reverse:
                    layout.column(f"{prefix}{relation.lookup}__{m.spec.pk}")
                elif relation.nullable or m.keys_only:
                    layout.column(prefix + relation.local)
                if m.keys_only:
                    continue
                if joins and (layout.joins < MAX_JOINS or relation.reverse or m.conditional):
                    layout.joins += 1
                    _lay_out(m.spec, f"{prefix}{relation.lookup}__", (*path, m.name), layout, joins=True)
                else:
                    layout.levels.append(_level(m, path, layout.column(prefix + relation.local)))
            case Many(relation=relation):
                key = layout.column(prefix + relation.local)
                layout.levels.append(_level(m, path, key))
            case Counted(relation=relation):
                key = layout.column(prefix + relation.local)
                layout.levels += _answers(m, (*path, m.name), key)


def _leads_back(spec: SerializerSpec) -> bool:
    """Whether it leads back to the very object that we came from."""
    return any(isinstance(below, Related) and below.known for below in spec.members)


def _answers(
    m: Counted, path: Path, key: int = -1, rows: str | None = None, *, hidden: bool = True
) -> Iterator[Level]:
    """A level for the counts of a related manager, and one for each of its picks; ``rows`` says why no rows."""
    if m.asks:
        nothing = SerializerSpec(m.relation.model, ())
        yield Level(path, m.relation, nothing, COUNTS, lazy=m.lazy, key=key, asks=m.asks)
    for pick in m.picks:
        state = picked_state(m.relation, [pick.via]) or FRESH
        state = replace(state, rows=rows or state.rows, hidden=hidden)
        below = plan(pick.spec, state, key=m.relation.remote)
        yield Level(path, m.relation, pick.spec, below, lazy=pick.lazy, key=key, via=pick.via, top=pick.top)


def _asked(m: Counted, path: Path, *, live: bool, hidden: bool = False) -> list[Level]:
    """The levels for what is asked of a manager of instances; ``live``: of themselves, and not of their records."""
    levels = _answers(m, path, rows="its parent is an instance", hidden=hidden and not live)
    return [replace(level, live=live) for level in levels]


def _answerable(m: Counted) -> bool:
    """Whether all that is asked of the manager can be had for all parents at once."""
    relation = m.relation
    picked = all(picked_state(relation, [pick.via]) is not None for pick in m.picks)
    return relation.refusal is None and counts_together(relation.model) and picked


def _level(m: Related | Many, path: Path, key: int) -> Level:
    lazy = isinstance(m, Many) and m.lazy
    below = plan(m.spec, replace(state_behind(m.relation), hidden=True), key=m.relation.remote)
    return Level((*path, m.name), m.relation, m.spec, below, lazy=lazy, key=key)


# -- instances ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Loading:
    joins: list[str] = field(default_factory=list)
    loaded: set[Path] = field(default_factory=set)
    levels: list[Level] = field(default_factory=list)
    spare: list[tuple[str, Field[Any, Any]]] = field(default_factory=list)
    told: bool = False
    may_raise: bool = False
    shared: frozenset[str] = frozenset()  # by rows of one key, which code may be able to tell

    def joinable(self, path: Path) -> bool:
        """Whether the main query may have one more join, of an object for each row."""
        return len(self.joins) < MAX_JOINS and not (len(path) == 1 and path[0] in self.shared)


def _instances(spec: SerializerSpec, state: State, reason: str) -> QueryPlan:
    asked = (m for below in spec.walk() for m in below.spoken if isinstance(m, Computed | Missing))
    unseen = any(below.unseen for below in spec.walk())
    told = unseen or any(map(_remembers, spec.walk()))
    loading = _Loading(
        told=state.hidden and all_told(spec),
        may_raise=any(asked),
        shared=state.prefetched if told else frozenset(),
    )
    _load(spec, (), "", state.joins, loading)
    levels = map(_watched, loading.levels) if unseen else loading.levels
    return QueryPlan(
        "instances",
        select_related=tuple(loading.joins),
        deferred=() if state.steady or state.unloaded is not None else _worth(loading.spare),
        wanted=() if state.steady else tuple(_wanted(spec, state.unloaded or frozenset())),
        loaded=frozenset(loading.loaded),
        levels=tuple(levels),
        reason=reason,
        given=state.given,
        unseen=unseen and not state.given,
    )


def _worth(spare: list[tuple[str, Field[Any, Any]]]) -> tuple[str, ...]:
    """The columns to be left out, if they are many, or long."""
    pays = len(spare) >= MANY_COLUMNS or any(wide(column) for _, column in spare)
    return tuple([lookup for lookup, _ in spare]) if pays else ()


def _wanted(spec: SerializerSpec, unloaded: frozenset[str]) -> Iterator[str]:
    """The deferred columns that are read; a long one only where no branch decides whether it is."""
    for column in spec.model._meta.concrete_fields if unloaded else ():
        name = column.attname
        if name in unloaded & spec.columns.read and (name in spec.columns.surely or not wide(column)):
            yield name


def _watched(level: Level) -> Level:
    """A level whose objects code may reach that cannot be followed: it may leave anything in them."""
    below = level.plan
    if below.route != "instances":
        return level
    below = replace(below, unseen=True, levels=tuple(map(_watched, below.levels)))
    return replace(level, plan=below, apart=True)


def _load(spec: SerializerSpec, path: Path, prefix: str, joins: bool, loading: _Loading) -> None:
    if loading.told and (prefix or not path):
        loading.spare += [(prefix + column.attname, column) for column in unread(spec)]
    for m in spec.members:
        here = (*path, m.name)
        match m:
            case Related() if m.keys_only and not m.quiet:
                loading.loaded.add(here)
            case Related(known=True):
                loading.loaded.add(here)
                _load(m.spec, here, "", False, loading)
            case Related(relation=relation) if joins and relation.joinable and loading.joinable(here):
                loading.joins.append(prefix + relation.lookup)
                loading.loaded.add(here)
                _load(m.spec, here, f"{prefix}{relation.lookup}__", joins, loading)
            case Related(relation=relation) if relation.refusal is None:
                # A member that raises ends a comparison, and what it is compared with is not reached.
                _append(loading, here, relation, m.spec, lazy=m.conditional or loading.may_raise)
            case Many() if not _tied(m) and not (m.lazy and "last" in m.asks):
                # Django asks for the last row whether the rows are there or not, so they are only fetched for sure.
                _append(loading, here, m.relation, m.spec, lazy=m.lazy)
            case Counted() if _answerable(m):
                loading.levels += _asked(m, here, live=spec.live is not None, hidden=loading.told)
                loading.loaded.add(here)
            case Computed(rows=Counted() as rows) if _answerable(rows):
                loading.levels += _asked(rows, here, live=True)
            case Computed(rows=Many(relation=Relation(held=True) as relation, spec=below)):
                loading.levels.append(Level(here, relation, below, plan(below, GIVEN)))
            case Computed(rows=Many() as rows) if not _tied(rows):
                _append(loading, here, rows.relation, rows.spec, lazy=True)
            case Computed(rows=Targets(relation=relation, node=node)):
                nothing = SerializerSpec(relation.model, ())
                loading.levels.append(Level(here, relation, nothing, TARGETS, lazy=True, node=node))


def _tied(m: Many) -> bool:
    """Whether a part of the rows may be another one when all of them are fetched: their order has ties."""
    return m.sliced and state_behind(m.relation).whole_rows


def _remembers(spec: SerializerSpec) -> bool:
    """Whether what is read may leave a trace in an object of ``spec``, by which it can be told from an equal one."""
    return spec.kept or "esc" in spec.uses


def _append(loading: _Loading, path: Path, relation: Relation, spec: SerializerSpec, *, lazy: bool) -> None:
    state = state_behind(relation, rows="its parent is an instance")
    below = plan(spec, replace(state, hidden=loading.told))
    apart = any(map(_remembers, spec.walk()))
    loading.levels.append(Level(path, relation, spec, below, lazy=lazy, apart=apart))
    if not lazy:
        loading.loaded.add(path)

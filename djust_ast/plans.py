"""What to ask the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from django.db.models import Model

from djust_ast.bodies import Body, body
from djust_ast.conf import settings
from djust_ast.paths import PathNode
from djust_ast.relations import Relation
from djust_ast.seen import seen
from djust_ast.specs import Computed, Inlined, Missing, Related, SerializerSpec, Targets

Route = Literal["rows", "instances", "counts", "targets"]


@dataclass(frozen=True, slots=True)
class State:
    """What the planner may do to the objects at hand.

    ``given``: they are instances already. ``rows`` says why rows may not replace them, or is ``None``.
    ``joins``: whether the main query may be joined. ``whole_rows``: its columns must stay as they are, since
    only then do ties in its order fall as they would in plain Django. ``distinct``: the rows are, by their keys.
    ``aliases``: annotations that must stay among the columns. ``known``: foreign keys whose other side is the
    object that the view came from. ``prefetched``: relations that the view prefetches, whose rows are shared.
    ``hidden``: nobody gets the objects themselves, but only records of them. ``steady``: the columns of the main
    query must stay what they are. ``unloaded``: columns that the view has deferred, ``None`` if it did not choose.
    """

    given: bool = False
    rows: str | None = None
    joins: bool = True
    whole_rows: bool = False
    distinct: bool = False
    aliases: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    prefetched: frozenset[str] = frozenset()
    hidden: bool = False
    steady: bool = False
    unloaded: frozenset[str] | None = None


FRESH = State(hidden=True)
GIVEN = State(given=True, rows="the objects are loaded already", joins=False, steady=True)


@dataclass(frozen=True, slots=True)
class Level:
    """One relation fetched in a query of its own, for all parents at once.

    ``path`` leads from the parent's root object to the relation (accessor names). On the row route ``key`` is
    the index of the parent's key among its columns. ``lazy``: fetched when first touched. ``apart``: parents
    of one row must not share the instance that stands for it. ``asks``: what is asked of the number of rows.
    ``via`` and ``top``: what part of the rows of each parent is taken (``specs.Pick``). ``node``: what is read of
    objects whose model only their rows tell, ``below`` the plans for those met so far.
    ``foreseen``: a template asks for it, or a body of which that is known. ``live``: it is asked of objects that
    stay, ``asking``: which can be told the answer, since no code runs that may change it (``told``).
    """

    path: tuple[str, ...]
    relation: Relation
    spec: SerializerSpec
    plan: QueryPlan
    lazy: bool = False
    key: int = -1
    apart: bool = False
    asks: tuple[str, ...] = ()
    via: str = ""
    top: int = 0
    node: PathNode | None = None
    below: dict[type[Model], QueryPlan] = field(default_factory=dict, compare=False, repr=False)
    foreseen: bool = True
    live: bool = False
    asking: bool = False


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """How the objects of one query are fetched.

    ``columns`` are the ``values_list`` paths of the row route, ``key`` the index of the parent's key among them.
    ``select_related`` are query names, ``loaded`` the accessor paths that the generated code may read without
    a query. ``deferred`` are columns that nothing reads, ``wanted`` those that the view has deferred although they
    are read. ``reason`` says why it is not rows. ``given``: the objects may be of any class. ``unseen``: code runs
    on them that may load more than is planned.
    """

    route: Route
    columns: tuple[str, ...] = ()
    key: int = -1
    select_related: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    loaded: frozenset[tuple[str, ...]] = frozenset()
    levels: tuple[Level, ...] = ()
    reason: str | None = None
    given: bool = False
    unseen: bool = False

    @property
    def instanceless(self) -> bool:
        """Whether no instance is made at any level."""
        return self.route in ("rows", "counts") and all(level.plan.instanceless for level in self.levels)

    @property
    def queries(self) -> tuple[int, int]:
        """The least and the most queries of one run; the most counts levels that a branch decides."""
        least = most = 1
        for level in self.levels:
            low, high = level.plan.queries
            if level.relation.held:
                low, high = low - 1, high - 1
            least += 0 if level.lazy else low
            most += high
        return least, most


def told(plan: QueryPlan) -> QueryPlan:
    """``plan`` for a page of which is known what it does: objects that stay are told answers, too."""
    levels = [replace(level, plan=told(level.plan), asking=True) for level in plan.levels]
    return replace(plan, levels=tuple(levels))


def outline(spec: SerializerSpec, plan: QueryPlan) -> Iterator[str]:
    """The plan of one query and of its levels in words, a line each."""
    name = spec.model.__name__
    if spec.live is not None:
        yield f"{name}: stays live, it is {spec.live}"
    elif plan.route == "counts":
        yield f"{name}: counted"
    elif plan.route == "rows":
        yield f"{name}: rows of {', '.join(plan.columns)}"
    else:
        yield f"{name}: instances, since {plan.reason}"
    if plan.select_related:
        yield f"  select_related {', '.join(plan.select_related)}"
    if plan.deferred:
        yield f"  nothing reads {', '.join(plan.deferred)}: left out"
    if plan.wanted:
        yield f"  deferred by the view, and read: {', '.join(plan.wanted)}"
    rows = plan.route == "rows"
    said = [m.name for m in spec.spoken if rows and isinstance(m, Computed) and m.expression is not None]
    inlined = list(_inlined(spec, plan)) if rows else [m.name for m in spec.members if isinstance(m, Inlined)]
    if inlined:
        yield f"  inlined: {', '.join(inlined)}"
    asked = [m.name for m in spec.spoken if isinstance(m, Computed | Missing) and m.name not in said]
    if asked:
        yield f"  when asked: {', '.join(asked)}"
    for m in spec.spoken:
        if isinstance(m, Computed) and not isinstance(m.rows, Targets) and m.name not in said:
            yield from _told(name, m.name, body(spec.model, m.name))
    if plan.unseen and settings().LEARN:
        known = ", ".join(seen(spec.model))
        yield "  what else code loads of to-one relations: one query for all rows, when first touched"
        if known:
            yield f"    seen so far of {name}: {known}"
    for level in plan.levels:
        when = ", when first touched" if level.lazy else ""
        each = " for each type of object" if level.plan.route == "targets" else ""
        part = f", {level.top} of each" if level.via == "all" else ""
        if level.relation.held:
            yield f"  {'.'.join(level.path)}: prefetched by the view"
            yield from (f"    {line}" for line in outline(level.spec, level.plan))
            continue
        path = ".".join((*level.path, level.via) if level.via else level.path)
        yield f"  {path}: one query{each}{part}{when}"
        if each:
            continue
        for line in outline(level.spec, level.plan):
            yield f"    {line}"


def _inlined(spec: SerializerSpec, plan: QueryPlan, path: tuple[str, ...] = ()) -> Iterator[str]:
    """What rows say in the place of methods, that of joined objects among it."""
    apart = {level.path for level in plan.levels}
    for m in spec.spoken:
        here = (*path, m.name)
        if isinstance(m, Inlined) or (isinstance(m, Computed) and m.expression is not None):
            yield ".".join(here)
        elif isinstance(m, Related) and here not in apart and not m.keys_only:
            yield from _inlined(m.spec, plan, here)


def _told(model: str, name: str, found: Body | None) -> Iterator[str]:
    """What there is to know of a body before it runs."""
    if found is not None and found.open:
        yield f"  {model}.{name} may read more than is planned: {found.open[0]}"
    if found is not None and found.queries:
        yield f"  {model}.{name} asks the database by itself: {', '.join(found.queries)}"

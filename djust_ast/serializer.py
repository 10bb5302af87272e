"""The product: a spec compiled for the states in which its objects come."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import sha256
from types import CodeType
from typing import Any, NoReturn

from django.db.models import Manager, Model, QuerySet

from djust_ast.bodies.pure import Expression
from djust_ast.conf import settings
from djust_ast.emitters import Emitted, Emitter
from djust_ast.emitters.instances import shape
from djust_ast.emitters.pyast import AstEmitter
from djust_ast.errors import PlanError
from djust_ast.fetch.instances import forget, load
from djust_ast.fetch.peers import joined, with_prefetched
from djust_ast.fetch.rows import getter, rows_of, tally
from djust_ast.fetch.sql import prove
from djust_ast.planner import plan as make_plan
from djust_ast.plans import FRESH, GIVEN, QueryPlan, State, outline, told
from djust_ast.records import LazyRecords, Record, Records
from djust_ast.runtime import tolerant
from djust_ast.specs import Computed, SerializerSpec
from djust_ast.states import AnyQuerySet, plannable, queryset_of, state_of
from djust_ast.stock import observed

EMITTERS: dict[str, Emitter] = {"ast": AstEmitter()}
# The global of emitted code that serializes an object which is not loaded as planned, less its number.
SLOW = "slow_"


@dataclass(frozen=True, slots=True)
class Compiled:
    """One plan and its function, with those of the plan's levels in the same order, ``None`` for a count."""

    spec: SerializerSpec
    plan: QueryPlan
    emitted: Emitted
    function: Callable[..., list[Any]]
    levels: tuple[Compiled | None, ...]

    @property
    def sources(self) -> str:
        """The generated source, its levels first."""
        own = self.emitted.source if self.spec.live is None else ""
        return "\n\n".join([*(level.sources for level in self.levels if level), own]).lstrip("\n")


def compile_spec(spec: SerializerSpec, plan: QueryPlan, emitter: str = "ast") -> Compiled:
    """The function that serializes what ``plan`` fetches."""
    emitted = EMITTERS[emitter].emit(spec, plan)
    namespace = dict(emitted.namespace)
    code = _with_source(emitted) if settings().DEBUG else emitted.code
    exec(code, namespace)  # noqa: S102 - made by our own emitter from a checked spec, in this process
    levels = (
        tuple(
            None if level.plan.route == "counts" else compile_spec(level.spec, level.plan, emitter)
            for level in plan.levels
        )
        if plan.route == "rows"
        else ()
    )
    function = namespace[emitted.name]
    function.emitted = emitted  # its source, for whoever has only the function
    return Compiled(spec, plan, emitted, function, levels)


def _with_source(emitted: Emitted) -> CodeType:
    """The code compiled from its own source, which ``linecache`` knows: for pdb."""
    source = emitted.source
    digest = sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:8]  # variants share their name
    file = f"<djust_ast {emitted.name} {digest}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(source, file, "exec")


class NotLoadedError(Exception):
    """An object does not have what the plan promised."""


def _not_loaded(obj: Model) -> NoReturn:
    raise NotLoadedError


def _asks_again(plan: QueryPlan) -> bool:
    """Whether loaded objects are asked for more than they hold: related rows, or what is fetched when touched."""
    return any(level.lazy or level.relation.many or _asks_again(level.plan) for level in plan.levels)


class Serializer:
    """Turns objects of ``spec.model`` into records of what the spec reads.

    ``many(queryset)`` plans and runs the query; ``many(list)`` and ``one(obj)`` take loaded instances.
    ``known``: all code of the page is known, so that none of it changes what is asked of the database.
    ``plan``, ``function`` and ``source`` are those of a fresh queryset with a total order.
    """

    def __init__(self, spec: SerializerSpec, emitter: str | None = None, *, known: bool = False) -> None:
        self.spec = spec
        self.known = known
        self.emitter = emitter or settings().EMITTER
        if self.emitter not in EMITTERS:
            names = ", ".join(map(repr, EMITTERS))
            raise PlanError(f"no emitter is called {self.emitter!r}; known are {names}")
        self._variants: dict[State, Compiled] = {}
        self._proved: set[State] = set()

    def variant(self, state: State) -> Compiled:
        """What is run for objects in ``state``."""
        if any(map(observed, self._models)):
            state = replace(state, rows=state.rows or "a signal receiver sees each instance", hidden=False)
        if state.rows is None and settings().ROUTE == "instances":
            state = replace(state, rows='the setting ROUTE is "instances"')
        if state.rows is None and self._told and not all(told.holds() for told in self._told):
            state = replace(state, rows="a method or property has been replaced")
        found = self._variants.get(state)
        if found is None:
            plan = make_plan(self.spec, state)
            plan = told(plan) if self.known else plan
            found = self._variants[state] = compile_spec(self.spec, plan, self.emitter)
        return found

    def proved(self, queryset: AnyQuerySet, rows: str | None = None) -> Compiled:
        """What is run for ``queryset``, its SQL compiled once; ``rows`` says why it may not be rows.

        A plan that Django refuses is a ``PlanError``, and no query was run.
        """
        state = replace(state_of(queryset), hidden=True)
        state = state if state.rows or rows is None else replace(state, rows=rows)
        compiled = self.variant(state)
        if state not in self._proved:
            prove(queryset, compiled.plan)
            self._proved.add(state)
        return compiled

    def many(self, objects: Manager[Any] | AnyQuerySet | Iterable[Model]) -> Records:
        """The records of ``objects``, in their order; a queryset is fetched now, an evaluated one is not again."""
        if type(objects) is list:
            return _records(self._given(objects))
        if not isinstance(objects, _ASKED):
            return _records(self._given(list(objects)))
        queryset = queryset_of(objects)
        if queryset._result_cache is None and plannable(queryset):
            return _records(run(self.proved(queryset), queryset), queryset)
        return _records(self._given(list(queryset)), queryset)

    def lazy(self, queryset: AnyQuerySet) -> LazyRecords:
        """The records of ``queryset``, fetched when first touched."""
        return LazyRecords(lambda: self.many(queryset), queryset)

    def one(self, obj: Model) -> Any:
        """The record of one loaded object."""
        return self._given([obj])[0]

    def _given(self, objects: list[Any]) -> list[Any]:
        if self._ready is not None:
            try:
                return self._ready(objects)
            except NotLoadedError:
                pass  # reading has changed nothing: fetch, and read again
        if not set(map(type, objects)) <= {self.spec.model}:
            return [tolerant(shape(self.spec))(obj) for obj in objects]
        compiled = self.variant(GIVEN)
        put = load(objects, compiled.plan, given=True, answers=True)
        records = compiled.function(objects)
        # The records have it all, but those of objects that lacked something.
        if not self._asks_instances and Record not in set(map(type, records)):
            forget(put)
        return records

    @cached_property
    def _models(self) -> frozenset[type[Model]]:
        return frozenset([below.model for below in self.spec.walk()])

    @cached_property
    def _asks_instances(self) -> bool:
        return any(below.asks_instance for below in self.spec.walk())

    @cached_property
    def _told(self) -> tuple[Expression, ...]:
        """The bodies that rows say in the place of an instance."""
        members = [m for below in self.spec.walk() for m in below.members if isinstance(m, Computed)]
        return tuple([m.expression for m in members if m.expression is not None])

    @cached_property
    def _ready(self) -> Callable[[list[Any]], list[Any]] | None:
        """The function for objects that have all that is read: ``NotLoadedError`` where one has not.

        ``None`` where objects need more than what the function reads of them.
        """
        compiled = self.variant(GIVEN)
        if self._asks_instances or _asks_again(compiled.plan):
            return None
        namespace = {
            name: _not_loaded if name.startswith(SLOW) else value
            for name, value in compiled.emitted.namespace.items()
        }
        exec(compiled.emitted.code, namespace)  # noqa: S102 - as in compile_spec
        ready: Callable[[list[Any]], list[Any]] = namespace[compiled.emitted.name]
        return ready

    @property
    def plan(self) -> QueryPlan:
        """The plan for a fresh queryset with a total order."""
        return self.variant(FRESH).plan

    @property
    def function(self) -> Callable[..., list[Any]]:
        """The generated function of that plan."""
        return self.variant(FRESH).function

    @property
    def source(self) -> str:
        """The generated source of that plan and its levels."""
        return self.variant(FRESH).sources

    def explain(self) -> str:
        """The plan and the source, to be read."""
        return "\n".join([*outline(self.spec, self.plan), "", self.source])

    def __repr__(self) -> str:
        return f"<Serializer of {self.spec.model.__name__}, {self.plan.route}>"


_ASKED = (Manager, QuerySet)


def _records(made: list[Any], source: AnyQuerySet | None = None) -> Records:
    records = made if isinstance(made, Records) else Records(made)
    records.source = source
    return records


def run(compiled: Compiled, queryset: AnyQuerySet) -> list[Any]:
    """Fetch ``queryset`` by the plan, and serialize it."""
    return _run(compiled, queryset)[1]


def _run(compiled: Compiled, queryset: AnyQuerySet, remote: str | None = None) -> tuple[list[Any], list[Any]]:
    """The parents' keys of the rows (none without ``remote``), and their records."""
    plan = compiled.plan
    if plan.route != "rows":
        queryset = joined(queryset, plan)
        objects = with_prefetched(list(queryset), queryset)
        load(objects, plan, answers=True)
        keys = [getattr(obj, remote) for obj in objects] if remote else []
        return keys, compiled.function(objects)
    rows = rows_of(queryset, plan)
    if not rows:
        return [], []
    getters = (
        tally(level, [row[level.key] for row in rows], queryset.db)
        if below is None
        else getter(
            level,
            [row[level.key] for row in rows],
            queryset.db,
            partial(_run, below, remote=level.relation.remote),
        )
        for level, below in zip(plan.levels, compiled.levels, strict=True)
    )
    records = compiled.function(rows, *getters)
    return ([row[plan.key] for row in rows] if remote else []), records

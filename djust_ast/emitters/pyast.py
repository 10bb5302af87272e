"""The ``ast`` emitter: one function for a whole list, nested displays, every relation read once.

Names that come from a template or a model enter the tree as string constants only, never as text and never as
identifiers. Every node carries the position of the template expression that asked for it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from djust_ast.emitters import Emitted, function_name, identifier, paths_of
from djust_ast.paths import Position
from djust_ast.plans import Level, QueryPlan
from djust_ast.records import ANSWERS, Hole, Record, Records, spoken
from djust_ast.runtime import itself, tolerant
from djust_ast.specs import (
    ENTERED,
    Alias,
    Column,
    Counted,
    Inlined,
    Many,
    Related,
    SerializerSpec,
)

Path = tuple[str, ...]
_LOAD, _STORE = ast.Load(), ast.Store()


class AstEmitter:
    """Python's own ``ast``, compiled by Python's own compiler."""

    def emit(self, spec: SerializerSpec, plan: QueryPlan) -> Emitted:
        """The serializer of ``spec`` over what ``plan`` fetches, with the template's name as its file name."""
        name = function_name(spec.model.__name__, paths_of(spec))
        writer = (_Rows if plan.route == "rows" else _Instances)(spec)
        writer.function(name, spec, plan)
        tree = ast.Module(body=writer.functions, type_ignores=[])
        return Emitted(name, compile(tree, writer.file, "exec"), tree, writer.namespace)


class _Place:
    """Where a writer puts its nodes, for the time of a ``with``."""

    __slots__ = ("at", "writer")

    def __init__(self, writer: _Writer, at: dict[str, Any]) -> None:
        self.writer, self.at = writer, at

    def __enter__(self) -> None:
        self.writer.at, self.at = self.at, self.writer.at

    def __exit__(self, *_: object) -> None:
        self.writer.at = self.at


_HERE: AbstractContextManager[None] = nullcontext()


class _Writer:
    """What both routes share: positions, numbered names, and the objects that the code refers to."""

    def __init__(self, spec: SerializerSpec) -> None:
        first = next((at for at in _positions(spec)), None)
        self.file = first.file if first else f"<serializer of {spec.model.__name__}>"
        self.at: dict[str, Any] = {"lineno": 1, "col_offset": 0}
        self.namespace: dict[str, Any] = {}
        self.functions: list[ast.stmt] = []
        self.count = 0

    def function(self, name: str, spec: SerializerSpec, plan: QueryPlan) -> None:
        raise NotImplementedError

    def place(self, where: Position | None) -> AbstractContextManager[None]:
        """Nodes made inside stand where the template asks for them, if that is in this function's file."""
        if where is None or where.file != self.file:
            return _HERE
        start = where.column - 1
        end = {"end_lineno": where.line, "end_col_offset": start + where.length}
        return _Place(self, {"lineno": where.line, "col_offset": start, **end})

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{identifier(stem)}_{self.count}"

    def known(self, stem: str, value: Any) -> ast.expr:
        """A reference to ``value``, which becomes a global of the generated code."""
        name = self.fresh(stem)
        self.namespace[name] = value
        return self.load(name)

    # -- nodes ----------------------------------------------------------------------------------------------

    def load(self, name: str) -> ast.expr:
        return ast.Name(name, _LOAD, **self.at)

    def const(self, value: Any) -> ast.expr:
        return ast.Constant(value, None, **self.at)

    def attr(self, value: ast.expr, name: str) -> ast.expr:
        return ast.Attribute(value, name, _LOAD, **self.at)

    def item(self, value: ast.expr, key: Any) -> ast.expr:
        return ast.Subscript(value, self.const(key), _LOAD, **self.at)

    def call(self, function: ast.expr, *args: ast.expr) -> ast.expr:
        return ast.Call(function, list(args), [], **self.at)

    def bind(self, name: str, value: ast.expr) -> ast.expr:
        return ast.NamedExpr(ast.Name(name, _STORE, **self.at), value, **self.at)

    def unless_none(self, test: ast.expr, value: ast.expr, otherwise: ast.expr | None = None) -> ast.expr:
        """``otherwise if test is None else value``."""
        is_none = ast.Compare(test, [ast.Is()], [self.const(None)], **self.at)
        return ast.IfExp(is_none, otherwise or self.const(None), value, **self.at)

    def display(self, entries: list[tuple[str | None, ast.expr]]) -> ast.expr:
        """A dict display; an entry without a key is unpacked into it."""
        keys = [None if key is None else self.const(key) for key, _ in entries]
        return ast.Dict(keys, [value for _, value in entries], **self.at)

    def labelled(self, m: Inlined, value: ast.expr, again: ast.expr) -> ast.expr:
        """The label of a choice, or the value itself: Django's ``_get_FIELD_display``."""
        labels = self.known(f"labels_{m.field.name}", spoken(m.labels))
        return self.call(self.attr(labels, "get"), value, again)

    def manager(self, m: Many, rows: ast.expr) -> ast.expr:
        """What stands for the related manager: its rows, and what else is asked of it, which they answer."""
        if not m.via:
            return rows
        if not m.asks:
            return self.display([(m.via, rows)])
        name = self.fresh(m.name)
        asked = [(ask, self.attr(self.load(name), ask)) for ask in m.asks]
        answers = [(ask, method if m.lazy else self.call(method)) for ask, method in asked]
        return self.display([(m.via, self.bind(name, rows)), *answers])

    def define(self, name: str, parameters: list[str], body: list[ast.stmt]) -> None:
        arguments = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(parameter, None, None, **self.at) for parameter in parameters],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        # Through keywords: 3.12 added a field.
        self.functions.append(
            ast.FunctionDef(name=name, args=arguments, body=body, decorator_list=[], **self.at)
        )


class _Rows(_Writer):
    """``[{...} for (c0, c1) in rows]``."""

    def function(self, name: str, spec: SerializerSpec, plan: QueryPlan) -> None:
        self.columns = {lookup: f"c{index}" for index, lookup in enumerate(plan.columns)}
        self.levels = {
            (level.path, level.via): self.fresh(level.via or level.path[-1]) for level in plan.levels
        }
        with self.place(spec.where):
            row = ast.Tuple(
                [ast.Name(c, _STORE, **self.at) for c in self.columns.values()], _STORE, **self.at
            )
            each = ast.comprehension(target=row, iter=self.load("rows"), ifs=[], is_async=0)
            result = ast.ListComp(self.record(spec, "", ()), [each], **self.at)
            self.define(name, ["rows", *self.levels.values()], [ast.Return(result, **self.at)])

    def column(self, lookup: str) -> ast.expr:
        return self.load(self.columns[lookup])

    def record(self, spec: SerializerSpec, prefix: str, path: Path) -> ast.expr:
        entries: list[tuple[str | None, ast.expr]] = []
        absent: dict[str, type[Exception]] = {}
        if not spec.anchored:
            entries.append(("pk", self.column(prefix + spec.pk)))
        for m in spec.members:
            with self.place(m.where):
                match m:
                    case Column() | Alias():
                        entries.append((m.name, self.column(prefix + m.attname)))
                    case Inlined():
                        value = self.column(prefix + m.attname)
                        entries.append((m.name, self.labelled(m, value, value)))
                    case Related(relation=relation) if relation.missing is not None:
                        absent[m.name] = relation.missing
                        test = self.column(f"{prefix}{relation.lookup}__{m.spec.pk}")
                        below = self.display([(m.name, self.related(m, prefix, path))])
                        entries.append((None, self.unless_none(test, below, self.display([]))))
                    case Related():
                        entries.append((m.name, self.related(m, prefix, path)))
                    case Many():
                        entries.append((m.name, self.manager(m, self.level(m, prefix, path))))
                    case Counted():
                        entries.append((m.name, self.answers(m, prefix, path)))
        record = self.display(entries)
        if not absent:
            return record
        return self.call(
            self.known("Hole", type("Hole", (Hole,), {"__slots__": (), "absent": absent})), record
        )

    def related(self, m: Related, prefix: str, path: Path) -> ast.expr:
        relation = m.relation
        if m.keys_only:
            key = self.column(prefix + relation.local)
            return self.unless_none(key, self.display([(below.name, key) for below in m.spec.members]))
        if ((*path, m.name), "") in self.levels:
            return self.level(m, prefix, path)
        below = self.record(m.spec, f"{prefix}{relation.lookup}__", (*path, m.name))
        if relation.reverse or not relation.nullable:
            return below
        return self.unless_none(self.column(prefix + relation.local), below)

    def answers(self, m: Counted, prefix: str, path: Path) -> ast.expr:
        """What is asked of the manager, by the names of its methods."""
        if not m.picks:
            return self.level(m, prefix, path)
        counted: list[tuple[str | None, ast.expr]] = [(None, self.level(m, prefix, path))] if m.asks else []
        picked = [(pick.via, self.level(m, prefix, path, pick.via)) for pick in m.picks]
        return self.display([*counted, *picked])

    def level(self, m: Related | Many | Counted, prefix: str, path: Path, via: str = "") -> ast.expr:
        function = self.load(self.levels[(*path, m.name), via])
        return self.call(function, self.column(prefix + m.relation.local))


class _Instances(_Writer):
    """A loop over instances that reads what is loaded; an object that is not loaded as planned goes to ``slow``.

    Columns come from ``__dict__`` and relations from ``_state.fields_cache``, where Django's descriptors keep
    them; the binder has seen that the descriptors are Django's.
    """

    def function(self, name: str, spec: SerializerSpec, plan: QueryPlan) -> None:
        with self.place(spec.where):
            obj = _Once(self, "obj", lambda: self.load("obj"), 0)
            obj.name = "obj"
            record = self.record(spec, plan, (), obj)
            slow = self.call(self.known("slow", tolerant(shape(spec))), self.load("obj"))
            append = self.load("append")
            if plan.given:
                model = self.known(spec.model.__name__, spec.model)
                own = ast.Compare(self.attr(self.load("obj"), "__class__"), [ast.Is()], [model], **self.at)
                record = ast.IfExp(own, record, slow, **self.at)
            guarded = ast.Try(
                body=[ast.Expr(self.call(append, record), **self.at)],
                handlers=[
                    ast.ExceptHandler(
                        ast.Tuple([self.load("KeyError"), self.load("AttributeError")], _LOAD, **self.at),
                        None,
                        [ast.Expr(self.call(append, slow), **self.at)],
                        **self.at,
                    )
                ],
                orelse=[],
                finalbody=[],
                **self.at,
            )
            made = self.call(self.known("Records", Records))
            body: list[ast.stmt] = [
                ast.Assign([ast.Name("out", _STORE, **self.at)], made, **self.at),
                ast.Assign(
                    [ast.Name("append", _STORE, **self.at)], self.attr(self.load("out"), "append"), **self.at
                ),
                ast.For(
                    ast.Name("obj", _STORE, **self.at), self.load("objects"), [guarded], [], None, **self.at
                ),
                ast.Return(self.load("out"), **self.at),
            ]
            self.define(name, ["objects"], body)

    def record(self, spec: SerializerSpec, plan: QueryPlan, path: Path, obj: _Once) -> ast.expr:
        if spec.live is not None:
            return obj.read()
        entries: list[tuple[str | None, ast.expr]] = []
        levels = {level.path: level for level in plan.levels if not (level.asks or level.via)}
        columns, relations, others, whole = _reads(spec, plan, path)
        values = _Once(self, "values", lambda: self.attr(obj.read(), "__dict__"), columns + bool(relations))
        state = values if columns else None
        loaded = _Once(self, "loaded", lambda: self.fields_cache(obj, state), relations)
        obj.only(1 + others)
        instance = obj.read() if whole else None  # the first that Python evaluates
        if not spec.anchored:
            entries.append(("pk", self.item(values.read(), spec.pk)))
        for m in spec.spoken:
            here = (*path, m.name)
            with self.place(m.where):
                match m:
                    case Column() | Alias():
                        entries.append((m.name, self.item(values.read(), m.attname)))
                    case Inlined():
                        value = self.fresh(m.attname)
                        first = self.bind(value, self.item(values.read(), m.attname))
                        entries.append((m.name, self.labelled(m, first, self.load(value))))
                    case Related() if m.keys_only:
                        value = self.fresh(m.name)
                        first = self.bind(value, self.item(values.read(), m.relation.local))
                        below = self.display([(b.name, self.load(value)) for b in m.spec.members])
                        # Without a key there may be an object that is not saved yet.
                        cached = self.fields_cache(obj, None)
                        if m.relation.nullable:
                            unsaved = self.call(self.attr(cached, "get"), self.const(m.relation.accessor))
                        else:  # Django remembers that there is none, and raises each time: ``None`` has no state
                            other_ = self.fresh(m.name)
                            found = self.bind(other_, self.item(cached, m.relation.accessor))
                            unsaved = ast.BoolOp(
                                ast.And(), [self.attr(found, "_state"), self.load(other_)], **self.at
                            )
                        entries.append((m.name, self.unless_none(first, below, unsaved)))
                    case Related() if here in plan.loaded:
                        other = self.other(m, loaded)
                        test = other.read() if m.relation.nullable else None
                        level = levels.get(here)
                        below = (
                            self.record(m.spec, plan, here, other)
                            if level is None
                            else self.record(m.spec, level.plan, (), other)
                        )
                        if m.relation.missing is not None and test is not None:
                            present = self.display([(m.name, below)])
                            entries.append((None, self.unless_none(test, present, self.display([]))))
                        else:
                            # A key that cannot be NULL needs no test: what is not there is not loaded either.
                            entries.append((m.name, below if test is None else self.unless_none(test, below)))
                    case Many() if here in plan.loaded:
                        entries.append((m.name, self.manager(m, self.rows(m, levels[here], obj))))
                    case Counted() if here in plan.loaded:
                        entries.append((m.name, self.item(self.attr(obj.read(), ANSWERS), m.name)))
                    case _:
                        pass  # left to the instance
        record = self.display(entries)
        return record if instance is None else self.call(self.known("Record", Record), instance, record)

    def other(self, m: Related, loaded: _Once) -> _Once:
        """The object on the other side, read when it is first needed."""
        return _Once(self, m.name, lambda: self.item(loaded.read(), m.relation.accessor), 2)

    def fields_cache(self, obj: _Once, values: _Once | None) -> ast.expr:
        state = self.attr(obj.read(), "_state") if values is None else self.item(values.read(), "_state")
        return self.attr(state, "fields_cache")

    def rows(self, m: Many, level: Level, obj: _Once) -> ast.expr:
        """The records of prefetched rows, made by a function of their own."""
        name = self.fresh(f"serialize_{m.name}")
        self.function(name, m.spec, level.plan)
        cache = self.attr(obj.read(), "_prefetched_objects_cache")
        return self.call(self.load(name), self.item(cache, m.relation.accessor))


class _Once:
    """A value that is read once: bound to a name at its first use, in the order in which Python evaluates.

    With one use in all it is not bound to a name.
    """

    def __init__(self, writer: _Writer, stem: str, value: Callable[[], ast.expr], uses: int) -> None:
        self.writer, self.stem, self.value, self.uses = writer, stem, value, uses
        self.name: str | None = None

    def only(self, uses: int) -> None:
        """What the rest of the code uses it, besides what was read before."""
        self.uses = uses if self.name is None else self.uses

    def read(self) -> ast.expr:
        if self.name is not None:
            return self.writer.load(self.name)
        if self.uses == 1:
            return self.value()
        self.name = self.writer.fresh(self.stem)
        return self.writer.bind(self.name, self.value())


def _reads(spec: SerializerSpec, plan: QueryPlan, path: Path) -> tuple[int, int, int, bool]:
    """How often a record reads columns, relations, and anything else of its object, and whether it knows it."""
    columns, relations, others = int(not spec.anchored), 0, 0
    whole = spec.changed or not spec.uses <= ENTERED
    for m in spec.spoken:
        match m:
            case Column() | Alias() | Inlined():
                columns += 1
            case Related() if m.keys_only:
                columns += 1
                others += 1
            case Related() if (*path, m.name) in plan.loaded:
                relations += 1
                whole = whole or m.relation.missing is not None
            case Many() | Counted() if (*path, m.name) in plan.loaded:
                others += 1
            case _:
                whole = True
    return columns, relations, others + whole, whole


def shape(spec: SerializerSpec) -> list[tuple[str, str, Any]]:
    """What ``runtime.tolerant`` reads of an object: what a template is sure to read, in the same order."""
    rows: list[tuple[str, str, Any]] = []
    for m in spec.spoken:
        match m:
            case Column() | Alias():
                rows.append((m.name, m.attname, None))
            case Related(conditional=False) if m.relation.refusal is None:
                below = itself if m.spec.live is not None else tolerant(shape(m.spec))
                rows.append((m.name, m.relation.accessor, below))
    return rows


def _positions(spec: SerializerSpec) -> Iterator[Position]:
    yield from filter(None, (spec.where, *(m.where for m in spec.members)))

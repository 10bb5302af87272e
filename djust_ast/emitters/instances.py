"""The code of an instance plan: a loop that reads what is loaded, each relation once."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from djust_ast.emitters.writer import LOAD, STORE, Path, Writer
from djust_ast.plans import Level, QueryPlan
from djust_ast.records import ANSWERS, Record, Records
from djust_ast.runtime import Manager, itself, tolerant
from djust_ast.specs import ENTERED, Alias, Column, Counted, Inlined, Many, Related, SerializerSpec


class InstanceWriter(Writer):
    """A loop over instances that reads what is loaded; an object that is not loaded as planned goes to ``slow``.

    Columns come from ``__dict__`` and relations from ``_state.fields_cache``, where Django's descriptors keep
    them; the binder has seen that the descriptors are Django's.
    """

    def function(self, name: str, spec: SerializerSpec, plan: QueryPlan) -> None:
        with self.place(spec.where):
            obj = _Once(self, "obj", lambda: self.load("obj"), 0)
            obj.name = "obj"
            record = self.record(spec, plan, (), obj)
            slow = self.call(self.known("slow", tolerant(shape(spec, plan))), self.load("obj"))
            append = self.load("append")
            if plan.given:
                model = self.known(spec.model.__name__, spec.model)
                own = ast.Compare(self.attr(self.load("obj"), "__class__"), [ast.Is()], [model], **self.at)
                record = ast.IfExp(own, record, slow, **self.at)
            guarded = ast.Try(
                body=[ast.Expr(self.call(append, record), **self.at)],
                handlers=[
                    ast.ExceptHandler(
                        ast.Tuple([self.load("KeyError"), self.load("AttributeError")], LOAD, **self.at),
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
                ast.Assign([ast.Name("out", STORE, **self.at)], made, **self.at),
                ast.Assign(
                    [ast.Name("append", STORE, **self.at)], self.attr(self.load("out"), "append"), **self.at
                ),
                ast.For(
                    ast.Name("obj", STORE, **self.at), self.load("objects"), [guarded], [], None, **self.at
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

    def __init__(self, writer: Writer, stem: str, value: Callable[[], ast.expr], uses: int) -> None:
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


def shape(spec: SerializerSpec, plan: QueryPlan | None = None) -> list[tuple[str, str, Any]]:
    """What ``runtime.tolerant`` reads of an object: what a template is sure to read, in the same order.

    Of what belongs to related managers that which ``plan`` has loaded.
    """
    rows: list[tuple[str, str, Any]] = []
    loaded = {level.path: level for level in plan.levels if level.path in plan.loaded} if plan else {}
    for m in spec.spoken:
        match m:
            case Column() | Alias():
                rows.append((m.name, m.attname, None))
            case Related(conditional=False) if m.relation.refusal is None:
                rows.append((m.name, m.relation.accessor, _below(m.spec)))
            case Counted() if (m.name,) in loaded:
                rows.append((m.name, ANSWERS, None))
            case Many(lazy=False) if (m.name,) in loaded:
                below = _below(m.spec, loaded[m.name,].plan)
                rows.append((m.name, m.relation.accessor, Manager(below, m.via, m.asks)))
    return rows


def _below(spec: SerializerSpec, plan: QueryPlan | None = None) -> Callable[[Any], Any]:
    return itself if spec.live is not None else tolerant(shape(spec, plan))

"""The code of a row plan: nested displays over the tuples of ``values_list``."""

from __future__ import annotations

import ast
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from djust_ast.bodies.pure import OBJECT, Expression
from djust_ast.emitters.writer import STORE, Path, Writer
from djust_ast.plans import QueryPlan
from djust_ast.records import Hole
from djust_ast.specs import Alias, Column, Computed, Counted, Inlined, Many, Related, SerializerSpec


class RowWriter(Writer):
    """``[{...} for (c0, c1) in rows]``."""

    def function(self, name: str, spec: SerializerSpec, plan: QueryPlan) -> None:
        self.columns = {lookup: f"c{index}" for index, lookup in enumerate(plan.columns)}
        self.levels = {
            (level.path, level.via): self.fresh(level.via or level.path[-1]) for level in plan.levels
        }
        with self.place(spec.where):
            row = ast.Tuple([ast.Name(c, STORE, **self.at) for c in self.columns.values()], STORE, **self.at)
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
                    case Computed(expression=Expression() as told):
                        entries.append((m.name, self.said(told, prefix)))
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

    def said(self, told: Expression, prefix: str) -> ast.expr:
        """What a body gives, over the columns of the row."""
        said: ast.expr = _Said(lambda attname: self.column(prefix + attname), self.at).visit(
            deepcopy(told.node)
        )
        return said

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


class _Said(ast.NodeTransformer):
    """Puts the columns of a row where an expression names them, and all of it where the template asks for it."""

    def __init__(self, column: Callable[[str], ast.expr], at: dict[str, Any]) -> None:
        self.column, self.at = column, at

    def visit(self, node: ast.AST) -> Any:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attname) if name == OBJECT:
                return self.column(attname)
        self.generic_visit(node)
        for name, place in self.at.items():
            if name in node._attributes:
                setattr(node, name, place)
        return node

"""What the writers of both routes share: nodes with positions, names, and the objects that the code refers to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from djust_ast.emitters import identifier
from djust_ast.paths import Position
from djust_ast.plans import QueryPlan
from djust_ast.records import spoken
from djust_ast.specs import Inlined, Many, SerializerSpec

Path = tuple[str, ...]
LOAD, STORE = ast.Load(), ast.Store()


class _Place:
    """Where a writer puts its nodes, for the time of a ``with``."""

    __slots__ = ("at", "writer")

    def __init__(self, writer: Writer, at: dict[str, Any]) -> None:
        self.writer, self.at = writer, at

    def __enter__(self) -> None:
        self.writer.at, self.at = self.at, self.writer.at

    def __exit__(self, *_: object) -> None:
        self.writer.at = self.at


_HERE: AbstractContextManager[None] = nullcontext()


class Writer:
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
        return ast.Name(name, LOAD, **self.at)

    def const(self, value: Any) -> ast.expr:
        return ast.Constant(value, None, **self.at)

    def attr(self, value: ast.expr, name: str) -> ast.expr:
        return ast.Attribute(value, name, LOAD, **self.at)

    def item(self, value: ast.expr, key: Any) -> ast.expr:
        return ast.Subscript(value, self.const(key), LOAD, **self.at)

    def call(self, function: ast.expr, *args: ast.expr) -> ast.expr:
        return ast.Call(function, list(args), [], **self.at)

    def bind(self, name: str, value: ast.expr) -> ast.expr:
        return ast.NamedExpr(ast.Name(name, STORE, **self.at), value, **self.at)

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


def _positions(spec: SerializerSpec) -> Iterator[Position]:
    yield from filter(None, (spec.where, *(m.where for m in spec.members)))

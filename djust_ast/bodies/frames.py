"""Runs a body on values that stand for all that its names may be."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from djust_ast.bodies.expressions import EXPRESSIONS
from djust_ast.bodies.statements import STATEMENTS
from djust_ast.bodies.statics import wrap
from djust_ast.bodies.values import (
    NOTHING,
    File,
    Items,
    Made,
    Manager,
    Mapped,
    Obj,
    Real,
    Rows,
    Unknown,
    Value,
    Vars,
    each,
)

if TYPE_CHECKING:
    from djust_ast.bodies.analysis import Analysis


Names = dict[str, Value]


class Frame:
    """One call: its ``names``, what it returned and yielded.

    Both ways of a branch are taken, one after the other; what a name may be afterwards is either. A loop is run
    twice, so that what one round leaves to the next is seen.
    """

    def __init__(
        self, analysis: Analysis, names: Names, around: Mapping[str, Any], file: str, cls: type | None = None
    ) -> None:
        self.analysis = analysis
        self.names = names
        self.around = around
        self.file = file
        self.cls = cls
        self.returned: list[Value] = []
        self.yielded: list[Value] = []
        self.left: list[list[Names]] = []  # the names where a loop is left, innermost loop last

    def block(self, statements: Iterable[ast.stmt]) -> bool:
        """Run ``statements``; whether what follows them is reached."""
        return all(self.statement(statement) for statement in statements)

    def statement(self, node: ast.stmt) -> bool:
        """Run one statement; whether the next one is reached."""
        self.analysis.step(self.file, node)
        run = STATEMENTS.get(type(node))
        if run is None:
            self.analysis.opens(f"has a {type(node).__name__.lower()} statement")
            return True
        return run(self, node) is not False

    def bind(self, target: ast.expr, value: Value) -> None:
        """Give ``value`` to names, attributes, items."""
        match target:
            case ast.Name(id=name):
                self.names[name] = value
            case ast.Attribute(value=owner, attr=name):
                self.analysis.assign(self.value(owner), name, value)
            case ast.Subscript(value=owner, slice=index):
                self.value(index)
                self._put(self.value(owner), value)
            case ast.Starred(value=inner):
                self.bind(inner, Items([value]))
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                starred = any(isinstance(one, ast.Starred) for one in targets)
                for position, one in enumerate(targets):
                    self.bind(one, self.analysis.item(value, None if starred else position))

    def _put(self, owner: Value, value: Value) -> None:
        for choice in each(owner):
            match choice:
                case Items():
                    choice.items.append(value)
                    choice.exact = False
                case Mapped():
                    choice.rest.append(value)
                case Obj() | Unknown() | Rows() | Manager() | Vars() | Made() | File():
                    self.analysis.opens("sets an item of what is not a list or dict")
                    self.analysis.escape([owner, value])
                case Real():
                    self.analysis.escape([value])

    def value(self, node: ast.expr) -> Value:
        """What an expression stands for."""
        self.analysis.step(self.file, node)
        evaluate = EXPRESSIONS.get(type(node))
        if evaluate is None:
            self.analysis.opens(f"has a {type(node).__name__} expression")
            return Unknown("an expression")
        found: Value = evaluate(self, node)
        return found

    def truth(self, node: ast.expr) -> None:
        """An expression is tested."""
        self.analysis.truth(self.value(node))

    def name(self, name: str) -> Value:
        """What a name stands for: of the function, of its module, or a builtin."""
        if name in self.names:
            return self.names[name]
        builtins = self.around.get("__builtins__", {})
        builtins = builtins if isinstance(builtins, dict) else vars(builtins)
        for space in (self.around, builtins):
            if name in space:
                return wrap(space[name], name)
        return NOTHING

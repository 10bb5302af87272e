"""What the body of a property or method reads of ``self``, told from its source.

The result only ever adds joins and lazy prefetches: a body that is not understood costs what it costs in plain
Django, and one that is misread costs a join. So the analysis is small: attribute chains that begin at ``self``,
through aliases, loops and comprehensions.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from dataclasses import dataclass, field
from functools import cache, partialmethod
from typing import Any

from django.db.models import Manager, Model
from django.db.models.fields.files import FileDescriptor
from django.utils.functional import cached_property

from djust_ast.members import ComputedMember, member
from djust_ast.paths import PathNode

_FUNCTION = {
    property: lambda attribute: attribute.fget,
    cached_property: lambda attribute: attribute.func,
    functools.cached_property: lambda attribute: attribute.func,
    type(lambda: None): lambda attribute: attribute,
}


@cache
def reads(model: type[Model], name: str) -> PathNode | None:
    """What the member ``name`` of ``model`` reads of its object, ``None`` when there is no source to tell."""
    definition = _definition(inspect.getattr_static(model, name, None))
    if definition is None:
        return None
    root = _Read()
    reader = _Reader({definition.args.args[0].arg: root})
    for statement in definition.body:
        reader.visit(statement)
    return root.node()


@cache
def changes(model: type[Model], name: str) -> bool:
    """Whether using the member ``name`` may change what its object holds, as far as its source tells.

    Then nothing of the object may be read ahead. A body assigns, hands its object on, or calls what we cannot see
    into; a descriptor that is not Django's own is not seen into either.
    """
    return _changes(model, name, set())


def _changes(model: type[Model], name: str, seen: set[str]) -> bool:
    if name in seen:
        return False
    seen.add(name)
    if not isinstance(member(model, name), ComputedMember):
        return False
    attribute = inspect.getattr_static(model, name, None)
    if isinstance(attribute, _READING) or not hasattr(type(attribute), "__get__"):
        return False
    if getattr(attribute, "alters_data", False) or _HARMLESS.get(name) is attribute:
        return False  # templates never call the first
    definition = _definition(attribute)
    if definition is None:
        return True
    me = definition.args.args[0].arg
    inside = {id(node.value) for node in ast.walk(definition) if isinstance(node, ast.Attribute)}
    for node in ast.walk(definition):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                return True
            case ast.Attribute(value=ast.Name(id=owner), attr=used) if owner == me:
                if _changes(model, used, seen):
                    return True
            case ast.Name(id=used) if used == me and id(node) not in inside:
                return True
            case ast.Name(id="super" | "setattr" | "vars"):
                return True
    return False


# Django's own, which only read.
_READING = (Manager, partialmethod, FileDescriptor)
_HARMLESS = {
    name: inspect.getattr_static(Model, name, None)
    for name in (
        "__str__",
        "__eq__",
        "__hash__",
        "_get_pk_val",
        "pk",
        "serializable_value",
        "get_deferred_fields",
    )
}


def _definition(attribute: Any) -> ast.FunctionDef | None:
    """The source of the function behind a property, cached property or method, parsed."""
    unwrap = _FUNCTION.get(type(attribute))
    function = unwrap(attribute) if unwrap else None
    if not inspect.isfunction(function):
        return None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    definition = tree.body[0]
    return definition if isinstance(definition, ast.FunctionDef) and definition.args.args else None


@dataclass(slots=True)
class _Read:
    """A ``PathNode`` in the making."""

    attrs: dict[str, _Read] = field(default_factory=dict)
    element: _Read | None = None

    def attr(self, name: str) -> _Read:
        return self.attrs.setdefault(name, _Read())

    def each(self) -> _Read:
        if self.element is None:
            self.element = _Read()
        return self.element

    def node(self) -> PathNode:
        return PathNode(
            attrs={name: child.node() for name, child in self.attrs.items() if not name.startswith("_")},
            element=None if self.element is None else self.element.node(),
            conditional=True,
            quiet=True,
        )


class _Reader(ast.NodeVisitor):
    """Follows names that stand for objects of the model; ``read`` says what an expression stands for."""

    def __init__(self, names: dict[str, _Read]) -> None:
        self.names = names

    def read(self, expression: ast.expr) -> _Read | None:
        match expression:
            case ast.Name(id=name):
                return self.names.get(name)
            case ast.Attribute(value=value, attr=name):
                owner = self.read(value)
                return None if owner is None else owner.attr(name)
            case ast.Call(func=ast.Attribute() as function, args=[], keywords=[]):
                return self.read(function)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                self.bind(name, self.read(value))
                return self.names.get(name)
            case ast.Subscript(value=value):
                self.visit(expression.slice)
                owner = self.read(value)
                return None if owner is None else owner.each()
        self.generic_visit(expression)
        return None

    def bind(self, name: str, read: _Read | None) -> None:
        if read is None:
            self.names.pop(name, None)
        else:
            self.names[name] = read

    def visit(self, node: ast.AST) -> Any:
        match node:
            case ast.For(target=target, iter=iterable):
                self._loop(target, iterable)
                for statement in node.body + node.orelse:
                    self.visit(statement)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                for generator in node.generators:
                    self._loop(generator.target, generator.iter)
                    for test in generator.ifs:
                        self.visit(test)
                parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
                for part in parts:
                    self.visit(part)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.bind(name, self.read(value))
            case ast.Lambda() | ast.FunctionDef() | ast.ClassDef():
                pass  # runs elsewhere, with names of its own
            case ast.expr():
                self.read(node)
            case _:
                super().visit(node)

    def _loop(self, target: ast.expr, iterable: ast.expr) -> None:
        read = self.read(iterable)
        if isinstance(target, ast.Name):
            self.bind(target.id, None if read is None else read.each())

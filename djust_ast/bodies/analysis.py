"""The analysis of one body: what it has found so far, and what becomes of values that are used."""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import CodeType, FunctionType
from typing import Any

from django.db.models import Model

from djust_ast.bodies import attributes, calls
from djust_ast.bodies.arguments import Arguments, asynchronous, bind, filled, names_of
from djust_ast.bodies.frames import Frame, Names
from djust_ast.bodies.known import STORING
from djust_ast.bodies.sources import definition_of, is_generator
from djust_ast.bodies.statics import MISSING, static, wrap
from djust_ast.bodies.values import (
    CHANGED,
    KEPT,
    NOTHING,
    PLAIN,
    STORED,
    Closure,
    File,
    Items,
    Made,
    Manager,
    Mapped,
    Obj,
    Read,
    Real,
    Rows,
    Unknown,
    Value,
    Vars,
    each,
    either,
    is_data,
    objects,
)

MAX_STEPS = 30_000
MAX_DEPTH = 30
MAX_AGAIN = 3  # calls of one function inside each other
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "__eq__",
    ast.NotEq: "__eq__",
    ast.Lt: "__lt__",
    ast.Gt: "__gt__",
    ast.LtE: "__le__",
    ast.GtE: "__ge__",
}


class TooLargeError(Exception):
    """The body is larger than what is worth following."""


@dataclass(slots=True, eq=False)
class Analysis:
    """``root`` is what is read of the object; ``open`` says why there may be more, ``queries`` what it asks."""

    model: type[Model]
    root: Read = field(default_factory=Read)
    open: dict[str, None] = field(default_factory=dict)
    queries: dict[str, None] = field(default_factory=dict)
    assigns: bool = False
    steps: int = 0
    at: tuple[str, int] = ("", 0)
    stack: list[CodeType] = field(default_factory=list)
    done: dict[tuple[Any, ...], Value] = field(default_factory=dict)
    detached: dict[tuple[type[Model], str, int], Obj] = field(default_factory=dict)

    # -- what is found ------------------------------------------------------------------------------------

    def step(self, file: str, node: ast.stmt | ast.expr) -> None:
        """Note where we are, and stop where that has taken too long."""
        self.steps += 1
        self.at = (file, node.lineno)
        if self.steps > MAX_STEPS:
            raise TooLargeError

    def opens(self, why: str) -> None:
        """The body may read more than we see."""
        file, line = self.at
        self.open[f"{PurePath(file).name}:{line} {why}" if file else why] = None

    def asks(self, model: type[Model], how: str) -> None:
        """The body runs a query of its own."""
        self.queries[f"{model.__name__}.{how}"] = None

    def stores(self, name: str) -> None:
        """The body calls ``name`` of a manager or a model, which may write to the database."""
        if name in STORING:
            self.root.uses.add(STORED)

    def escape(self, values: Iterable[Value]) -> None:
        """Code that we do not see gets ``values``: their objects may be changed."""
        for obj in objects(*values):
            self.mark(obj, CHANGED, KEPT)

    def mark(self, obj: Obj, *uses: str) -> None:
        """Note what a body does to ``obj``; one that does not come from ours may lead back to it."""
        (self.root if obj.read.detached else obj.read).uses.update(uses)

    def found(self, model: type[Model]) -> Obj:
        """An object that a query of the body's own has found: the same one each time this place is reached."""
        return self.detached.setdefault((model, *self.at), Obj(model, Read(detached=True)))

    # -- values -------------------------------------------------------------------------------------------

    def attribute(self, value: Value, name: str, default: Value | None = None) -> Value:
        """What reading ``name`` of ``value`` gives; ``default`` where it is not there."""
        return either(attributes.read(self, choice, name, default) for choice in each(value))

    def assign(self, owner: Value, name: str, value: Value) -> None:
        """Set an attribute."""
        self.assigns = True
        for choice in each(owner):
            attributes.assign(self, choice, name, value)

    def call(
        self,
        callee: Value,
        positional: list[Value],
        named: Names | None = None,
        more: list[Value] | None = None,
    ) -> Value:
        """What calling it gives; ``more`` are arguments of which it is not known where they go."""
        arguments = Arguments(positional, named or {}, more or [])
        return either(calls.call(self, choice, arguments) for choice in each(callee))

    def call_method(
        self, owner: Value, name: str, positional: list[Value], named: Names, more: list[Value]
    ) -> Value:
        """What ``owner.name(...)`` gives."""
        arguments = Arguments(positional, named, more)
        return either(calls.call_method(self, choice, name, arguments) for choice in each(owner))

    def special(self, obj: Obj | Made, name: str, *arguments: Value) -> Value:
        """What a special method of an object gives, where its class has one of its own."""
        cls = obj.model if isinstance(obj, Obj) else obj.cls
        stock = static(Model if isinstance(obj, Obj) else object, name)
        own = static(cls, name)
        if own is stock:
            if isinstance(obj, Obj) and stock is not MISSING:
                obj.read.attr("pk")
            return PLAIN
        if isinstance(own, FunctionType):
            return self.run(own, Arguments([obj, *arguments]))
        self.opens(f"uses {cls.__name__}.{name}, which is no function")
        return Unknown(name)

    def truth(self, value: Value) -> None:
        """``value`` is tested."""
        for choice in each(value):
            match choice:
                case Obj(model=cls) | Made(cls=cls):
                    for name in ("__bool__", "__len__"):
                        if static(cls, name) is not MISSING:
                            self.special(choice, name)
                            break
                case Rows() | Manager(read=None):
                    self.elements(choice)
                case Unknown(why=why):
                    self.opens(f"tests {why}")

    def speak(self, *values: Value) -> None:
        """Everything in ``values`` is printed."""
        todo, seen = list(values), set()
        while todo:
            for choice in each(todo.pop()):
                if choice in seen:
                    continue
                seen.add(choice)
                match choice:
                    case Obj() | Made():
                        self.special(choice, "__str__")
                    case File():
                        attributes.read(self, choice, "__str__", None)
                    case Items(items=items):
                        todo += items
                    case Mapped(named=named, rest=rest):
                        todo += [*named.values(), *rest]
                    case Rows() | Manager():
                        todo += self.elements(choice)
                    case Unknown(why=why):
                        self.opens(f"prints {why}")
                    case Real() if not is_data(choice) and not isinstance(choice.value, type | FunctionType):
                        self.opens(f"prints a {type(choice.value).__name__}")

    def plainly(self, *values: Value) -> None:
        """``values`` take part in arithmetic."""
        for value in values:
            for choice in each(value):
                if isinstance(choice, Unknown):
                    self.opens(f"calculates with {choice.why}")
                elif isinstance(choice, Obj | Made | Rows | Manager):
                    self.opens("calculates with objects")
                    self.escape([choice])

    def compare(self, how: ast.cmpop, left: Value, right: Value) -> None:
        """``left`` and ``right`` are compared."""
        if isinstance(how, ast.Is | ast.IsNot):
            return
        if isinstance(how, ast.In | ast.NotIn):
            for item in self.elements(right):
                self.compare(ast.Eq(), left, item)
            return
        for one, other in ((left, right), (right, left)):
            for choice in each(one):
                match choice:
                    case Obj() | Made():
                        self.special(choice, COMPARISONS[type(how)], other)
                    case Rows() | Manager():
                        self.elements(choice)
                    case Items(items=items) if not isinstance(other, Items):
                        for item in items:
                            self.compare(how, item, PLAIN)
                    case Unknown(why=why):
                        self.opens(f"compares {why}")

    def elements(self, value: Value) -> list[Value]:
        """What a loop over ``value`` sees."""
        seen: list[Value] = []
        for choice in each(value):
            match choice:
                case Rows():
                    seen.append(choice.row)
                case Manager(model=model):
                    self.asks(model, "all()")
                    seen.append(self.found(model))
                case Items(items=items):
                    seen += items
                case Mapped():
                    seen.append(PLAIN)
                case Obj() | Made():
                    seen.append(self.special(choice, "__iter__"))
                    self.opens("loops over an object")
                case Vars(obj=obj):
                    self.opens(f"loops over the __dict__ of a {obj.model.__name__}")
                    self.escape([obj])
                    seen.append(Unknown("an item"))
                case Unknown(why=why):
                    self.opens(f"loops over {why}")
                    seen.append(choice)
                case Real(value=real) if isinstance(real, list | tuple | set | frozenset):
                    seen += [wrap(item, "an item") for item in list(real)[:50]]
                case Real(value=real) if isinstance(real, Mapping):
                    seen.append(PLAIN)
                case Real() if not is_data(choice):
                    self.opens(f"loops over a {type(choice.value).__name__}")
                    seen.append(Unknown("an item"))
                case _:
                    seen.append(PLAIN)
        return seen

    def item(self, value: Value, index: int | str | None) -> Value:
        """``value[index]``; ``None`` is an index that is not known."""
        return either(self._item(choice, index) for choice in each(value))

    def _item(self, value: Value, index: int | str | None) -> Value:
        match value:
            case Items(items=items, exact=True) if isinstance(index, int):
                return items[index] if -len(items) <= index < len(items) else NOTHING
            case Mapped(named=named, rest=rest):
                if isinstance(index, str) and index in named:
                    return either([named[index], *rest])
                return either([*named.values(), *rest]) if index is None else either(rest)
            case Rows(manager=manager):
                manager.attr("all").parts = True
                return value.row
            case Manager(model=model):
                self.asks(model, "[...]")
                return self.found(model)
            case Obj() | Made():
                return self.special(value, "__getitem__", PLAIN)
            case Vars(obj=obj) if isinstance(index, str):
                return attributes.in_dict(self, obj, index)
            case Real(value=real) if isinstance(real, Mapping) and not is_data(value):
                return either(wrap(one, "an item") for one in list(real.values())[:50])
        return either(self.elements(value))

    def sliced(self, value: Value) -> Value:
        """``value[a:b]``."""
        match value:
            case Items(items=items):
                return Items(list(items))
            case Rows(manager=manager):
                manager.attr("all").parts = True
                return Items([value.row])
            case Manager() | Unknown():
                return value
            case Obj() | Made():
                return self._item(value, None)
        return PLAIN

    def refined(self, *values: Value) -> Value:
        """A queryset made of others."""
        for value in values:
            for choice in each(value):
                match choice:
                    case Rows(model=model, manager=manager):
                        manager.attr("filter")
                        self.asks(model, "filter()")
                        return Manager(model)
                    case Manager(model=model):
                        self.asks(model, "filter()")
                        return Manager(model)
        return Unknown("a queryset")

    # -- calls --------------------------------------------------------------------------------------------

    def run(self, function: FunctionType, arguments: Arguments) -> Value:
        """What a Python function gives, its body followed."""
        code = function.__code__
        if asynchronous(function):
            self.opens(f"calls {function.__qualname__}(), which is asynchronous")
            return self._unseen(function.__qualname__, arguments)
        definition = definition_of(function)
        if definition is None:
            self.opens(f"calls {function.__qualname__}(), whose source is not there")
            return self._unseen(function.__qualname__, arguments)
        names = names_of(definition, function, arguments)
        key = (code, *sorted(names.items(), key=operator.itemgetter(0)))
        if key in self.done:
            return self.done[key]
        if self.stack.count(code) >= MAX_AGAIN or len(self.stack) >= MAX_DEPTH:
            self.opens(f"calls {function.__qualname__}() from within itself")
            return self._unseen(function.__qualname__, arguments)
        self.done[key] = NOTHING  # for what calls itself with the same arguments
        cells = {
            name: cell.cell_contents
            for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False)
            if filled(cell)
        }
        cls = cells.get("__class__")
        closed = {name: wrap(content, name) for name, content in cells.items()}
        frame = Frame(self, closed | names, function.__globals__, code.co_filename, cls)
        frame.names = names | {name: value for name, value in closed.items() if name not in names}
        self.done[key] = result = self._framed(frame, definition, code, is_generator(function))
        return result

    def aside(self, function: FunctionType, node: ast.expr | None, obj: Obj) -> Value:
        """What an expression of another method of the object's class gives."""
        if self.stack.count(function.__code__):
            return NOTHING  # it sets it while we follow it
        if node is None or len(self.stack) >= MAX_DEPTH:
            return Unknown(f"what {function.__qualname__}() sets")
        definition = definition_of(function)
        parameters = definition.args.args if definition is not None else []
        names: Names = {parameters[0].arg: obj} if parameters else {}
        names |= {
            name: Unknown(f"what {function.__qualname__}() sets")
            for name in function.__code__.co_varnames
            if name not in names
        }
        frame = Frame(self, names, function.__globals__, function.__code__.co_filename)
        at = self.at
        self.stack.append(function.__code__)
        found = frame.value(node)
        self.stack.pop()
        self.at = at
        return found

    def closure(self, closure: Closure, arguments: Arguments) -> Value:
        """What a function that a body defines gives."""
        outer = closure.frame
        if self.stack.count(closure.node) >= MAX_AGAIN:  # type: ignore[arg-type]
            self.opens("calls a function from within itself")
            return Unknown("a function")
        names = bind(closure.node.args, arguments, [], {})
        frame = Frame(self, outer.names | names, outer.around, outer.file, outer.cls)
        yields = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(closure.node))
        return self._framed(frame, closure.node, closure.node, yields)

    def _framed(self, frame: Frame, definition: Any, key: Any, generates: bool) -> Value:
        at = self.at
        self.stack.append(key)
        if isinstance(definition, ast.Lambda):
            frame.returned.append(frame.value(definition.body))
        elif frame.block(definition.body):
            frame.returned.append(Real(None))
        self.stack.pop()
        self.at = at
        return Items(frame.yielded) if generates else either(frame.returned)

    def _unseen(self, name: str, arguments: Arguments) -> Value:
        self.escape(arguments.all())
        return Unknown(f"what {name}() gives")

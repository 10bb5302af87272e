"""What an expression of a body stands for: the values of the analysis."""

from __future__ import annotations

import ast
import datetime as dt
import enum
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.utils.functional import Promise

from djust_ast.paths import PathNode

if TYPE_CHECKING:
    from djust_ast.bodies.frames import Frame

KEPT, CHANGED = "kept", "changed"  # uses of an object that only bodies make: a trace is left in it, or more
STORED = "stored"  # something is written to the database


@dataclass(slots=True, eq=False)
class Read:
    """A ``PathNode`` in the making: what is read of one object, manager or collection.

    ``set`` are the attributes that bodies give the object. ``detached``: the object does not come from ours.
    """

    attrs: dict[str, Read] = field(default_factory=dict)
    element: Read | None = None
    uses: set[str] = field(default_factory=set)
    parts: bool = False
    detached: bool = False
    set: dict[str, Value] = field(default_factory=dict)

    def attr(self, name: str) -> Read:
        """What is read under ``name``."""
        return self.attrs.setdefault(name, Read(detached=self.detached))

    def each(self) -> Read:
        """What is read of each row."""
        if self.element is None:
            self.element = Read(detached=self.detached)
        return self.element

    def node(self) -> PathNode:
        """The node, which no template reads."""
        return PathNode(
            uses=frozenset(self.uses),
            attrs={name: child.node() for name, child in self.attrs.items()},
            element=None if self.element is None else self.element.node(),
            filters=("slice",) if self.parts else (),
            conditional=True,
            quiet=True,
        )


@dataclass(frozen=True, slots=True)
class Plain:
    """Data that no object can be reached from: what columns hold, text, numbers, the results of known functions."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything; ``why`` says where it came from."""

    why: str


@dataclass(frozen=True, slots=True)
class Obj:
    """An instance of ``model``, and where what is read of it is written down."""

    model: type[Model]
    read: Read


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a related manager, all of them: ``self.payments.all()``."""

    model: type[Model]
    manager: Read

    @property
    def row(self) -> Obj:
        """Any one of them."""
        return Obj(self.model, self.manager.attr("all").each())


@dataclass(frozen=True, slots=True)
class Manager:
    """A manager, or a queryset that is not all of a related manager's rows: using it runs queries of its own.

    ``read`` is that of a related manager whose rows can be planned.
    """

    model: type[Model]
    read: Read | None = None
    cls: type[Any] | None = None


@dataclass(slots=True, eq=False)
class Items:
    """A container or iterator; ``exact``: these are its items, in order."""

    items: list[Value] = field(default_factory=list)
    exact: bool = False


@dataclass(slots=True, eq=False)
class Mapped:
    """A dict, of whose values some are known by name; ``rest`` is any other."""

    named: dict[str, Value] = field(default_factory=dict)
    rest: list[Value] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Made:
    """An object of a class that is no model, which a body has made; ``set`` are its attributes."""

    cls: type[Any]
    set: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """What a file field holds, of a class of its own that is no more known than its code."""

    obj: Obj
    cls: type[Any]


@dataclass(frozen=True, slots=True)
class Vars:
    """The ``__dict__`` of an object."""

    obj: Obj


@dataclass(frozen=True, slots=True)
class Real:
    """A Python object that is there already: a module, class, function, constant."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Real) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


@dataclass(frozen=True, slots=True)
class Bound:
    """A function and the arguments that it has already."""

    function: FunctionType
    arguments: tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A function that the body itself defines, and the frame around it."""

    node: ast.FunctionDef | ast.Lambda
    frame: Frame


@dataclass(frozen=True, slots=True)
class Method:
    """A method of ``owner`` that is known by its name: of containers, managers, querysets."""

    owner: Value
    name: str


@dataclass(frozen=True, slots=True)
class Gives:
    """A callable that gives ``result``."""

    result: Value


@dataclass(frozen=True, slots=True)
class Super:
    """``super()`` of ``cls`` for ``obj``."""

    cls: type[Any]
    obj: Value


@dataclass(frozen=True, slots=True)
class Either:
    """One of several."""

    values: tuple[Value, ...]


Value = (
    Plain
    | Unknown
    | Obj
    | Rows
    | Manager
    | Items
    | Mapped
    | Made
    | File
    | Vars
    | Real
    | Bound
    | Closure
    | Method
    | Gives
    | Super
    | Either
)

PLAIN = Plain()
NOTHING = Either(())  # the result of what never returns
MAX_CHOICES = 12


def either(values: Iterable[Value]) -> Value:
    """Any one of ``values``."""
    flat: dict[Value, None] = {}
    for value in values:
        flat.update(dict.fromkeys(each(value)))
    if len(flat) == 1:
        return next(iter(flat))
    if any(isinstance(value, Plain) for value in flat):
        flat = {value: None for value in flat if not (isinstance(value, Real) and is_plain(value.value))}
    found = tuple(flat)
    return found[0] if len(found) == 1 else Either(found)


def each(value: Value) -> Iterator[Value]:
    """The values that ``value`` may be."""
    if isinstance(value, Either):
        yield from value.values
    else:
        yield value


def objects(*values: Value) -> Iterator[Obj]:
    """The objects that can be reached from ``values`` without reading an attribute."""
    todo, seen = list(values), set()
    while todo:
        value = todo.pop()
        if value in seen:
            continue
        seen.add(value)
        match value:
            case Obj():
                yield value
            case Rows():
                yield value.row
            case File(obj=obj) | Vars(obj=obj):
                yield obj
            case Made(set=held):
                todo += held.values()
            case Items(items=items):
                todo += items
            case Mapped(named=named, rest=rest):
                todo += [*named.values(), *rest]
            case Either(values=several):
                todo += several
            case Bound(arguments=arguments):
                todo += arguments
            case Closure(frame=frame):
                todo += frame.names.values()
            case Method(owner=owner) | Super(obj=owner):
                todo.append(owner)
            case Gives(result=result):
                todo.append(result)


_ATOMS = (
    str,
    bytes,
    int,
    float,
    complex,
    bool,
    type(None),
    type(...),
    type(NotImplemented),
    Decimal,
    dt.date,
    dt.time,
    dt.timedelta,
    dt.tzinfo,
    uuid.UUID,
    enum.Enum,
    Promise,
    re.Pattern,
    range,
    BuiltinFunctionType,
)


def is_plain(value: Any, depth: int = 3) -> bool:
    """Whether ``value`` is data through and through."""
    if isinstance(value, _ATOMS):
        return not isinstance(value, BuiltinFunctionType)
    if not depth:
        return False
    if isinstance(value, list | tuple | set | frozenset):
        return len(value) < 1_000 and all(is_plain(item, depth - 1) for item in value)
    if isinstance(value, Mapping):
        return len(value) < 1_000 and all(
            is_plain(key, depth - 1) and is_plain(item, depth - 1) for key, item in value.items()
        )
    return False


def is_data(value: Value) -> bool:
    """Whether no object can be reached from it."""
    return isinstance(value, Plain) or (isinstance(value, Real) and is_plain(value.value))

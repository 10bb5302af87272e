"""What names and expressions may stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from djust_ast.nodewalk.tree import TreeNode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Whole:
    """A value of the context."""

    node: TreeNode


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the elements of a value of the context, in their order: their indexes are not its indexes."""

    node: TreeNode


@dataclass(frozen=True, slots=True)
class Items:
    """A list that a tag or filter made, of such elements."""

    element: int


@dataclass(frozen=True, slots=True)
class Groups:
    """What ``{% regroup %}`` makes: a list of groups of ``element`` by ``key``."""

    element: int
    key: int


@dataclass(frozen=True, slots=True)
class Group:
    """One such group."""

    element: int
    key: int


@dataclass(frozen=True, slots=True)
class Block:
    """The ``block`` variable of a block."""

    chain: int
    name: str


Thing = Whole | Part | Items | Groups | Group | Block
"""One thing that a value may be; numbers refer to values that ``Machine.keep`` keeps."""


@dataclass(frozen=True, slots=True)
class Value:
    """Everything that a name or expression may stand for; nothing at all is a value of no interest."""

    things: tuple[Thing, ...] = ()
    unbound: bool = False
    """It may also be that the name is not bound here, so that an outer binding shows."""
    maybe: bool = False
    """It may be something else, so that what is read of it is read perhaps."""
    locals: tuple[int, ...] = ()
    """Where local names that lead here are in the trie of locals."""

    def absorb(self, other: Value) -> Value:
        """This or the other, without a doubt about either."""
        things = _union(self.things, other.things)
        return Value(things, self.unbound, self.maybe or other.maybe, self.locals)

    def add(self, thing: Thing) -> Value:
        """This or ``thing``."""
        if thing in self.things:
            return self
        return Value((*self.things, thing), self.unbound, self.maybe, self.locals)

    def merge(self, other: Value) -> Value:
        """Either value, of which one does not know which."""
        return Value(
            _union(self.things, other.things),
            self.unbound or other.unbound,
            self.maybe
            or other.maybe
            or self.unbound != other.unbound
            or set(self.things) != set(other.things),
            _union(self.locals, other.locals),
        )

    def is_same(self, other: Value) -> bool:
        """Whether both may be the same, whatever their local names."""
        return (self.unbound, self.maybe, set(self.things)) == (
            other.unbound,
            other.maybe,
            set(other.things),
        )


NOTHING = Value()
UNBOUND = Value(unbound=True)
"""The value of a name that is not bound."""


def _union(left: tuple[T, ...], right: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(left + right))

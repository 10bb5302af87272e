"""The path tree while it grows: which values a template reads, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

Uses = frozenset[str]
NONE: Uses = frozenset()
ARG, BOOL, CMP, ESC, ITER, LEN, NUM, OUT = (
    frozenset({word}) for word in ("arg", "bool", "cmp", "esc", "iter", "len", "num", "out")
)

Place = tuple[int, int, int, int]
"""File, line and column from 1, length."""

_PLACES = 4


class Via(IntEnum):
    """How a node hangs below its parent, in the order in which the kinds are written."""

    ROOT = 0
    ATTR = 1
    INDEX = 2
    ELEMENT = 3


@dataclass(slots=True, eq=False)
class TreeNode:
    """A value that was looked at; those that were read are kept when the tree is written."""

    parent: TreeNode | None
    via: Via
    name: str
    depth: int
    uses: Uses = NONE
    kept: bool = False
    surely: bool = False
    filters: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    children: dict[tuple[Via, str], TreeNode] = field(default_factory=dict)

    def child(self, via: Via, name: str) -> TreeNode:
        """The node below this one."""
        return _below(self.children, self, via, name)

    def lineage(self) -> Iterator[TreeNode]:
        """This node and those above it."""
        node: TreeNode | None = self
        while node is not None:
            yield node
            node = node.parent

    def place(self, place: Place) -> None:
        """Note where an expression reads the node."""
        if len(self.places) < _PLACES and place not in self.places:
            self.places.append(place)

    def consume(self, label: str) -> None:
        """Note a filter or tag that consumed the value."""
        if label not in self.filters:
            self.filters.append(label)


class Tree:
    """All nodes below the names of the context."""

    def __init__(self) -> None:
        self.reads = 0
        self._roots: dict[tuple[Via, str], TreeNode] = {}

    def root(self, name: str) -> TreeNode:
        """The node of a name of the context."""
        return _below(self._roots, None, Via.ROOT, name)

    def mark(self, node: TreeNode, uses: Uses, maybe: bool) -> None:
        """Note a use of the value itself; ``maybe`` where a condition decides."""
        if uses and not node.uses:
            self.reads += 1
        node.uses |= uses
        for above in node.lineage():
            if above.kept and (maybe or above.surely):
                break
            above.kept = True
            above.surely |= not maybe

    def roots(self) -> dict[str, Any]:
        """The object ``roots`` of the document."""
        return _written(self._roots, Via.ROOT)


def _below(nodes: dict[tuple[Via, str], TreeNode], parent: TreeNode | None, via: Via, name: str) -> TreeNode:
    node = nodes.get((via, name))
    if node is None:
        node = nodes[via, name] = TreeNode(parent, via, name, parent.depth + 1 if parent else 1)
    return node


def _written(nodes: dict[tuple[Via, str], TreeNode], via: Via) -> dict[str, Any]:
    return {name: _fields(node) for (kind, name), node in sorted(nodes.items()) if kind is via and node.kept}


def _fields(node: TreeNode) -> dict[str, Any]:
    fields = {
        "u": sorted(node.uses),
        "c": int(not node.surely),
        "f": node.filters,
        "at": node.places,
        "a": _written(node.children, Via.ATTR),
        "i": _written(node.children, Via.INDEX),
    }
    element = _written(node.children, Via.ELEMENT)
    written: dict[str, Any] = {key: value for key, value in fields.items() if value}
    # The one element may well have nothing to tell but that it is there.
    return written | {"e": element[""]} if element else written

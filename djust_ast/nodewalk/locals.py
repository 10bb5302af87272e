"""The names that a template makes itself, and what is read below them."""

from __future__ import annotations

from collections.abc import Iterable


class Locals:
    """A trie of the paths below each name that a template makes, as written from that name."""

    def __init__(self) -> None:
        self._nodes: list[tuple[int | None, str]] = []
        self._known: dict[tuple[int | None, str], int] = {}
        self._read: set[int] = set()

    def root(self, name: str) -> int:
        """The number of a name."""
        return self._node(None, name)

    def below(self, parents: Iterable[int], name: str) -> tuple[int, ...]:
        """The numbers of ``.name`` of what has the numbers ``parents``."""
        return tuple(self._node(parent, name) for parent in parents)

    def read(self, numbers: Iterable[int]) -> None:
        """Note that these are read."""
        self._read.update(numbers)

    def paths(self) -> dict[str, list[str]]:
        """The dotted paths that are read below each name, sorted."""
        found: dict[str, list[str]] = {}
        for number, (parent, name) in enumerate(self._nodes):
            steps = [name]
            while parent is not None:
                parent, name = self._nodes[parent]
                steps.insert(0, name)
            paths = found.setdefault(steps[0], [])
            if number in self._read and steps[1:]:
                paths.append(".".join(steps[1:]))
        return {name: sorted(paths) for name, paths in sorted(found.items())}

    def _node(self, parent: int | None, name: str) -> int:
        number = self._known.setdefault((parent, name), len(self._nodes))
        if number == len(self._nodes):
            self._nodes.append((parent, name))
        return number

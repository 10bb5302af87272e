"""What a template reads: frozen nodes, no model in sight.

The extractor hands over JSON (schema ``djust-ast/paths@1``), which ``PathTree`` decodes. ``from_paths`` makes the
same nodes from dotted paths.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from djust_ast.diagnostics import Diagnostic


class Position(NamedTuple):
    """Where an expression stands: file name, line and column from 1, length in characters."""

    file: str
    line: int
    column: int
    length: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


_NONE: Mapping[str, PathNode] = MappingProxyType({})


class PathNode(NamedTuple):
    """One value that a template reads, and what it reads below it.

    ``uses`` are the uses of the value itself (``out bool len iter cmp num arg esc``), ``attrs`` its ``.name``
    steps, ``indexes`` its ``.0`` steps, ``element`` what a loop over it sees. ``conditional``: every read is
    inside a branch that may not render. ``quiet``: the template does not read it, the body of a property does.
    """

    uses: frozenset[str] = frozenset()
    attrs: Mapping[str, PathNode] = _NONE
    indexes: Mapping[str, PathNode] = _NONE
    element: PathNode | None = None
    conditional: bool = False
    filters: tuple[str, ...] = ()
    where: tuple[Position, ...] = ()
    quiet: bool = False

    @property
    def at(self) -> Position | None:
        """The first place that reads it."""
        return self.where[0] if self.where else None


@dataclass(frozen=True, slots=True)
class ContextRead:
    """A tag that may read names of the context by itself; ``reads`` is ``None`` for "any"."""

    tag: str
    reads: tuple[str, ...] | None
    where: Position | None


@dataclass(frozen=True, slots=True)
class Dependency:
    """A template that this one extends or includes.

    One that an ``expression`` names has a ``name`` for each value that the expression may have, or ``None`` and
    the ``reason`` why its values are not known.
    """

    kind: str
    name: str | None
    expression: str | None = None
    missing: bool = False
    reason: str | None = None
    where: Position | None = None


class PathTree:
    """All that one template reads, its parents and includes linked in.

    It is the extractor's document; what is asked of it is decoded when it is first asked for. ``hesitant``: the
    engine has a ``string_if_invalid``, with which Django evaluates no filter, and no argument of one, for what it
    cannot find.
    """

    def __init__(self, text: bytes, *, hesitant: bool = False) -> None:
        self.text = text
        self.hesitant = hesitant

    def json(self) -> bytes:
        """The extractor's own document, UTF-8."""
        return self.text

    @cached_property
    def roots(self) -> Mapping[str, PathNode]:
        """What is read of each name of the context."""
        roots = {name: _node(node, self.files) for name, node in self._document["roots"].items()}
        if self.hesitant:
            return {name: unsure(node) if _argued(node) else node for name, node in roots.items()}
        return roots

    @cached_property
    def deps(self) -> tuple[Dependency, ...]:
        """The templates that it extends and includes."""
        return tuple(
            Dependency(
                dep["kind"],
                dep.get("name"),
                dep.get("expr"),
                bool(dep.get("missing")),
                dep.get("why"),
                _position(dep.get("at"), self.files),
            )
            for dep in self._document.get("deps", ())
        )

    @cached_property
    def context_reads(self) -> tuple[ContextRead, ...]:
        """The tags that may read names of the context by themselves."""
        return tuple(
            ContextRead(
                read["tag"],
                None if read["reads"] == "*" else tuple(read["reads"]),
                _position(read.get("at"), self.files),
            )
            for read in self._document.get("ctx", ())
        )

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Warnings, and errors of included templates."""
        return tuple(_diagnostic(entry, self.files) for entry in self._document.get("diag", ()))

    @cached_property
    def unknown_tags(self) -> tuple[str, ...]:
        """The tags of which nothing is known."""
        return tuple(self._document.get("tags", {}).get("unknown", ()))

    @cached_property
    def takers(self) -> tuple[str, ...]:
        """The tags that are handed the context and may set its names; told where a template is named by a value."""
        return tuple(self._document.get("takers", ()))

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The names of the files that took part, its own first."""
        return tuple(entry["name"] or "<template>" for entry in self._document.get("files", ()))

    @cached_property
    def locals(self) -> Mapping[str, tuple[str, ...]]:
        """The paths below loop variables and aliases, where they were asked for."""
        return {name: tuple(paths) for name, paths in self._document.get("locals", {}).items()}

    @cached_property
    def env(self) -> str:
        """A hash of the tags, filters and rules by which it was read."""
        return str(self._document.get("env", ""))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the whole document, sources included."""
        return hashlib.sha256(self.text).hexdigest()

    @cached_property
    def escapes(self) -> bool:
        """Whether some tag may read the whole context."""
        return any(read.reads is None for read in self.context_reads)

    @cached_property
    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.text)
        return document

    def dotted(self) -> dict[str, list[str]]:
        """``{root: [dotted paths]}``, sorted; elements and literal indexes leave no trace."""
        return {name: sorted(set(dotted(node))) for name, node in sorted(self.roots.items())}

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, PathTree) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"<PathTree of {self.files[0] if self.files else '<template>'}: {', '.join(self.roots)}>"

    def __str__(self) -> str:
        return "\n".join(line for name, node in self.roots.items() for line in outline(name, node))


def from_paths(paths: Iterable[str]) -> PathNode:
    """The node that dotted ``paths`` below one object describe; a leaf is printed."""
    trie: _Trie = {}
    for path in paths:
        below = trie
        for name in path.split("."):
            branch = below.setdefault(name, _Branch())
            below = branch.below
        branch.printed = True
    return PathNode(attrs=_frozen(trie))


def merge(left: PathNode, right: PathNode) -> PathNode:
    """What both read; conditional only where both are."""
    return PathNode(
        uses=left.uses | right.uses,
        attrs=_merged(left.attrs, right.attrs),
        indexes=_merged(left.indexes, right.indexes),
        element=merge(left.element, right.element)
        if left.element and right.element
        else left.element or right.element,
        conditional=left.conditional and right.conditional,
        filters=tuple(dict.fromkeys(left.filters + right.filters)),
        where=(left.where + right.where)[:4],
        quiet=left.quiet and right.quiet,
    )


def unsure(node: PathNode) -> PathNode:
    """``node`` with everything below it left to chance, as where one of several objects is read."""
    return node._replace(
        conditional=True,
        attrs={name: unsure(child) for name, child in node.attrs.items()},
        indexes={name: unsure(child) for name, child in node.indexes.items()},
        element=None if node.element is None else unsure(node.element),
    )


def _argued(node: PathNode) -> bool:
    """Whether something of it is the argument of a filter, or handed to one that is not known."""
    below = [*node.attrs.values(), *node.indexes.values(), *([] if node.element is None else [node.element])]
    return not node.uses.isdisjoint(("arg", "esc")) or any(map(_argued, below))


def dotted(node: PathNode, prefix: str = "") -> Iterator[str]:
    """Every path below ``node``, inner ones only where the value itself is used."""
    if prefix and (node.uses - {"iter", "len"} or not (node.attrs or node.indexes or node.element)):
        yield prefix
    for name, child in node.attrs.items():
        yield from dotted(child, f"{prefix}.{name}" if prefix else name)
    for child in node.indexes.values():
        yield from dotted(child, prefix)
    if node.element is not None:
        yield from dotted(node.element, prefix)


def outline(name: str, node: PathNode, depth: int = 0) -> Iterator[str]:
    """A readable line for each node: its name, uses, whether a branch decides, and where it is read."""
    marks = [" ".join(sorted(node.uses))] if node.uses else []
    if node.conditional:
        marks.append("in a branch")
    line = "  " * depth + name
    if marks:
        line += f"  [{'; '.join(marks)}]"
    if node.at is not None:
        line += f"  {node.at}"
    yield line
    for child_name, child in node.attrs.items():
        yield from outline(f".{child_name}", child, depth + 1)
    for index, child in node.indexes.items():
        yield from outline(f".{index}", child, depth + 1)
    if node.element is not None:
        yield from outline("[each]", node.element, depth + 1)


def _merged(left: Mapping[str, PathNode], right: Mapping[str, PathNode]) -> dict[str, PathNode]:
    both = dict(left)
    for name, node in right.items():
        both[name] = merge(both[name], node) if name in both else node
    return both


@dataclass(slots=True)
class _Branch:
    printed: bool = False
    below: _Trie = field(default_factory=dict)


_Trie = dict[str, _Branch]
_PRINTED, _ENTERED = frozenset({"out"}), frozenset[str]()


def _frozen(trie: _Trie) -> dict[str, PathNode]:
    return {
        name: PathNode(_PRINTED if branch.printed else _ENTERED, _frozen(branch.below))
        for name, branch in trie.items()
    }


def _node(node: Mapping[str, Any], files: tuple[str, ...]) -> PathNode:
    get = node.get
    attrs, indexes, element = get("a"), get("i"), get("e")
    return PathNode(
        frozenset(get("u", ())),
        {name: _node(child, files) for name, child in attrs.items()} if attrs else {},
        {name: _node(child, files) for name, child in indexes.items()} if indexes else {},
        None if element is None else _node(element, files),
        bool(get("c")),
        tuple(get("f", ())),
        tuple([Position(files[file], line, column, length) for file, line, column, length in get("at", ())]),
    )


def _diagnostic(entry: Mapping[str, Any], files: tuple[str, ...]) -> Diagnostic:
    file, line, column, length = entry["at"]
    return Diagnostic(
        entry["msg"],
        files[file],
        line if length else None,
        column if length else None,
        code=entry["code"],
        severity=entry["sev"],
        length=length,
        help=entry.get("help"),
        source_line=entry.get("src", "") if length else "",
        skipped=entry.get("skip", 0),
    )


def _position(at: list[int] | None, files: tuple[str, ...]) -> Position | None:
    if not at:
        return None
    file, line, column, length = at
    return Position(files[file], line, column, length)

"""What a template reads of the rows of a collection, as a node."""

from __future__ import annotations

import re
from functools import reduce

from djust_ast.paths import PathNode, merge, unsure

# What a filled list answers as the queryset would.
LIST_USES = frozenset({"iter", "len", "bool"})
LIST_NAMES = frozenset({"count", "exists"})
ENDS = frozenset({"first", "last"})
# Filters that look up what they sort by themselves.
SORTS = frozenset({"dictsort", "dictsortreversed"})
SORT = "dictsort"
# Filters that take some of a collection: of a queryset, by a query of their own.
PARTS = frozenset({"slice", "last", "random"})
# Filters that ask a collection for no more than its size.
SIZES = frozenset({"length"})
_FORWARD = re.compile(r"slice:(['\"]?)\d*(:\d*){0,2}\1")


def rows_node(node: PathNode) -> tuple[PathNode, bool] | None:
    """The element that a collection's rows are read as, and whether only a branch reads them.

    ``None`` when the collection itself is visible: printed, indexed, refined, or handed on.
    """
    attrs = asked_of(node)
    if not node.uses <= LIST_USES or node.indexes or not attrs <= LIST_NAMES or backward(node):
        return None
    if node.element is None and not node.uses:
        return None
    element = element_of(node) or PathNode(where=node.where, conditional=True)
    looped = node.element is not None and not node.element.conditional
    tested = bool(node.uses) and not node.conditional and not attrs
    return element, not (looped or tested)


def element_of(node: PathNode) -> PathNode | None:
    """What is read of each row of a collection; what a ``dictsort`` reads is marked, for it calls nothing.

    At the first row that cannot be sorted it gives up, and so there may be nothing to loop over.
    """
    element = node.element
    for label in node.filters if element is not None else ():
        name, _, argument = label.partition(":")
        if name in SORTS and element is not None:
            element = unsure(_sorted(element, argument.strip("'\"").split(".")))
    return element


def _sorted(node: PathNode, names: list[str]) -> PathNode:
    """``node`` with a mark at every step that ``names`` leads over."""
    if not names or names[0] not in node.attrs:
        return node
    below = node.attrs[names[0]]
    below = _sorted(below._replace(filters=(*below.filters, SORT)), names[1:])
    return node._replace(attrs={**node.attrs, names[0]: below})


def in_parts(node: PathNode) -> bool:
    """Whether a filter takes some of a collection, by their order."""
    return any(label.partition(":")[0] in PARTS for label in node.filters)


def asked_of(node: PathNode) -> set[str]:
    """The names that the template itself reads below ``node``."""
    return {name for name, child in node.attrs.items() if not child.quiet}


def backward(node: PathNode) -> bool:
    """Whether a slice may count from the end, which a queryset refuses, and the filter then shows all of it."""
    slices = [label for label in node.filters if label.partition(":")[0] == "slice"]
    return not node.quiet and not all(map(_FORWARD.fullmatch, slices))


def whole_node(node: PathNode) -> PathNode | None:
    """The element that rows are read as where all of them are sure to be fetched, and answer for the rest.

    ``None`` where they are not, or where they would answer in another way. Their order must leave no choice.
    """
    certain = node.element is not None and not (node.element.conditional or node.conditional)
    if not certain or in_parts(node) or not all(map(str.isdecimal, node.indexes)):
        return None  # of a loop over a part it is not told that it is one
    ones = [*node.indexes.values(), *(child for name, child in node.attrs.items() if name in ENDS)]
    found = rows_node(
        node._replace(
            indexes={}, attrs={name: child for name, child in node.attrs.items() if name not in ENDS}
        )
    )
    return None if found is None else reduce(merge, [found[0], *map(unsure, ones)])


def single_rows(node: PathNode) -> bool:
    """Whether nothing but single rows and their number are read, each by itself."""
    plain = not (node.uses or node.element or node.filters) and node.attrs.keys() <= ENDS | LIST_NAMES
    return plain and all(map(str.isdecimal, node.indexes)) and bool(node.attrs or node.indexes)

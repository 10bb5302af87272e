"""What bodies of properties and methods read, grafted onto what a template reads."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from djust_ast.bodies import CHANGED, ELEMENT, KEPT, STORED, Body, Place, body
from djust_ast.elements import LIST_NAMES, LIST_USES, element_of, in_parts
from djust_ast.paths import PathNode, merge
from djust_ast.relations import targets
from djust_ast.specs import ENTERED, SPEAKS

UNSEEN = "unseen"  # a use by a body that cannot be followed to its end
ANY = frozenset({CHANGED, KEPT, UNSEEN})  # what may be done to an object that anybody gets
BY_BODIES = ANY | {STORED}
# Special methods that run by the uses of an object.
SPECIAL = (("__str__", SPEAKS), ("__eq__", frozenset({"cmp", "arg", "esc"})))


def with_bodies(node: PathNode, model: type[Model]) -> PathNode:
    """``node`` with what the bodies of its properties and methods read, marked quiet."""
    names = [*node.attrs, *(name for name, uses in SPECIAL if node.uses & uses)]
    seen: set[str] = set()
    while names:
        name = names.pop(0)
        if name in seen:
            continue
        seen.add(name)
        found = None if targets(model, name) else body(model, name)
        if found is None:
            continue
        if found.open or found.strange:
            node = node._replace(uses=node.uses | {UNSEEN})
        for read in (found.reads, *_grafts(node.attrs.get(name), found)):
            names += read.attrs
            node = merge(node, read)._replace(
                where=node.where, conditional=node.conditional, quiet=node.quiet
            )
    return node


def _grafts(asked: PathNode | None, found: Body) -> Iterator[PathNode]:
    """What a template asks of what a body gives back, where that is read from."""
    if asked is None or not (asked.attrs or asked.indexes or asked.element or asked.uses - ENTERED):
        return
    if found.strange:
        yield PathNode(uses=ANY, conditional=True, quiet=True)
    for place in found.returns:
        below = element_of(asked) if place.many else asked
        yield _at(place, _hushed(below or PathNode()), asked)


def _at(place: Place, node: PathNode, asked: PathNode) -> PathNode:
    """``node`` below the path of ``place``."""
    refined = place.many and not (asked.uses <= LIST_USES and asked.attrs.keys() <= LIST_NAMES)
    partly = ("slice",) if asked.indexes or in_parts(asked) else ()
    for depth, name in reversed(list(enumerate(place.path))):
        if name == ELEMENT:
            node = PathNode(element=node, conditional=True, quiet=True, filters=partly)
            continue
        attrs = {name: node}
        node = PathNode(attrs=attrs, conditional=True, quiet=True)
        if name == "all" and refined and depth == len(place.path) - 2:
            attrs["filter"] = PathNode(conditional=True, quiet=True)
    return node


def _hushed(node: PathNode) -> PathNode:
    """``node`` as bodies read it: nothing of it is part of a record."""
    attrs = {name: _hushed(child) for name, child in node.attrs.items()}
    rows = attrs.get("all")
    if rows is not None and (not rows.attrs.keys() <= LIST_NAMES or node.attrs["all"].indexes):
        attrs["filter"] = PathNode(conditional=True, quiet=True)
    attrs |= {name: PathNode(conditional=True, quiet=True) for name, uses in SPECIAL if node.uses & uses}
    element = None if node.element is None else _hushed(node.element)
    return PathNode(attrs=attrs, element=element, filters=node.filters, conditional=True, quiet=True)

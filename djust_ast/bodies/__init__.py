"""What the body of a property or method reads of its object, told from its source.

A body is followed wherever it leads: to other members, methods of related objects, ``super()``, functions that are
handed the object. The result only ever adds joins and lazy prefetches: a body that is not understood costs what it
costs in plain Django, and one that is misread costs a join.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.db.models import Manager, Model
from django.db.models.fields.files import FileDescriptor
from django.db.models.manager import ManagerDescriptor

from djust_ast.bodies.analysis import Analysis, TooLargeError
from djust_ast.bodies.arguments import Arguments
from djust_ast.bodies.calls import call
from djust_ast.bodies.changing import changes
from djust_ast.bodies.descriptors import of_static
from djust_ast.bodies.statics import MISSING, static
from djust_ast.bodies.values import (
    CHANGED,
    KEPT,
    STORED,
    Bound,
    Gives,
    Items,
    Obj,
    Read,
    Rows,
    Value,
    each,
    is_data,
)
from djust_ast.hints import hints, steps
from djust_ast.members import ComputedMember, member
from djust_ast.paths import PathNode

ELEMENT = "[each]"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is that a body gives back, or with ``many`` those of a collection: names from ``self``."""

    path: tuple[str, ...]
    many: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What one body reads, as a quiet node whose uses may be ``KEPT`` and ``CHANGED``.

    ``open``: why it may read more than that; empty when it is closed. ``queries``: what it asks the database for
    by itself, as ``Payment.filter()``. ``returns``: where the objects are that it gives back. ``strange``: it may
    also give back something else than data. ``told``: no column is read of an object but those in ``reads``, neither
    by the body nor by whoever gets what it gives back.
    """

    reads: PathNode
    open: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    returns: tuple[Place, ...] = ()
    strange: bool = False
    told: bool = False

    @property
    def closed(self) -> bool:
        """Whether all that it can read is known."""
        return not self.open


@cache
def body(model: type[Model], name: str) -> Body | None:
    """What the member ``name`` of ``model`` reads of its object; ``None`` where it has no body to be followed.

    A wrong hint is a ``BindError``.
    """
    if not isinstance(member(model, name), ComputedMember):
        return None
    attribute = static(model, name)
    if attribute is MISSING or isinstance(attribute, _NO_BODY) or not hasattr(type(attribute), "__get__"):
        return None
    if getattr(attribute, "alters_data", False):
        return None  # templates never call it
    analysis = Analysis(model)
    obj = Obj(model, analysis.root)
    try:
        results = list(_results(analysis, obj, name))
        if analysis.assigns:  # once more, as after it has run
            analysis.done.clear()
            results += _results(analysis, obj, name)
    except (TooLargeError, RecursionError):
        analysis.opens("is too large to be followed")
        analysis.escape([obj])
        results = []
    hinted = hints(model, name)
    for path in hinted:
        _follow(analysis.root, model, path)
    places, strange = _placed(analysis.root, results)
    open_ = () if hinted else tuple(analysis.open)
    # Rows that a body asks for lead back to their owner, and of that nothing is written down.
    told = not (analysis.open or analysis.queries or places or strange)
    return Body(analysis.root.node(), open_, tuple(analysis.queries), places, strange, told)


_NO_BODY = (Manager, ManagerDescriptor, FileDescriptor)


def _results(analysis: Analysis, obj: Obj, name: str) -> Iterator[Value]:
    """What the member gives, called as a template calls it."""
    attribute = static(obj.model, name)
    for value in each(of_static(analysis, obj, name, attribute)):
        if isinstance(value, Bound | Gives):
            yield from each(call(analysis, value, Arguments([])))
        else:
            yield value


def _follow(root: Read, model: type[Model], path: str) -> None:
    """Write down what a hint names."""
    here = root
    for name, relation in steps(model, path):
        here = here.attr(name)
        if relation is not None and relation.many:
            here = here.attr("all").each()


def _placed(root: Read, results: list[Value]) -> tuple[tuple[Place, ...], bool]:
    """Where in the tree the objects are that a body gives back, and whether there may be others."""
    wanted: dict[int, tuple[Read, bool]] = {}
    strange = False
    for value in results:
        match value:
            case Obj(read=read):
                wanted[id(read)] = (read, False)
            case Rows(manager=manager):
                wanted[id(manager)] = (manager, True)
            case Items(items=items):
                inner = [choice for item in items for choice in each(item)]
                wanted |= {id(item.read): (item.read, True) for item in inner if isinstance(item, Obj)}
                strange = strange or not all(isinstance(item, Obj) or is_data(item) for item in inner)
            case _:
                strange = strange or not is_data(value)
    found = {id(read): path for path, read in _walk(root, ())}
    rows = {id(value.manager) for value in results if isinstance(value, Rows)}
    places = [
        Place((*found[key], *(("all", ELEMENT) if key in rows else ())), many)
        for key, (_, many) in wanted.items()
        if key in found
    ]
    return tuple(places), strange or len(places) < len(wanted)


def _walk(read: Read, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Read]]:
    yield path, read
    for name, child in read.attrs.items():
        yield from _walk(child, (*path, name))
    if read.element is not None:
        yield from _walk(read.element, (*path, ELEMENT))


__all__ = ["CHANGED", "ELEMENT", "KEPT", "STORED", "Body", "Place", "body", "changes"]

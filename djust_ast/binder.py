"""Binding: a path node and a model become a spec."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from django.db.models import Model

from djust_ast.errors import BindError
from djust_ast.members import (
    ColumnMember,
    ComputedMember,
    DisplayMember,
    RelationMember,
    member,
    names,
    opaque,
)
from djust_ast.paths import PathNode, merge
from djust_ast.specs import (
    PRINTED,
    Column,
    Computed,
    Inlined,
    Many,
    Missing,
    Related,
    SerializerSpec,
    SpecMember,
)

# Names that a dict would answer although the model does not have them.
DICT_NAMES = frozenset(name for name in dir(dict) if not name.startswith("_"))
# What a filled list answers as the queryset would.
LIST_USES = frozenset({"iter", "len", "bool"})
LIST_NAMES = frozenset({"count", "exists"})
MAX_SEGMENTS = 64


def bind(node: PathNode, model: type[Model], *, explicit: bool = False) -> SerializerSpec:
    """What ``node`` means for an object of ``model``.

    With ``explicit`` the paths were given by a programmer, not read from a template: a to-many name may be
    followed by its elements' names directly, and an unknown name is a ``BindError``.
    """
    return _bind(node, model, explicit, ())


def rows_node(node: PathNode) -> tuple[PathNode, bool] | None:
    """The element that a collection's rows are read as, and whether only a branch reads them.

    ``None`` when the collection itself is visible: printed, indexed, refined, or handed on.
    """
    if not node.uses <= LIST_USES or node.indexes or not node.attrs.keys() <= LIST_NAMES:
        return None
    if node.element is None and not node.uses:
        return None
    element = node.element or PathNode(where=node.where, conditional=True)
    looped = node.element is not None and not node.element.conditional
    tested = bool(node.uses) and not node.conditional and not node.attrs
    return element, not (looped or tested)


def _bind(node: PathNode, model: type[Model], explicit: bool, path: tuple[str, ...]) -> SerializerSpec:
    if len(path) > MAX_SEGMENTS:
        raise BindError(f"a path of more than {MAX_SEGMENTS} names", *_place(node))
    members = tuple(_members(node, model, explicit, path))
    return SerializerSpec(
        model=model,
        members=members,
        uses=node.uses,
        live=_live(node, model, members),
        where=node.at,
    )


def _live(node: PathNode, model: type[Model], members: tuple[SpecMember, ...]) -> str | None:
    seen = sorted(node.uses - PRINTED)
    if "esc" in seen:
        return "handed to " + (", ".join(node.filters) or "code that is not known")
    if seen:
        return f"used as a whole ({', '.join(seen)})"
    if node.element is not None or node.indexes:
        return "looped over or indexed"
    for m in members:
        if m.name in DICT_NAMES and isinstance(m, Computed | Missing):
            return f"a dict would answer {m.name!r}"
    return opaque(model)


def _members(
    node: PathNode, model: type[Model], explicit: bool, path: tuple[str, ...]
) -> Iterator[SpecMember]:
    for name, child in node.attrs.items():
        match member(model, name):
            case ColumnMember(field):
                yield Column(name, field, child.at)
            case DisplayMember(field, labels):
                yield Inlined(name, field, labels, child.at)
            case RelationMember(relation) if relation.many:
                yield _many(name, child, relation, explicit, path)
            case RelationMember(relation):
                spec = _bind(child, relation.model, explicit, (*path, name))
                yield Related(name, relation, spec, child.conditional, child.at)
            case ComputedMember():
                yield Computed(name, child.at)
            case None if explicit:
                raise BindError(unknown(model, name), *_place(child))
            case None:
                yield Missing(name, child.at)


def _many(name: str, node: PathNode, relation, explicit: bool, path: tuple[str, ...]) -> SpecMember:  # type: ignore[no-untyped-def]
    if explicit:
        via = "all" if "all" in node.attrs else ""
        element = PathNode(attrs={key: value for key, value in node.attrs.items() if key != "all"})
        if via:
            below = node.attrs["all"]
            element = merge(element, PathNode(attrs=below.attrs, where=below.where))
        return Many(name, relation, via, _bind(element, relation.model, True, (*path, name)), where=node.at)
    found = rows_node(node.attrs["all"]) if "all" in node.attrs else None
    if found is None:
        return Computed(name, node.at)
    element, lazy = found
    spec = _bind(element, relation.model, False, (*path, name))
    many = Many(name, relation, "all", spec, lazy or node.attrs["all"].conditional, node.at)
    if node.uses or node.indexes or node.element or len(node.attrs) > 1:
        return Computed(name, node.at, rows=many)
    return many


def unknown(model: type[Model], name: str) -> str:
    """``Lease has no 'adress'; did you mean 'address'?``"""
    close = get_close_matches(name, names(model), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{model.__name__} has no {name!r}{hint}"


def _place(node: PathNode) -> tuple[str | None, int | None, int | None]:
    at = node.at
    return (at.file, at.line, at.column) if at else (None, None, None)

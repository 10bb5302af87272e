"""Binding: a path node and a model become a spec."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import reduce

from django.db.models import Model, OneToOneField
from django.utils.functional import cached_property

from djust_ast.bodies import CHANGED, KEPT, STORED
from djust_ast.bodies.pure import expression
from djust_ast.columns import columns_read
from djust_ast.elements import ENDS, LIST_NAMES, LIST_USES, SIZES, SORT, asked_of, in_parts, rows_node
from djust_ast.errors import BindError
from djust_ast.grafts import BY_BODIES, UNSEEN, with_bodies
from djust_ast.members import ColumnMember, ComputedMember, DisplayMember, RelationMember, member, names
from djust_ast.paths import PathNode, merge, unsure
from djust_ast.relations import Relation, held, targets
from djust_ast.specs import (
    ENTERED,
    PRINTED,
    Alias,
    Column,
    Computed,
    Counted,
    Inlined,
    Many,
    Missing,
    Pick,
    Related,
    SerializerSpec,
    SpecMember,
    Targets,
)
from djust_ast.stock import counts_rows, counts_together, opaque, picks_rows

# Names that a dict would answer although the model does not have them.
DICT_NAMES = frozenset(name for name in dir(dict) if not name.startswith("_"))
MAX_SEGMENTS = 64


def bind(
    node: PathNode,
    model: type[Model],
    *,
    explicit: bool = False,
    aliases: Collection[str] = (),
    attrs: Collection[tuple[str, type[Model]]] = (),
) -> SerializerSpec:
    """What ``node`` means for an object of ``model``.

    With ``explicit`` the paths were given by a programmer, not read from a template: a to-many name may be
    followed by its elements' names directly, and an unknown name is a ``BindError``. ``aliases`` are the
    annotations that the objects have, ``attrs`` the rows that the view prefetched under names of its own.
    """
    return _bind(node, model, _Scope(explicit, aliases=aliases, attrs=dict(attrs)))


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where the binder stands: the names above, and the relation that it came over."""

    explicit: bool
    path: tuple[str, ...] = ()
    came: tuple[Relation, type[Model]] | None = None
    aliases: Collection[str] = ()
    attrs: Mapping[str, type[Model]] = field(default_factory=dict)

    def below(self, name: str, relation: Relation, model: type[Model]) -> _Scope:
        """The scope on the other side of ``relation``, which is a relation of ``model``."""
        return _Scope(self.explicit, (*self.path, name), (relation, model))


def _bind(node: PathNode, model: type[Model], scope: _Scope) -> SerializerSpec:
    if len(scope.path) > MAX_SEGMENTS:
        raise BindError(f"a path of more than {MAX_SEGMENTS} names", *_place(node))
    node = with_bodies(node, model)
    members = tuple(_members(node, model, scope))
    changed = CHANGED in node.uses or any(map(_changes_us, members))
    if changed:
        members = tuple(map(_left, members))
    marks = node.uses & BY_BODIES
    node = node._replace(uses=node.uses - marks)
    live = _live(node, model, members)
    closed = live is None and not changed and UNSEEN not in marks
    return SerializerSpec(
        model=model,
        members=members,
        uses=node.uses,
        live=live,
        where=node.at,
        changed=changed,
        kept=KEPT in marks or any(isinstance(m, _UNSEEN) and _entered(node.attrs[m.name]) for m in members),
        unseen=UNSEEN in marks or "esc" in node.uses,
        columns=columns_read(node, model, members, closed=closed, held=scope.attrs),
        stores=STORED in marks,
    )


_UNSEEN = (Computed, Missing)  # what is read below their values is anybody's, and may lead back


def _entered(node: PathNode) -> bool:
    return bool(node.attrs or node.element or node.indexes)


def _changes_us(m: SpecMember) -> bool:
    """Whether a body on the other side may change the object that we stand at, which it leads back to."""
    if isinstance(m, Computed) and m.changes:
        return True
    found = m.rows if isinstance(m, Computed) else m
    if isinstance(found, Counted):
        parts = [Many(pick.via, found.relation, "", pick.spec) for pick in found.picks]
        return any(map(_changes_us, parts))
    if not isinstance(found, Related | Many):  # of a generic key it is not known: see ``kept``
        return False
    relation = found.relation
    back = relation.field is not None and (relation.reverse or isinstance(relation.field, OneToOneField))
    return (back and found.spec.changed) or any(
        isinstance(below, Related) and below.known and below.spec.changed for below in found.spec.members
    )


def _left(m: SpecMember) -> SpecMember:
    """``m``, planned as before but left to the instance: a member changes what the object holds."""
    match m:
        case Column() | Alias() | Inlined():
            return Computed(m.name, m.where)
        case Related():
            return replace(m, quiet=True)
        case Counted():
            return Computed(m.name, m.where, rows=m)
        case Many():
            return Computed(m.name, m.where, rows=m)
    return m


def _live(node: PathNode, model: type[Model], members: tuple[SpecMember, ...]) -> str | None:
    seen = sorted(node.uses - PRINTED)
    if "esc" in seen:
        return "handed to " + (", ".join(node.filters) or "code that is not known")
    if seen:
        return f"used as a whole ({', '.join(seen)})"
    if node.element is not None or node.indexes:
        return "looped over or indexed"
    for m in members:
        if m.name in DICT_NAMES and isinstance(m, Computed | Missing | Related) and not m.quiet:
            return f"a dict would answer {m.name!r}"
        labels = node.attrs[m.name].filters
        if labels and SORT in labels and not _attribute(model, m):
            return f"sorted by {m.name!r}, which a template would call"
    return opaque(model)


def _attribute(model: type[Model], m: SpecMember) -> bool:
    """Whether reading the attribute is all that there is to it."""
    if isinstance(m, Computed):
        return isinstance(inspect.getattr_static(model, m.name, None), property | cached_property)
    return not isinstance(m, Inlined | Many)


def _members(node: PathNode, model: type[Model], scope: _Scope) -> Iterator[SpecMember]:
    for name, child in node.attrs.items():
        if name in scope.aliases and not child.quiet:
            yield Alias(name, child.at)
            continue
        match member(model, name):
            case RelationMember(relation) if relation.many:
                yield _many(name, child, relation, scope, model)
            case RelationMember(relation):
                known = scope.came is not None and relation.returns(scope.came[0])
                if known and scope.came is not None and scope.came[1] is not relation.model:
                    yield Computed(name, child.at, quiet=child.quiet)  # a proxy, or a parent in inheritance
                    continue
                spec = _bind(child, relation.model, scope.below(name, relation, model))
                yield Related(name, relation, spec, child.conditional, child.at, child.quiet, known)
            case ComputedMember() if (generic := targets(model, name)) is not None:
                rows = Targets(name, generic, unsure(child))
                yield Computed(name, child.at, rows=rows, quiet=child.quiet)
            case _ if child.quiet:
                continue  # an instance has its columns, and answers for the rest itself
            case ColumnMember(field):
                yield Column(name, field, child.at)
            case DisplayMember(field, labels):
                yield Inlined(name, field, labels, child.at)
            case ComputedMember():
                told = expression(model, name)
                yield Computed(name, child.at, expression=told if told is not None and told.holds() else None)
            case None if name in scope.attrs:
                relation = held(name, scope.attrs[name])
                each = reduce(merge, [child, *filter(None, [child.element, *child.indexes.values()])])
                each = unsure(each._replace(uses=each.uses - LIST_USES, element=None, indexes={}))
                spec = _bind(each, relation.model, scope.below(name, relation, model))
                yield Computed(name, child.at, rows=Many(name, relation, "", spec))
            case None if scope.explicit:
                raise BindError(unknown(model, name), *_place(child))
            case None:
                yield Missing(name, child.at)


def _many(name: str, node: PathNode, relation: Relation, scope: _Scope, model: type[Model]) -> SpecMember:
    if scope.explicit and not node.quiet:
        return _explicit_many(name, node, relation, scope.below(name, relation, model))
    asked = node.attrs.keys() & LIST_NAMES
    plainly = not (node.quiet or node.uses or node.indexes or node.element) and counts_rows(relation.model)
    plainly = plainly and not any(node.attrs[ask].filters for ask in asked)
    picks = tuple(_picks(node, relation, scope.below(name, relation, model))) if plainly else ()
    if plainly and node.attrs.keys() == asked | {"all"} and _sized(node.attrs["all"], relation):
        asked |= {"all"}
    if plainly and (asked or picks) and asked | {pick.via for pick in picks} == node.attrs.keys():
        lazy = all(node.attrs[ask].conditional for ask in asked)
        return Counted(name, relation, tuple(sorted(asked)), lazy, node.at, picks)
    found = rows_node(node.attrs["all"]) if "all" in node.attrs else None
    if found is None:
        return Computed(name, node.at, quiet=node.quiet, changes=_changing(node, relation, scope, model))
    element, lazy = found
    ends = node.attrs.keys() & ENDS if plainly and picks_rows(relation.model) else frozenset[str]()
    ends = ends if node.attrs.keys() == asked | ends | {"all"} else frozenset[str]()
    element = reduce(merge, [element, *(unsure(node.attrs[end]) for end in sorted(ends))])
    spec = _bind(element, relation.model, scope.below(name, relation, model))
    lazy = lazy or node.attrs["all"].conditional
    many = Many(name, relation, "all", spec, lazy, node.at, bool(ends) or in_parts(node.attrs["all"]))
    alone = not ends or not any(below.kept or "esc" in below.uses for below in spec.walk())
    if plainly and alone and (asked or ends) and node.attrs.keys() == asked | ends | {"all"}:
        return replace(many, asks=tuple(sorted(asked | ends)))
    if node.quiet or node.uses or node.indexes or node.element or asked_of(node) != {"all"}:
        # Whatever is asked of the manager fetches planned rows: only where that never costs a query more.
        others = node.attrs.keys() - {"all"}
        safe = not many.lazy or not others or (not relation.m2m and others <= LIST_NAMES)
        changes = not safe and _changing(node, relation, scope, model)
        return Computed(name, node.at, rows=many if safe else None, quiet=node.quiet, changes=changes)
    return many


def _sized(node: PathNode, relation: Relation) -> bool:
    """Whether nothing but the number of all rows is read."""
    plain = not (node.quiet or node.element or node.indexes) and node.attrs.keys() <= LIST_NAMES
    plain = plain and not any(child.filters or child.attrs for child in node.attrs.values())
    plain = plain and bool(node.uses) and node.uses <= {"len", "bool"} and set(node.filters) <= SIZES
    return plain and relation.refusal is None and counts_together(relation.model)


def _changing(node: PathNode, relation: Relation, scope: _Scope, model: type[Model]) -> bool:
    """Whether a row that some method of the manager gives may change the object that they belong to."""
    rows = [child for name, child in node.attrs.items() if name not in LIST_NAMES and not child.quiet]
    rows += [part for child in rows for part in (child.element, *child.indexes.values()) if part is not None]
    below = [part._replace(indexes={}, element=None) for part in rows if part.attrs or part.uses - ENTERED]
    if not below:
        return False
    spec = _bind(
        unsure(reduce(merge, below)), relation.model, scope.below(relation.accessor, relation, model)
    )
    return _changes_us(Many("", relation, "", spec))


def _picks(node: PathNode, relation: Relation, scope: _Scope) -> Iterator[Pick]:
    """What is asked of the first or the last rows alone."""
    for via, child in node.attrs.items() if picks_rows(relation.model) else ():
        if via in ("first", "last") and not child.quiet:
            read, top = child, 1
        elif via == "all" and _few(child):
            read, top = reduce(merge, child.indexes.values()), 1 + max(map(int, child.indexes))
        else:
            continue
        spec = _bind(read, relation.model, scope)
        if not any(
            below.kept or "esc" in below.uses for below in spec.walk()
        ):  # each use has an object of its own
            yield Pick(via, spec, top, child.conditional)


def _few(node: PathNode) -> bool:
    """Whether rows are read by a few indexes, and in no other way."""
    plain = not (node.quiet or node.attrs or node.element) and node.uses <= ENTERED
    plain = plain and set(node.filters) <= {"first"}
    return (
        plain and bool(node.indexes) and all(index.isdecimal() and len(index) < 3 for index in node.indexes)
    )


def _explicit_many(name: str, node: PathNode, relation: Relation, scope: _Scope) -> Many:
    """Rows whose names follow those of the relation, with or without ``all``."""
    via = "all" if "all" in asked_of(node) else ""
    below = node.attrs.get("all", PathNode())
    element = PathNode(attrs={key: child for key, child in node.attrs.items() if key != "all"})
    for part in (PathNode(attrs=below.attrs, where=below.where), below.element):
        element = merge(element, part) if part is not None else element
    return Many(name, relation, via, _bind(element, relation.model, scope), where=node.at)


def unknown(model: type[Model], name: str) -> str:
    """``Lease has no 'adress'; did you mean 'address'?``"""
    close = get_close_matches(name, names(model), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{model.__name__} has no {name!r}{hint}"


def _place(node: PathNode) -> tuple[str | None, int | None, int | None]:
    at = node.at
    return (at.file, at.line, at.column) if at else (None, None, None)

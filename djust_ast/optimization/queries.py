"""What dotted paths mean for a queryset of live objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Manager, Model, QuerySet

from djust_ast.binder import bind
from djust_ast.members import RelationMember, member
from djust_ast.paths import PathNode, from_paths
from djust_ast.specs import Many, Related, SerializerSpec
from djust_ast.states import NO_JOINS, queryset_of

AnyQuerySet = QuerySet[Any, Any]


@dataclass(frozen=True, slots=True)
class QueryOptimization:
    """What to join and what to prefetch, by the longest names: ``tenant__user`` stands for ``tenant`` too."""

    select_related: set[str] = field(default_factory=set)
    prefetch_related: set[str] = field(default_factory=set)

    def to_dict(self) -> dict[str, list[str]]:
        """Both as sorted lists."""
        return {
            "select_related": sorted(self.select_related),
            "prefetch_related": sorted(self.prefetch_related),
        }


def analyze_queryset_optimization(model: type[Model], paths: Iterable[str]) -> QueryOptimization:
    """What a queryset of ``model`` needs so that reading ``paths`` from its objects asks nothing more.

    To-many names may be followed by ``all`` or by their rows' names directly. A name that the model does not
    have ends its path: what stands before it still counts.

    >>> analyze_queryset_optimization(Lease, ["property.name", "tenant.user.email"]).to_dict()
    {'select_related': ['property', 'tenant__user'], 'prefetch_related': []}
    """
    spec = bind(_known(from_paths(paths), model), model, explicit=True)
    joins: set[str] = set()
    prefetches: set[str] = set()
    for kind, name in _relations(spec):
        (joins if kind == "join" else prefetches).add(name)
    return QueryOptimization(_longest(joins), _longest(prefetches))


def optimize_queryset(queryset: AnyQuerySet | Manager[Any], optimization: QueryOptimization) -> AnyQuerySet:
    """``queryset`` with the joins and prefetches added to its own.

    Where Django refuses them (``values()``, a union) or they would ask again (it was evaluated), it is
    ``queryset`` itself. Where only joins are refused (``only()``, ``select_for_update()``), the other side is
    prefetched instead.
    """
    found: AnyQuerySet = queryset_of(queryset)
    if _closed(found):
        return found
    joins, prefetches = optimization.select_related, set(optimization.prefetch_related)
    if joins and any(applies(found) for applies in NO_JOINS):
        prefetches |= _accessors(found.model, joins)
    elif joins:
        found = found.select_related(*sorted(joins))
    return found.prefetch_related(*sorted(prefetches)) if prefetches else found


def _closed(queryset: Any) -> bool:
    evaluated = queryset._result_cache is not None
    return bool(evaluated or queryset._fields is not None or queryset.query.combinator)


def _known(node: PathNode, model: type[Model]) -> PathNode:
    """``node`` without the names that ``model`` does not have, and all below them."""
    attrs = {}
    for name, child in node.attrs.items():
        match member(model, name):
            case None:
                continue
            case RelationMember(relation):
                rest = _known(child, relation.model)
                if relation.many and "all" in child.attrs:
                    rows = _known(child.attrs["all"], relation.model)
                    rest = rest._replace(attrs={**rest.attrs, "all": rows})
                attrs[name] = rest
            case _:
                attrs[name] = child
    return node._replace(attrs=attrs)


def _relations(
    spec: SerializerSpec, query: str = "", accessor: str = "", joinable: bool = True
) -> Iterator[tuple[str, str]]:
    """``("join" | "prefetch", name)`` of every relation: joins as queries name it, prefetches as attributes."""
    for m in spec.members:
        if not isinstance(m, Related | Many):
            continue
        relation = m.relation
        # Behind a to-many, and where a join may lose or invent objects, only a prefetch shows the same.
        joins = joinable and relation.joinable
        lookup, attribute = query + relation.lookup, accessor + relation.accessor
        yield ("join", lookup) if joins else ("prefetch", attribute)
        yield from _relations(m.spec, f"{lookup}__", f"{attribute}__", joins)


def _longest(names: set[str]) -> set[str]:
    return {name for name in names if not any(other.startswith(f"{name}__") for other in names)}


def _accessors(model: type[Model], lookups: set[str]) -> set[str]:
    """Names for ``prefetch_related`` of what ``lookups`` name for ``select_related``."""
    found = set()
    for lookup in lookups:
        cls, accessors = model, []
        for name in lookup.split("__"):
            relation: Any = cls._meta.get_field(name)
            accessors.append(relation.get_accessor_name() if relation.auto_created else relation.name)
            cls = relation.related_model
        found.add("__".join(accessors))
    return found

"""``mode="json"``: records as JSON-safe data, by the rules of ``DjangoJSONEncoder``.

Here, and only here, names in ``SENSITIVE_FIELDS`` are left out: this is data that leaves the process.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Page
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager
from django.db.models.query import FlatValuesListIterable, RawQuerySet, ValuesListIterable
from django.utils.functional import LazyObject

from djust_ast.conf import settings
from djust_ast.elements import backward
from djust_ast.paths import PathNode
from djust_ast.records import SWALLOWED, Record, called
from djust_ast.specs import (
    ENTERED,
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
)

_ANSWERS: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "exists": bool,
    "first": lambda rows: rows[0] if rows else None,
    "last": lambda rows: rows[-1] if rows else None,
}
_ENCODER = DjangoJSONEncoder()
_PLAIN = (str, int, float, bool, type(None))
_ROWS = (Sequence, Set, Iterator, QuerySet, RawQuerySet)


def eager(node: PathNode) -> PathNode:
    """``node`` with nothing left to a branch: data that leaves the process is complete.

    Rows that are only counted are there as well: JSON has no other way to be as long, or as true.
    """
    rows = node.attrs.get("all")
    if rows is not None and rows.uses:
        filters = () if backward(rows) else rows.filters
        rows = rows._replace(uses=rows.uses | {"iter"}, filters=filters)
        node = node._replace(attrs={**node.attrs, "all": rows})
    return node._replace(
        conditional=False,
        attrs={name: eager(child) for name, child in node.attrs.items()},
        indexes={name: eager(child) for name, child in node.indexes.items()},
        element=None if node.element is None else eager(node.element),
    )


def jsonify(record: Any, spec: SerializerSpec) -> Any:
    """The JSON-safe form of what a serializer of ``spec`` made."""
    if record is None:
        return None
    if isinstance(record, Model) and spec.live is None:
        record = Record(record, {})  # the plan left it to its owner
    result: dict[str, Any] = {}
    if spec.live is not None or not spec.uses <= ENTERED:
        instance = record._instance if isinstance(record, Record) else record
        result |= whole(instance)
        if spec.live is not None:
            return result
    for m in spec.spoken:
        if sensitive(m.name):
            continue
        match m:
            case Column() | Alias() | Inlined():
                result[m.name] = safe(record[m.name])
            case Related():
                try:
                    value = record[m.name]
                except (ObjectDoesNotExist, *SWALLOWED):
                    continue
                result[m.name] = jsonify(value, m.spec)
            case Many():
                rows = record[m.name]
                if isinstance(rows, BaseManager):
                    rows = {m.via: rows.all()} if m.via else rows.all()
                items = [jsonify(item, m.spec) for item in (rows[m.via] if m.via else rows)]
                answers = {ask: _ANSWERS[ask](items) for ask in m.asks}
                result[m.name] = {m.via: items} | answers if m.via else items
            case Counted():
                asked = record[m.name]
                if isinstance(asked, BaseManager):
                    asked = {ask: getattr(asked, ask)() for ask in (*m.asks, *(p.via for p in m.picks))}
                result[m.name] = {ask: called(asked[ask]) for ask in m.asks} | {
                    pick.via: _picked(called(asked[pick.via]), pick) for pick in m.picks
                }
            case Computed() | Missing():
                try:
                    value = called(record[m.name])
                except (ObjectDoesNotExist, KeyError, AttributeError):
                    continue
                if isinstance(m, Computed) and isinstance(m.rows, Many) and isinstance(value, BaseManager):
                    rows = getattr(value, m.rows.via)()
                    result[m.name] = {m.rows.via: [jsonify(item, m.rows.spec) for item in rows]}
                elif not callable(value):  # what Django refuses to call
                    result[m.name] = safe(value)
    return result


def _picked(found: Any, pick: Pick) -> Any:
    """The first or last row, or the first ones of all."""
    if pick.via != "all":
        return jsonify(found, pick.spec)
    return [jsonify(row, pick.spec) for row in found[: pick.top]]


def sensitive(name: str) -> bool:
    """Whether ``name`` must not leave the process, ``user__password`` included.

    It is compared as Python's tokenizer folds it, too.
    """
    denied = settings().SENSITIVE_FIELDS
    if name in denied:
        return True
    if name.isascii() and "__" not in name:
        return False
    folded = unicodedata.normalize("NFKC", name)
    return any(part in denied for part in (folded, *folded.split("__")))


def whole(instance: Model) -> dict[str, Any]:
    """What stands for an object that is used as a whole."""
    return {"pk": safe(instance.pk), "__str__": str(instance), "__model__": instance._meta.label}


def inside(lazy: LazyObject[Any]) -> Any:
    """What a lazy object wraps, loaded now."""
    isinstance(lazy, Model)  # asks for its class, and so loads it
    return lazy._wrapped


def safe(value: Any) -> Any:
    """``value`` as JSON knows it, without what is sensitive; what is JSON already stays as it is."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Model):
        return whole(value)
    if isinstance(value, Mapping):
        items = {str(key): item for key, item in value.items() if not callable(item)}
        found = {key: safe(item) for key, item in items.items() if not sensitive(key)}
        return _known(value._instance) | found if isinstance(value, Record) else found
    if isinstance(value, _PLAIN):
        return next(kind(value) for kind in (str, int, float) if isinstance(value, kind))
    try:
        return _ENCODER.default(value)
    except TypeError:
        if isinstance(value, Page):
            return safe(value.object_list)
        if isinstance(value, QuerySet):
            value = _without_secrets(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            value = _masked(value._fields, value)
        if isinstance(value, _ROWS):
            return [safe(item) for item in value]
        return str(value)


def _known(instance: Any) -> dict[str, Any]:
    """What a record says of its object, which is used as a whole."""
    found = safe(instance)
    return found if isinstance(found, dict) else {"__str__": str(instance)}


def _without_secrets(queryset: Any) -> Any:
    """The rows of ``values_list()`` with ``None`` in the place of what is sensitive; any other as it is."""
    if not issubclass(queryset._iterable_class, ValuesListIterable | FlatValuesListIterable):
        return queryset
    query = queryset.query
    names = [*(queryset._fields or (*query.extra_select, *query.values_select))]
    names += [name for name in query.annotation_select if name not in names]
    if not any(map(sensitive, names)):
        return queryset
    if issubclass(queryset._iterable_class, FlatValuesListIterable):
        return [None for _ in queryset]
    return [_masked(names, row) for row in queryset]


def _masked(names: Sequence[str], row: Sequence[Any]) -> list[Any]:
    return [None if sensitive(name) else item for name, item in zip(names, row, strict=True)]

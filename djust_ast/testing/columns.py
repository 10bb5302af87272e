"""Which columns plans fetch, and which of them a page reads."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from inspect import getattr_static
from typing import Any

from django.apps import apps
from django.db import connections
from django.db.models import Field, Model
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init

from djust_ast.testing.recording import Query, Report

_SELECT = re.compile(r"\bSELECT (?:DISTINCT )?(.*?) FROM \"(\w+)\"")
_ALIAS = re.compile(r'(?:FROM|JOIN) "(\w+)" (T\d+)')
_COLUMN = re.compile(r'"?(\w+)"?\."(\w+)"(?: AS "\w+")?')


@dataclass(slots=True)
class Reads:
    """What a page has read of its objects: the tables of which objects were made, and the columns."""

    tables: set[str] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)


@contextmanager
def reading() -> Iterator[Reads]:
    """What is read of the model instances that are made inside of the block.

    Their values are taken out, and given back when they are first asked for, as if they were deferred.
    """
    reads = Reads()

    def made(instance: Model, **_: Any) -> None:
        reads.tables.update(f.model._meta.db_table for f in instance._meta.concrete_fields)
        held = vars(instance)
        taken = {f.attname: (f, held.pop(f.attname)) for f in _taken(instance) if f.attname in held}
        if taken:
            held["refresh_from_db"] = partial(give, instance, taken)

    def give(instance: Model, taken: dict[str, Any], *args: Any, **options: Any) -> None:
        held = vars(instance)
        names: list[str] = list(options.get("fields") or ())
        refreshed = not names or not taken.keys() >= set(names)
        for name in list(taken) if refreshed else names:
            column, held[name] = taken.pop(name)
            reads.columns.add((column.model._meta.db_table, column.column))
        if refreshed:  # by the page itself
            del held["refresh_from_db"]
            instance.refresh_from_db(*args, **options)

    post_init.connect(made, weak=False)
    try:
        yield reads
    finally:
        post_init.disconnect(made)


def _taken(instance: Model) -> list[Field[Any, Any]]:
    """The columns that count: no keys, and none with a way of its own to be read."""
    keys = _keys(type(instance))
    return [
        f
        for f in instance._meta.concrete_fields
        if f.name not in keys and isinstance(getattr_static(type(instance), f.attname), DeferredAttribute)
    ]


@cache
def _keys(model: type[Model]) -> frozenset[str]:
    """The names of the columns by which rows are told, ordered to their parents, or joined."""
    meta: Any = model._meta
    keys = {f.name for f in meta.concrete_fields if f.primary_key or f.is_relation}
    keys.update(f.name for f in getattr(meta, "pk_fields", ()))
    keys.update(name for f in meta.private_fields for name in (getattr(f, "fk_field", None),) if name)
    keys.update(name for related in meta.related_objects for _, name in _ends(related.field))
    return frozenset(keys)


def _ends(key: Any) -> list[tuple[str, str]]:
    return [(own.name, other.name) for own, other in getattr(key, "related_fields", ())]


def unused(report: Report, reads: Reads) -> dict[str, list[str]]:
    """The columns by model that the planned queries of ``report`` fetched, and nothing has read."""
    names = {
        (f.model._meta.db_table, f.column): (model.__name__, f.name)
        for model in apps.get_models()
        if not model._meta.proxy
        for f in model._meta.local_concrete_fields
        if f.name not in _keys(model)
    }
    found: dict[str, list[str]] = defaultdict(list)
    for column in dict.fromkeys(column for query in report.planned for column in _fetched(query, reads)):
        if column not in reads.columns and column in names:
            model, name = names[column]
            found[model].append(name)
    return dict(found)


def _fetched(query: Query, reads: Reads) -> Iterator[tuple[Any, Any]]:
    """The columns that a query gives, if objects of its own table were made at all."""
    quote = connections[query.using].ops.quote_name("x")
    sql = query.sql.replace(quote[0], '"').replace(quote[-1], '"')
    tables = {alias: table for table, alias in _ALIAS.findall(sql)}
    for selected, main in _SELECT.findall(sql):
        if main in reads.tables:
            for match in filter(None, map(_COLUMN.fullmatch, _items(selected))):
                yield tables.get(match[1], match[1]), match[2]


def _items(selected: str) -> Iterator[str]:
    """The parts between the commas that are in no brackets."""
    depth, item = 0, ""
    for letter in selected:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            yield item.strip()
            item = ""
        else:
            item += letter
    yield item.strip()

"""What runs inside of a block, and who asked for it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created

from djust_ast.attribution import Origin, origin
from djust_ast.integrations import context as serving

_SAVEPOINTS = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Query:
    """A query that ran, on the database ``using``, and who asked for it."""

    sql: str
    params: str
    origin: Origin
    using: str = "default"


@dataclass(slots=True)
class Report:
    """What ran inside of a block; ``declined`` is what djust_ast left to plain Django, and why."""

    queries: list[Query] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    @property
    def planned(self) -> list[Query]:
        """The queries that a plan asked for."""
        return [query for query in self.queries if query.origin.kind == "planned"]

    @property
    def missed(self) -> list[Query]:
        """The queries of what a template loads row by row: objects lazily, or one queryset after the other."""
        return [query for query in self.queries if query.origin.kind == "missed" or self._by_row(query)]

    @property
    def unplanned(self) -> list[Query]:
        """The queries of templates that no plan asked for.

        A queryset that a template itself evaluates is none, where djust_ast was asked and let it pass, nor is
        what a lazy object of the view, such as ``request.user``, needs to be made.
        """
        return [query for query in self.queries if self._unplanned(query)]

    def _unplanned(self, query: Query) -> bool:
        if query.origin.kind == "fetched" and query.origin.template in self.files:
            return self._by_row(query)
        return query.origin.kind in ("missed", "asked", "fetched")

    def _by_row(self, query: Query) -> bool:
        """Whether it is one of several in a loop, which differ in nothing but their parameters."""
        return query.origin.looped and any(
            (other.origin, other.sql) == (query.origin, query.sql) and other.params != query.params
            for other in self.queries
        )

    def __str__(self) -> str:
        return "\n".join(statements(self.queries))

    # What serving.observers are told.

    def serves(self, name: str, files: Collection[str]) -> None:
        """A template is served."""
        self.files.update((name, *files))

    def declines(self, text: str) -> None:
        """Something is left to plain Django."""
        if text not in self.declined:
            self.declined.append(text)


@contextmanager
def recording() -> Iterator[Report]:
    """A report of every query inside of the block."""
    report = Report()
    wrapped: list[Any] = []

    def record(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not str(sql).startswith(_SAVEPOINTS):
            using = context["connection"].alias
            report.queries.append(Query(str(sql), repr(params), origin(sys._getframe(1)), using))
        return execute(sql, params, many, context)

    def wrap(connection: Any, **_: Any) -> None:
        if record not in connection.execute_wrappers:
            connection.execute_wrappers.append(record)
            wrapped.append(connection)

    for connection in connections.all(initialized_only=True):
        wrap(connection)
    connection_created.connect(wrap)
    serving.observers.append(report)
    try:
        yield report
    finally:
        serving.observers.remove(report)
        connection_created.disconnect(wrap)
        for connection in wrapped:
            connection.execute_wrappers.remove(record)


def statements(queries: list[Query]) -> list[str]:
    """Each statement with where it comes from, a line each."""
    counted = Counter((query.origin.place or query.origin.kind, query.sql) for query in queries)
    lines = [f"    {count} x {where}: {sql}" for (where, sql), count in counted.items()]
    more = len(lines) - MAX_SHOWN
    return [*lines[:MAX_SHOWN], f"    and {more} more"] if more > 0 else lines


def times(count: int, noun: str) -> str:
    """``1 query``, ``2 queries``."""
    return f"1 {noun}" if count == 1 else f"{count} {noun[:-1]}ies"

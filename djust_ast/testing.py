"""For tests of pages: nothing is loaded row by row, and what runs was planned.

::

    from djust_ast.testing import assert_planned


    def test_leases(client):
        with assert_planned(max_queries=2):
            client.get("/leases/")

Queries are recorded, never refused: an exception inside ``{% if %}`` is swallowed by Django's templates, which
would then take the other branch. Seen are all databases of the thread that runs the block, and every connection
that is made meanwhile.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created

from djust_ast.attribution import Kind, Origin, origin
from djust_ast.integrations import context as serving

__all__ = ["PlannedAssertions", "Query", "Report", "assert_no_missed_paths", "assert_planned"]

_SAVEPOINTS = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
MAX_SHOWN = 20
HELP: dict[Kind, str] = {
    "missed": "explain(template, context) tells what is planned, and which tag or body keeps it from knowing more",
    "asked": "annotate or prefetch it in the view, or allow it: allow=[{allow!r}]",
    "fetched": "prefetch it in the view",
}
UNKNOWN = "no plan knows this template: pass its context through serialize_context(), or use a LiveView"


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
        return "\n".join(_all(self.queries))

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


@contextmanager
def assert_planned(max_queries: int | None = None, *, allow: Collection[str] = ()) -> Iterator[Report]:
    """Fail unless every query that a template runs was planned, and nothing was left to plain Django.

    ``max_queries`` bounds all queries of the block, those of the view included; savepoints do not count.
    ``allow`` names what may ask the database by itself: ``"Lease.overdue"``, a tag's function, or what is asked,
    ``"Payment.count()"``.
    """
    with recording() as report:
        yield report
    problems = _problems([query for query in report.unplanned if not _allowed(query.origin, allow)], report)
    problems += [f"{text}\n    help: see docs/plans.md for the reasons" for text in report.declined]
    if max_queries is not None and len(report.queries) > max_queries:
        problems.append(f"{_times(len(report.queries), 'query')}, more than {max_queries}:")
        problems += _all(report.queries)
    _fail(problems, report)


@contextmanager
def assert_no_missed_paths(*, allow: Collection[str] = ()) -> Iterator[Report]:
    """Fail where an object loads something row by row that a plan should have fetched.

    What bodies and tags ask the database by themselves is not looked at, nor what is left to plain Django as long
    as nothing is loaded lazily. ``allow`` is that of ``assert_planned()``.
    """
    with recording() as report:
        yield report
    _fail(_problems([query for query in report.missed if not _allowed(query.origin, allow)], report), report)


class PlannedAssertions:
    """The same for ``django.test.TestCase``: a mixin."""

    def assertPlanned(  # noqa: N802 - as TestCase names them
        self, max_queries: int | None = None, *, allow: Collection[str] = ()
    ) -> AbstractContextManager[Report]:
        """``assert_planned()``."""
        return assert_planned(max_queries, allow=allow)

    def assertNoMissedPaths(  # noqa: N802
        self, *, allow: Collection[str] = ()
    ) -> AbstractContextManager[Report]:
        """``assert_no_missed_paths()``."""
        return assert_no_missed_paths(allow=allow)


def _allowed(found: Origin, allow: Collection[str]) -> bool:
    return found.member in allow or found.what in allow


def _fail(problems: list[str], report: Report) -> None:
    if problems:
        head = f"{_times(len(report.queries), 'query')}, of which plans asked for {len(report.planned)}"
        raise AssertionError("\n".join([head, *problems]))


def _problems(queries: list[Query], report: Report) -> list[str]:
    """Each origin with its queries and what to do."""
    groups: dict[Origin, list[str]] = {}
    for query in queries:
        groups.setdefault(query.origin, []).append(query.sql)
    return ["\n".join(_problem(found, sql, found.template in report.files)) for found, sql in groups.items()]


def _problem(found: Origin, statements: list[str], served: bool) -> Iterator[str]:
    where = found.place or "outside of a template"
    yield f"{where}: {found.expression}" if found.expression else where
    what = f"{found.member} reads {found.what}" if found.member else f"{found.what} is read"
    yield f"    {what}: {_times(len(statements), 'query')}"
    for sql, count in Counter(statements).items():
        yield f"      {count} x {sql}"
    yield f"    help: {_help(found) if served else UNKNOWN}"


def _help(found: Origin) -> str:
    model, _, name = found.what.partition(".")
    if found.kind == "missed" and found.member:
        if found.member.partition(".")[0] == model:
            return f'@reads("{name.partition(".")[0]}") on {found.member}'
        return (
            f'@reads("...__{name.partition(".")[0]}") on {found.member}, with the way that leads to {model}'
        )
    return HELP[found.kind].format(allow=found.member or found.what)


def _all(queries: list[Query]) -> list[str]:
    """Each statement with where it comes from, a line each."""
    counted = Counter((query.origin.place or query.origin.kind, query.sql) for query in queries)
    lines = [f"    {count} x {where}: {sql}" for (where, sql), count in counted.items()]
    more = len(lines) - MAX_SHOWN
    return [*lines[:MAX_SHOWN], f"    and {more} more"] if more > 0 else lines


def _times(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun[:-1]}ies"

"""Nothing is loaded row by row, and what runs was planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from djust_ast.attribution import Kind, Origin
from djust_ast.testing.recording import Query, Report, recording, statements, times

HELP: dict[Kind, str] = {
    "missed": "explain(template, context) tells what is planned, and which tag or body keeps it from knowing more",
    "asked": "annotate or prefetch it in the view, or allow it: allow=[{allow!r}]",
    "fetched": "prefetch it in the view",
}
UNKNOWN = "no plan knows this template: pass its context through serialize_context(), or use a LiveView"


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
        problems.append(f"{times(len(report.queries), 'query')}, more than {max_queries}:")
        problems += statements(report.queries)
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


def _allowed(found: Origin, allow: Collection[str]) -> bool:
    return found.member in allow or found.what in allow


def _fail(problems: list[str], report: Report) -> None:
    if problems:
        head = f"{times(len(report.queries), 'query')}, of which plans asked for {len(report.planned)}"
        raise AssertionError("\n".join([head, *problems]))


def _problems(queries: list[Query], report: Report) -> list[str]:
    """Each origin with its queries and what to do."""
    groups: dict[Origin, list[str]] = {}
    for query in queries:
        groups.setdefault(query.origin, []).append(query.sql)
    return ["\n".join(_problem(found, sql, found.template in report.files)) for found, sql in groups.items()]


def _problem(found: Origin, asked: list[str], served: bool) -> Iterator[str]:
    where = found.place or "outside of a template"
    yield f"{where}: {found.expression}" if found.expression else where
    what = f"{found.member} reads {found.what}" if found.member else f"{found.what} is read"
    yield f"    {what}: {times(len(asked), 'query')}"
    for sql, count in Counter(asked).items():
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

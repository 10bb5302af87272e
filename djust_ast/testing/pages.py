"""A page beside the page that plain Django renders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings
from django.db import connections, transaction
from django.template.context import make_context
from django.test.utils import override_settings

from djust_ast.integrations.context import serialize_context, template_of
from djust_ast.testing.columns import reading, unused
from djust_ast.testing.places import first_difference, rendered
from djust_ast.testing.recording import Report, recording, statements, times

Page = str | Any | Callable[[], object]
Context = Callable[[], Mapping[str, Any]]

AROUND = 60  # characters of the page that are shown before and after a difference
# Django masks its secret anew for every page.
_CSRF = re.compile(r'(name="csrfmiddlewaretoken" value=")\w{64}')


@dataclass(frozen=True, slots=True)
class SamePage:
    """What plain Django asked the database for a page, and what we did."""

    plain: Report
    planned: Report


@dataclass(frozen=True, slots=True)
class _Run:
    text: str
    report: Report


def assert_same_page(
    page: Page,
    context: Context | None = None,
    *,
    change: Callable[[], object] | None = None,
    columns: Literal["used"] | None = None,
) -> SamePage:
    """Fail unless a page is plain Django's, byte for byte, with no more queries.

    ``page`` is a function that gives it, as text or a response: ``lambda: client.get("/leases/")``; or a template, or
    the name of one, and ``context`` the function that gives its context, for each run needs objects of its own. It is
    rendered twice, without and with plans, from the same data: in one transaction, ``REPEATABLE READ`` on PostgreSQL
    unless one is open, and what a run changes is undone.

    ``change`` changes the data, and both are rendered again: what shows the old page has kept data. This is undone.

    ``columns="used"`` fails where plans fetch what the page does not read, as ``unused_columns()`` tells.
    """
    make = _made(page, context)
    with _undone(first=True):
        plain, planned = _both(make, "")
        if change is not None:
            with _undone():
                change()
                changed, _ = _both(make, " after the data has changed")
            if changed.text == plain.text:
                raise AssertionError("change() does not show on the page, so nothing is known of old data")
        found = _unused(make, planned) if columns == "used" else {}
        if found:
            lines = [f"    {model}: {', '.join(names)}" for model, names in found.items()]
            raise AssertionError(
                "\n".join(["fetched, and not read:", *lines, *statements(planned.report.planned)])
            )
    return SamePage(plain.report, planned.report)


def unused_columns(page: Page, context: Context | None = None) -> dict[str, list[str]]:
    """The columns that plans fetch and the page does not read, by model: ``{"Lease": ["notes"]}``.

    ``page`` and ``context`` are those of ``assert_same_page()``. What is read is seen while plain Django renders, in
    the branches that this page takes, bodies of properties and methods included. Keys are not counted, nor the rows
    of a query whose own objects plain Django never made, since then nothing of them could be read.
    """
    make = _made(page, context)
    with _undone(first=True):
        return _unused(make, _run(make, planned=True))


def _unused(make: Callable[[], object], planned: _Run) -> dict[str, list[str]]:
    with reading() as reads:
        seen = _run(make, planned=False)
    if seen.text != planned.text:
        raise AssertionError("the page changes as its columns are watched, so nothing is known of them")
    return unused(planned.report, reads)


def _both(make: Callable[[], object], when: str) -> tuple[_Run, _Run]:
    """The page without and with plans, which are the same."""
    plain, planned = _run(make, planned=False), _run(make, planned=True)
    if plain.text != planned.text:
        if _run(make, planned=False).text != plain.text:
            raise AssertionError("plain Django's own page differs from run to run: take out what does")
        raise AssertionError(
            "\n".join([f"this is not plain Django's page{when}", *_told(make, plain, planned)])
        )
    ours, theirs = planned.report.queries, plain.report.queries
    if len(ours) > len(theirs):
        head = f"{times(len(ours), 'query')}{when}, and plain Django needs {len(theirs)}:"
        raise AssertionError("\n".join([head, *statements(ours), "plain Django's:", *statements(theirs)]))
    return plain, planned


def _told(make: Callable[[], object], plain: _Run, planned: _Run) -> Iterator[str]:
    """Where two pages part, and the text around."""
    with rendered() as theirs:
        _run(make, planned=False)
    with rendered() as ours:
        _run(make, planned=True)
    yield first_difference(theirs, ours) or "outside of a template"
    pairs = zip(plain.text, planned.text, strict=False)
    at = next((at for at, (one, other) in enumerate(pairs) if one != other), None)
    at = min(len(plain.text), len(planned.text)) if at is None else at
    part = slice(max(0, at - AROUND), at + AROUND)
    yield f"    plain Django: {plain.text[part]!r}"
    yield f"    planned:      {planned.text[part]!r}"


def _run(make: Callable[[], object], *, planned: bool) -> _Run:
    ours = {**getattr(settings, "DJUST_AST", {}), "ENABLED": planned}
    with _undone(), override_settings(DJUST_AST=ours), recording() as report:
        text = _text(make())
    return _Run(text, report)


def _made(page: Page, context: Context | None) -> Callable[[], object]:
    """The function that gives the page."""
    if context is None:
        if not callable(page):
            raise TypeError(
                "a template needs its context: a function that gives one, as each run needs its own"
            )
        return page
    template = template_of(page)

    def make() -> str:
        values = serialize_context(template, context())
        return str(template.render(make_context(values, autoescape=template.engine.autoescape)))

    return make


def _text(page: Any) -> str:
    if callable(getattr(page, "render", None)):
        page = page.render()
    content = b"".join(page) if getattr(page, "streaming", False) else getattr(page, "content", None)
    status = getattr(page, "status_code", 200)
    text = str(page) if content is None else content.decode(page.charset)
    return _CSRF.sub(r"\1", text if status == 200 else f"{status}\n{text}")


@contextmanager
def _undone(*, first: bool = False) -> Iterator[None]:
    """A transaction in every database that is in use, or a savepoint, which is rolled back in the end."""
    with ExitStack() as stack:
        for connection in connections.all(initialized_only=True):
            forbidden = hasattr(connection.cursor, "wrapped")  # by TestCase.databases
            if forbidden or connection.connection is None:
                continue
            alone = first and not connection.in_atomic_block
            stack.enter_context(transaction.atomic(using=connection.alias))
            stack.callback(transaction.set_rollback, True, connection.alias)
            if alone and connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield

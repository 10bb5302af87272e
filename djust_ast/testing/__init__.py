"""For tests of pages: what runs was planned, and the page is plain Django's.

::

    from djust_ast.testing import assert_planned, assert_same_page


    def test_leases(client):
        with assert_planned(max_queries=2):
            client.get("/leases/")
        assert_same_page(lambda: client.get("/leases/"))

Queries are recorded, never refused: an exception inside ``{% if %}`` is swallowed by Django's templates, which
would then take the other branch. Seen are all databases of the thread that runs the block, and every connection
that is made meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Literal

from djust_ast.testing.pages import Context, Page, SamePage, assert_same_page, unused_columns
from djust_ast.testing.planned import assert_no_missed_paths, assert_planned
from djust_ast.testing.recording import Query, Report, recording

__all__ = [
    "PlannedAssertions",
    "Query",
    "Report",
    "SamePage",
    "assert_no_missed_paths",
    "assert_planned",
    "assert_same_page",
    "recording",
    "unused_columns",
]


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

    def assertSamePage(  # noqa: N802
        self,
        page: Page,
        context: Context | None = None,
        *,
        change: Callable[[], object] | None = None,
        columns: Literal["used"] | None = None,
    ) -> SamePage:
        """``assert_same_page()``."""
        return assert_same_page(page, context, change=change, columns=columns)

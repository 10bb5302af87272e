"""The fixtures of ``djust_ast.testing``: ``pytest_plugins = ["djust_ast.pytest_plugin"]`` in the top ``conftest.py``.

No entry point: a project that does not ask for them loads nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from djust_ast.testing import Report, SamePage


@pytest.fixture
def assert_planned() -> Callable[..., AbstractContextManager[Report]]:
    """``djust_ast.testing.assert_planned``: fail unless every query that a template runs was planned."""
    from djust_ast import testing

    return testing.assert_planned


@pytest.fixture
def assert_no_missed_paths() -> Callable[..., AbstractContextManager[Report]]:
    """``djust_ast.testing.assert_no_missed_paths``: fail where something is loaded row by row."""
    from djust_ast import testing

    return testing.assert_no_missed_paths


@pytest.fixture
def assert_same_page() -> Callable[..., SamePage]:
    """``djust_ast.testing.assert_same_page``: fail unless a page is plain Django's, with no more queries."""
    from djust_ast import testing

    return testing.assert_same_page


@pytest.fixture
def no_missed_paths() -> Iterator[Report]:
    """The same around the whole test: ``pytestmark = pytest.mark.usefixtures("no_missed_paths")``."""
    from djust_ast import testing

    with testing.assert_no_missed_paths() as report:
        yield report

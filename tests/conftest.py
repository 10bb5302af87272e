import pytest
from django.db import connections

from djust_ast.demo.seed import is_seeded, seed


@pytest.fixture(autouse=True)
def _queries_are_counted_anew():
    """The log of a connection holds 9,000 queries; a full one counts no more of them."""
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()


@pytest.fixture(scope="session")
def _seeded(django_db_setup, django_db_blocker):
    """The rows of the demo, outside of any test's transaction, so that they are made once."""
    with django_db_blocker.unblock():
        seed()


@pytest.fixture
def agency(_seeded, db):
    """The rental agency of the demo; what a test changes is undone."""
    if not is_seeded():  # a test with real transactions has flushed the tables
        seed()

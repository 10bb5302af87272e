"""Generated code carries the place of the template that asked for each value."""

import traceback

import pytest
from django.template import Template

from djust_ast import explain, serialize_context
from djust_ast.demo.rentals.models import Lease

pytestmark = pytest.mark.django_db

SOURCE = """{% for lease in leases %}
  {{ lease.rent }}
  {{ lease.property.name }}
  {% for payment in lease.payments.all %}{{ payment.amount }}{% endfor %}
{% endfor %}
"""


def places(function):
    """The lines and columns, from 1, of all instructions of a function and the functions inside it."""
    found = set()
    for code in (function.__code__, *(c for c in function.__code__.co_consts if hasattr(c, "co_positions"))):
        found |= {(line, column + 1, end + 1) for line, _, column, end in code.co_positions() if line}
    return found


@pytest.mark.parametrize("route", ["auto", "instances"])
def test_every_value_is_read_where_the_template_asks_for_it(route, settings):
    settings.DJUST_AST = {"ROUTE": route}
    compiled = explain(Template(SOURCE, name="rentals/board.html"), {"leases": Lease}).roots[0].compiled
    assert compiled.function.__code__.co_filename == "rentals/board.html"
    lines = SOURCE.splitlines()
    spans = {lines[line - 1][start - 1 : end - 1] for line, start, end in places(compiled.function)}
    assert {"lease.rent", "lease.property.name", "lease.payments"} <= spans


def test_a_traceback_points_into_the_template(agency, monkeypatch):
    def broken(relation, keys, db):
        raise RuntimeError("the database is on fire")

    monkeypatch.setattr("djust_ast.fetch.rows._by_key", broken)
    with pytest.raises(RuntimeError) as caught:
        serialize_context(Template(SOURCE, name="rentals/board.html"), {"leases": Lease.objects.all()})
    frames = [
        f for f in traceback.extract_tb(caught.value.__traceback__) if f.filename == "rentals/board.html"
    ]
    assert frames[-1].lineno == 4
    assert frames[-1].colno is not None
    line = SOURCE.splitlines()[3]
    assert line[frames[-1].colno : frames[-1].end_colno] == "lease.payments"

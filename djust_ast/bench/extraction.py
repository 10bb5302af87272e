"""From a template's source to the JSON of its paths, against Django's own compilation of it."""

from __future__ import annotations

from typing import Any

from django.template import Template

from djust_ast import _extractor, extract
from djust_ast.bench.timing import Case, Contestant, DifferentResultError, Stage, Target, measure
from djust_ast.registry import stock_registry

JSON, TREE = "djust_ast: to JSON", "djust_ast: to a tree of nodes"
ROOT = "leases"
BLOCK = """
<section class="card{% if first %} first{% endif %}">
  <h2>{{ title|title }}: {{ NAME|length }} lease{{ NAME|length|pluralize }}</h2>
  {% for lease in NAME %}
  <tr>
    <td>{{ lease.property.name|default:"no name" }}, {{ lease.property.owner.user.email }}</td>
    <td>{% if lease.tenant.user.is_active and not lease.end %}{{ lease.tenant.user.first_name }}{% endif %}</td>
    <td>{{ lease.rent|floatformat:2 }}{% if lease.end %} until {{ lease.end|date:"j M Y" }}{% endif %}</td>
    {% for payment in lease.payments.all %}<td>{{ payment.amount }} {{ payment.get_status_display }}</td>{% endfor %}
  </tr>
  {% empty %}<p>None.</p>{% endfor %}
</section>
"""
PATHS = [
    "end",
    "payments.all.amount",
    "payments.all.get_status_display",
    "property.name",
    "property.owner.user.email",
    "rent",
    "tenant.user.first_name",
    "tenant.user.is_active",
]


def template(size: int) -> str:
    """A page of ``size`` bytes: as many lists as fit, and plain text."""
    count = size // (len(BLOCK) + 4)
    blocks = "".join(BLOCK.replace("NAME", f"{ROOT}_{n}") for n in range(count))
    return blocks + "." * (size - len(blocks))


def stage(rounds: int) -> Stage:
    """The times of a small and a large template."""
    cases = [_case(size, rounds) for size in (1_024, 5_120)]
    target = Target("paths of a 5 KB template, from Python to JSON", 1_000, cases[-1][JSON].wall, "µs")
    return Stage("Extraction", tuple(cases), (target,))


def _case(size: int, rounds: int) -> Case:
    source = template(size)
    _check(source)
    registry = stock_registry()

    def to_json(_: Any) -> bytes:
        return _extractor.extract(source, None, registry).json()

    return measure(
        f"a template of {size / 1024:.0f} KB",
        [
            Contestant("Django: Template(source)", lambda _: Template(source)),
            Contestant(JSON, to_json),
            Contestant(TREE, lambda _: extract(source).roots),
        ],
        rounds,
        unit="µs",
        repeat=10,
    )


def _check(source: str) -> None:
    """Every list of the page must have been read whole."""
    roots = extract(source).dotted()
    lists = {name: paths for name, paths in roots.items() if name.startswith(ROOT)}
    if not lists or any(paths != PATHS for paths in lists.values()):
        raise DifferentResultError(f"the extractor read {roots}")

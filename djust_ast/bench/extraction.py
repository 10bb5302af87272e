"""From a template's source to the JSON of its paths, against Django's own compilation of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
from django.template import Engine, Template, TemplateSyntaxError

import djust_ast
from djust_ast import _extractor, extract, nodewalk
from djust_ast.bench.instructions import count
from djust_ast.bench.timing import Case, Contestant, DifferentResultError, Stage, Target, measure
from djust_ast.registry import registry_for, stock_registry

DJANGO, JSON, TREE = "Django: Template(source)", "djust_ast: to JSON", "djust_ast: to a tree of nodes"
WALK = "djust_ast: a walk of compiled nodes"
DJUST = "djust: extract_template_variables(source)"
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


HOSTILE = {
    "120 KB of tags that never close": "{{ " * 40_000,
    "100 KB of one variable of a loop": "{% for x in xs %}" + "{{ x.name }}" * 8_500 + "{% endfor %}",
}


def stage(rounds: int) -> Stage:
    """The times of made-up templates of two sizes, of real ones, and of hostile ones."""
    made = [_made(size, rounds) for size in (1_024, 5_120)]
    sources = real_sources()
    median = sorted((source for source in sources if 700 <= len(source) <= 1_500), key=len)
    typical = median[len(median) // 2]
    real = _real(f"{len(sources)} templates of Django and the demo", sources, rounds)
    page = _real(f"a template of {len(typical)} bytes", [typical], rounds, repeat=20)
    hostile = [_hostile(title, source, rounds) for title, source in HOSTILE.items()]
    targets = [
        Target("paths of a 5 KB template, from Python to JSON", 1_000, made[-1][JSON].wall, "µs"),
        Target("paths of real templates, of Template()'s time", 1 / 50, real[JSON].ratio, ""),
        Target("paths of a real template of about 1 KB, to JSON", 8, page[JSON].best, "µs"),
        *(Target(case.title, 2_000, case[JSON].best, "µs") for case in hostile),
    ]
    alone: tuple[str, ...] = ("djust is not compared with: pip install 'djust-ast[peers]' installs it",)
    if any(outcome.name == DJUST for outcome in real.outcomes):
        alone = ()
        ratio = real[JSON].best / real[DJUST].best
        targets.insert(2, Target("paths of real templates, of djust's time", 1 / 10, ratio, ""))
    return Stage("Extraction", (*made, real, page, *hostile), tuple(targets), (count(sources), *alone))


def real_sources() -> list[str]:
    """The templates that Django and the demo ship, as far as they compile in a project of the demo's settings."""
    roots = [Path(module.__file__ or "").parent for module in (django, djust_ast)]
    files = [file for root in roots for file in sorted(root.rglob("templates/**/*")) if file.is_file()]
    return [source for file in files if _compiles(source := file.read_text(encoding="utf-8"))]


def _compiles(source: str) -> bool:
    try:
        Template(source)
    except TemplateSyntaxError:
        return False
    return True


def _extracting(sources: Sequence[str]) -> Callable[[Any], list[bytes]]:
    registry = registry_for(Engine.get_default())
    return lambda _: [_extractor.extract(source, None, registry).json() for source in sources]


def _walking(sources: Sequence[str]) -> Callable[[Any], list[bytes]]:
    compiled = [nodewalk.Loaded(None, source, Template(source)) for source in sources]
    return lambda _: [nodewalk.walk(loaded, None, env="") for loaded in compiled]


def _real(title: str, sources: Sequence[str], rounds: int, repeat: int = 1) -> Case:
    contestants = [
        Contestant(DJANGO, lambda _: [Template(source) for source in sources]),
        Contestant(JSON, _extracting(sources)),
        # On top of Template(): where the extractor cannot be used, Django has compiled the page anyway.
        Contestant(WALK, _walking(sources)),
    ]
    if find_spec("djust") is not None:
        variables = import_module("djust._rust").extract_template_variables
        contestants.append(Contestant(DJUST, lambda _: [variables(source) for source in sources]))
    return measure(title, contestants, rounds, unit="µs a template", units=len(sources), repeat=repeat)


def _hostile(title: str, source: str, rounds: int) -> Case:
    return measure(title, [Contestant(JSON, _extracting([source]))], rounds, unit="µs", repeat=3)


def _made(size: int, rounds: int) -> Case:
    source = template(size)
    _check(source)
    registry = stock_registry()

    def to_json(_: Any) -> bytes:
        return _extractor.extract(source, None, registry).json()

    return measure(
        f"a template of {size / 1024:.0f} KB",
        [
            Contestant(DJANGO, lambda _: Template(source)),
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

"""Where a filter misses its argument in a condition, Django does not read on, and says nothing of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.humanize.templatetags import humanize
from django.template import Context, Engine, TemplateSyntaxError, defaultfilters
from django.templatetags import tz

from djust_ast.registry import stock_libraries
from tests.recorder import ELEMENT, walk
from tests.test_nodewalk import extracted, walked

GONE = "gone"


class Seen:
    """A value of which every path is there, but those to ``gone``."""

    def __init__(self, path: str, log: set[str]) -> None:
        self.path, self.log = path, log

    def __getitem__(self, name: str) -> Seen:
        if name == GONE:
            raise KeyError(name)
        path = f"{self.path}.{name}"
        self.log.add(path)
        return Seen(path, self.log)

    def __contains__(self, other: object) -> bool:
        return False


class Names(dict[str, Any]):
    """A context that has every name but ``gone``."""

    def __init__(self) -> None:
        super().__init__()
        self.log: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return name not in (GONE, "forloop", "x")

    def __getitem__(self, name: str) -> Seen:
        if name not in self:
            raise KeyError(name)
        self.log.add(name)
        return Seen(name, self.log)


def looked_up(engine: Engine) -> set[str]:
    """Return the paths that Django looks up while ``gone`` is not there."""
    names = Names()
    context = Context()
    context.dicts.append(names)
    engine.get_template("page").render(context)
    return names.log


def unconditional(tree: dict[str, Any]) -> set[str]:
    """Return the paths that are announced as read in any case."""
    return {
        ".".join(path)
        for path, node in walk(tree)
        if node.get("u") and not node.get("c") and GONE not in path and ELEMENT not in path
    }


@pytest.fixture(params=[extracted, walked], ids=["extractor", "walk"])
def reader(request):
    return request.param


@pytest.mark.parametrize(
    ("source", "certain"),
    [
        pytest.param("{% if a.b == c.d %}{% endif %}", "a.b c.d", id="no-filter"),
        pytest.param(
            "{% if a.b|add:'x'|length > c.d %}{% endif %}", "a.b c.d", id="filters-that-never-raise"
        ),
        pytest.param("{% if a.b|default:None == c.d %}{% endif %}", "a.b c.d", id="constant"),
        pytest.param(
            "{% with x=a.b %}{% if c.d|default:x|default:e.f %}{% endif %}{% endwith %}",
            "a.b c.d e.f",
            id="bound-name",
        ),
        pytest.param("{% if a.b|default:gone == c.d %}{% endif %}", "", id="compared"),
        pytest.param("{% if a.b|default:gone.x in c.d %}{% endif %}", "", id="looked-for"),
        pytest.param("{% if a.b|default:gone is c.d %}{% endif %}", "", id="identity"),
        pytest.param("{% if a.b|cut:gone|cut:c.d %}{% endif %}", "", id="next-filter"),
        pytest.param("{% if a.b|default:c.d|default:e.gone %}{% endif %}", "c.d", id="last-filter"),
        pytest.param("{% if a.b|cut:gone and c.d %}{% endif %}", "", id="and"),
        pytest.param("{% if not a.b|cut:gone == c.d %}{% endif %}", "", id="not"),
        pytest.param("{% if a.b|cut:gone == c.d == e.f %}{% endif %}", "e.f", id="an-operator-catches"),
        pytest.param("{% if a.b == c.d|cut:gone in e.f %}{% endif %}", "a.b e.f", id="right-side"),
        pytest.param("{% if a.b %}{% elif c.d|cut:gone == e.f %}{% endif %}", "a.b", id="elif"),
        pytest.param("{% if a.b|divisibleby:2 == c.d %}{% endif %}", "a.b", id="filter-that-raises"),
        pytest.param('{% include "part" with x=a.b only %}', "a.b a.b.d a.b.e", id="unbound-behind-a-wall"),
        pytest.param("{% widthratio a.b|cut:gone c.d 100 as x %}{{ x.y }}", "", id="widthratio"),
        pytest.param("{% widthratio a.b c.d|cut:gone e.f %}", "a.b", id="widthratio-second"),
    ],
)
def test_what_comes_after_is_conditional(reader, source, certain):
    part = "{% if x.c|cut:gone == x.d %}{% endif %}{{ x }}{% if x.e == x.d %}{% endif %}"
    engine = Engine(loaders=[("django.template.loaders.locmem.Loader", {"page": source, "part": part})])
    announced = unconditional(reader(engine, "page"))
    assert announced == set(certain.split())
    assert announced <= looked_up(engine)


FILTERS = sorted({**defaultfilters.register.filters, **humanize.register.filters, **tz.register.filters})


@pytest.mark.parametrize("name", FILTERS)
def test_both_readers_know_which_filters_raise(name):
    source = "{%% load humanize tz %%}{%% if a.b|%s == c.d %%}{%% endif %%}"
    libraries = stock_libraries()
    certain = []
    for argument in ("", ":'x'"):
        files = {"page": source % (name + argument)}
        engine = Engine(loaders=[("django.template.loaders.locmem.Loader", files)], libraries=libraries)
        try:
            engine.get_template("page")
        except TemplateSyntaxError:
            continue
        found = [unconditional(reader(engine, "page")) for reader in (extracted, walked)]
        assert found[0] == found[1]
        certain.append((argument, "c.d" in found[0]))
    assert certain
    function = defaultfilters.register.filters.get(name)
    for argument, is_total in certain:
        for value in (None, "", "x", 0, 3.5, Decimal("nan"), [], {}, b"x", date(2026, 1, 1), object()):
            if is_total:
                function(value, *([argument[2:-1]] if argument else []))

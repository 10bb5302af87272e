"""The extractor's own templates, each said the same by the walk of compiled nodes."""

from __future__ import annotations

from pathlib import Path

import django
import pytest
from django.template import Engine, Library, Node

from djust_ast import native, tagspecs
from djust_ast.tagspecs import register_filter_spec, register_tag_spec
from tests.agreement import differences, extracted
from tests.test_soundness import engine_of

TEMPLATES = sorted((Path(__file__).parents[1] / "extractor" / "tests" / "templates").glob("*.html"))

# -- the tags of `extractor/tests/data/registry.json`, as a library

register = Library()


@register.filter
def money(value, currency="EUR"):
    return f"{value} {currency}"


@register.filter
def vat(value, rate=19):
    return value * rate


@register.simple_tag
def avatar_url(person, size=None):
    return person


@register.inclusion_tag("badge.html")
def badge(status):
    return {"label": status}


@register.simple_tag(takes_context=True)
def nav(context):
    return str(context.flatten())


@register.simple_tag(takes_context=True)
def who(context):
    return context["request"]


@register.simple_block_tag
def panel(content, title):
    return content


class Bodies(Node):
    def __init__(self, *bodies):
        self.bodies = bodies


@register.tag
def part(parser, token):
    return Bodies()


@register.tag
def picture(parser, token):
    return Bodies()


@register.tag
def rows(parser, token):
    bodies = [parser.parse(("none", "endrows"))]
    if parser.next_token().contents == "none":
        bodies.append(parser.parse(("endrows",)))
        parser.delete_first_token()
    return Bodies(*bodies)


@register.tag
def thing(parser, token):
    """A tag of which nothing is known: with an end it has bodies, and without one it has none."""
    bodies, found = [], None
    while found != "endthing" and any(token.contents == "endthing" for token in parser.tokens):
        bodies.append(parser.parse(("else", "empty", "endthing")))
        found = parser.next_token().contents
    return Bodies(*bodies)


@pytest.fixture(autouse=True)
def _specs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagspecs, "_tags", {})
    monkeypatch.setattr(tagspecs, "_filters", {})
    register_tag_spec(part, args=("arg",), includes=0, kwargs={"*": "bind"}, words=("only",))
    register_tag_spec(picture, args=("esc",), assigns="after", rest="word")
    register_tag_spec(
        rows,
        args=("iter",),
        binds=("row", "level"),
        body="each",
        branches=("none",),
        end="endrows",
        reads=("request",),
    )
    register_filter_spec(vat, value="num", argument="num")


def engine(file: Path) -> Engine:
    """Return an engine with the templates of one file: the page, and what `=== name` starts."""
    page, *parts = file.read_text(encoding="utf-8").split("=== ")
    files = {"page.html": page} | dict(part.split("\n", 1) for part in parts)
    made = engine_of(loaders=[("django.template.loaders.locmem.Loader", files)])
    made.template_libraries["ex"] = register
    return made


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_walk_says_what_the_extractor_says(file):
    assert differences(engine(file), "page.html") == []


def test_only_the_broken_ones_are_refused():
    refused = []
    for file in TEMPLATES:
        try:
            extracted(engine(file), "page.html")
        except native.ExtractError:
            refused.append(file.stem)
    partials = [] if django.VERSION >= (6, 0) else ["partials"]
    assert [name for name in refused if not name.startswith("error_")] == partials

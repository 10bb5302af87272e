"""What the registry says of tags and filters that come from elsewhere."""

import functools
import json
import re

import pytest
from django import template
from django.template import base, defaulttags
from django.template.engine import Engine

from djust_ast import _extractor
from djust_ast.registry import context_reads, lexer_is_patched, registry_for, stock_registry


def tree(source, library, engine=None):
    engine = engine or Engine(builtins=[], libraries={})
    engine.template_libraries = {**engine.template_libraries, "ours": library}
    return json.loads(_extractor.extract("{% load ours %}" + source, "page", registry_for(engine)).json())


@pytest.fixture
def library():
    return template.Library()


def test_simple_tag_lets_its_arguments_go(library):
    @library.simple_tag
    def price(lease):
        return ""

    document = tree("{% price lease.rent as p %}{{ p }}", library)
    assert document["roots"]["lease"]["a"]["rent"]["u"] == ["esc"]
    assert document["roots"]["lease"]["a"]["rent"]["f"] == ["price"]
    assert "p" not in document["roots"]
    assert "ctx" not in document


def test_simple_tag_that_reads_constant_names(library):
    @library.simple_tag(takes_context=True)
    def who(context, *, loud=False):
        return context["user"] if "request" in context else context.get("nobody")

    document = tree("{% who %}", library)
    assert document["ctx"][0]["reads"] == ["nobody", "request", "user"]
    assert document["roots"]["user"]["u"] == ["esc"]


def test_simple_tag_that_reads_anything(library):
    @library.simple_tag(takes_context=True)
    def dump(context):
        return context.flatten()

    assert tree("{% dump %}", library)["ctx"][0]["reads"] == "*"


def test_decorated_tag_reads_anything(library):
    def loud(function):
        @functools.wraps(function)
        def wrapper(context, *args):
            return context["volume"] + function(context, *args)

        return wrapper

    @library.simple_tag(takes_context=True)
    @loud
    def who(context):
        return context["user"]

    assert tree("{% who %}", library)["ctx"][0]["reads"] == "*"


def test_inclusion_tag_names_its_template(library):
    @library.inclusion_tag("badge.html")
    def badge(status):
        return {}

    [dependency] = tree("{% badge lease.status %}", library)["deps"]
    assert (dependency["kind"], dependency["name"]) == ("inclusion_tag", "badge.html")


def test_simple_block_tag_renders_its_body_in_place(library):
    @library.simple_block_tag(end_name="close_panel")
    def panel(content, title):
        return content

    document = tree("{% panel lease.title %}{{ lease.rent }}{% close_panel %}", library)
    assert document["roots"]["lease"]["a"]["rent"]["u"] == ["out"]
    assert document["roots"]["lease"]["a"]["title"]["u"] == ["esc"]


def test_replaced_builtin_is_not_django(library):
    @library.tag("url")
    def url(parser, token):
        return defaulttags.url(parser, token)

    document = tree("{% url lease %}", library)
    assert document["tags"]["unknown"] == ["url"]
    assert document["roots"]["lease"]["u"] == ["esc"]
    assert document["ctx"][0]["reads"] == "*"


def test_replaced_filter_lets_its_input_go(library):
    @library.filter
    def upper(value, how="very"):
        return value

    assert tree("{{ lease|upper }}", library)["roots"]["lease"]["u"] == ["esc"]
    library.filter("money", lambda value: value)
    with pytest.raises(_extractor.ExtractError, match="money requires 1 arguments, 2 provided"):
        tree("{{ lease|money:2 }}", library)


def test_registry_is_kept_until_a_library_changes(library):
    engine = Engine()
    first = registry_for(engine)
    assert registry_for(engine) is first
    engine.template_libraries["ours"] = library
    second = registry_for(engine)
    assert second.hash != first.hash
    library.filter("money", lambda value: value)
    assert registry_for(engine).hash != second.hash


def test_unknown_library_and_tag_name_a_way_out():
    registry = stock_registry()
    with pytest.raises(_extractor.ExtractError) as error:
        _extractor.extract("<p>\n  é {% translate 'x' %}", "page.html", registry)
    code, message, *place = error.value.args
    assert (code, place) == ("DA002", ["page.html", 2, 5, 19, "  é {% translate 'x' %}"])
    assert message.startswith("Invalid block tag on line 2: 'translate'")
    assert error.value.help == "add {% load i18n %}"
    with pytest.raises(_extractor.ExtractError, match="'nosuch' is not a registered tag library"):
        _extractor.extract("{% load nosuch %}", None, registry)


def test_resolver_is_asked_once_and_its_errors_come_out():
    asked = []

    def resolve(name, skip):
        asked.append((name, skip))
        if name == "boom":
            raise KeyError(name)
        return (f"shown/{name}", "{{ x }}") if name == "a/part.html" else None

    source = '{% include "./part.html" %}{% include "a/part.html" %}{% include "gone" only %}'
    document = json.loads(_extractor.extract(source, "a/page.html", stock_registry(), resolve).json())
    assert asked == [("a/part.html", []), ("gone", [])]
    assert [file["name"] for file in document["files"]] == ["a/page.html", "shown/a/part.html"]
    assert [dependency.get("missing") for dependency in document["deps"]] == [None, None, True]
    with pytest.raises(KeyError, match="boom"):
        _extractor.extract('{% include "boom" %}', None, stock_registry(), resolve)


def test_template_extends_its_namesake():
    def resolve(name, skip):
        return (name, "{% block a %}{{ base.x }}{% endblock %}") if skip == [0] else None

    source = '{% extends "page" %}{% block a %}{{ block.super }}{% endblock %}'
    document = json.loads(_extractor.extract(source, "page", stock_registry(), resolve).json())
    assert list(document["roots"]) == ["base"]


def test_malformed_registry_is_a_value_error():
    with pytest.raises(ValueError, match="missing field"):
        _extractor.Registry(b"{}")


def test_dotall_lexer_is_told_from_a_patched_one(monkeypatch):
    assert not lexer_is_patched()
    stock = stock_registry().hash
    monkeypatch.setattr(base, "tag_re", re.compile(base.tag_re.pattern, re.DOTALL))
    assert not lexer_is_patched()
    assert stock_registry().hash != stock
    monkeypatch.setattr(base, "tag_re", re.compile("<<.*?>>"))
    assert lexer_is_patched()


@pytest.mark.parametrize(
    ("body", "names"),
    [
        pytest.param('return context["a"] + context.get("b", 1)', ["a", "b"], id="constants"),
        pytest.param("return context[name]", None, id="variable-key"),
        pytest.param("return helper(context)", None, id="handed-on"),
        pytest.param('context["a"] = 1', None, id="written"),
        pytest.param("return name", [], id="not-used"),
    ],
)
def test_names_that_a_function_reads(body, names, tmp_path):
    path = tmp_path / "tags.py"
    path.write_text(f"def tag(context, name):\n    {body}\n")
    scope = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)  # noqa: S102
    assert context_reads(scope["tag"]) == names

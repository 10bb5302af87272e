"""What the registry says of tags and filters that come from elsewhere."""

import functools
import json
import re
from pathlib import Path

import pytest
from django import template
from django.template import base, defaulttags
from django.template.engine import Engine
from django.utils.autoreload import file_changed
from django.utils.safestring import mark_safe

from djust_ast import _extractor, compile_template, extract
from djust_ast.registry import registry_for, stock_registry
from djust_ast.replaced import replaced
from djust_ast.tagbodies import context_reads, context_use


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


def test_decorated_tag_reads_what_the_decorator_reads_too(library):
    def loud(function):
        @functools.wraps(function)
        def wrapper(context, *args):
            return context["volume"] + function(context, *args)

        return wrapper

    def nosy(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs) + str(args[0])

        return wrapper

    @library.simple_tag(takes_context=True)
    @mark_safe  # noqa: S308
    @loud
    def who(context):
        return context["user"]

    library.simple_tag(nosy(who), takes_context=True, name="nosy")
    assert tree("{% who %}", library)["ctx"][0]["reads"] == ["user", "volume"]
    assert tree("{% nosy %}", library)["ctx"][0]["reads"] == "*"


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
    assert (code, place) == ("DA002", ["page.html", 2, 8, 9, "  é {% translate 'x' %}"])
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


def test_tags_and_filters_of_odd_kinds_are_unknown(library):
    class Odd:
        __code__ = "none"

        def __eq__(self, other):
            return True

        def __call__(self, *args):
            return defaulttags.comment(*args)

    library.tags.update(odd=Odd(), firstof=Odd(), part=functools.partial(defaulttags.comment), builtin=len)
    library.filters.update(strange=Odd(), upper=Odd(), part=functools.partial(str, "x"))
    document = tree(
        "{% odd a %}{% firstof b %}{% part c %}{% builtin d %}{{ e|strange }}{{ f|upper }}", library
    )
    assert document["tags"]["unknown"] == ["odd", "firstof", "part", "builtin"]
    assert {name: node["u"] for name, node in document["roots"].items()} == {
        name: ["esc"] for name in "abcdef"
    }


def test_malformed_registry_is_a_value_error():
    with pytest.raises(ValueError, match="missing field"):
        _extractor.Registry(b"{}")


def test_dotall_lexer_is_told_from_a_patched_one(monkeypatch):
    assert not replaced()
    stock = stock_registry().hash
    monkeypatch.setattr(base, "tag_re", re.compile(base.tag_re.pattern, re.DOTALL))
    assert not replaced()
    assert stock_registry().hash != stock
    monkeypatch.setattr(base, "tag_re", re.compile("<<.*?>>"))
    assert replaced()


HELPERS = """
LIMIT = 3
def helper(context): return context["request"]
def second(name, context, /): return name + context.get("site")
def by_keyword(*, context): return "perms" in context
def nosy(context): return dict(context.flatten())
def endless(context): return endless(context)
def looks_around(**names): return names["context"]
"""


@pytest.mark.parametrize(
    ("body", "names"),
    [
        pytest.param('return context["a"] + context.get("b", 1)', ["a", "b"], id="constants"),
        pytest.param('return "a" in context or context.setdefault("b", 1)', ["a", "b"], id="asked-for"),
        pytest.param("return name", [], id="not-used"),
        pytest.param(
            "return context.request.path + context.template.name", [], id="attributes-are-no-variables"
        ),
        pytest.param('return getattr(context, "request", None)', [], id="attribute-that-may-be-missing"),
        pytest.param('context["a"] = name; context.update({"b": 1})', [], id="written"),
        pytest.param('with context.push(a=name):\n        return context["b"]', ["b"], id="pushed"),
        pytest.param('return name.render(context.new({"x": context["a"]}))', ["a"], id="new-context"),
        pytest.param('return helper(context) + second("x", context)', ["request", "site"], id="helpers"),
        pytest.param("return by_keyword(context=context)", ["perms"], id="helper-by-keyword"),
        pytest.param('return [x(context["a"]) for x in name]', ["a"], id="value-handed-on"),
        pytest.param('return (lambda: context["a"])()', ["a"], id="in-a-function-within"),
        pytest.param("return context[name]", None, id="variable-key"),
        pytest.param("return context.get(name)", None, id="variable-key-of-get"),
        pytest.param("return name in context", None, id="variable-name-asked-for"),
        pytest.param("return name(context)", None, id="handed-to-a-value"),
        pytest.param("return nosy(context)", None, id="helper-that-reads-anything"),
        pytest.param("return endless(context)", None, id="helper-without-end"),
        pytest.param("return looks_around(context=context)", None, id="helper-that-takes-any-keywords"),
        pytest.param("return str(context)", None, id="handed-to-a-builtin"),
        pytest.param("return helper(*[context])", None, id="handed-on-in-a-list"),
        pytest.param("return helper(name, *name, context)", None, id="handed-on-after-unpacked-arguments"),
        pytest.param("helper = name\n    return helper(context)", None, id="helper-that-is-another"),
        pytest.param("return [helper(context) for helper in name]", None, id="helper-that-is-another-within"),
        pytest.param("other = context\n    return other", None, id="second-name"),
        pytest.param("return context.flatten()", None, id="all-at-once"),
        pytest.param("return context.dicts[0]", None, id="its-parts"),
        pytest.param("return context.pop()", None, id="a-scope-of-it"),
        pytest.param("return {**context}", None, id="unpacked"),
        pytest.param('return f"{context}"', None, id="printed"),
        pytest.param("return locals()", None, id="found-in-locals"),
        pytest.param("return (lambda context: context.x)(name)", None, id="another-of-that-name"),
    ],
)
def test_names_that_a_function_reads(body, names, tmp_path):
    path = tmp_path / "tags.py"
    path.write_text(f"{HELPERS}\ndef tag(context, name):\n    {body}\n")
    scope = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)  # noqa: S102
    assert context_reads(scope["tag"]) == names


@pytest.mark.parametrize(
    ("body", "writes"),
    [
        pytest.param('return context["a"] + context.get("b", 1)', False, id="constants"),
        pytest.param("return name", False, id="not-used"),
        pytest.param('return "a" in context', False, id="asked-for"),
        pytest.param("return context.template.name", False, id="its-template"),
        pytest.param('with context.push(a=name):\n        return context["b"]', False, id="for-a-while"),
        pytest.param('return name.render(context.new({"x": 1}))', False, id="new-context"),
        pytest.param('return helper(context) + second("x", context)', False, id="helpers"),
        pytest.param('context["a"] = name', True, id="set"),
        pytest.param('del context["a"]', True, id="deleted"),
        pytest.param('context["a"] += name', True, id="added-to"),
        pytest.param('context["a"], b = name', True, id="unpacked-into"),
        pytest.param('for context["a"] in name: pass', True, id="set-by-a-loop"),
        pytest.param('context.update({"b": 1})', True, id="update"),
        pytest.param("context.push()", True, id="push-without-an-end"),
        pytest.param('context.set_upward("a", name)', True, id="upward"),
        pytest.param('return context.setdefault("b", 1)', True, id="set-unless-there"),
        pytest.param('with context.push():\n        context["a"] = 1', True, id="set-in-a-scope"),
        pytest.param("return context.request.path", True, id="request-may-have-a-name"),
        pytest.param('return getattr(context, "request", None)', True, id="request-by-its-name"),
        pytest.param('(lambda: context.update({"a": 1}))()', True, id="in-a-function-within"),
        pytest.param("return setter(context)", True, id="helper-that-sets"),
        pytest.param("return name(context)", True, id="handed-to-a-value"),
        pytest.param("other = context\n    other['a'] = 1", True, id="second-name"),
    ],
)
def test_whether_a_function_may_set_names(body, writes, tmp_path):
    path = tmp_path / "tags.py"
    setter = 'def setter(context):\n    context["x"] = 1\n'
    path.write_text(f"{HELPERS}\n{setter}\ndef tag(context, name):\n    {body}\n")
    scope = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)  # noqa: S102
    assert context_use(scope["tag"]).writes is writes


def test_source_that_is_not_that_of_the_function_tells_nothing(tmp_path):
    path = tmp_path / "tags.py"
    path.write_text("def tag(context, name): return context\n")
    scope = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)  # noqa: S102
    path.write_text("def tag(context): return 1\n")
    assert context_reads(scope["tag"]) is None
    assert context_reads(len) is None
    assert context_reads(None) is None


@pytest.mark.parametrize(
    ("template", "dependency"),
    [
        pytest.param("badge.html", {"name": "badge.html"}, id="name"),
        pytest.param(["gone.html", "badge.html"], {"name": "badge.html"}, id="first-that-there-is"),
        pytest.param(("gone.html",), {"name": "gone.html", "missing": True}, id="none-that-there-is"),
        pytest.param(
            template.Template("{{ label }}", name="made.html"), {"name": "made.html"}, id="template"
        ),
    ],
)
def test_inclusion_tag_is_linked_to_what_it_renders(library, template, dependency):
    @library.inclusion_tag(template)
    def badge(lease):
        return {"label": lease.title, "free": 1}

    engine = Engine(
        loaders=[("django.template.loaders.locmem.Loader", {"badge.html": "{{ free.name }}{{ label }}"})]
    )
    engine.template_libraries["ours"] = library
    document = json.loads(extract("{% load ours %}{% badge lease %}", engine=engine).json())
    [found] = document["deps"]
    assert found.items() >= {"kind": "inclusion_tag", "tag": "badge", "only": True, **dependency}.items()
    assert set(document["roots"]) == {"lease", "csrf_token"}
    assert document["roots"]["lease"]["u"] == ["esc"]


def test_library_counts_from_where_it_is_loaded(library):
    library.tag("firstof", lambda parser, token: defaulttags.firstof(parser, token))
    library.filter("upper", lambda value: value)
    source = "{% firstof a.b %}{{ c.d|upper }}{% load ours %}{% firstof e.f %}{{ g.h|upper }}"
    engine = Engine()
    engine.template_libraries["ours"] = library
    roots = json.loads(extract(source, engine=engine).json())["roots"]
    assert [roots[name]["a"][step]["u"] for name, step in ("ab", "cd", "ef", "gh")] == [
        ["bool", "out"],
        ["out"],
        ["esc"],
        ["esc"],
    ]
    only = "{% load upper from ours %}{% firstof a.b %}{{ c.d|upper }}"
    roots = json.loads(extract(only, engine=engine).json())["roots"]
    assert roots["a"]["a"]["b"]["u"] == ["bool", "out"]
    assert roots["c"]["a"]["d"]["u"] == ["esc"]


def test_builtin_that_replaces_one_of_django_is_not_django(library):
    library.tag("firstof", lambda parser, token: defaulttags.firstof(parser, token))
    engine = Engine()
    engine.template_builtins.append(library)
    document = json.loads(extract("{% firstof a.b %}", engine=engine).json())
    assert document["tags"]["unknown"] == ["firstof"]
    assert document["roots"]["a"]["a"]["b"]["u"] == ["esc"]


def test_registry_is_read_anew_when_a_function_is_replaced(library):
    engine = Engine()
    engine.template_libraries["ours"] = library

    def add(reads):
        def who(context):
            return context["user"]

        def all_of_it(context):
            return str(context)

        library.simple_tag(all_of_it if reads is None else who, takes_context=True, name="who")

    hashes = []
    for reads in (["user"], None, ["user"]):
        add(reads)
        registry = registry_for(engine)
        hashes.append(registry.hash)
        ctx = json.loads(_extractor.extract("{% load ours %}{% who %}", None, registry).json())["ctx"]
        assert ctx[0]["reads"] == (reads or "*")
    assert hashes[0] == hashes[2] != hashes[1]  # by content


def test_registry_is_forgotten_when_code_reloads():
    engine = Engine()
    first = registry_for(engine)
    file_changed.send(sender=None, file_path=Path("tags.py"))
    assert registry_for(engine) is not first
    assert registry_for(engine).hash == first.hash


def test_registry_is_part_of_what_a_compiled_template_depends_on(library):
    engine = Engine()
    engine.template_libraries["ours"] = library
    library.simple_tag(lambda lease: "", name="price")
    page = template.Template("{% load ours %}{% price lease.rent %}", engine=engine)
    compiled = compile_template(page)
    assert compile_template(page) is compiled
    library.simple_tag(lambda lease, **options: "", name="price")
    again = compile_template(page)
    assert again is not compiled
    assert again.tree.env != compiled.tree.env

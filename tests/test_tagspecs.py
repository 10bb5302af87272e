"""What a spec says of a hand-written tag or filter is what the extractor knows of it."""

import functools
import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from django import template
from django.template import Node
from django.template.engine import Engine

import djust_ast
from djust_ast import extract, tagspecs
from djust_ast.errors import SpecError
from djust_ast.registry import registry_for
from tests.agreement import differences
from tests.recorder import walk


@pytest.fixture
def library(monkeypatch):
    """A library, and specs that are gone after the test."""
    monkeypatch.setattr(tagspecs, "_tags", {})
    monkeypatch.setattr(tagspecs, "_filters", {})
    return template.Library()


class Bodies(Node):
    """A tag as its spec says, with its bodies."""

    def __init__(self, parser, token, end=None, branches=(), assigns=None, **_):
        self.bodies, found = [], None
        named = token.split_contents()[-2:-1] == ["as"]
        while end is not None and found != end and (named or assigns != "body"):
            self.bodies.append(parser.parse((*branches, end)))
            found = parser.next_token().contents


def tag(library, name, **spec):
    @library.tag(name)
    def compile_function(parser, token):
        return Bodies(parser, token, **spec)

    if spec:
        djust_ast.register_tag_spec(compile_function, **spec)
    return compile_function


def document_of(library, source, **files):
    """Return what the extractor says, which is what a walk of the compiled nodes says."""
    source = "{% load ours %}" + source
    engine = Engine(loaders=[("django.template.loaders.locmem.Loader", files | {"page": source})])
    engine.template_libraries["ours"] = library
    document = json.loads(extract(source, name="page", engine=engine).json())
    assert differences(engine, "page") == []
    return document


def reads(document):
    """``a.b=out c=esc? @name``: what is read, and which names of the context."""
    nodes = [
        f"{'.'.join(path)}={','.join(node['u'])}{'?' * node.get('c', 0)}"
        for path, node in walk(document)
        if node.get("u")
    ]
    return " ".join([*nodes, *(f"@{','.join(read['reads'])}" for read in document.get("ctx", ()))])


@pytest.mark.parametrize(
    ("spec", "source", "expected"),
    [
        pytest.param({"args": ("out", "num bool")}, "{% t a.b c %}", "a.b=out c=bool,num", id="arguments"),
        pytest.param({"args": ("out",)}, "{% t 'x' %}{% t %}", "", id="arguments-left-out"),
        pytest.param({"rest": "arg"}, "{% t a b.c %}", "a=arg b.c=arg", id="any-number-of-arguments"),
        pytest.param({"args": ("word", "esc")}, "{% t a b %}", "b=esc", id="argument-that-is-a-word"),
        pytest.param({"kwargs": {"x": "len"}}, "{% t x=a.b %}", "a.b=len", id="keyword"),
        pytest.param(
            {"kwargs": {"x": "len", "*": "esc"}}, "{% t x=a y=b %}", "a=len b=esc", id="any-keyword"
        ),
        pytest.param({"args": ("out",), "words": ("with",)}, "{% t with a %}", "a=out", id="words"),
        pytest.param({"args": ("out",), "assigns": "after"}, "{% t a as b %}{{ b.c }}", "a=out", id="as"),
        pytest.param(
            {"reads": ("request", "perms")}, "{% t %}", "perms=esc request=esc @request,perms", id="names"
        ),
        pytest.param({"reads": "*"}, "{% t %}", "@*", id="any-name"),
        pytest.param({"end": "stop"}, "{% t %}{{ a.b }}{% stop %}", "a.b=out", id="body"),
        pytest.param(
            {"end": "stop", "body": "maybe"}, "{% t %}{{ a }}{% stop %}", "a=out?", id="body-that-may-render"
        ),
        pytest.param(
            {"end": "stop", "branches": ("else",)},
            "{% t %}{{ a }}{% else %}{{ b }}{% stop %}",
            "a=out? b=out?",
            id="branches",
        ),
        pytest.param(
            {"end": "stop", "binds": ("row",)},
            "{% t %}{{ row.x }}{{ a }}{% stop %}{{ row.y }}",
            "a=out row.y=out",
            id="names-of-the-body",
        ),
        pytest.param(
            {"end": "stop", "assigns": "body"},
            "{% t as im %}{{ im.url }}{% stop %}{{ im.alt }}",
            "im.alt=out",
            id="as-in-the-body",
        ),
        pytest.param(
            {"end": "stop", "assigns": "body"}, "{% t %}{{ im.url }}", "im.url=out", id="no-as-no-body"
        ),
        pytest.param(
            {"end": "stop", "assigns": "body", "branches": ("empty",)},
            "{% t as im %}{{ im.url }}{% empty %}{{ im.alt }}{% stop %}",
            "im.alt=out?",
            id="as-in-the-first-body-only",
        ),
        pytest.param(
            {"end": "stop", "kwargs": {"*": "bind"}},
            "{% t x=a.b %}{{ x.c }}{% stop %}{{ x.d }}",
            "a.b.c=out x.d=out",
            id="keywords-name-values-in-the-body",
        ),
        pytest.param(
            {"end": "stop", "args": ("iter",), "body": "each", "binds": ("row", "depth")},
            "{% t tree.all %}{{ row.x }}{{ depth.y }}{{ a }}{% stop %}",
            "a=out? tree.all=iter,len tree.all.*.x=out",
            id="body-for-each-element",
        ),
        pytest.param(
            {"args": ("arg",), "includes": 0, "kwargs": {"*": "bind"}},
            "{% t 'part.html' item=a.b %}",
            "a.b.x=out free=out",
            id="template-in-an-argument",
        ),
        pytest.param(
            {"args": ("arg",), "words": ("only",), "includes": 0, "kwargs": {"*": "bind"}},
            "{% t 'part.html' item=a.b only %}",
            "a.b.x=out",
            id="template-that-sees-only-its-keywords",
        ),
        pytest.param({"includes": ("part.html",)}, "{% t %}", "free=out? item.x=out?", id="template-by-name"),
        pytest.param(
            {"includes": ("part.html",), "binds": ("item",)},
            "{% t %}{{ item.y }}",
            "free=out? item.y=out",
            id="names-of-the-template",
        ),
        pytest.param(
            {"includes": ("part.html", "other.html"), "end": "stop", "binds": ("free",)},
            "{% t %}{{ a }}{{ free.y }}{% stop %}",
            "a=out item.x=out? other=out?",
            id="templates-after-a-body",
        ),
        pytest.param({"includes": ("gone.html",)}, "{% t %}", "@*", id="template-that-is-gone"),
        pytest.param(
            {"args": ("esc",), "kwargs": {"*": "num"}},
            """{% t f data-x=a @click.away=b class+="c" :open=d.e|default:"x=y" %}""",
            "a=num b=num d.e=bool,num f=esc",
            id="attributes",
        ),
    ],
)
def test_spec_says_what_is_read(library, spec, source, expected):
    tag(library, "t", **spec)
    document = document_of(
        library, source, **{"part.html": "{{ item.x }}{{ free }}", "other.html": "{{ other }}"}
    )
    assert reads(document) == expected
    assert document["tags"]["unknown"] == []


@pytest.mark.parametrize(
    ("spec", "source", "expected"),
    [
        pytest.param({"args": ("out",)}, "{% t a b %}", "a=esc b=esc @*", id="one-argument-more"),
        pytest.param({"args": ("out",)}, "{% t a x=b %}", "a=esc b=esc @*", id="keyword-that-is-not-named"),
        pytest.param({"args": ("out",)}, "{% t a+b c %}", "c=esc @*", id="argument-that-is-no-expression"),
        pytest.param({"args": ("out",)}, "{% t a as b %}{{ b.c }}", "a=esc b=esc b.c=out @*", id="as"),
        pytest.param(
            {"end": "stop", "binds": ("row",)},
            "{% t a %}{{ row.x }}{% stop %}{{ b }}",
            "a=esc b=out row.x=out? @*",
            id="with-a-body",
        ),
    ],
)
def test_tag_that_is_not_as_its_spec_says_is_unknown(library, spec, source, expected):
    tag(library, "t", **spec)
    document = document_of(library, source)
    assert reads(document) == expected
    assert document["tags"]["unknown"] == ["t"]


def test_spec_of_a_function_that_a_decorator_made_a_tag_of(library):
    @library.simple_tag(takes_context=True)
    def dump(context, lease, loud=False):
        return str(context)

    assert reads(document_of(library, "{% dump lease %}")) == "lease=esc @*"
    djust_ast.register_tag_spec(dump, args=("out", "bool"), reads=("site",))
    assert (
        reads(document_of(library, "{% dump lease x as y %}{{ y.z }}")) == "lease=out site=esc x=bool @site"
    )
    with pytest.raises(djust_ast.errors.TemplateError, match="received too many positional arguments"):
        document_of(library, "{% dump a b c %}")


def test_spec_of_a_function_that_is_handed_a_body(library):
    @library.simple_block_tag(end_name="stop")
    def boxed(content, title):
        return content

    djust_ast.register_tag_spec(boxed, args=("out",), body="maybe", end="stop")
    source = "{% boxed a.b as c %}{{ d }}{% stop %}{{ c.e }}"
    assert reads(document_of(library, source)) == "a.b=out d=out?"


def test_what_a_tag_without_an_end_has_taken_in_is_read(library):
    """As ``{% render_block %}`` does, which must render after all that follows it."""

    @library.tag("t")
    def compile_function(parser, token):
        node = Bodies(parser, token)
        node.bodies.append(parser.parse())
        return node

    djust_ast.register_tag_spec(compile_function, args=("out",))
    assert reads(document_of(library, "{% t a %}{{ b }}{% for c in d %}{{ c.e }}{% endfor %}")) == (
        "a=out b=out d=iter,len d.*.e=out"
    )
    assert reads(document_of(library, "{% t a f %}{{ b }}")) == "a=esc b=out f=esc @*"


@pytest.mark.parametrize(
    ("spec", "source", "expected"),
    [
        pytest.param({}, "{{ a|f:b }}", "a=esc b=esc", id="nothing"),
        pytest.param({"value": "num", "argument": "bool"}, "{{ a|f:b }}", "a=num b=bool", id="uses"),
        pytest.param({"value": "bool"}, "{% with x=a|f %}{{ x.y }}{% endwith %}", "a=bool", id="new-value"),
        pytest.param(
            {"value": "bool", "result": "input"},
            "{% with x=a|f %}{{ x.y }}{% endwith %}",
            "a=bool a.y=out?",
            id="input",
        ),
        pytest.param(
            {"value": "iter", "result": "element"},
            "{% with x=a|f %}{{ x.y }}{% endwith %}",
            "a=iter a.*.y=out",
            id="element",
        ),
    ],
)
def test_spec_of_a_filter(library, spec, source, expected):
    @library.filter
    def f(value, argument=None):
        return value

    djust_ast.register_filter_spec(f, **spec)
    assert reads(document_of(library, source)) == expected


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        pytest.param(
            {"arg": "out"}, "shop:t: unknown key 'arg' of a spec; did you mean 'args'?", id="unknown-key"
        ),
        pytest.param(
            {"zzz": 1}, "unknown key 'zzz' of a spec; there are args, rest, kwargs", id="far-off-key"
        ),
        pytest.param(
            {"args": ("print",)}, "shop:t: expected uses of arg, bool, .*, got 'print'", id="unknown-use"
        ),
        pytest.param({"args": "out"}, "args: expected a tuple of strings, got 'out'", id="text-for-a-tuple"),
        pytest.param({"args": ("bind",)}, "expected uses of", id="argument-without-a-name-to-bind"),
        pytest.param({"rest": ""}, "expected uses of", id="no-use"),
        pytest.param(
            {"kwargs": {"x": "bind"}}, "no body and no template that could see", id="bind-for-nobody"
        ),
        pytest.param(
            {"reads": "request"}, "reads: expected a tuple of strings, got 'request'", id="reads-a-text"
        ),
        pytest.param({"binds": ("x",)}, "binds: there is no body and no template", id="binds-for-nobody"),
        pytest.param(
            {"end": "stop", "body": "often"}, "body: expected 'always', 'maybe' or 'each'", id="body"
        ),
        pytest.param(
            {"end": "stop", "body": "each"}, "body 'each': expected a first argument", id="each-of-nothing"
        ),
        pytest.param({"assigns": "before"}, "assigns: expected 'after' or 'body'", id="assigns"),
        pytest.param({"includes": 0}, "includes: there is no argument 0 in args", id="includes-nothing"),
    ],
)
def test_wrong_spec_is_refused(library, keys, problem):
    with pytest.raises(SpecError, match=problem):
        djust_ast.register_tag_spec("shop:t", **keys)


def test_wrong_spec_of_a_filter_is_refused(library):
    with pytest.raises(SpecError, match="unknown key 'values' of a spec; did you mean 'value'"):
        djust_ast.register_filter_spec("shop:f", values="out")
    with pytest.raises(SpecError, match="result: expected one of new, input"):
        djust_ast.register_filter_spec("shop:f", result="old")


def test_spec_belongs_to_a_function_and_not_to_a_name(library, monkeypatch):
    """A wrapper that calls itself like what it wraps may do anything."""
    shop = ModuleType("shop_of_a_test")

    def price(parser, token):
        return Bodies(parser, token)

    class Price(Bodies):
        @classmethod
        def tag(cls, parser, token):
            return cls(parser, token)

    for name, function in {"price": price, "Price": Price, "Price.tag": Price.tag.__func__}.items():
        function.__module__, function.__qualname__ = shop.__name__, name
    shop.price, shop.Price = price, Price
    monkeypatch.setitem(sys.modules, shop.__name__, shop)
    for name in ("price", "Price", "Price.tag"):
        djust_ast.register_tag_spec(f"{shop.__name__}:{name}", args=("out",))

    def wrapper(parser, token):
        return Bodies(parser, token)

    wrapper.__module__, wrapper.__qualname__ = shop.__name__, "price"
    library.tag("real", price)
    library.tag("kind", Price)
    library.tag("method", Price.tag)
    library.tag("price", wrapper)
    library.tag("partial", functools.partial(price))
    source = "{% real a %}{% kind b %}{% method c %}"
    assert reads(document_of(library, source)) == "a=out b=out c=out"
    for lookalike in ("price", "partial"):
        assert reads(document_of(library, f"{{% {lookalike} a %}}")) == "a=esc @*"


def test_spec_that_comes_late_counts(library):
    function = tag(library, "t")
    engine = Engine()
    engine.template_libraries["ours"] = library
    before = registry_for(engine)
    djust_ast.register_tag_spec(function, args=("out",))
    assert registry_for(engine).hash != before.hash
    assert registry_for(engine) is registry_for(engine)


def test_spec_of_a_tag_of_django_changes_nothing(library):
    djust_ast.register_tag_spec("django.template.defaulttags:url", rest="word")
    assert reads(document_of(library, "{% url a.b %}")) == "a.b=arg"


def test_shipped_specs_are_found_by_the_package_of_their_function():
    """That each is true takes the packages: ``make corpus``."""
    count = 0
    for module in sorted(set(tagspecs.SHIPPED.values())):
        for key, spec in import_module(f"djust_ast.tagspecs.{module}").TAGS.items():
            assert tagspecs.SHIPPED[key.partition(".")[0]] == module, key
            assert isinstance(spec, tagspecs.TagSpec), key
            count += 1
    assert count >= 50


def test_shipped_specs_are_all_in_the_docs():
    text = (Path(__file__).parent.parent / "docs" / "tags.md").read_text()
    listed = text.partition("## Specs that are shipped")[2]
    assert {
        name for name in tagspecs.SHIPPED.values() if name.partition("_")[0] not in listed.lower()
    } == set()


def test_shipped_spec_is_that_of_the_installed_function(library, monkeypatch):
    module = ModuleType("waffle.templatetags.waffle_tags")
    module.parsed = functools.partial(Bodies, end="endflag", branches=("else",))
    source = "def flag(parser, token): return parsed(parser, token)\ndef switch(parser, token): return parsed(parser, token)"
    exec(source, vars(module))  # noqa: S102
    library.tag("flag", module.flag)
    source = "{% flag a %}{{ b }}{% else %}{{ c }}{% endflag %}"
    assert reads(document_of(library, source)) == "a=esc b=out? c=out? @*"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    library.tag("flag", module.flag)
    assert reads(document_of(library, source)) == "a=esc b=out? c=out? request=esc @request"
    library.tag("flag", module.switch)
    module.switch.__qualname__ = "flag"
    assert reads(document_of(library, source)) == "a=esc b=out? c=out? @*"

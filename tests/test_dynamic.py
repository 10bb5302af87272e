"""``{% include widget.template %}`` and ``{% extends layout %}``: what the value names is read, and nothing else is.

A page is that of plain Django, in the queries that are written here; what a name stands for is told without
running anything; and what cannot be told stays live.
"""

from __future__ import annotations

import json
import os
import re
from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

import django
import pytest
from django.db import connection
from django.template import (
    Context,
    Engine,
    Library,
    Node,
    RequestContext,
    TemplateDoesNotExist,
    TemplateSyntaxError,
)
from django.template.backends.django import DjangoTemplates
from django.test.utils import CaptureQueriesContext
from django.utils.functional import lazystr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from djust_ast import compile_template, explain, register_tag_spec, serialize_context, tagspecs
from djust_ast.demo.rentals.forms import LeaseForm
from djust_ast.demo.rentals.models import Lease, Owner, Property
from djust_ast.integrations import context as context_module
from djust_ast.live import LiveView

FILES = {
    "leases.html": "{% for l in leases %}{{ l.property.name }} {{ l.tenant.user.email }};{% endfor %}",
    "rents.html": "{% for l in leases %}{{ l.rent }};{% endfor %}",
    "title.html": "<h2>{{ title }}{{ w.title }}</h2>",
    "w_leases.html": "{% for l in w.leases %}{{ l.property.name }};{% endfor %}",
    "w_owners.html": "{% for o in w.owners %}{{ o.user.email }};{% endfor %}",
    "base.html": "[{% block body %}{{ leases.0.rent }}{% endblock %}]",
    "wide.html": "<{% block side %}{% for p in properties %}{{ p.owner.user.email }};{% endfor %}{% endblock %}"
    "{% block body %}{% endblock %}>",
    "row.html": "{{ l.property.name }} {{ l.tenant.user.email }};",
    "small.html": "{{ l.rent }};",
    "shell.html": "<section>{% include body %}</section>",
    "folder/page.html": "{% include name %}",
    "folder/rents.html": "folder {% for l in leases %}{{ l.rent }};{% endfor %}",
    "broken.html": "{% if %}",
    "self.html": "{{ node.title }}{% if node.child %}{% include name with node=node.child %}{% endif %}",
}


@pytest.fixture
def files():
    return dict(FILES)


@pytest.fixture
def engine(files):
    return Engine(loaders=[("django.template.loaders.locmem.Loader", files)])


def leases():
    return Lease.objects.order_by("pk")[:6]


def properties():
    return Property.objects.order_by("pk")[:5]


def named(template, context):
    """``(expression, names or the reason)`` for each dynamic tag."""
    found = {}
    for dep in compile_template(template).named(context).tree.deps:
        if dep.expression:
            found.setdefault(dep.expression, []).append(dep.name or dep.reason)
    return found


def escapes(template, context):
    return compile_template(template).named(context).tree.escapes


def page(template, context):
    """What rendering gives, the error if it raises one, and how many queries it took."""
    with CaptureQueriesContext(connection) as queries:
        try:
            html = template.render(Context(context, autoescape=template.engine.autoescape))
        except (TemplateDoesNotExist, TemplateSyntaxError) as error:
            html = f"{type(error).__name__}: {error}"
    return html, len(queries)


def assert_same_page(template, context, planned, plain):
    """Both pages are the same, ours in exactly ``planned`` queries, plain Django's in exactly ``plain``."""
    html, live = page(template, context())
    values = context()
    with CaptureQueriesContext(connection) as queries:
        served = serialize_context(template, values)
    ours, rest = page(template, served)
    assert ours == html
    assert len(queries) + rest == planned
    assert live == plain
    return html


# -- what a name stands for


@dataclass
class Widget:
    template: str
    title: str = "T"
    child: Widget | None = None


@dataclass(slots=True)
class Slotted:
    template: str


class Constant:
    template = "rents.html"

    def __init__(self, **values):
        vars(self).update(values)

    @property
    def computed(self):
        raise AssertionError("nothing may run")

    @property
    def calm(self):
        return self.template.upper()

    @property
    def restless(self):
        self.template = "leases.html"
        return ""

    def method(self):
        raise AssertionError("nothing may run")


class Answering(Constant):
    def __getattr__(self, name):
        raise AssertionError("nothing may run")


class Keyed:
    def __getitem__(self, name):
        raise AssertionError("nothing may run")


Row = namedtuple("Row", "template title")

TOLD = {
    "name": ("{% include name %}", {"name": "rents.html"}, ["rents.html"]),
    "key": ("{% include w.template %}", {"w": {"template": "rents.html"}}, ["rents.html"]),
    "deep-key": ("{% include a.b.c %}", {"a": {"b": {"c": "rents.html"}}}, ["rents.html"]),
    "attribute": ("{% include w.template %}", {"w": Widget("rents.html")}, ["rents.html"]),
    "class-attribute": ("{% include w.template %}", {"w": Constant()}, ["rents.html"]),
    "slot": ("{% include w.template %}", {"w": Slotted("rents.html")}, ["rents.html"]),
    "named-tuple": ("{% include w.template %}", {"w": Row("rents.html", "t")}, ["rents.html"]),
    "namespace": ("{% include w.template %}", {"w": SimpleNamespace(template="rents.html")}, ["rents.html"]),
    "index": ("{% include names.1 %}", {"names": ["leases.html", "rents.html"]}, ["rents.html"]),
    "index-with-an-underscore": (
        "{% include names.1_0 %}",
        {"names": [*"0123456789", "rents.html"]},
        ["rents.html"],
    ),
    "index-of-another-script": ("{% include names.١ %}", {"names": ["no", "rents.html"]}, ["rents.html"]),
    "digit-that-is-no-index": (
        '{% include names.²|default:"rents.html" %}',
        {"names": ["no", "no", "no"]},
        ["rents.html"],
    ),
    "first-of-a-list": (
        "{% with w=ws|first %}{% include w.template %}{% endwith %}",
        {"ws": [{"template": "rents.html"}, {"template": "leases.html"}]},
        ["rents.html"],
    ),
    "list": ("{% include names %}", {"names": ["nowhere.html", "rents.html", "leases.html"]}, ["rents.html"]),
    "tuple": ("{% include names %}", {"names": ("rents.html",)}, ["rents.html"]),
    "list-of-nothing": ("{% include names %}", {"names": ["no", "none"]}, ["no', 'none"]),
    "alias": (
        "{% with t=w.template %}{% include t %}{% endwith %}",
        {"w": Widget("rents.html")},
        ["rents.html"],
    ),
    "literal-alias": ('{% with t="rents.html" %}{% include t %}{% endwith %}', {}, ["rents.html"]),
    "literal-handed-in": ('{% include "shell.html" with body="rents.html" %}', {}, ["rents.html"]),
    "handed-in": ('{% include "shell.html" with body=x %}', {"x": "rents.html"}, ["rents.html"]),
    "only": ("{% include name with leases=leases only %}", {"name": "rents.html"}, ["rents.html"]),
    "branch": ("{% if flag %}{% include name %}{% endif %}", {"name": "rents.html"}, ["rents.html"]),
    "default": ('{% include name|default:"rents.html" %}', {"name": ""}, ["rents.html"]),
    "default-of-what-is-missing": ('{% include name|default:"rents.html" %}', {}, ["rents.html"]),
    "default-not-needed": ('{% include name|default:"x" %}', {"name": "rents.html"}, ["rents.html"]),
    "default-for-a-list": ('{% include names|default:"x" %}', {"names": ["rents.html"]}, ["rents.html"]),
    "default-from-a-name": (
        "{% include a.b|default_if_none:c %}",
        {"a": {"b": None}, "c": "rents.html"},
        ["rents.html"],
    ),
    "joined": ('{% include kind|add:".html" %}', {"kind": "rents"}, ["rents.html"]),
    "joined-around": (
        '{% include "folder/"|add:kind|add:".html" %}',
        {"kind": "rents"},
        ["folder/rents.html"],
    ),
    "lowered": ('{% include kind|lower|add:".html" %}', {"kind": "RENTS"}, ["rents.html"]),
    "yes-or-no": ('{% include flag|yesno:"rents.html,leases.html" %}', {"flag": False}, ["leases.html"]),
    "loop": (
        "{% for w in ws %}{% include w.template %}{% endfor %}",
        {"ws": [{"template": "rents.html"}, Widget("leases.html"), {"template": "rents.html"}]},
        ["leases.html", "rents.html"],
    ),
    "loop-over-names": (
        "{% for n in names %}{% include n %}{% endfor %}",
        {"names": ("rents.html", "title.html")},
        ["rents.html", "title.html"],
    ),
    "loop-over-items": (
        "{% for key, w in ws.items %}{% include w.template %}{% endfor %}",
        {"ws": {"a": {"template": "rents.html"}, "b": {"template": "title.html"}}},
        ["rents.html", "title.html"],
    ),
    "loop-over-pairs": (
        "{% for label, n in pairs %}{% include n %}{% endfor %}",
        {"pairs": [("a", "rents.html"), ["b", "title.html"]]},
        ["rents.html", "title.html"],
    ),
    "loop-over-a-part": (
        '{% for w in ws|slice:":1" %}{% include w.template %}{% endfor %}',
        {"ws": [{"template": "rents.html"}, {"template": "title.html"}]},
        ["rents.html", "title.html"],
    ),
    "loop-in-a-loop": (
        "{% for row in rows %}{% for w in row.ws %}{% include w %}{% endfor %}{% endfor %}",
        {"rows": [{"ws": ["rents.html"]}, {"ws": []}, {"ws": ["title.html"]}]},
        ["rents.html", "title.html"],
    ),
    "loop-over-groups": (
        "{% regroup ws by kind as gs %}{% for g in gs %}{% for w in g.list %}{% include w.t %}{% endfor %}{% endfor %}",
        {"ws": [{"kind": 1, "t": "rents.html"}, {"kind": 2, "t": "title.html"}]},
        ["rents.html", "title.html"],
    ),
    "loop-with-filter": (
        '{% for w in ws %}{% include "w_"|add:w.kind|add:".html" %}{% endfor %}',
        {"ws": [{"kind": "leases"}, {"kind": "owners"}]},
        ["w_leases.html", "w_owners.html"],
    ),
    "relative": ('{% include "folder/page.html" %}', {"name": "./rents.html"}, ["folder/rents.html"]),
    "extends": ("{% extends layout %}", {"layout": "base.html"}, ["base.html"]),
    "extends-default": ('{% extends layout|default:"base.html" %}', {}, ["base.html"]),
    "calm-property-beside": (
        "{{ w.calm }}{% include w.template %}",
        {"w": Constant()},
        ["rents.html"],
    ),
    "missing-template": ("{% include name %}", {"name": "nowhere.html"}, ["nowhere.html"]),
}


@pytest.mark.parametrize(("source", "context", "names"), TOLD.values(), ids=TOLD)
def test_a_name_is_told_from_the_context(engine, source, context, names):
    assert list(named(engine.from_string(source), context).values()) == [names]


@pytest.mark.parametrize("value", [None, "", [], ()], ids=repr)
def test_nothing_is_read_for_a_name_that_is_empty(engine, value):
    template = engine.from_string("{% if w.template %}{% include w.template %}{% endif %}")
    compiled = compile_template(template).named({"w": {"template": value}})
    assert not compiled.tree.escapes
    assert compiled.tree.files == ("<template>",)


SAME = Widget("rents.html")
UNTOLD = {
    "property": ("{% include w.computed %}", {"w": Constant()}, "w.computed is computed by Constant"),
    "method": ("{% include w.method %}", {"w": Constant()}, "w.method is computed by Constant"),
    "getattr": ("{% include w.other %}", {"w": Answering()}, "w.other cannot be told of a Answering"),
    "getitem": ("{% include w.template %}", {"w": Keyed()}, "w.template cannot be told of a Keyed"),
    "callable": ("{% include w.template %}", {"w": {"template": lambda: "x"}}, "w.template is called"),
    "callable-name": ("{% include name %}", {"name": lambda: "x"}, "name is called"),
    "class": ("{% include w.template %}", {"w": Constant}, "w is called"),
    "dict-method": ("{% include w.copy %}", {"w": {}}, "w.copy cannot be told of a dict"),
    "number-into-a-dict": ("{% include w.0 %}", {"w": {"0": "x"}}, "w.0 cannot be told of a dict"),
    "letter": ("{% include w.0 %}", {"w": "abc"}, "w.0 cannot be told of a str"),
    "lazy-string": ("{% include name %}", {"name": lazystr("x")}, "the value is a __proxy__"),
    "number": ("{% include name %}", {"name": 3}, "the value is a int"),
    "list-of-numbers": ("{% include names %}", {"names": ["x", 3]}, "the value is a list"),
    "nul": ("{% include name %}", {"name": "a\0b"}, "'a\\x00b' is no name of a template"),
    "surrogate": ("{% include name %}", {"name": "a\ud800"}, "'a\\ud800' is no name of a template"),
    "generator": (
        "{% for w in ws %}{% include w %}{% endfor %}",
        {"ws": (name for name in ["x"])},
        "ws[each] cannot be told of a generator",
    ),
    "request": ("{% include request.layout %}", {}, "request is not in the context, and a context processor may have it"),
    "other-filter": ("{% include name|upper|linebreaks %}", {"name": "x"}, "the filter 'linebreaks' may give anything"),
    "translated": ('{% include _("rents.html") %}', {}, "the template makes the name itself"),
    "number-filtered": ("{% include w|add:x %}", {"w": {}, "x": "a"}, "the filter 'add' is given a dict"),
    "cycled": (
        '{% for x in xs %}{% cycle "a.html" "b.html" as t silent %}{% include t %}{% endfor %}',
        {"xs": [1]},
        "the template makes the name itself",
    ),
    "either": (
        '{% with t=a|default:"x.html" %}{% include t %}{% endwith %}',
        {"a": "y.html"},
        "the template makes the name itself",
    ),
    "sliced-literal": (
        '{% with a="rents.html" %}{% with b=a|slice:":2" %}{% include b %}{% endwith %}{% endwith %}',
        {},
        "the template makes the name itself",
    ),
    "restless-property-beside": (
        "{{ w.restless }}{% include w.template %}",
        {"w": Constant()},
        "Constant.restless may change its object",
    ),
    "popped": ("{{ ws.pop }}{% include ws.0 %}", {"ws": ["a", "b"]}, "the template reads '.pop', which may change a value"),
    "handed-to-a-tag": (
        "{% include w.template %}{{ w|json_script }}",
        {"w": {"template": "rents.html"}},
        "w is handed to code that may change it",
    ),
    "handed-over-by-number": (
        "{% for w in ws %}{% include w.template %}{% endfor %}{{ ws.0|pprint }}",
        {"ws": [{"template": "rents.html"}]},
        "a part of ws is handed to code that may change it",
    ),
    "handed-over-by-another-name": (
        "{% include w.template %}{{ object|pprint }}",
        {"w": SAME, "object": SAME},
        "object is handed to code that may change it",
    ),
    "relative-to-nothing": ("{% include name %}", {"name": "./x.html"}, "'./x.html' is relative to a template without a name"),
    "relative-too-far": (
        '{% include "folder/page.html" %}',
        {"name": "../../x.html"},
        "The relative path '../../x.html' points outside the file hierarchy that template 'folder/page.html' is in.",
    ),
    "too-many": (
        "{% for w in ws %}{% include w %}{% endfor %}",
        {"ws": [f"{row}.html" for row in range(1001)]},
        "there are more than 1000 values of ws[each]",
    ),
    "extends-nothing": ("{% extends layout %}", {"layout": ""}, "the name is empty"),
    "extends-list": ("{% extends layout %}", {"layout": ["base.html"]}, "the value is a list"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "context", "reason"), UNTOLD.values(), ids=UNTOLD)
def test_a_name_that_cannot_be_told_says_why_and_keeps_all_live(engine, source, context, reason):
    template = engine.from_string(source)
    assert list(named(template, context).values()) == [[reason]]
    assert escapes(template, context)


register = Library()


@register.simple_tag(takes_context=True)
def turn(context):
    context["name"] = "leases.html"
    return ""


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("{% turn %}{% include name %}", id="before"),
        pytest.param("{% for x in 'ab' %}{% include name %}{% turn %}{% endfor %}", id="in-a-loop"),
        pytest.param("{% if name %}{% turn %}{% endif %}{% include name %}", id="in-a-branch"),
        pytest.param("{% include 'turns.html' with name=name leases=leases only %}", id="behind-a-wall"),
    ],
)
def test_a_tag_that_takes_the_context_may_set_a_name(agency, files, source):
    files["turns.html"] = "{% load turns %}{% turn %}{% include name %}"
    loaders = [("django.template.loaders.locmem.Loader", files)]
    template = Engine(loaders=loaders, libraries={"turns": __name__}).from_string("{% load turns %}" + source)
    context = {"name": "rents.html", "leases": leases()}
    assert named(template, context) == {"name": ["the tag 'turn' takes the context, and may set a name"]}
    live, _ = page(template, {**context, "leases": leases()})
    assert page(template, serialize_context(template, context))[0] == live
    assert "@" in live


@register.simple_tag(takes_context=True)
def greet(context, mark="!"):
    with context.push(hidden=1):
        return f"Hello {context.get('visitor')}{mark}"


@register.simple_tag(takes_context=True)
def rename(context):
    context["w"]["template"] = "leases.html"
    return ""


@register.tag
def setvar(parser, token):
    name = token.split_contents()[1]

    class SetNode(Node):
        def render(self, context):
            context[name] = "leases.html"
            return ""

    return SetNode()


def turning(files, source):
    loaders = [("django.template.loaders.locmem.Loader", files)]
    return Engine(loaders=loaders, libraries={"turns": __name__}).from_string("{% load turns %}" + source)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("{% greet %}{% include name %}", id="before"),
        pytest.param(
            "{% greet as hello %}{% for x in 'ab' %}{% include name %}{% greet x %}{% endfor %}", id="loop"
        ),
        pytest.param("{% include 'greets.html' with name=name leases=leases only %}", id="behind-a-wall"),
    ],
)
def test_a_tag_that_only_reads_the_context_sets_no_name(agency, files, source):
    files["greets.html"] = "{% load turns %}{% greet %}{% include name %}"
    template = turning(files, source)
    context = {"name": "leases.html", "visitor": "Ann"}
    assert named(template, context) == {"name": ["leases.html"]}
    assert not escapes(template, context)
    live, plain = page(template, {**context, "leases": leases()})
    served, queries = page(template, serialize_context(template, {**context, "leases": leases()}))
    assert served == live
    assert "@" in live
    assert queries < plain


def test_a_tag_may_change_a_value_that_it_reads(agency, files):
    template = turning(files, "{% rename %}{% include w.template %}")
    context = {"w": {"template": "rents.html"}}
    assert named(template, context) == {"w.template": ["w is handed to code that may change it"]}
    live, _ = page(template, {"w": {"template": "rents.html"}, "leases": leases()})
    served = serialize_context(template, {"w": {"template": "rents.html"}, "leases": leases()})
    assert page(template, served)[0] == live
    assert "@" in live


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        pytest.param({"args": ("word",), "writes": True}, False, id="sets-names"),
        pytest.param({"args": ("word",), "reads": "*"}, False, id="reads-anything"),
        pytest.param({"args": ("word",), "reads": ("visitor",)}, True, id="reads-only"),
    ],
)
def test_a_spec_says_whether_a_tag_sets_names(agency, files, monkeypatch, spec, told):
    monkeypatch.setattr(tagspecs, "_tags", {})
    register_tag_spec(setvar, **spec)
    template = turning(files, "{% setvar name %}{% include name %}")
    context = {"name": "rents.html", "visitor": "Ann"}
    reason = "the tag 'setvar' takes the context, and may set a name"
    assert named(template, context) == {"name": ["rents.html" if told else reason]}
    if not told:
        live, _ = page(template, {**context, "leases": leases()})
        assert page(template, serialize_context(template, {**context, "leases": leases()}))[0] == live
        assert "@" in live


def test_a_form_may_write_the_name_to_its_instance(agency, engine, files):
    files["active.html"] = "{{ lease.property.name }}"
    files["ended.html"] = "{{ lease.tenant.user.email }}"
    template = engine.from_string('{{ form.errors }}{% include lease.status|add:".html" %}')

    def context():
        lease = Lease.objects.filter(status="active").order_by("pk").first()
        return {"lease": lease, "form": LeaseForm({"status": "ended"}, instance=lease)}

    assert named(template, context()) == {
        'lease.status|add:".html"': ["the page reaches the Lease of lease.status in two places"]
    }
    live, _ = page(template, context())
    assert page(template, serialize_context(template, context()))[0] == live
    assert "@" in live


def test_a_queryset_names_templates_once_it_is_loaded(agency, engine):
    template = engine.from_string("{% for l in rows %}{% include l.status %}{% endfor %}")
    rows = Lease.objects.filter(status="active")[:2]
    assert named(template, {"rows": rows}) == {"l.status": ["rows[each] is a queryset that is not loaded"]}
    assert named(template, {"rows": loaded(rows)}) == {"l.status": ["active"]}


@pytest.mark.parametrize("bad", ["%s", "rents.html"])
def test_string_if_invalid_may_be_a_name(files, bad):
    engine = Engine(loaders=[("django.template.loaders.locmem.Loader", files)], string_if_invalid=bad)
    template = engine.from_string("{% include w.nothing %}")
    assert named(template, {"w": {}}) == {"w.nothing": ["the value is missing, and string_if_invalid is set"]}


def test_a_context_processor_may_have_what_the_context_has_not(files):
    engine = Engine(
        loaders=[("django.template.loaders.locmem.Loader", files)],
        context_processors=[f"{__name__}.layouts"],
    )
    template = engine.from_string('{% extends layout|default:"base.html" %}')
    assert named(template, {})['layout|default:"base.html"'] == [
        "layout is not in the context, and a context processor may have it"
    ]
    assert template.render(RequestContext(None, {})).startswith("<")


def layouts(request):
    return {"layout": "wide.html"}


def test_a_template_of_another_engine_is_not_read(engine):
    other = Engine().from_string("{{ a.b }}")
    assert named(engine.from_string("{% include t %}"), {"t": other}) == {
        "t": ["the template is of another engine"]
    }


# -- the tree is that of the template with the name written out

WRITTEN_OUT = {
    "include": ("{% include name %}", '{% include "leases.html" %}', {"name": "leases.html"}),
    "with": (
        "{% include name with leases=xs %}",
        '{% include "leases.html" with leases=xs %}',
        {"name": "leases.html"},
    ),
    "only": (
        "{% include name with leases=xs only %}",
        '{% include "leases.html" with leases=xs only %}',
        {"name": "leases.html"},
    ),
    "loop": (
        "{% for w in ws %}{% include w.template %}{% endfor %}",
        '{% for w in ws %}{% if w.template %}{% include "w_leases.html" %}{% endif %}'
        '{% if w.template %}{% include "w_owners.html" %}{% endif %}{% endfor %}',
        {"ws": [{"template": "w_leases.html"}, {"template": "w_owners.html"}]},
    ),
    "extends": (
        "{% extends layout %}{% block body %}{{ a.b }}{{ block.super }}{% endblock %}",
        '{% extends "base.html" %}{% block body %}{{ a.b }}{{ block.super }}{% endblock %}',
        {"layout": "base.html"},
    ),
    "extends-without-the-block": (
        "{% extends layout %}{% block nowhere %}{{ a.b }}{% endblock %}{{ c.d }}",
        '{% extends "wide.html" %}{% block nowhere %}{{ a.b }}{% endblock %}{{ c.d }}',
        {"layout": "wide.html"},
    ),
    "include-in-a-block-of-a-dynamic-parent": (
        "{% extends layout %}{% block body %}{% include name %}{% endblock %}",
        '{% extends "wide.html" %}{% block body %}{% include "rents.html" %}{% endblock %}',
        {"layout": "wide.html", "name": "rents.html"},
    ),
    "parent-of-an-include": (
        '{% include "child.html" with layout="base.html" %}',
        '{% include "static.html" %}',
        {},
    ),
    "parent-of-an-include-is-handed-in": (
        '{% include "child.html" with layout=x %}',
        '{% include "static.html" %}',
        {"x": "base.html", "layout": "wide.html"},
    ),
}


def paths(template, context):
    """Which paths are read, and what for; whether a branch decides may differ."""
    found = {}

    def walk(path, node):
        if node.uses - {"arg", "bool"}:
            found[path] = node.uses - {"arg", "bool"}
        for name, child in [*node.attrs.items(), *node.indexes.items(), ("*", node.element)]:
            if child is not None:
                walk((*path, name), child)

    tree = compile_template(template).named(context).tree
    assert not tree.escapes
    for name, node in tree.roots.items():
        walk((name,), node)
    return found


@pytest.mark.parametrize(("dynamic", "written", "context"), WRITTEN_OUT.values(), ids=WRITTEN_OUT)
def test_the_tree_is_that_of_the_name_written_out(engine, files, dynamic, written, context):
    files["child.html"] = "{% extends layout %}{% block body %}{{ c.d }}{{ block.super }}{% endblock %}"
    files["static.html"] = files["child.html"].replace("layout", '"base.html"')
    ours, theirs = engine.from_string(dynamic), engine.from_string(written)
    assert paths(ours, context) == paths(theirs, context)
    assert paths(ours, context)


def test_one_of_several_templates_is_read_in_a_branch_and_the_only_one_is_not(engine):
    template = engine.from_string("{% for n in names %}{% include n %}{% endfor %}{% include last %}")
    one = compile_template(template).named({"names": ["w_leases.html"] * 2, "last": "base.html"}).tree
    two = (
        compile_template(template).named({"names": ["w_leases.html", "base.html"], "last": "base.html"}).tree
    )
    assert [one.roots["leases"].conditional, two.roots["leases"].conditional] == [False, False]
    several = (
        compile_template(template).named({"names": ["rents.html", "title.html"], "last": "title.html"}).tree
    )
    assert several.roots["leases"].conditional


# -- pages

PAGES = {
    "include": ("{% include name %}", lambda: {"name": "leases.html", "leases": leases()}, 1, 19),
    "include-of-another": ("{% include name %}", lambda: {"name": "rents.html", "leases": leases()}, 1, 1),
    "include-in-a-branch-that-does-not-render": (
        "{% if flag %}{% include name %}{% endif %}",
        lambda: {"name": "leases.html", "leases": leases()},
        0,
        0,
    ),
    "include-with": (
        "{% include name with leases=xs %}",
        lambda: {"name": "leases.html", "xs": leases()},
        1,
        19,
    ),
    "include-only": (
        "{% include name with leases=xs only %}",
        lambda: {"name": "leases.html", "xs": leases(), "leases": leases()},
        1,
        19,
    ),
    "include-list": (
        "{% include names %}",
        lambda: {"names": ["nowhere.html", "leases.html"], "leases": leases()},
        1,
        19,
    ),
    "include-of-each-row": (
        "{% for l in leases %}{% include row %}{% endfor %}",
        lambda: {"row": "row.html", "leases": leases()},
        1,
        19,
    ),
    "widgets": (
        "{% for w in ws %}{% include w.template %}{% endfor %}",
        lambda: {
            "ws": [
                {"template": "title.html", "title": "<b>"},
                {"template": "w_leases.html", "leases": leases()},
                {"template": "w_owners.html", "owners": Owner.objects.order_by("pk")[:4]},
            ]
        },
        2,
        12,
    ),
    "page-with-widgets-by-name": (
        "{% include a.template with w=a %}{% include b.template with w=b %}",
        lambda: {
            "a": {"template": "w_leases.html", "leases": leases()},
            "b": {"template": "w_owners.html", "owners": Owner.objects.order_by("pk")[:4]},
        },
        2,
        12,
    ),
    "extends": (
        "{% extends layout %}{% block body %}{% for l in leases %}{{ l.property.name }}{% endfor %}{% endblock %}",
        lambda: {"layout": "base.html", "leases": leases()},
        1,
        7,
    ),
    "extends-another": (
        "{% extends layout %}{% block body %}{% for l in leases %}{{ l.property.name }}{% endfor %}{% endblock %}",
        lambda: {"layout": "wide.html", "leases": leases(), "properties": properties()},
        2,
        18,
    ),
    "extends-default": (
        '{% extends layout|default:"base.html" %}{% block body %}{% include "leases.html" %}{% endblock %}',
        lambda: {"leases": leases()},
        1,
        19,
    ),
    "both": (
        "{% extends layout %}{% block body %}{% include name %}{% endblock %}",
        lambda: {"layout": "wide.html", "name": "leases.html", "leases": leases(), "properties": properties()},
        2,
        30,
    ),
    "a-model-names-it": (
        '{% include lease.status|add:".html" %}',
        lambda: {"lease": Lease.objects.filter(status="active").order_by("pk").first()},
        1,
        1,
    ),
    "instances-name-it": (
        '{% for l in rows %}{% include l.status|add:".html" %}{% endfor %}',
        lambda: {"rows": list(Lease.objects.filter(status="active").order_by("pk")[:6])},
        1,
        6,
    ),
    "loaded-rows-name-it": (
        '{% for l in rows %}{% include l.status|add:".html" %}{% endfor %}',
        lambda: {"rows": loaded(Lease.objects.filter(status="active").order_by("pk")[:6])},
        1,
        6,
    ),
    "rows-name-it": (
        '{% for l in rows %}{% include l.status|add:".html" %}{% endfor %}',
        lambda: {"rows": Lease.objects.filter(status="active").order_by("pk")[:6]},
        2 if django.VERSION >= (6, 1) else 7,  # peers are fetched together
        7,
    ),
    "no-such-template": ("{% include name %}", lambda: {"name": "nowhere.html", "leases": leases()}, 0, 0),
    "no-name": ("{{ leases.0.rent }}{% include name %}", lambda: {"name": None, "leases": leases()}, 1, 1),
    "no-parent": ("{% extends layout %}", lambda: {"layout": None, "leases": leases()}, 0, 0),
    "broken-template": ("{% include name %}", lambda: {"name": "broken.html", "leases": leases()}, 0, 0),
    "untold": (
        "{% for w in ws %}{% include w.template %}{% endfor %}",
        lambda: {"ws": iter([{"template": "leases.html"}]), "leases": leases()},
        19,
        19,
    ),
    "recursive": (
        "{% include name %}",
        lambda: {"name": "self.html", "node": Widget("", "a", Widget("", "b", Widget("", "c", Widget("", "d"))))},
        0,
        0,
    ),
}  # fmt: skip


def loaded(queryset):
    len(queryset)
    return queryset


@pytest.mark.django_db
@pytest.mark.parametrize(("source", "context", "planned", "plain"), PAGES.values(), ids=PAGES)
def test_page_is_what_plain_django_renders(agency, engine, files, source, context, planned, plain):
    files["active.html"] = "{{ lease.property.name }}{{ l.property.name }}{{ l.rent }};"
    template = engine.from_string(source)
    assert_same_page(template, context, planned, plain)


LISTING = "{% block body %}{% for p in properties %}{{ p.owner.user.email }};{% endfor %}{% endblock %}"

GIVEN = {
    "include": ("{% include t %}", "{% for l in leases %}{{ l.property.name }};{% endfor %}", 1, 7),
    "include-only": (
        "{% include t with leases=leases only %}",
        "{% for l in leases %}{{ l.property.name }}{{ properties }};{% endfor %}",
        1,
        7,
    ),
    "include-or-default": (
        '{% include t|default:"rents.html" %}',
        "{% for l in leases %}{{ l.property.name }};{% endfor %}",
        1,
        7,
    ),
    "extends": (
        "{% extends t %}{% block body %}{{ leases.0.rent }}{{ block.super }}{% endblock %}",
        LISTING,
        2,
        12,
    ),
    "extends-further": ("{% extends t %}", '{% extends "base.html" %}' + LISTING, 1, 11),
}


@pytest.mark.parametrize("backend", [False, True], ids=["template", "backend-template"])
@pytest.mark.parametrize(("source", "given", "planned", "plain"), GIVEN.values(), ids=GIVEN)
def test_a_template_object_is_read_as_it_is(agency, files, backend, source, given, planned, plain):
    loaders = [("django.template.loaders.locmem.Loader", files)]
    django_backend = DjangoTemplates(
        {"NAME": "x", "DIRS": [], "APP_DIRS": False, "OPTIONS": {"loaders": loaders}}
    )
    engine = django_backend.engine
    template = engine.from_string(source)

    def context():
        made = django_backend.from_string(given) if backend else engine.from_string(given)
        return {"t": made, "leases": leases(), "properties": properties()}

    assert_same_page(template, context, planned, plain)
    assert named(template, context()) == {re.search(r"{% \w+ (\S+)", source)[1]: ["<template>"]}


def test_a_loaded_template_object_extends_its_namesake_of_a_later_loader(agency):
    loaders = [
        (
            "django.template.loaders.locmem.Loader",
            {"x.html": '{% extends "x.html" %}{% block a %}{{ a.b }}{% endblock %}'},
        ),
        ("django.template.loaders.locmem.Loader", {"x.html": "{% block a %}{% endblock %}{{ c.d }}"}),
    ]
    engine = Engine(loaders=loaders)
    template = engine.from_string("{% include t %}")
    tree = compile_template(template).named({"t": engine.get_template("x.html")}).tree
    assert tree.dotted() == {"a": ["b"], "c": ["d"], "t": []}
    assert not tree.escapes


if django.VERSION >= (6, 0):

    def test_a_name_may_be_that_of_a_partial(agency, engine, files):
        files["parts.html"] = (
            "{% partialdef few %}{% for l in leases %}{{ l.rent }};{% endfor %}{% endpartialdef %}"
            "{% partialdef many %}{% for p in properties %}{{ p.owner.user.email }};{% endfor %}{% endpartialdef %}"
        )
        template = engine.from_string("{% include name %}")
        for name, planned, plain in (("parts.html#few", 1, 1), ("parts.html#many", 1, 11)):
            values = {"name": name}
            assert_same_page(
                template,
                lambda values=values: {**values, "leases": leases(), "properties": properties()},
                planned,
                plain,
            )
        missing = {"name": "parts.html#none", "leases": leases()}
        assert escapes(template, missing)
        assert_same_page(template, lambda: missing, 0, 0)


# -- values and sources that change


def test_each_value_has_a_tree_of_its_own_and_is_read_once(engine):
    template = engine.from_string("{% include name %}")
    compiled = compile_template(template)
    first = compiled.named({"name": "rents.html"})
    second = compiled.named({"name": "title.html"})
    assert [first.tree.dotted(), second.tree.dotted()] == [
        {"leases": ["rent"], "name": []},
        {"name": [], "title": [], "w": ["title"]},
    ]
    assert compiled.named({"name": "rents.html", "more": 1}) is first
    assert compiled.named({"name": "title.html"}) is second
    assert compile_template(template) is compiled


def test_a_page_without_dynamic_names_is_one_tree(engine):
    compiled = compile_template(engine.from_string('{% include "rents.html" %}'))
    assert compiled.named({"name": "x"}) is compiled


def test_names_are_forgotten_in_the_end(engine, monkeypatch):
    monkeypatch.setattr(context_module, "MAX_NAMED", 3)
    compiled = compile_template(engine.from_string("{% include name %}"))
    first = compiled.named({"name": "rents.html"})
    for row in range(5):
        compiled.named({"name": f"nowhere-{row}.html"})
        assert compiled.named({"name": "rents.html"}) is first
    assert len(compiled._named) == 3
    for row in range(3):
        compiled.named({"name": f"nowhere-{row}.html"})
    assert compiled.named({"name": "rents.html"}) is not first


def test_pages_follow_the_value(agency, engine):
    template = engine.from_string(
        "{% extends layout %}{% block body %}{% include w.template %}{% endblock %}"
    )
    pages = [
        ("base.html", "leases.html", 1, 19),
        ("base.html", "rents.html", 1, 1),
        ("wide.html", "rents.html", 2, 12),
    ]
    for layout, name, planned, plain in [*pages, *pages]:
        values = {"layout": layout, "w": Widget(name)}
        assert_same_page(
            template,
            lambda values=values: {**values, "leases": leases(), "properties": properties()},
            planned,
            plain,
        )


def test_a_template_that_changes_is_read_again(agency, engine, files):
    template = engine.from_string("{% include name %}")

    def context():
        return {"name": "rents.html", "leases": leases()}

    assert_same_page(template, context, 1, 1)
    files["rents.html"] = FILES["leases.html"]
    assert_same_page(template, context, 1, 19)


def test_a_template_that_appears_is_read(agency, engine, files):
    template = engine.from_string("{% include names %}")

    def context():
        return {"names": ["new.html", "rents.html"], "leases": leases()}

    assert_same_page(template, context, 1, 1)
    files["new.html"] = FILES["leases.html"]
    assert_same_page(template, context, 1, 19)
    del files["new.html"]
    assert_same_page(template, context, 1, 1)


def test_a_value_that_is_no_longer_told_keeps_all_live(agency, engine):
    template = engine.from_string("{% include w.template %}")
    assert_same_page(template, lambda: {"w": Widget("leases.html"), "leases": leases()}, 1, 19)
    lazy = type("Lazy", (), {"template": property(lambda self: "leases.html")})
    assert_same_page(template, lambda: {"w": lazy(), "leases": leases()}, 19, 19)
    assert_same_page(template, lambda: {"w": Widget("leases.html"), "leases": leases()}, 1, 19)


def test_a_template_that_changes_the_name_on_its_way_is_not_trusted(agency, engine, files):
    files["turn.html"] = "{{ w.restless }}"
    template = engine.from_string('{% include "turn.html" %}{% include w.template %}')
    html = assert_same_page(template, lambda: {"w": Constant(), "leases": leases()}, 19, 19)
    assert "@" in html


def test_a_template_that_is_included_may_be_what_changes_the_name(agency, engine, files):
    files["rents.html"] = "{{ w.restless }}{% for l in leases %}{{ l.rent }}{% endfor %}"
    template = engine.from_string("{% include w.template %}{% include w.template %}")
    assert_same_page(template, lambda: {"w": Constant(), "leases": leases()}, 19, 19)


# -- where it is served, and what is said


class Report(LiveView):
    template = "{% extends layout %}{% block body %}{% for w in widgets %}{% include w.template %}{% endfor %}{% endblock %}"

    def mount(self, request, widgets=("leases", "owners"), layout="report/base.html", **kwargs):
        self.layout = layout
        rows = {"leases": leases(), "owners": Owner.objects.order_by("pk")[:4]}
        self.widgets = [{"template": f"report/{kind}.html", kind: rows[kind]} for kind in widgets]


@pytest.fixture
def report(settings, tmp_path):
    folder = tmp_path / "report"
    folder.mkdir()
    for name in ("w_leases.html", "w_owners.html", "base.html"):
        (folder / name.removeprefix("w_")).write_text(FILES[name])
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]


@pytest.mark.parametrize(
    ("kinds", "queries", "plain"),
    [
        pytest.param(("leases", "owners"), 2, 12, id="both"),
        pytest.param(("owners",), 1, 5, id="one"),
        pytest.param((), 0, 0, id="none"),
    ],
)
def test_a_live_view_serves_its_widgets(agency, report, rf, kinds, queries, plain):
    view = Report()
    view.mount(None, kinds)
    html, live = page(view.get_template().template, view.live_context())
    assert live == plain
    with CaptureQueriesContext(connection) as ours:
        response = Report.as_view()(rf.get("/"), widgets=kinds)
    assert response.content.decode() == html
    assert len(ours) == queries


def test_explain_says_what_was_told_and_what_was_not(engine):
    template = engine.from_string(
        "{% extends layout %}{% block body %}{% include w.template %}{% endblock %}"
    )
    said = explain(template, {"layout": "base.html", "w": Constant(), "leases": Lease}).plan
    assert "{% extends layout %} is 'base.html' (<template>:1:1)" in said
    assert "{% include w.template %} is 'rents.html' (<template>:1:37)" in said
    assert "every value stays live" not in said
    said = explain(template, {"layout": "base.html", "w": Keyed(), "leases": Lease}).plan
    assert (
        "{% include w.template %} is not known: w.template cannot be told of a Keyed (<template>:1:37)"
        in said
    )
    assert "every value stays live" in said


def test_diagnostics_say_why(engine):
    document = compile_template(engine.from_string("{% include w.x %}")).named({"w": Keyed()}).tree.json()
    (diagnostic,) = json.loads(document)["diag"]
    assert diagnostic["code"] == "DA103"
    assert diagnostic["msg"].endswith("only known when it renders: w.x cannot be told of a Keyed")


def test_a_tree_that_is_too_large_for_one_value_is_declined_and_served(agency, engine, files, caplog):
    files["huge.html"] = "".join(f"{{{{ v{row} }}}}" for row in range(6000))
    template = engine.from_string("{% include name %}")
    context_module._said.clear()
    assert_same_page(template, lambda: {"name": "huge.html", "leases": leases()}, 0, 0)
    assert "values are read" in caplog.text


def test_json_has_what_the_named_template_reads(agency, engine):
    template = engine.from_string("{% include name %}")
    served = serialize_context(template, {"name": "rents.html", "leases": leases()}, mode="json")
    assert served == {"name": "rents.html", "leases": [{"rent": str(lease.rent)} for lease in leases()]}


# -- any value

VALUES = st.recursive(
    st.sampled_from([None, "", "rents.html", "leases.html", "nowhere.html", "./rents.html", 0, 3]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(st.sampled_from(["a", "b", "template"]), inner, max_size=2)
        | st.builds(lambda value: SimpleNamespace(template=value, a=value), inner)
        | st.builds(Slotted, inner)
    ),
    max_leaves=6,
)
SOURCES = [
    "{% include x %}",
    "{% include x.template %}",
    "{% include x.a.b %}",
    "{% include x.0 %}",
    '{% include x.a|default:"rents.html" %}',
    '{% include x.a|default_if_none:y.template|add:"" %}',
    "{% for w in x %}{% include w %}{% endfor %}",
    "{% for w in x %}{% include w.template|default:y %}{% endfor %}",
    "{% for k, w in x.items %}{% include w %}{% include k %}{% endfor %}",
    "{% for a, b in x %}{% include b.a %}{% endfor %}",
    "{% with z=x.a %}{% if z %}{% include z %}{% else %}{% include y %}{% endif %}{% endwith %}",
    "{% extends x %}",
    '{% extends x.template|default:"base.html" %}{% block body %}{% include y %}{% endblock %}',
]


@pytest.mark.django_db
@settings(
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "150")),
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(source=st.sampled_from(SOURCES), x=VALUES, y=VALUES)
def test_any_value_gives_the_page_of_plain_django(agency, engine, source, x, y):
    template = engine.from_string(source)

    def rendered(serve):
        values = serve({"x": x, "y": y, "leases": leases()})
        with CaptureQueriesContext(connection) as queries:
            try:
                html = template.render(Context(values))
            except Exception as error:  # noqa: BLE001 - any value is any error, and the same one in both
                html = repr(error)
        return html, len(queries)

    with CaptureQueriesContext(connection) as queries:
        ours, rest = rendered(lambda values: serialize_context(template, values))
    html, plain = rendered(dict)
    assert ours == html
    assert len(queries) <= plain
    assert rest <= plain

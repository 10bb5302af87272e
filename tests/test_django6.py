"""What Django 6.0 and 6.1 changed in the template language, and that pages follow the Django that runs.

Each case renders with live objects and with what we serve; what the page is under which Django is written down, so
that a case says something under each. A template that this Django refuses, we refuse in its words.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NamedTuple

import django
import pytest
from django.db import connection
from django.template import Context, Engine, RequestContext, TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from djust_ast import compile_template, explain, extract, serialize_context
from djust_ast._extractor import ExtractError, Registry
from djust_ast._extractor import extract as extract_paths
from djust_ast.demo.rentals.models import Lease
from djust_ast.errors import TemplateError
from djust_ast.registry import stock_spec
from tests.test_nodewalk import bracketed  # noqa: F401
from tests.zoo.models import Animal, Cage, Habitat, Zone

LOCMEM = "django.template.loaders.locmem.Loader"
PROCESSORS = ["django.template.context_processors.request"]
if django.VERSION >= (6, 0):
    PROCESSORS.append("django.template.context_processors.csp")
FILES = {
    "parts.html": "{% partialdef row %}<b>{{ l.property.name }}</b>{% endpartialdef %}"
    "{% partialdef total inline %}{{ leases|length }}{% endpartialdef total %}",
    "whole.html": "whole {{ leases.0.rent }}",
    "child.html": '{% extends "layout.html" %}{% block body %}{% for l in leases %}{% partial cell %}{% endfor %}{% endblock %}'
    "{% partialdef cell %}[{{ l.tenant.user.email }}]{% endpartialdef %}",
    "layout.html": "<main>{% block body %}{% endblock %}</main>",
}


class Case(NamedTuple):
    """A template, and what is in its page from which Django on; ``None`` where it is no template."""

    source: str
    pages: dict[tuple[int, int], str | None]
    values: dict[str, Any] = {}


LOOP = "{% for l in leases %}"
CASES = {
    # 6.0: partials
    "partial": Case(
        "{% partialdef row %}{{ l.property.name }};{% endpartialdef %}" + LOOP + "{% partial row %}{% endfor %}",
        {(5, 2): None, (6, 0): "NAMES"},
    ),
    "partial-before-its-definition": Case(
        LOOP + "{% partial row %}{% endfor %}{% partialdef row %}{{ l.property.name }};{% endpartialdef row %}",
        {(5, 2): None, (6, 0): "NAMES"},
    ),
    "partial-inline": Case(
        LOOP + "{% partialdef row inline %}{{ l.property.name }};{% endpartialdef %}{% endfor %}",
        {(5, 2): None, (6, 0): "NAMES"},
    ),
    "partial-in-the-scope-of-its-use": Case(
        "{% with l=leases.0 %}{% partialdef row %}{{ l.property.name }}{% endpartialdef %}{% endwith %}"
        "{% with l=leases.1 %}{% partial row %}{% endwith %}",
        {(5, 2): None, (6, 0): "SECOND"},
    ),
    "partial-twice": Case(
        "{% partialdef a %}{% endpartialdef %}{% partialdef a %}{% endpartialdef %}",
        {(5, 2): None, (6, 0): None},
    ),
    "partial-with-parameters": Case(
        "{% partialdef a inline=1 %}{% endpartialdef %}", {(5, 2): None, (6, 0): None}
    ),
    "partial-without-a-name": Case("{% partialdef %}{% endpartialdef %}", {(5, 2): None, (6, 0): None}),
    "partial-of-two-names": Case("{% partial a b %}", {(5, 2): None, (6, 0): None}),
    # 6.0: names with a partial
    "include-of-a-partial": Case(
        LOOP + '{% include "parts.html#row" %}{% endfor %}', {(5, 2): "TemplateDoesNotExist", (6, 0): "<b>"}
    ),
    "include-of-a-partial-by-a-variable": Case(
        LOOP + "{% include name %}{% endfor %}",
        {(5, 2): "TemplateDoesNotExist", (6, 0): "<b>"},
        {"name": "parts.html#row"},
    ),
    "include-of-an-inline-partial": Case(
        '{% include "parts.html#total" %}', {(5, 2): "TemplateDoesNotExist", (6, 0): "3"}
    ),
    "include-of-no-partial": Case(
        '{% include "whole.html#" %}', {(5, 2): "TemplateDoesNotExist", (6, 0): "whole "}
    ),
    "include-of-a-partial-of-nothing": Case('{% include "#row" %}', {(5, 2): "TemplateDoesNotExist"}),
    "include-of-a-partial-that-is-not-there": Case(
        '{% include "whole.html#row" %}{{ leases.0.rent }}', {(5, 2): "TemplateDoesNotExist"}
    ),
    "extends-of-a-partial": Case('{% extends "parts.html#row" %}', {(5, 2): "TemplateDoesNotExist"}),
    "partial-in-a-block": Case('{% include "child.html" %}', {(5, 2): "TemplateSyntaxError", (6, 0): "@"}),
    # 6.0: forloop.length
    "forloop-length": Case(
        LOOP + "{{ forloop.length }}{{ l.property.name }}{% endfor %}", {(5, 2): "", (6, 0): "3"}
    ),
    "forloop-length-outside": Case(
        LOOP + "{% for x in 'ab' %}{{ forloop.parentloop.length }}{{ forloop.length }}{% endfor %}{% endfor %}",
        {(5, 2): "", (6, 0): "3232"},
    ),
    # 6.0: the grammar of names and numbers
    "sign-in-a-name": Case("{{ leases.0-x }}", {(5, 2): None, (6, 0): None}),
    "sign-in-front-of-a-name": Case("{{ -leases }}", {(5, 2): None, (6, 0): None}),
    "negative-exponent": Case("{{ 1e-2 }}{{ leases.0.rent|floatformat:-2 }}", {(5, 2): None, (6, 0): "0.01"}),
    "numbers": Case("{{ -1 }}{{ +1.5 }}{{ .5 }}", {(5, 2): "-11.50.5"}),
    "negative-fraction": Case("{{ -.5 }}{{ leases.0.rent }}", {(5, 2): None, (6, 0): "-0.5"}),
    # 6.0: {% querystring %}
    "querystring-of-the-request": Case("{% querystring %}", {(5, 2): "?a=1&amp;b=2"}),
    "querystring-that-becomes-empty": Case("{% querystring a=None b=None %}", {(5, 2): "?"}),
    "querystring-with-a-value-of-a-row": Case("{% querystring page=leases.0.property_id a=None %}", {(5, 2): "?b=2&amp;page="}),
    "querystring-with-a-list": Case("{% querystring a=ids %}", {(5, 2): "?a=1&amp;a=3&amp;b=2"}, {"ids": [1, 3]}),
    "querystring-with-nothing-in-a-list": Case(
        "{% querystring a=ids %}", {(5, 2): "?a=None&amp;b=2", (6, 0): "?b=2"}, {"ids": [None]}
    ),
    "querystring-with-a-list-of-rows": Case("{% querystring l=leases %}", {(5, 2): "l="}),
    "querystring-of-mappings": Case(
        "{% querystring request.GET more c=leases.0.pk %}",
        {(5, 2): None, (6, 0): "?a=7&amp;b=2&amp;c="},
        {"more": {"a": 7}},
    ),
    "querystring-of-a-dict": Case(
        "{% querystring more %}", {(5, 2): "AttributeError", (6, 0): "?a=7"}, {"more": {"a": 7}}
    ),
    "querystring-of-a-row": Case(
        "{% querystring leases.0 %}", {(5, 2): "AttributeError", (6, 0): "TemplateSyntaxError"}
    ),
    # 6.1: {% csp_nonce_attr %}
    "csp-nonce": Case("<script{% csp_nonce_attr %}></script>{{ leases.0.rent }}", {(5, 2): None, (6, 1): "<script"}),
    "csp-nonce-of-media": Case("{% csp_nonce_attr form.media %}", {(5, 2): None, (6, 1): ""}, {"form": None}),
    # 6.1: a name with two dots is deprecated
    "two-dots": Case("{{ leases..rent }}{{ leases.0.rent }}", {(5, 2): "RENT"}),
    # 6.1: filters
    "center-of-a-text": Case('[{{ leases.0.status|center:"11" }}]', {(5, 2): "[ "}),
    "center-of-nothing": Case('[{{ leases.0.status|center:"0" }}]', {(5, 2): "["}),
    "first-of-all": Case("{% load humanize %}{{ one|ordinal }}{{ leases|length|ordinal }}", {(5, 2): "1st3rd"}, {"one": 1}),
    "comma-in-a-fraction": Case(
        '{% load humanize %}{{ n|intcomma:False }}{{ leases.0.rent|intcomma }}', {(5, 2): "1,234.5"}, {"n": Decimal("1234.5")}
    ),
    "unordered-list": Case("{{ names|unordered_list }}{{ leases.0.rent }}", {(5, 2): "<ul>"}, {"names": ["a", ["b"]]}),
}  # fmt: skip


def page(template, context, request):
    """The page or the name of the error that ends it, and how many queries it took."""
    with CaptureQueriesContext(connection) as queries:
        try:
            html = template.render(RequestContext(request, context))
        except (TemplateDoesNotExist, TemplateSyntaxError, AttributeError) as error:
            html = f"{type(error).__name__}: {error}"
    return html, len(queries)


def expected(case, leases):
    """What this Django makes of a case."""
    found = case.pages[max(version for version in case.pages if version <= django.VERSION[:2])]
    names = [escape(lease.property.name) for lease in leases]
    values = {"NAMES": "".join(f"{name};" for name in names), "SECOND": names[1], "RENT": str(leases[0].rent)}
    return values.get(found, found)


def engine_of(**more):
    return Engine(
        loaders=[(LOCMEM, FILES | more)],
        context_processors=PROCESSORS,
        libraries={"humanize": "django.contrib.humanize.templatetags.humanize"},
    )


def refusal(read, *args):
    try:
        read(*args)
    except (TemplateSyntaxError, TemplateError, ExtractError) as error:
        return str(getattr(error, "raw_error_message", None) or getattr(error, "message", None) or error)
    return None


@pytest.mark.parametrize("walking", [False, True], ids=["extractor", "walk"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.usefixtures("agency")
@pytest.mark.filterwarnings("ignore:Support for double-dot")
def test_pages_follow_the_running_django(request, rf, case, walking):
    if walking:
        request.getfixturevalue("bracketed")
    engine, leases = engine_of(), Lease.objects.order_by("pk")[:3]
    wanted = expected(case, list(leases))
    if wanted is None:
        told = refusal(engine.from_string, case.source)
        assert told is not None
        assert refusal(lambda: extract(case.source, engine=engine)) == told
        return
    template, http = engine.from_string(case.source), rf.get("/?a=1&b=2")
    http._csp_nonce = "abc"
    live, plain = page(template, {"leases": leases.all(), **case.values}, http)
    with CaptureQueriesContext(connection) as queries:
        served = serialize_context(template, {"leases": leases.all(), **case.values}, request=http)
    ours, rest = page(template, served, http)
    assert wanted in live
    assert without_addresses(ours) == without_addresses(live)
    assert len(queries) + rest <= plain


def without_addresses(html):
    return html.partition(" object at 0x")[0]


@pytest.mark.parametrize("version", [(5, 2), (6, 0), (6, 1)], ids=lambda version: ".".join(map(str, version)))
class TestVersionFlag:
    """The registry says which Django it is of; the extractor alone follows that."""

    @staticmethod
    def registry(version):
        spec = stock_spec() | {"django": list(version)}
        tags = spec["builtins"]["tags"]
        for name in ("partial", "partialdef"):
            tags.pop(name, None)
            if version >= (6, 0):
                tags[name] = "native"
        return Registry(json.dumps(spec).encode())

    def roots(self, source, version, **files):
        resolve = lambda name, skip: (name, files[name]) if name in files else None  # noqa: E731
        return sorted(
            json.loads(extract_paths(source, "p.html", self.registry(version), resolve).json())["roots"]
        )

    def test_names_with_a_partial(self, version):
        files = {"a": "{{ whole }}{% verbatim %}{% endverbatim %}"}
        if version >= (6, 0):
            files["a"] += "{% partialdef x %}{{ part }}{% endpartialdef %}"
        assert self.roots('{% include "a#x" %}', version, **files) == (["part"] if version >= (6, 0) else [])
        assert self.roots('{% include "a#" %}', version, **files) == (["whole"] if version >= (6, 0) else [])
        assert self.roots('{% include "a#x" %}', version, **{"a#x": "{{ hash }}"}) == (
            [] if version >= (6, 0) else ["hash"]
        )

    def test_partials_are_tags(self, version):
        source = "{% partialdef x inline %}{{ a }}{% endpartialdef %}{% partial x %}"
        if version < (6, 0):
            with pytest.raises(ExtractError, match="Invalid block tag on line 1: 'partialdef'"):
                self.roots(source, version)
        else:
            assert self.roots(source, version) == ["a"]

    @pytest.mark.parametrize(
        ("source", "old", "new"),
        [
            pytest.param("{{ a|add:1e-5 }}", "remainder", None, id="negative-exponent"),
            pytest.param("{{ a|add:-1 }}", None, None, id="negative-number"),
            pytest.param("{{ a-b }}", "remainder", "Invalid character", id="minus"),
            pytest.param("{{ a+b }}", "remainder", "Invalid character", id="plus"),
            pytest.param("{{ a..b }}", None, None, id="two-dots"),
        ],
    )
    def test_numbers_and_signs(self, version, source, old, new):
        told = refusal(self.roots, source, version)
        wanted = new if version >= (6, 0) else old
        assert (told is None) == (wanted is None)
        assert wanted is None or wanted in str(told)


@pytest.mark.usefixtures("agency")
class TestPartialsAsPages:
    """``render(request, "page.html#rows")``: a partial is a template of its own."""

    FILES = {
        "page.html": "<h1>{{ title }}</h1>{% partialdef rows inline %}"
        "{% for l in leases %}{{ l.property.name }} {{ l.tenant.user.email }};{% endfor %}{% endpartialdef %}",
    }

    @pytest.fixture(autouse=True)
    def engines(self):
        options = {"loaders": [("django.template.loaders.cached.Loader", [(LOCMEM, self.FILES)])]}
        backend = {"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": options}
        with override_settings(TEMPLATES=[backend]):
            yield

    def test_a_partial_is_served(self, rf, django_assert_num_queries):
        if django.VERSION < (6, 0):
            with pytest.raises(TemplateDoesNotExist):
                serialize_context("page.html#rows", {})
            return
        template, leases = get_template("page.html#rows"), Lease.objects.order_by("pk")[:3]
        live = template.render({"leases": leases.all()})
        for target in ("page.html#rows", template, template.template):
            with django_assert_num_queries(1):
                served = serialize_context(target, {"leases": leases.all(), "title": "t"})
                assert template.render(served) == live
        assert "@" in live
        assert compile_template(template) is compile_template(template)
        assert "title" not in compile_template("page.html#rows").tree.roots
        assert "SELECT" in str(explain("page.html#rows", {"leases": Lease}).sql)

    def test_a_partial_of_no_engine_is_an_error_that_says_so(self):
        if django.VERSION < (6, 0):
            assert not hasattr(django.template.base, "PartialTemplate")
            return
        template = Engine().from_string("{% partialdef a %}{% endpartialdef %}")
        with pytest.raises(TemplateError, match="expected a template of Django's own engine"):
            compile_template(template.extra_data["partials"]["a"])


@pytest.mark.django_db
class TestCompositePrimaryKeys:
    """An object whose key has two columns is the same object, and stays live where it is handed on."""

    @pytest.fixture(autouse=True)
    def cages(self):
        habitat = Habitat.objects.create(name="den", zone=Zone.objects.create(code="z9", title="south"))
        animal = Animal.objects.create(name="Tom", kind="cat", habitat=habitat)
        other = Animal.objects.create(name="Rex", kind="dog", habitat=habitat)
        for house, number, label, who in ((1, 1, "a", animal), (1, 2, "b", other), (2, 1, "c", animal)):
            Cage.objects.create(house=house, number=number, label=label, animal=who)

    @pytest.mark.parametrize(
        "source",
        [
            pytest.param("{% for c in cages %}{{ c.label }} {{ c.animal.name }};{% endfor %}", id="columns"),
            pytest.param("{% for c in cages %}{{ c.pk }} {{ c.pk.0 }} {{ c.house }};{% endfor %}", id="key"),
            pytest.param("{% for c in cages %}{{ c }};{% endfor %}", id="printed"),
            pytest.param("{% for c in cages %}{% if c == one %}!{% endif %}{{ c.label }}{% endfor %}", id="compared"),
            pytest.param("{% for c in cages %}{% if c in cages %}in{% endif %}{% endfor %}", id="member"),
            pytest.param("{% for c in cages %}{% ifchanged c.pk %}{{ c.pk }}{% endifchanged %}{% endfor %}", id="changed"),
            pytest.param("{% if one in cages %}in{% endif %}{{ cages|length }}{{ cages.0.label }}", id="member-of-all"),
            pytest.param("{% for a in animals %}{% for c in a.cages.all %}{{ c.label }}{{ c.animal.name }}{% endfor %};{% endfor %}", id="reverse"),
            pytest.param("{% for a in animals %}{{ a.cages.count }}{{ a.cages.first }}{{ a.cages.last.label }};{% endfor %}", id="reverse-ends"),
            pytest.param("{{ one.pk|pprint }}{{ one|stringformat:'s' }}{% firstof one %}", id="handed-on"),
        ],
    )  # fmt: skip
    def test_pages_are_equal(self, source):
        template = Engine().from_string(source)

        def values():
            return {
                "cages": Cage.objects.order_by("house", "number"),
                "one": Cage.objects.get(house=1, number=2),
                "animals": Animal.objects.filter(name__in=("Tom", "Rex")).order_by("name"),
            }

        with CaptureQueriesContext(connection) as plain:
            live = template.render(Context(values()))
        with CaptureQueriesContext(connection) as queries:
            served = template.render(Context(serialize_context(template, values())))
        assert served == live
        assert len(queries) <= len(plain)
        assert live.strip()

    def test_a_row_in_the_place_of_an_object_equals_it(self):
        template = Engine().from_string(
            "{% for c in cages %}{{ c }}{% if c == one %}{% endif %}{{ c.label }}{% endfor %}"
        )
        objects = list(Cage.objects.order_by("house", "number"))
        served = serialize_context(
            template, {"cages": Cage.objects.order_by("house", "number"), "one": objects[0]}
        )
        records = list(served["cages"])
        assert [record == obj for record, obj in zip(records, objects, strict=True)] == [True] * 3
        assert records[0] != objects[1]

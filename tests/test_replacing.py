"""Packages that change how Django reads templates: their pages stay as they are, for fewer queries.

Each runs in a process of its own, for it changes Django for good.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.template import Context, Template, base, defaulttags, loader_tags

from djust_ast import compile_template, serialize_context
from djust_ast.demo.rentals.models import Lease
from djust_ast.frontend import why_nodes_are_walked
from djust_ast.replaced import replaced

ROOT = Path(__file__).parents[1]
LEXERS = "django_cotton.nested_tag_support._create_smart_tokenize.<locals>.smart_tokenize"
PATCHES = "django_components.util.django_monkeypatch"
CHECKS = {
    "components": [
        f"django.template.base.Template.__init__ is {PATCHES}.monkeypatch_template_init.<locals>.__init__",
        f"django.template.base.Template.compile_nodelist is "
        f"{PATCHES}.monkeypatch_template_compile_nodelist.<locals>._compile_nodelist",
        f"django.template.library.InclusionNode.render is "
        f"{PATCHES}.monkeypatch_inclusion_render.<locals>._inclusion_render",
        f"django.template.loader_tags.IncludeNode.render is "
        f"{PATCHES}.monkeypatch_include_render.<locals>._include_render",
    ],
    "cotton": [
        f"django.template.base.Lexer.tokenize is {LEXERS}",
        f"django.template.base.DebugLexer.tokenize is {LEXERS}",
    ],
    "multiline": [],  # the extractor reads tags over several lines
    "slippers": [],  # which only brings tags
}
CHECKS["cotton-isolated"] = CHECKS["cotton"]

QUERIES = {
    "components": {"leases.html": (83, 23), "owner.html": (123, 21), "mixed.html": (32, 4)},
    "cotton": {"leases.html": (83, 2), "owner.html": (75, 13), "mixed.html": (32, 4)},
    "multiline": {"leases.html": (35, 2), "owner.html": (67, 5), "mixed.html": (32, 4)},
    "slippers": {"leases.html": (83, 23), "owner.html": (75, 21), "mixed.html": (32, 4)},
}
"""How many queries Django takes for a page, and how many are left at most: Django 6.1 itself saves some of ours."""
QUERIES["cotton-isolated"] = QUERIES["cotton"]


@functools.cache
def project(name: str) -> dict[str, Any]:
    """Return what became of the pages of a project with a package."""
    if not (Path(sys.prefix) / "replacing" / ".ok").exists():
        pytest.fail(
            "the packages are not there: run `make .venv/replacing/.ok` or `make .venv313/replacing/.ok`"
        )
    command = [sys.executable, "-X", "utf8", "-m", "tests.replacing.project", name]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT)
    assert run.returncode == 0, run.stderr[-3000:]
    found: dict[str, Any] = json.loads(run.stdout)
    return found


PAGES = [pytest.param(name, page, id=f"{name}-{page}") for name, pages in QUERIES.items() for page in pages]


@pytest.mark.parametrize(("name", "page"), PAGES)
def test_pages_are_equal_for_fewer_queries(name, page):
    found = project(name)["pages"][page]
    assert len(found["pages"]["plain"]) > 100
    for kind, text in found["pages"].items():
        assert text == found["pages"]["plain"], kind
    plain, most = QUERIES[name][page]
    assert found["queries"]["plain"] == found["queries"]["off"] == plain
    for kind in ("served", "again", "view"):
        assert found["queries"][kind] <= most, kind


@pytest.mark.parametrize("name", CHECKS)
def test_check_tells_what_is_replaced(name):
    text = "templates are read from Django's compiled nodes: " + "; ".join(CHECKS[name])
    assert project(name)["checks"] == ([text] if CHECKS[name] else [])


@pytest.mark.parametrize("name", CHECKS)
def test_what_renders_through_unknown_tags_stays_live_and_is_planned(name):
    pages = project(name)["pages"]
    live = {
        root: reason
        for page in pages.values()
        for root, (kind, reason) in page["roots"].items()
        if root != "title" and reason is not None
    }
    if name == "multiline":
        assert live == {}
    else:
        assert set(live) == {"leases", "owner", "properties"}
        assert live["owner"] == "a tag may read anything"


def test_components_of_cotton_are_read():
    page = project("cotton")["pages"]["leases.html"]
    assert page["files"] == ["leases.html", "cotton/badge.html", "cotton/card.html"]
    assert {"co_signer.user.email", "payments.all.amount", "property.owner.user.email"} <= {
        *page["reads"]["leases"]
    }
    assert "property" not in page["reads"]  # the component's attribute, not a name of the page


# -- what is noticed


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        pytest.param(base.Lexer, "tokenize", id="lexer"),
        pytest.param(base.DebugLexer, "_tag_re_split", id="debug-lexer"),
        pytest.param(base.Parser, "parse", id="parser"),
        pytest.param(base.Parser, "compile_filter", id="expressions"),
        pytest.param(base.Token, "split_contents", id="arguments"),
        pytest.param(base.Template, "__init__", id="sources"),
        pytest.param(base.Template, "compile_nodelist", id="compilation"),
        pytest.param(defaulttags.IfNode, "render", id="if"),
        pytest.param(loader_tags.IncludeNode, "render", id="include"),
    ],
)
def test_replacements_are_noticed_whatever_they_call_themselves(monkeypatch, owner, name):
    assert replaced() == []
    monkeypatch.setattr(owner, name, wrapped(getattr(owner, name)))
    assert replaced() == [
        f"{owner.__module__}.{owner.__name__}.{name} is tests.test_replacing.wrapped.<locals>.wrapper"
    ]
    assert why_nodes_are_walked()


EARLY = """
import functools
from django.template import base

def wrapped(function):
    return functools.wraps(function)(lambda *args: function(*args))

base.Lexer.tokenize = wrapped(base.Lexer.tokenize)
from djust_ast.replaced import replaced
print(*replaced())
"""


def test_replacements_before_us_are_noticed_without_settings():
    environ = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    run = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, cwd=ROOT, env=environ)
    assert run.stdout == "django.template.base.Lexer.tokenize is __main__.wrapped.<locals>.<lambda>\n"


@pytest.mark.usefixtures("agency")
def test_replacements_after_the_first_page_are_noticed(monkeypatch):
    template = Template("{% for lease in leases %}{% include part with lease=lease only %}{% endfor %}")
    part = Template("{{ lease.property.name }}")
    context = {"leases": Lease.objects.order_by("pk")[:4], "part": part}
    before = compile_template(template)
    assert compile_template(template) is before

    def shout(self, context):
        return self.template.resolve(context).render(context).upper() + str(context["leases"][0].tenant)

    monkeypatch.setattr(loader_tags.IncludeNode, "render", shout)
    assert compile_template(template) is not before
    context["lease"] = Lease.objects.order_by("pk")[0]
    plain = template.render(Context(context | {"leases": Lease.objects.order_by("pk")[:4]}))
    assert template.render(Context(serialize_context(template, context))) == plain


@pytest.mark.usefixtures("agency")
def test_what_a_replaced_include_reads_is_planned(monkeypatch, django_assert_num_queries):
    render = loader_tags.IncludeNode.render
    monkeypatch.setattr(loader_tags.IncludeNode, "render", lambda self, context: render(self, context))
    row = '{% include "rentals/_lease_row.html" with index=forloop.counter %}'
    template = Template("{% for lease in leases %}" + row + "{% endfor %}")

    def leases():
        return Lease.objects.order_by("pk")[:4]

    plain = template.render(Context({"leases": leases()}))
    with django_assert_num_queries(2):  # the leases, and what they are paid
        assert template.render(Context(serialize_context(template, {"leases": leases()}))) == plain

"""What goes wrong while templates are found and compiled is Django's to raise, where it comes to that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.template import Context, Engine, Library, Node, TemplateDoesNotExist
from django.template.loaders import base

import djust_ast
from djust_ast import serialize_context, tagspecs
from djust_ast.demo.rentals.models import Lease
from djust_ast.frontend import read, sources_of
from tests.test_nodewalk import bracketed  # noqa: F401

pytestmark = pytest.mark.django_db
LOCMEM = "django.template.loaders.locmem.Loader"
PAGE = (
    "{% for l in leases %}{{ l.property.name }};{% endfor %}{% if flag %}{% include 'bad.html' %}{% endif %}"
)
FAILING = Library()
ERRORS = {kind.__name__: kind for kind in (ImportError, KeyError, ValueError, OSError, AttributeError)}


@FAILING.tag
def fails(parser, token):
    raise ERRORS[token.split_contents()[1]]("out of order")


class Loud(base.Loader):
    """A loader that raises anything for some names."""

    def get_template_sources(self, name):
        if name == "bad.html":
            raise RuntimeError("no such shelf")
        return iter(())


def engine_of(files, *, cached=True, more=()):
    inner = [(LOCMEM, files), *more]
    loaders = [("django.template.loaders.cached.Loader", inner)] if cached else inner
    engine = Engine(loaders=loaders)
    engine.template_libraries["failing"] = FAILING
    return engine


def leases():
    return Lease.objects.order_by("pk")[:3]


def assert_same(template, flag=False):
    plain = template.render(Context({"leases": leases(), "flag": flag}))
    served = serialize_context(template, {"leases": leases(), "flag": flag})
    assert template.render(Context(served)) == plain
    return plain


@pytest.mark.parametrize("walking", [False, True], ids=["extractor", "walk"])
@pytest.mark.parametrize("cached", [False, True], ids=["plain-loader", "cached-loader"])
@pytest.mark.parametrize("error", ERRORS)
def test_an_include_that_nobody_can_compile_is_no_error_of_ours(request, agency, error, cached, walking):
    if walking:
        request.getfixturevalue("bracketed")
    files = {"page.html": PAGE, "bad.html": f"one\n  {{% load failing %}}{{% fails {error} %}}"}
    template = engine_of(files, cached=cached).get_template("page.html")
    assert assert_same(template)
    served = serialize_context(template, {"leases": leases(), "flag": True})
    with pytest.raises(ERRORS[error], match="out of order"):
        template.render(Context(served))


def test_what_it_raises_is_a_diagnostic_with_a_place_and_keeps_all_live(agency):
    files = {"page.html": PAGE, "bad.html": "one\n  {% load failing %}{% fails KeyError %}"}
    tree = read(sources_of(engine_of(files).get_template("page.html")))
    (found,) = tree.diagnostics
    assert (found.code, found.template, found.line, found.column) == ("DA104", "bad.html", 2, 3)
    assert found.message == "KeyError: 'out of order'"
    assert found.render().splitlines()[1:3] == [
        "      {% load failing %}{% fails KeyError %}",
        "      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
    ]
    assert tree.escapes


def test_a_tag_with_a_spec_that_refuses_what_the_spec_allows_keeps_all_live(agency, monkeypatch):
    monkeypatch.setattr(tagspecs, "_tags", {})
    djust_ast.register_tag_spec(fails, args=("word",))
    files = {"page.html": PAGE, "bad.html": "{% load failing %}{% fails KeyError %}"}
    template = engine_of(files).get_template("page.html")
    assert read(sources_of(template)).escapes
    assert assert_same(template)


def test_what_django_says_of_a_malformed_include_is_said_once(agency):
    files = {"page.html": PAGE, "bad.html": "{% if %}"}
    tree = read(sources_of(engine_of(files).get_template("page.html")))
    assert [found.code for found in tree.diagnostics] == ["DA104"]
    assert tree.escapes


@pytest.mark.parametrize("walking", [False, True], ids=["extractor", "walk"])
@pytest.mark.parametrize("cached", [False, True], ids=["plain-loader", "cached-loader"])
def test_a_loader_that_fails_is_no_error_of_ours(request, agency, cached, walking):
    if walking:
        request.getfixturevalue("bracketed")
    engine = engine_of({"page.html": PAGE}, cached=cached, more=["tests.test_frontend.Loud"])
    template = engine.get_template("page.html")
    assert assert_same(template)
    (told,) = read(sources_of(template)).diagnostics
    assert (told.code, told.message) == (
        "DA102",
        "template 'bad.html' cannot be found: RuntimeError: no such shelf",
    )
    served = serialize_context(template, {"leases": leases(), "flag": True})
    with pytest.raises(RuntimeError, match="no such shelf"):
        template.render(Context(served))


def test_a_missing_include_of_a_cached_loader_is_missing_until_it_is_reset(agency):
    files = {"page.html": PAGE.replace("{% if flag %}", "").replace("{% endif %}", "")}
    engine = engine_of(files)
    template = engine.get_template("page.html")
    sources = sources_of(template)
    assert read(sources).diagnostics[0].code == "DA102"
    files["bad.html"] = "{{ leases.0.rent }}"
    with pytest.raises(TemplateDoesNotExist):
        template.render(Context({"leases": leases()}))
    assert sources.unchanged()
    engine.template_loaders[0].reset()
    assert not sources.unchanged()
    assert_same(template)


@pytest.mark.parametrize("walking", [False, True], ids=["extractor", "walk"])
def test_each_template_that_one_tag_renders_is_watched(request, agency, monkeypatch, walking):
    if walking:
        request.getfixturevalue("bracketed")
    monkeypatch.setattr(tagspecs, "_tags", {})
    library = Library()

    @library.tag
    def panel(parser, token):
        class Panel(Node):
            def render(self, context):
                return "".join(
                    context.template.engine.get_template(name).render(context)
                    for name in ("a.html", "b.html")
                )

        return Panel()

    djust_ast.register_tag_spec(panel, includes=("a.html", "b.html"))
    files = {
        "page.html": "{% load ours %}{% panel %}",
        "a.html": "{% for l in leases %}{{ l.property.name }};{% endfor %}",
        "b.html": "b",
    }
    engine = engine_of(files, cached=False)
    engine.template_libraries["ours"] = library
    template = engine.get_template("page.html")
    sources = sources_of(template)
    tree = read(sources)
    assert sorted(str(dep.name) for dep in tree.deps) == ["a.html", "b.html"]
    assert_same_panel(template)
    files["b.html"] = "{% for l in leases %}{{ l.tenant.user.email }};{% endfor %}"
    assert not sources.unchanged()
    assert "@" in assert_same_panel(template)


def assert_same_panel(template):
    plain = template.render(Context({"leases": leases()}))
    assert template.render(Context(serialize_context(template, {"leases": leases()}))) == plain
    return plain


BLOCKED = """
import sys
sys.modules["djust_ast._extractor"] = None
import django
from django.conf import settings
backend = "django.template.backends.django.DjangoTemplates"
settings.configure(TEMPLATES=[{"BACKEND": backend, "DIRS": [sys.argv[1]]}], USE_TZ=True)
django.setup()
from djust_ast import native
from djust_ast.scan import scan
assert native.MISSING is not None
report, _ = scan()
print(report)
"""


def test_templates_are_scanned_without_the_extension(tmp_path):
    (tmp_path / "good.html").write_text("{{ lease.rent }}{% include name %}")
    (tmp_path / "bad.html").write_text(
        "{# #}\n{% load nowhere from_here %}{% comment %}{% load b %}{% endcomment %}"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(tmp_path)], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "good.html" in done.stdout
    assert "lease name" in done.stdout
    assert "bad.html:2" in done.stdout
    assert "2 templates, 1 error, 1 warning" in done.stdout

"""The walk of compiled nodes says what the extractor says, and Django is the judge of both."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.template import Context, Engine, Template, base
from hypothesis import given
from hypothesis import strategies as st

import djust_ast
from djust_ast.demo.rentals.models import Lease
from djust_ast.errors import TemplateError
from djust_ast.frontend import read, sources_of, why_nodes_are_walked
from tests import test_soundness as soundness
from tests.agreement import extracted, refusals, unlike, walked
from tests.grammar import pages
from tests.recorder import check_conditions, record


def assert_same(engine: Engine, name: str) -> None:
    assert unlike(extracted(engine, name), walked(engine, name)) == []


@pytest.fixture(scope="module")
def in_memory() -> tuple[Engine, dict[str, str]]:
    """An engine, and the dict of its templates, which each test fills."""
    templates: dict[str, str] = {}
    return soundness.engine_of(loaders=[("django.template.loaders.locmem.Loader", templates)]), templates


def fill(templates: dict[str, str], files: str | dict[str, str]) -> None:
    templates.clear()
    templates.update(soundness.SHARED, **({"p.html": files} if isinstance(files, str) else files))


# -- the two agree


@pytest.mark.parametrize("files", soundness.CASES.values(), ids=soundness.CASES)
def test_agree_on_small_templates(in_memory, files):
    engine, templates = in_memory
    fill(templates, files)
    assert_same(engine, "p.html")


MORE = {
    "cycle-again-outside-its-branch": "{% if a %}{% cycle b.x c.x as k %}{% endif %}{% cycle k %}",
    "include-that-is-missing": '{% include "nowhere.html" with a=b.c %}{{ a.d }}',
}


@pytest.mark.parametrize("source", MORE.values(), ids=MORE)
def test_agree_on_what_compiled_nodes_make_hard(in_memory, source):
    engine, templates = in_memory
    fill(templates, source)
    assert_same(engine, "p.html")


@pytest.mark.parametrize("debug", [False, True], ids=["production", "debug"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, id=name)
        for kind, folders in soundness.FOLDERS.items()
        for name in soundness.template_names(folders)
    ],
)
def test_agree_on_real_templates(kind, name, debug):
    assert_same(soundness.engine_of(dirs=soundness.FOLDERS[kind], debug=debug), name)


@soundness.RANDOM
@given(page=pages(3), part=pages(1, "o"), child=st.none() | pages(2, "m"))
def test_agree_on_generated_templates(in_memory, page, part, child):
    engine, templates = in_memory
    fill(templates, soundness.files_of(page, part, child))
    ours, theirs = refusals(engine, "p.html")
    assert theirs is not None or ours is None
    if theirs is None:  # the extractor goes on after a tag that may make sense of what it cannot read
        assert_same(engine, "p.html")


@pytest.mark.parametrize("source", soundness.REFUSED.values(), ids=soundness.REFUSED)
def test_refuse_the_same_in_the_same_words(in_memory, source):
    engine, templates = in_memory
    fill(templates, source)
    ours, theirs = refusals(engine, "p.html")
    assert ours is not None or source == "{% querystring a b c %}"  # Django 6.0 takes any number of mappings
    assert theirs == ours


@pytest.mark.parametrize("source", soundness.ODD_BUT_FINE.values(), ids=soundness.ODD_BUT_FINE)
def test_agree_on_odd_templates(in_memory, source):
    engine, templates = in_memory
    fill(templates, source)
    ours, theirs = refusals(engine, "p.html")
    assert theirs == ours
    if ours is None:
        assert_same(engine, "p.html")


# -- the walk alone is sound


@pytest.mark.parametrize("files", soundness.CASES.values(), ids=soundness.CASES)
def test_misses_nothing_that_django_looks_up(in_memory, files):
    engine, templates = in_memory
    fill(templates, files)
    log, tree = record(engine, "p.html"), walked(engine, "p.html")
    soundness.assert_sound(log, tree)
    assert check_conditions(log, tree) == []


# -- where the walk is in use

BLOCKED = """
import sys, pytest
sys.modules["djust_ast._extractor"] = None
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_pages_are_equal_without_the_extension():
    files = ("tests/test_equality.py", "tests/test_demo.py", "tests/test_live.py")
    # Of a report that takes its parts by name from the context, the walk keeps everything live.
    live = "not (test_page_takes_fewer_queries and report)"
    command = [sys.executable, "-c", BLOCKED, "-k", live, *files]
    # In memory: the test database of a server is that of this process.
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE"}
    root = Path(__file__).parent.parent
    run = subprocess.run(command, capture_output=True, text=True, cwd=root, env=environ)
    assert run.returncode == 0, run.stdout[-3000:]


class Bracketed(base.Lexer):
    """A lexer of somebody else's: ``[[ a ]]`` is ``{{ a }}``."""

    def __init__(self, template_string):
        super().__init__(template_string.replace("[[", "{{").replace("]]", "}}"))


@pytest.fixture
def bracketed(monkeypatch):
    monkeypatch.setattr(base, "Lexer", Bracketed)
    monkeypatch.setattr(base, "DebugLexer", Bracketed)


@pytest.mark.usefixtures("bracketed")
class TestReplacedLexer:
    def test_nodes_are_walked(self, in_memory):
        engine, _ = in_memory
        tree = djust_ast.extract("[[ lease.rent ]]{% for x in xs %}\n[[ x.y ]]{% endfor %}", engine=engine)
        assert tree.dotted() == {"lease": ["rent"], "xs": ["y"]}
        assert str(tree.roots["xs"].element.attrs["y"].at) == "<template>:2:4"

    def test_parents_and_includes_are_walked(self, in_memory):
        engine, templates = in_memory
        templates.clear()
        templates.update(
            {
                "p.html": '{% extends "layout.html" %}{% block b %}[[ a.x ]]{% include "part.html" with b=a.b %}{% endblock %}',
                "layout.html": "[[ site.name ]]{% block b %}{% endblock %}",
                "part.html": "[[ b.y ]]",
            }
        )
        sources = sources_of(engine.get_template("p.html"))
        tree = read(sources)
        assert tree.dotted() == {"a": ["b.y", "x"], "site": ["name"]}
        assert tree.files == ("p.html", "layout.html", "part.html")
        assert sources.unchanged()
        templates["part.html"] = "[[ b.z ]]"
        assert not sources.unchanged()

    @pytest.mark.usefixtures("agency")
    def test_pages_are_equal_for_fewer_queries(self, django_assert_num_queries):
        template = Template(
            "{% for lease in leases %}[[ lease.property.name ]] [[ lease.tenant ]];{% endfor %}"
        )
        leases = Lease.objects.order_by("pk")[:5]
        plain = template.render(Context({"leases": leases.all()}))
        with django_assert_num_queries(1):
            served = template.render(Context(djust_ast.serialize_context(template, {"leases": leases.all()})))
        assert served == plain

    def test_errors_have_a_place(self, in_memory):
        engine, _ = in_memory
        with pytest.raises(TemplateError) as caught:
            djust_ast.extract("one\n {{ a|nope }}", name="p.html", engine=engine)
        assert (
            str(caught.value)
            == "p.html:2:2: error DA001: Invalid filter: 'nope'\n     {{ a|nope }}\n     ^^^^^^^^^^^^"
        )

    def test_a_check_tells_who_replaced_it(self):
        (message,) = run_checks(tags=["djust_ast"])
        assert message.id == "djust_ast.W003"
        assert message.msg == (
            "templates are read from Django's compiled nodes: "
            "django.template.base.Lexer is tests.test_nodewalk.Bracketed; "
            "django.template.base.DebugLexer is tests.test_nodewalk.Bracketed"
        )


def test_the_extractor_reads_tags_over_several_lines(monkeypatch, in_memory):
    engine, _ = in_memory
    monkeypatch.setattr(base, "tag_re", re.compile(base.tag_re.pattern, re.DOTALL))
    assert why_nodes_are_walked() == []
    assert djust_ast.extract("{{ a.b\n|upper }}", engine=engine).dotted() == {"a": ["b"]}


def test_an_include_that_does_not_compile_is_somebody_elses_error_only_if_it_renders(bracketed, in_memory):
    engine, templates = in_memory
    fill(
        templates,
        {
            "p.html": '{% if a %}{% include "bad.html" with x=b.c %}{% endif %}',
            "bad.html": "{% load probe %}{% fails %}",
        },
    )
    tree = read(sources_of(engine.get_template("p.html")))
    assert "esc" in tree.roots["b"].attrs["c"].uses
    assert tree.escapes


# -- hostile templates decline


@pytest.mark.parametrize(
    ("source", "code"),
    [
        pytest.param("{{ a" + ".a" * 100 + " }}", "DA905", id="long-path"),
        pytest.param("".join(f"{{{{ a{row} }}}}" for row in range(6000)), "DA903", id="many-paths"),
        pytest.param("{% if a %}" * 2000 + "{% endif %}" * 2000, "DA902", id="deep"),
        pytest.param('{% include "a.html" %}{% include "a.html" %}', "DA904", id="includes"),
    ],
)
@pytest.mark.usefixtures("bracketed")
def test_what_is_too_much_is_declined(in_memory, source, code):
    engine, templates = in_memory
    templates.clear()
    names = ["a.html", *(f"{row}.html" for row in range(30))]
    templates.update({name: f'{{% include "{inner}" %}}' * 2 for name, inner in pairwise(names)})
    with pytest.raises(TemplateError) as caught:
        djust_ast.extract(source, engine=engine)
    assert caught.value.code == code

"""Hostile templates get a diagnostic or the right answer, in time and memory that grow as they do."""

import json
import random
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from django.template import Engine, Template
from django.template.loaders.base import Loader

from djust_ast import extract, serialize_context
from djust_ast._extractor import ExtractError, Registry
from djust_ast._extractor import extract as extract_paths
from djust_ast.errors import DjustAstError
from djust_ast.registry import stock_spec

KB = 1024


def registry():
    """Django's own, and tags of which nothing is known, or which take anything."""
    spec = stock_spec()
    anything = {"params": [], "varargs": True, "varkw": True}
    spec["builtins"]["tags"] |= {"what": None, "anything": {"kind": "simple", "signature": anything}}
    return Registry(json.dumps(spec).encode())


REGISTRY = registry()


def outcome(source, files=(), name="page.html"):
    """The names of roots, or the code of the refusal."""
    files = dict(files)
    try:
        tree = extract_paths(
            source, name, REGISTRY, lambda name, skip: (name, files[name]) if name in files else None
        )
    except ExtractError as error:
        return error.args[0]
    return sorted(json.loads(tree.json())["roots"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("{{ " * 40_000, [], id="openers"),
        pytest.param("{{ {% {# " * 13_000, [], id="openers-of-all-kinds"),
        pytest.param("{% if a %}" * 100_000, "DA902", id="100000-nested-ifs"),
        pytest.param("{% if a %}" * 500 + "{{ b }}" + "{% endif %}" * 500, ["a", "b"], id="500-nested-ifs"),
        pytest.param("{% if a %}" + "{% elif b %}" * 50_000 + "{% endif %}", ["a", "b"], id="elifs"),
        pytest.param("{% if " + "not " * 200_000 + "a %}{% endif %}", ["a"], id="nots"),
        pytest.param("{% what %}" * 90_000, [], id="unknown-tags"),
        pytest.param("{{ a" + ".b" * 63 + " }}", ["a"], id="64-steps"),
        pytest.param("{{ a" + ".b" * 64 + " }}", "DA905", id="65-steps"),
        pytest.param("".join(f"{{{{ a{n} }}}}" for n in range(5_001)), "DA903", id="5001-values"),
        pytest.param(" " * (1_024 * KB) + "{{ a }}", "DA901", id="more-than-a-megabyte"),
        pytest.param("{{ a }}" + "x" * (20 * KB * KB), "DA901", id="20-MB"),
        pytest.param("{% verbatim %}" + "{{ a }}" * 100_000, "DA003", id="verbatim-without-end"),
        pytest.param("{% comment %}" + "{% if %}" * 100_000, "DA003", id="comment-without-end"),
        pytest.param("{{ a\x00 }}", "DA004", id="nul-in-a-name"),
        pytest.param("\x00{{ a }}\x00", ["a"], id="nul-in-text"),
        pytest.param("{{ a\u2028}}{{\u2029b }}", ["a", "b"], id="line-separators-are-spaces"),
        pytest.param("{{ \u05d0.\u05d1 }}\u202e{{ a }}", ["a", "\u05d0"], id="right-to-left"),
        pytest.param("{{ \u202ea }}", "DA004", id="override-of-direction-in-a-name"),
        pytest.param("{{ \ud83d }}", "DA907", id="lone-surrogate"),
        pytest.param("{{ 名.é }}", ["名"], id="wide-characters"),
    ],
)
def test_has_a_right_answer(source, expected):
    assert outcome(source) == expected


class TestFiles:
    def test_a_template_that_includes_itself(self):
        source = '{% for c in x.all %}{{ c.name }}{% include "page.html" with x=c %}{% endfor %}'
        assert outcome(source, {"page.html": source}) == ["x"]

    def test_templates_that_include_one_another(self):
        files = {f"{n}": f'{{{{ a{n} }}}}{{% include "{(n + 1) % 7}" %}}' for n in range(7)}
        assert outcome('{% include "0" %}', files) == [f"a{n}" for n in range(7)]

    def test_templates_that_extend_one_another_in_a_circle(self):
        assert outcome('{% extends "a" %}', {"a": '{% extends "b" %}', "b": '{% extends "a" %}'}) == "DA904"

    def test_includes_that_double(self):
        files = {f"{n}": f'{{% include "{n + 1}" %}}' * 2 for n in range(19)} | {"19": "{{ a }}"}
        assert outcome('{% include "0" %}', files) in (["a"], "DA906")

    def test_many_includes_of_many_blocks(self):
        blocks = "".join(f"{{% block b{n} %}}{{% endblock %}}" for n in range(20_000))
        files = {"child": '{% extends "parent" %}' + blocks, "parent": "{{ a }}"}
        assert outcome('{% include "child" %}' * 30_000, files) == "DA906"

    def test_many_unknown_tags_that_see_many_names(self):
        binds = " ".join(f"n{n}=a.b{n}" for n in range(4_000))
        files = {"walled": "{% what %}" * 50_000}
        assert outcome(f'{{% include "walled" with {binds} only %}}', files) in (["a"], "DA906")


class TestEngine:
    def test_a_file_that_is_no_utf_8(self, tmp_path):
        (tmp_path / "latin.html").write_bytes(b"{{ b }}\xe9")
        engine = Engine(dirs=[tmp_path])
        roots = extract('{{ a }}{% include "latin.html" %}', engine=engine).roots
        assert set(roots) == {"a"}

    def test_a_template_that_changes_while_it_is_read(self):
        engine = Engine(loaders=["tests.test_hostile.Fickle"])
        context = {"row": {"name": "x"}, "rows": [{"name": "y"}]}
        for _ in range(20):
            page = Template(
                '{% extends "base" %}{% block b %}{% include "part" %}{% endblock %}', engine=engine
            )
            with suppress(DjustAstError):
                assert serialize_context(page, context) == context


class Fickle(Loader):
    """Serves another source each time."""

    def get_template_sources(self, template_name):
        from django.template import Origin

        yield Origin(template_name, template_name, self)

    def get_contents(self, origin):
        return random.choice(  # noqa: S311 - any will do
            [
                "{{ row.name }}",
                "{% for r in rows %}{{ r.name }}{% endfor %}",
                "{% if %}",
                "{% block b %}{% endblock %}",
            ]
        )


# Each would be quadratic if something were searched, copied or counted anew for each of its parts.
GROWING = {
    "openers": lambda n: "{{ " * (4 * n),
    "closers": lambda n: "}}%}" * (4 * n),
    "openers-on-lines": lambda n: "{% {{\n" * (2 * n),
    "same-variable": lambda n: "{% for x in xs %}" + "{{ x.a.b }}" * n + "{% endfor %}",
    "filters": lambda n: "{{ a" + "|upper" * n + " }}",
    "labels": lambda n: "".join(f'{{{{ a|date:"{row}" }}}}' for row in range(n)),
    "quotes": lambda n: "{% firstof " + '\\" ' * (4 * n) + "%}",
    "words": lambda n: "{% firstof " + "a " * (4 * n) + "%}",
    "operands": lambda n: "{% if a" + " and b" * n + " %}{% endif %}",
    "elifs": lambda n: "{% if a %}" + "{% elif b %}{{ c }}" * n + "{% endif %}",
    "loads": lambda n: "{% load i18n tz %}" * n,
    "loads-of-one": lambda n: "{% load trans from i18n %}" * n + "{{ a|upper }}" * n,
    "keywords": lambda n: "{% anything " + " ".join(f"k{row}=1" for row in range(n)) + " %}",
    "binds": lambda n: "{% with " + " ".join(f"k{row}=a" for row in range(n)) + " %}{% endwith %}",
    "blocks": lambda n: "".join(f"{{% block b{row} %}}{{{{ a }}}}{{% endblock %}}" for row in range(n)),
    "unknown": lambda n: "{% what a %}" * n,
    "unknown-ends": lambda n: "{% what %}" * n + "{% endwhat %}" * n,
    "cycles": lambda n: "{% cycle a.x b.x as c %}{{ c.y }}" * n,
    "regroups": lambda n: "{% regroup a by b as c %}{% for g in c %}{{ g.list }}{% endfor %}" * n,
    "wide-line": lambda n: "é" * (99 * n) + "".join(f"{{{{ é{row} }}}}" for row in range(n // 3)),
    "bars": lambda n: "{{ a" + " |" * n + " }}",
    "dots": lambda n: "{{ " + "." * (4 * n) + " }}",
    "names": lambda n: "".join(f"{{% with n{row}=a %}}{{{{ n{row} }}}}{{% endwith %}}" for row in range(n)),
}
FACTOR = 8


@pytest.mark.parametrize("make", GROWING.values(), ids=GROWING.keys())
def test_costs_grow_with_the_size_and_not_with_its_square(make):
    small, large = make(1_500), make(1_500 * FACTOR)
    assert len(large) >= 7 * len(small)
    # A square would be 64 times; the least of some rounds is hardly disturbed by what else runs.
    assert cost(large, 3) <= 3 * FACTOR * cost(small, 10)


def cost(source, rounds):
    def once():
        start = time.thread_time_ns()
        outcome(source)
        return time.thread_time_ns() - start

    return min(once() for _ in range(rounds))


MEMORY = """
import resource, sys
sys.path.insert(0, {root!r})
import tests.test_hostile as hostile
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sources = [make(40_000)[:1_000_000] for make in hostile.GROWING.values()]
for source in sources:
    hostile.outcome(source)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_megabyte_takes_no_more_than_some_hundred_megabytes(request):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY.format(root=str(request.config.rootpath))],
        capture_output=True,
        text=True,
        check=False,
        env={"DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 600

"""The extension module: what Python may rely on, whatever it hands over."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.template import Template
from hypothesis import example, given, settings
from hypothesis import strategies as st

from djust_ast import _extractor, serialize_context
from djust_ast._extractor import ExtractError, Registry, extract, lex, parse_expression
from djust_ast.registry import registry_for, stock_registry, stock_spec
from tests.test_soundness import CASES, ODD_BUT_FINE, REFUSED, SHARED, engine_of

PAGE = """{% extends "base.html" %}{% load i18n %}
{% block rows %}{% for lease in leases %}{{ lease.tenant.user.email|default:nobody }}{% include "row.html" %}
{% empty %}{% translate "none" %}{% endfor %}{% endblock %}
"""
FILES = {
    "base.html": "<title>{{ title }}</title>{% block rows %}{% endblock %}",
    "row.html": "{{ lease.rent }}{% if lease.overdue %}{{ warning }}{% endif %}",
}


def resolve(name, skip):
    return (name, FILES[name]) if name in FILES else None


def test_the_stub_tells_what_the_module_has(tmp_path):
    # In a package of its own, or the rest of djust_ast would be checked as well.
    module = Path(_extractor.__file__)
    package = tmp_path / "djust_ast"
    package.mkdir()
    (package / "__init__.py").touch()
    for file in (module, module.parent / "_extractor.pyi"):
        (package / file.name).symlink_to(file)
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "djust_ast._extractor"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class TestThreads:
    def test_many_threads_get_equal_trees(self):
        registry = stock_registry()
        sources = [PAGE + f"{{{{ n{number}.x }}}}" * 50 for number in range(40)]

        def documents(_=None):
            return [extract(source, "page.html", registry, resolve).json() for source in sources]

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(documents, range(16)))
        assert found == [documents()] * 16

    def test_other_threads_run_while_a_template_is_parsed(self):
        registry, source = stock_registry(), "{{ a.b|default:c }} text\n" * 30_000
        gate, ran = threading.Lock(), []

        def wait():
            with gate:
                ran.append(True)

        gate.acquire()
        other = threading.Thread(target=wait)
        other.start()
        interval = sys.getswitchinterval()
        sys.setswitchinterval(10_000)  # nobody is asked to let go of the interpreter
        try:
            gate.release()
            for _ in range(100):
                if ran:
                    break
                extract(source, "page.html", registry)
            assert ran
        finally:
            sys.setswitchinterval(interval)
            other.join()

    @pytest.mark.parametrize("order", [list, reversed], ids=["in-order", "backwards"])
    def test_an_extraction_leaves_nothing_to_the_next_one_on_its_thread(self, order):
        """Buffers and tables are left, so that each case must say the same as in a thread of its own."""
        registry = registry_for(engine_of())
        cases = {**CASES, **REFUSED, **ODD_BUT_FINE}

        def document(case):
            page = cases[case]
            files = SHARED | ({"p.html": page} if isinstance(page, str) else page)

            def find(name, skip):
                return (name, files[name]) if name in files and not skip else None

            try:
                return extract(files["p.html"], "p.html", registry, find).json()
            except ExtractError as refused:
                return refused.args

        def alone(case):
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(document, case).result()

        with ThreadPoolExecutor(1) as pool:
            after_others = {case: pool.submit(document, case).result() for case in order(list(cases))}
        assert [case for case, found in after_others.items() if found != alone(case)] == []

    def test_the_resolver_may_start_threads_that_extract(self):
        registry = stock_registry()

        def threaded(name, skip):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(extract, FILES[name], name, registry).result()
            return name, FILES[name]

        assert extract(PAGE, "page.html", registry, threaded) is not None


class TestResolver:
    @pytest.mark.parametrize("error", [KeyError("x"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
    def test_what_it_raises_comes_out_unchanged(self, error):
        def broken(name, skip):
            raise error

        with pytest.raises(type(error)) as caught:
            extract(PAGE, "page.html", stock_registry(), broken)
        assert caught.value is error
        assert caught.traceback[-1].name == "broken"

    @pytest.mark.parametrize(
        "answer", ["base.html", 3, ("base.html",), ("base.html", b"{{ x }}"), (None, "")]
    )
    def test_other_answers_are_type_errors(self, answer):
        with pytest.raises((TypeError, ValueError)) as caught:
            extract(PAGE, "page.html", stock_registry(), lambda name, skip: answer)
        assert not isinstance(caught.value, ExtractError)

    def test_it_is_told_which_files_do_not_count(self):
        asked = []

        def note(name, skip):
            asked.append((name, skip))

        extract('{% extends "page.html" %}', "page.html", stock_registry(), note)
        assert asked == [("page.html", [0])]


class TestText:
    @pytest.mark.parametrize(
        ("source", "name", "partial"),
        [("\ud800", "page.html", None), ("", "\ud800", None), ("", "page.html", "\ud800")],
        ids=["source", "name", "partial"],
    )
    def test_a_lone_surrogate_is_declined(self, source, name, partial):
        with pytest.raises(ExtractError) as caught:
            extract(source, name, stock_registry(), partial=partial)
        assert caught.value.args[0] == "DA907"

    @pytest.mark.parametrize("given", ["\ud800", (1, "\ud800", None, ""), (1, "a", None, "\ud800")])
    def test_and_where_a_name_is_told(self, given):
        with pytest.raises(ExtractError) as caught:
            extract("{% include x %}", None, stock_registry(), choose=lambda *_: [[given]])
        assert caught.value.args[0] == "DA907"

    def test_and_so_it_is_in_an_included_file(self):
        with pytest.raises(ExtractError) as caught:
            extract('{% include "row.html" %}', None, stock_registry(), lambda *_: ("row.html", "\udfff"))
        assert caught.value.args[:3:2] == ("DA907", "row.html")


# Pieces that templates are made of, so that random ones get past the lexer, and anything else in between.
PIECES = st.sampled_from(
    [
        "{%",
        "%}",
        "{{",
        "}}",
        "{#",
        "#}",
        "if",
        "elif",
        "else",
        "endif",
        "for",
        "x",
        "in",
        "rows",
        "empty",
        "endfor",
        "with",
        "a=b",
        "endwith",
        "block",
        "main",
        "endblock",
        "extends\n",
        "",
        "",
        "",
        "include",
        '"row.html"',
        '"base.html"',
        '"./x"',
        '"#part"',
        "only",
        "load",
        "i18n",
        "translate",
        "blocktranslate",
        "count",
        "plural\n",
        "",
        "",
        "",
        "endblocktranslate",
        "trimmed",
        "asvar",
        "regroup",
        "by",
        "as",
        "cycle",
        "silent",
        "resetcycle",
        "firstof",
        "filter",
        "endfilter",
        "upper|",
        "|default:\n",
        "",
        "",
        "",
        '|date:"Y"',
        "|add:1",
        "verbatim",
        "endverbatim",
        "comment",
        "endcomment",
        "partialdef",
        "part",
        "inline",
        "endpartialdef",
        "partial",
        "autoescape\n",
        "",
        "",
        "",
        "on",
        "off",
        "now",
        "url",
        "static",
        "widthratio",
        "querystring",
        "spaceless",
        "cache",
        "500",
        "ifchanged",
        "lorem",
        "templatetag",
        "openblock",
        "block.super\n",
        "",
        "",
        "",
        "forloop.counter",
        "a.b.c",
        "a..b",
        ".5",
        "1_000",
        "_x",
        '_("y")',
        '"z"',
        "'w'",
        "\\",
        '"',
        "'",
        ",",
        "=",
        "(",
        ")",
        "é",
        "名",
        "\x00",
        "\x1c",
        "\x85",
        "\u2028",
        "\u202e",
        "😀\n",
        "",
        "",
        "",
        "nope",
        "endnope",
    ]
)
TEMPLATES = st.lists(PIECES | st.text(max_size=3), max_size=40).map(" ".join) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
NAMES = st.sampled_from(["if", "for", "x", "url", "endx", "", "é", "\x00"])
SIGNATURES = st.fixed_dictionaries(
    {"params": st.lists(NAMES, max_size=3)},
    optional={
        "defaults": st.integers(0, 9),
        "varargs": st.booleans(),
        "varkw": st.booleans(),
        "kwonly": st.lists(NAMES, max_size=3),
        "required": st.lists(NAMES, max_size=3),
    },
)
TAGS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["simple", "simple_block", "inclusion", "odd"])},
    optional={
        "takes_context": st.booleans(),
        "reads": st.none() | st.lists(NAMES, max_size=3),
        "end": st.none() | NAMES,
        "template": st.none() | st.sampled_from(["row.html", ""]),
        "signature": st.none() | SIGNATURES,
    },
)
LIBRARIES = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.dictionaries(NAMES, st.none() | st.text(max_size=6) | st.just("native") | TAGS),
        "filters": st.dictionaries(NAMES, st.none() | st.just("native") | st.just({"args": [0, 255]})),
    },
)
REGISTRIES = st.fixed_dictionaries(
    {"django": st.lists(st.integers(0, 255), min_size=2, max_size=2), "builtins": LIBRARIES},
    optional={"dotall": st.booleans(), "libraries": st.dictionaries(NAMES, LIBRARIES, max_size=3)},
)

ANSWERS = st.sampled_from(["row.html", "base.html", "p.html", "nope"]) | st.tuples(
    st.integers(0, 9) | st.integers(0, (1 << 63) - 1),
    st.text(max_size=3),
    st.none() | st.text(max_size=3),
    TEMPLATES,
)


def check_place(error, text):
    """The place of an error is one in ``text``."""
    code, message, _file, line, column, length, source_line = error.args
    lines = text.split("\n")
    assert code.startswith("DA")
    assert message
    assert source_line == lines[line - 1] or length == 0
    assert 1 <= column <= len(lines[line - 1]) + 1


class TestFuzz:
    """A panic of the extractor is a ``BaseException`` of its own, which nothing here catches."""

    @settings(max_examples=500, deadline=None)
    @given(TEMPLATES, TEMPLATES, st.booleans())
    @example("{% filter é|x %}", "", False)
    @example("{% regroup é by ü|é as x %}", "", True)
    def test_extract(self, source, other, is_local):
        files = {"row.html": other, "base.html": source}

        def resolve(name, skip):
            return (name, files[name]) if name in files else None

        for registry in (stock_registry(), Registry(json.dumps(stock_spec(dotall=True)).encode())):
            try:
                tree = extract(source, "dir/page.html", registry, resolve, locals=is_local)
            except ExtractError as error:
                check_place(error, source if error.args[2] in ("dir/page.html", "base.html") else other)
            else:
                json.loads(tree.json())

    @settings(max_examples=300, deadline=None)
    @given(TEMPLATES, st.lists(st.lists(ANSWERS, max_size=3), max_size=3) | st.text(max_size=3))
    @example("{% include x %}", [[(1 << 62, "a", None, "{{ a }}"), (0, "a", "a", "{{ b }}")]])
    def test_extract_where_names_are_told(self, source, answer):
        source = (
            "{% include x with y=z %}{% if 1 %}{% extends z %}{% endif %}{% include y|default:x only %}"
            + source
        )
        try:
            json.loads(extract(source, "p.html", stock_registry(), resolve, choose=lambda *_: answer).json())
        except ExtractError as error:
            check_place(error, error.args[6] and "\n" * (error.args[3] - 1) + error.args[6])

    @settings(max_examples=300, deadline=None)
    @given(TEMPLATES, st.booleans())
    def test_lex(self, source, dotall):
        assert all(kind in "TVBC" and contents in source for kind, contents, _ in lex(source, dotall))

    @settings(max_examples=300, deadline=None)
    @given(TEMPLATES)
    def test_parse_expression(self, text):
        try:
            assert parse_expression(text, stock_registry())["filters"] is not None
        except ExtractError as error:
            check_place(error, text)

    @settings(max_examples=300, deadline=None)
    @given(st.binary() | JSON.map(json.dumps).map(str.encode))
    @example(b"[" * 100_000)
    @example(b'{"django":[5,2],"builtins":' + b'{"tags":' * 100_000)
    def test_registry_of_anything(self, spec):
        with pytest.raises(ValueError, match=r".") as caught:
            Registry(spec)
        assert type(caught.value) is ValueError

    @settings(max_examples=300, deadline=None)
    @given(REGISTRIES, TEMPLATES)
    def test_extract_with_any_registry(self, spec, source):
        registry = Registry(json.dumps(spec).encode())
        assert len(registry.hash) == 32
        try:
            json.loads(extract(source, None, registry, resolve).json())
        except ExtractError as error:
            check_place(error, FILES.get(error.args[2], source))


def test_a_page_that_is_no_text_is_served_by_plain_django(caplog):
    context = {"x": object()}
    assert serialize_context(Template("\ud800{{ x.y }}", name="odd.html"), context) == context
    (record,) = caplog.records
    assert record.getMessage().startswith("odd.html is served by plain Django: odd.html: error DA907: ")

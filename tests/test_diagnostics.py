"""What is said of a template that is malformed, cannot be known, or is too large: the examples of docs/diagnostics.md and more."""

import json
import re
from pathlib import Path

import pytest
from django.template import Engine, Library, Template, TemplateSyntaxError

from djust_ast import extract, frontend, serialize_context
from djust_ast._extractor import CODES, Registry
from djust_ast.diagnostics import Diagnostic, columns, visible
from djust_ast.errors import TemplateError
from djust_ast.registry import stock_spec

PAGE = Path(__file__).parent.parent / "docs" / "diagnostics.md"
BLOCK = re.compile(r"^```([\w+]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ROW = re.compile(r"^\| \[(DA\d+)\]\(#da\d+\) \| (\w+) \| (.*) \|$", re.MULTILINE)
LIBRARIES = {name: f"django.templatetags.{name}" for name in ("cache", "i18n", "l10n", "static", "tz")} | {
    "humanize": "django.contrib.humanize.templatetags.humanize"
}

shop = Library()


@shop.tag
def basket(parser, token):
    raise AssertionError("the extractor does not run tags")


def engine_of(text):
    """An engine with the files of ``text``, and the first file."""
    parts = re.split(r"^=== (.*)\n", text, flags=re.MULTILINE)
    files = {"page.html": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    files = {name: source.removesuffix("\n") for name, source in files.items()}
    engine = Engine(loaders=[("django.template.loaders.locmem.Loader", files)], libraries=LIBRARIES)
    engine.template_libraries["shop"] = shop
    return engine, files["page.html"]


def diagnostics(text):
    """All that is said of a template."""
    engine, source = engine_of(text)
    try:
        return extract(source, name="page.html", engine=engine).diagnostics
    except TemplateError as error:
        return (error.diagnostic,)


def words_of(error):
    """The message without the name of the template, with which Django 6.1 begins."""
    return getattr(error, "message", str(error).removeprefix("Template: page.html, "))


def only(text):
    (diagnostic,) = diagnostics(text)
    return diagnostic


@pytest.fixture(autouse=True)
def _partials(monkeypatch):
    """Partials, also for a Django that does not have them yet."""
    registry_for = frontend.registry_for

    def with_partials(engine):
        if engine.template_libraries.get("shop") is not shop:
            return registry_for(engine)
        spec = stock_spec()
        spec["django"] = [6, 1]
        spec["builtins"]["tags"] |= {"partial": "native", "partialdef": "native"}
        spec["libraries"]["shop"] = {"tags": {"basket": None}}
        return Registry(json.dumps(spec).encode())

    monkeypatch.setattr(frontend, "registry_for", with_partials)


def sections():
    return list(_sections())


def _sections():
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        code = section.split("\n", 1)[0]
        yield pytest.param(code, dict(BLOCK.findall(section)), id=code)


class TestDocumentation:
    def test_the_table_lists_every_code(self):
        rows = {
            code: (severity, title) for code, severity, title in ROW.findall(PAGE.read_text(encoding="utf-8"))
        }
        assert rows == {
            code: ("warning" if severity == "warn" else severity, title)
            for code, (severity, title) in CODES.items()
        }
        assert [section.id for section in sections()] == list(CODES)

    @pytest.mark.parametrize(("code", "blocks"), sections())
    def test_an_example_shows_what_is_printed(self, code, blocks, settings, capsys):
        if "DJUST_AST" in blocks.get("python", ""):
            namespace = {}
            exec(blocks["python"], namespace)  # noqa: S102
            settings.DJUST_AST = namespace["DJUST_AST"]
        if "html+django" in blocks:
            said = diagnostics(blocks["html+django"])
            assert {diagnostic.code for diagnostic in said} == {code}
            printed = "\n".join(diagnostic.render() for diagnostic in said)
        else:
            exec(blocks["python"], {})  # noqa: S102
            printed = capsys.readouterr().out.rstrip("\n")
            assert code in printed
        assert printed == blocks["text"].rstrip("\n")

    @pytest.mark.parametrize(
        ("code", "blocks"), [row for row in sections() if "DA001" <= row.id <= "DA009" and row.id != "DA007"]
    )
    def test_the_words_are_djangos(self, code, blocks):
        engine, _source = engine_of(blocks["html+django"])
        with pytest.raises(TemplateSyntaxError) as caught:
            engine.get_template("page.html")
        assert only(blocks["html+django"]).message == words_of(caught.value)


HELP = [
    pytest.param("{% if a %}{% esle %}{% endif %}", 1, 14, "did you mean 'else'?", id="part-of-a-tag"),
    pytest.param("{% if a %}{% endfi %}", 1, 14, "did you mean 'endif'?", id="end-tag"),
    pytest.param(
        "{% for a in b %}\n{% if c %}\n{% endfor %}", 3, 4, "close {% if %} of line 2 first, with {% endif %}", id="crossed"
    ),
    pytest.param("{{ a }}{% endif %}", 1, 11, "no {% if %} is open here", id="nothing-to-end"),
    pytest.param("{% else %}", 1, 4, "no {% if %} is open here", id="nothing-to-part"),
    pytest.param("{% empty %}", 1, 4, "no {% for %} is open here", id="no-loop"),
    pytest.param("{% static 'a.css' %}", 1, 4, "add {% load static %}", id="tag-of-a-library"),
    pytest.param("{{ a|intcomma }}", 1, 6, "add {% load humanize %}", id="filter-of-a-library"),
    pytest.param("{% load i18n %}{% trasnlate 'a' %}", 1, 19, "did you mean 'translate'?", id="loaded-tag"),
    pytest.param("{% frobnicate %}", 1, 4, "correct its name, or load the library that has it", id="nothing-near"),
    pytest.param("{% load admin_urls %}", 1, 9, "add 'django.contrib.admin' to INSTALLED_APPS", id="app"),
    pytest.param("{% load nothing_like_it %}", 1, 9, "is the app that has it in INSTALLED_APPS?", id="library"),
    pytest.param("{% block a %}{% endblock b %}", 1, 17, "end it with {% endblock a %}", id="block-of-another-name"),
    pytest.param("{% block a %}{% endblock %}{% block a %}{% endblock %}", 1, 28, "give one of them another name", id="block"),
    pytest.param("<p>{% extends 'b' %}", 1, 4, None, id="text-may-come-first"),
    pytest.param("{{ a }}{% extends 'b' %}", 1, 8, "move it up: only text and comments may come before it", id="extends"),
    pytest.param("{% comment %}{% endcoment %}", 1, 1, "close it with {% endcomment %}", id="comment"),
    pytest.param("{% verbatim x %}{% endverbatim %}", 1, 1, "close it with {% endverbatim %}", id="verbatim"),
    pytest.param("{% if a %}{% else if b %}{% endif %}", 1, 11, "write {% elif condition %}, or {% else %} and {% endif %} with nothing after the word", id="else-if"),
    pytest.param("{% if a == %}{% endif %}", 1, 1, "write {% if condition %}, with and, or, not, in, is, ==, !=, <, >, <=, >=", id="if"),
    pytest.param("{% if a=b %}{% endif %}", 1, 8, "put spaces around the operator", id="operator"),
    pytest.param("{{ a.b() }}", 1, 7, "leave the parentheses out: templates call without arguments", id="call"),
    pytest.param("{{ a|default: 'x' }}", 1, 6, "write |default:argument", id="space"),
    pytest.param("{{ a|date:'Y }}", 1, 10, "close the quotes", id="quotes"),
    pytest.param("{{ a * 2 }}", 1, 5, "write filters as name|filter:argument, without spaces around the ':'", id="words"),
    pytest.param("{{ a*2 }}", 1, 5, "templates do not calculate; there are filters: name|add:1", id="sum"),
    pytest.param("{{ a|upper:'x' }}", 1, 6, "write |upper", id="filter-without-argument"),
    pytest.param("{{ a|add }}", 1, 6, "write |add:argument", id="filter-with-argument"),
    pytest.param("{{ a|date:1:2 }}", 1, 12, "write filters as name|filter:argument, without spaces around the ':'", id="two"),
    pytest.param("{{ a._b }}", 1, 4, "names with a leading underscore are private; give the value another name in the view", id="private"),
    pytest.param("{{ }}", 1, 1, "write a name between the braces", id="no-name"),
    pytest.param("{% %}", 1, 1, "write a tag between the braces", id="no-tag"),
    pytest.param("{% cycle %}", 1, 1, "write {% cycle 'odd' 'even' %} or {% cycle 'odd' 'even' as name %}", id="usage"),
    pytest.param("{% load shop %}{% price a b c %}", 1, 16, "write {% price lease [currency] [style=...] %}", id="simple-tag"),
    pytest.param("{% include '../x.html' %}", 1, 12, "'./' is the folder of the template itself, '../' the one above; or write the whole name", id="relative"),
]  # fmt: skip


@shop.simple_tag
def price(lease, currency="EUR", *, style=None):
    return ""


class TestHelp:
    @pytest.mark.parametrize(("source", "line", "column", "help"), HELP)
    def test_says_where_and_what_to_do(self, source, line, column, help, monkeypatch):
        monkeypatch.undo()  # the registry as it is
        engine, source = engine_of(source)
        if help is None:
            engine.from_string(source)
            assert extract(source, engine=engine).roots == {}
            return
        with pytest.raises(TemplateError) as caught:
            extract(source, name="page.html", engine=engine)
        error = caught.value
        assert (error.template, error.line, error.column, error.help) == ("page.html", line, column, help)
        assert error.code in CODES

    @pytest.mark.parametrize("source", [row.values[0] for row in HELP])
    def test_the_words_are_djangos(self, source, monkeypatch):
        monkeypatch.undo()
        engine, source = engine_of(source)
        words = []
        for read in (
            lambda: engine.get_template("page.html"),
            lambda: extract(source, name="page.html", engine=engine),
        ):
            try:
                read()
            except (TemplateSyntaxError, TemplateError) as error:
                words.append(words_of(error))
        assert len(words) in {0, 2}
        assert len(set(words)) <= 1

    def test_a_long_wrong_name_costs_nothing(self):
        assert only("{% " + "x" * 100_000 + " %}").help == "correct its name, or load the library that has it"

    def test_warnings_are_bounded(self):
        source = "{% load shop %}{% basket %}" + "{% nope %}" * 5_000 + "{% include x %}" * 5_000
        assert len(diagnostics(source)) == 100


def shown(source, **kwargs):
    """The excerpt: a line, and the carets below it."""
    return only(source).render().splitlines()[1:3]


class TestRendering:
    """The caret is under what is wrong, as a terminal shows it."""

    @pytest.mark.parametrize(
        ("source", "line", "carets"),
        [
            pytest.param("Größe é {{ a|nope }}", "Größe é {{ a|nope }}", "             ^^^^", id="accents"),
            pytest.param("\t{{ a|nope }}", "    {{ a|nope }}", "         ^^^^", id="tab"),
            pytest.param("ab\t{{ a|nope }}", "ab  {{ a|nope }}", "         ^^^^", id="tab-stop"),
            pytest.param("価格 {{ a|nope }}", "価格 {{ a|nope }}", "          ^^^^", id="wide"),
            pytest.param("{{ a|価格 }}", "{{ a|価格 }}", "     ^^^^", id="wide-culprit"),
            pytest.param("e\u0301 {{ a|nope }}", "e\u0301 {{ a|nope }}", "       ^^^^", id="combining"),
            pytest.param("\x00\x1b[31m {{ a|nope }}", "␀␛[31m {{ a|nope }}", "            ^^^^", id="control"),
            pytest.param("\u202e\u2028\x85{{ a|nope }}", "\ufffd\ufffd\ufffd{{ a|nope }}", "        ^^^^", id="invisible"),
            pytest.param("a\r\n  {{ a|nope }}\r\nb", "  {{ a|nope }}", "       ^^^^", id="crlf"),
            pytest.param("a\rb{{ a|nope }}", "a␍b{{ a|nope }}", "        ^^^^", id="old-mac"),
        ],
    )  # fmt: skip
    def test_of_any_text(self, source, line, carets):
        assert shown(source) == ["    " + line, "    " + carets]

    def test_of_a_long_line(self):
        line, carets = shown("x" * 10_000 + "{{ a|nope }}" + "y" * 10_000)
        assert len(line) < 120
        assert line.startswith("    …xxx")
        assert line.endswith("yyy…")
        assert line[carets.index("^") :].startswith("nope }}")

    def test_of_a_warning_in_a_long_line(self):
        diagnostic = only("é" * 400_000 + "{% include x %}" + "y" * 1_000)
        assert (diagnostic.line, diagnostic.column, diagnostic.length) == (1, 400_001, 15)
        assert len(diagnostic.source_line) < 500
        line, carets = diagnostic.render().splitlines()[1:3]
        assert line[carets.index("^") :].startswith("{% include x %}yyy")

    def test_of_a_tag_over_lines(self):
        diagnostic = Diagnostic("no", "a.html", 1, 3, length=50, source_line="  {% if a")
        assert diagnostic.render() == "a.html:1:3: no\n      {% if a\n      ^^^^^^^"

    def test_names_the_parent_that_is_malformed(self):
        diagnostic = only('{% extends "base.html" %}\n=== base.html\n\n  {{ a|nope }}')
        assert (diagnostic.template, diagnostic.line, diagnostic.column) == ("base.html", 2, 8)

    def test_messages_do_not_steer_the_terminal(self):
        assert "\x1b" not in only("{% \x1b[31m %}").render()

    def test_without_a_place(self):
        assert str(TemplateError("no template")) == "no template"

    def test_widths(self):
        text = "a\té価\u0301\u200d\x07"
        assert (visible(text), columns(text)) == ("a   é価\u0301\u200d␇", 8)


class TestLimits:
    """Above a limit the page is served by plain Django, and the log says so once."""

    @pytest.mark.parametrize(
        ("limits", "source", "code"),
        [
            pytest.param({"MAX_TEMPLATE_BYTES": 10}, "{{ a }} é é", "DA901", id="bytes"),
            pytest.param({"MAX_DEPTH": 1}, "{% if a %}{% if a %}{% endif %}{% endif %}", "DA902", id="depth"),
            pytest.param({"MAX_PATHS": 1}, "{{ a }}{{ a.b }}", "DA903", id="paths"),
            pytest.param(
                {"MAX_INCLUDES": 1},
                "{% if 0 %}{% include 'rentals/_person.html' %}{% include 'rentals/_property_card.html' %}{% endif %}",
                None,
                id="not-nested",
            ),
            pytest.param({"MAX_INCLUDES": 0}, "{% if 0 %}{% include 'rentals/_person.html' %}{% endif %}", "DA904", id="includes"),
        ],
    )  # fmt: skip
    def test_are_settings(self, limits, source, code, settings, caplog):
        template = Template(source, name=f"page-{'-'.join(limits)}.html")
        settings.DJUST_AST = {}
        assert serialize_context(template, {"a": 1}) == {"a": 1}
        assert caplog.records == []
        settings.DJUST_AST = limits
        template = Template(source, name=template.name)
        for _ in range(3):
            assert serialize_context(template, {"a": 1}) == {"a": 1}
        messages = [record.getMessage() for record in caplog.records]
        assert [message.count("\n") for message in messages] == ([0] if code else [])
        assert all(code in message for message in messages)

    def test_raise_where_settings_are_strict(self, settings):
        settings.DJUST_AST = {"MAX_DEPTH": 0, "STRICT": True}
        with pytest.raises(TemplateError, match="nested deeper than 0"):
            serialize_context(Template("{% if a %}{% endif %}"), {})

    @pytest.mark.parametrize(
        ("source", "place"),
        [
            pytest.param("{{ a }}\n{{ a.b }}", (2, 4, 3), id="value"),
            pytest.param("{% if a %}\n  {% for b in a.b %}{% endfor %}{% endif %}", (2, 15, 3), id="loop"),
            pytest.param("{% cycle a b %}", (1, 12, 1), id="cycle"),
        ],
    )
    def test_too_many_values_have_a_place(self, source, place, settings):
        settings.DJUST_AST = {"MAX_PATHS": 1}
        with pytest.raises(TemplateError) as caught:
            extract(source, name="page.html")
        error = caught.value
        assert error.code == "DA903"
        assert (error.line, error.column, error.diagnostic.length) == place

    def test_too_much_work_has_the_place_where_it_ended(self):
        files = {str(row): f'{{% include "{row + 1}" %}}' * 4 for row in range(11)} | {"11": "{{ a }}"}
        engine = Engine(loaders=[("django.template.loaders.locmem.Loader", files)])
        with pytest.raises(TemplateError) as caught:
            extract('\n{% include "0" %}', name="page.html", engine=engine)
        error = caught.value
        assert error.code == "DA906"
        assert (error.template, error.line) in {(name, 1) for name in files}
        assert error.diagnostic.length

    @pytest.mark.parametrize("value", [-1, 1 << 31, True, "1"])
    def test_must_be_numbers_in_range(self, value, settings):
        from djust_ast.checks import check_settings

        settings.DJUST_AST = {"MAX_DEPTH": value}
        assert [error.id for error in check_settings()] == ["djust_ast.E002"]

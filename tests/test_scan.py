"""``manage.py djust_ast scan`` over a project with two engines, apps, templates in memory and broken files."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).parent.parent
DJANGO = "django.template.backends.django.DjangoTemplates"
FILES = {
    "shop/base.html": "<title>{{ shop.name }}</title>{% block main %}{% endblock %}",
    "shop/list.html": '{% extends "shop/base.html" %}{% block main %}{% for p in products %}'
    '{% include "./_row.html" %}{% endfor %}{% endblock %}',
    "shop/_row.html": "{{ p.name }} {{ p.price }}",
    "shop/widget.html": "{% include widget.template_name %}\n{% include fallback|default:'x.html' %}",
    "shop/old.html": "{% load i18n hummanize legacy_tags %}{% load price from money %}"
    "{% comment %}{% load gone %}{% endcomment %}{{ a }}",
    "shop/child.html": '{% extends "shop/broken.html" %}',
    "shop/broken.html": "<p>\n  {% inlcude 'x' %}",
    "shop/photo.svg": "<svg>{{ photo.title }}</svg>",
    "shop/notes.txt": "{{ note }}",
    "mail/weird \x1b[31m.txt": "{{ subject }}",
    "shop/logo.png": b"\x89PNG\r\n\xff",
    "shop/tags.py": "{% this is no template",
    "shop/.hidden.html": "{% hidden",
    "shop/latin.html": "Gr\u00f6\u00dfe {{ a }}".encode("latin-1"),
}


def options(*loaders):
    return {"loaders": [*loaders], "builtins": ["django.templatetags.l10n"]}


@pytest.fixture
def project(tmp_path, settings):
    folder = tmp_path / "templates"
    for name, content in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "shop" / "again").symlink_to(folder)
    filesystem = ("django.template.loaders.filesystem.Loader", [str(folder)])
    apps = "django.template.loaders.app_directories.Loader"
    locmem = ("django.template.loaders.locmem.Loader", {"memory.html": "{{ kept.here }}{% debug %}"})
    settings.TEMPLATES = [
        {"BACKEND": DJANGO, "NAME": "main", "OPTIONS": options(("django.template.loaders.cached.Loader", [filesystem, apps]))},
        {"BACKEND": DJANGO, "NAME": "mail", "OPTIONS": options(locmem)},
    ]  # fmt: skip
    return folder


def run(*arguments):
    out = io.StringIO()
    call_command("djust_ast", "scan", *arguments, stdout=out)
    return out.getvalue()


def rows(*arguments):
    report = json.loads(run("--format", "json", *arguments))
    return {template["name"]: template for template in report["templates"]}


def codes(template):
    return [found["code"] for found in template["diagnostics"]]


class TestTable:
    def test_lists_the_templates_of_all_loaders_of_all_engines(self, project):
        found = rows()
        files = {name for name in FILES if not name.endswith((".png", ".py", ".hidden.html"))}
        assert files | {"memory.html", "rentals/dashboard.html", "admin/base.html"} <= set(found)
        assert not {
            name for name in found if "again" in name or name.endswith((".png", ".py", ".hidden.html"))
        }
        assert (found["memory.html"]["engine"], found["shop/list.html"]["engine"]) == ("mail", "main")
        assert found["shop/list.html"]["origin"] == str(project / "shop/list.html")

    def test_shows_what_each_reads(self, project):
        found = rows("shop/*")
        assert found["shop/list.html"]["roots"] == ["products", "shop"]
        assert found["shop/photo.svg"]["roots"] == ["photo"]

    def test_shows_what_is_not_known(self, project):
        found = rows("shop/*", "memory.html")
        assert found["memory.html"]["opaque_tags"] == ["debug"]
        assert found["shop/widget.html"]["dynamic_includes"] == [
            "widget.template_name",
            "fallback|default:'x.html'",
        ]
        assert found["shop/old.html"]["unknown_libraries"] == ["hummanize", "legacy_tags", "money"]
        assert codes(found["shop/widget.html"]) == ["DA103", "DA103"]

    def test_a_broken_file_is_a_line_of_its_own(self, project):
        found = rows("shop/*")
        assert codes(found["shop/broken.html"]) == codes(found["shop/child.html"]) == ["DA002"]
        assert found["shop/child.html"]["diagnostics"][0]["template"] == "shop/broken.html"
        assert codes(found["shop/latin.html"]) == ["DA907"]

    def test_is_printed(self, project):
        lines = run("shop/_row.html", "shop/broken.html", "shop/child.html").splitlines()
        assert lines == [
            "template          roots  errors",
            "shop/_row.html    p",
            "shop/broken.html         DA002",
            "shop/child.html          DA002",
            "",
            "shop/broken.html:2:6: error DA002: Invalid block tag on line 2: 'inlcude'. "
            "Did you forget to register or load this tag?",
            "      {% inlcude 'x' %}",
            "         ^^^^^^^",
            "    help: did you mean 'include'?",
            "",
            "3 templates, 1 error, no warnings",
        ]  # fmt: skip

    def test_keeps_its_columns_whatever_names_are(self, project):
        text = run()
        assert "\x1b" not in text
        assert "mail/weird ␛[31m.txt" in text
        head, *body = text.split("\n\n")[0].splitlines()
        at = head.index("roots")
        assert head.startswith("engine  template")
        assert all(line[at - 2 : at] in {"", "  "} for line in body)


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "names"),
        [
            pytest.param("shop/list.html", ["shop/list.html"], id="name"),
            pytest.param("shop/*.txt", ["shop/notes.txt"], id="glob"),
            pytest.param("{folder}/shop/base.html", ["shop/base.html"], id="file"),
            pytest.param("{folder}/mail", ["mail/weird \x1b[31m.txt"], id="folder"),
            pytest.param("*/shop/_*.html", ["shop/_row.html"], id="glob-of-files"),
            pytest.param("memory.html", ["memory.html"], id="in-memory"),
        ],
    )
    def test_narrow_the_scan(self, pattern, names, project):
        assert list(rows(pattern.format(folder=project))) == names

    def test_that_match_nothing_are_an_error(self, project):
        with pytest.raises(CommandError, match=r"^no template matches 'nope\.html', 'gone/\*'$"):
            run("shop/list.html", "nope.html", "gone/*")


class TestStrict:
    def test_errors_count_only_then(self, project):
        assert "1 error" in run("shop/broken.html")
        with pytest.raises(CommandError, match="1 template, 1 error, no warnings") as caught:
            run("--strict", "shop/broken.html")
        assert caught.value.returncode == 1

    def test_warnings_do_not(self, project):
        assert "2 warnings" in run("--strict", "shop/widget.html")

    def test_json_is_printed_all_the_same(self, project):
        out = io.StringIO()
        with pytest.raises(CommandError):
            call_command("djust_ast", "scan", "--strict", "--format", "json", "shop/latin.html", stdout=out)
        assert json.loads(out.getvalue())["errors"] == 1

    @pytest.mark.parametrize(("broken", "code"), [(True, 1), (False, 0)])
    def test_exit_codes_of_the_program(self, broken, code, tmp_path):
        (tmp_path / "a.html").write_text("{% if %}" if broken else "{{ a }}")
        (tmp_path / "conf.py").write_text(
            f"from tests.settings import *\nTEMPLATES = [{{**TEMPLATES[0], 'DIRS': [{str(tmp_path)!r}]}}]\n"
        )
        done = subprocess.run(
            [sys.executable, "-m", "django", "djust_ast", "scan", "--strict", "a.html"],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "conf", "PYTHONPATH": f"{tmp_path}:{ROOT}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "DA001" in done.stdout) == (code, broken), done.stderr


def test_of_the_demo_only_names_of_templates_are_not_known():
    assert run("rentals/*", "--strict").endswith(" templates, no errors, 2 warnings\n")


@pytest.mark.django_db
def test_no_query_is_made_and_no_tag_is_run(project, monkeypatch, django_assert_num_queries):
    def compiled(*_):
        raise AssertionError("a template was compiled")

    monkeypatch.setattr("django.template.base.Template.__init__", compiled)
    with django_assert_num_queries(0):
        assert "shop/list.html" in run()


def test_links_that_lead_in_a_circle_end(project):
    assert len([name for name in rows() if name.endswith("list.html") and name.startswith("shop/")]) == 1

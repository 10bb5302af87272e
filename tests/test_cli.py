"""``python -m djust_ast`` without a project, and ``manage.py djust_ast`` with one."""

import ast
import io
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from djust_ast import __main__ as program

LEASES = "{% for lease in leases %}{{ lease.tenant.user.email }}{% endfor %}"
MODELS = ("--var", "properties=rentals.Property", "--var", "expiring_soon=rentals.Lease")


def manage(*arguments):
    out = io.StringIO()
    call_command("djust_ast", *arguments, stdout=out)
    return out.getvalue()


def run(*arguments, stdin=""):
    """The program in a process of its own, without Django settings."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "-m", "djust_ast", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


class TestProgram:
    def test_needs_no_project(self):
        done = run("paths", "-", stdin=LEASES)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1].split() == [".email", "[out]", "<stdin>:1:29"]

    def test_shows_a_malformed_template_with_a_caret(self):
        done = run("paths", "-", stdin="one\n{{ a|nope }}")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("<stdin>:2:6: ")
        assert "    {{ a|nope }}\n         ^^^^\n    help: " in done.stderr

    def test_reads_a_file(self, tmp_path, capsys):
        file = tmp_path / "list.html"
        file.write_text(LEASES, encoding="utf-8")
        assert program.main(["paths", str(file)]) == 0
        assert "leases" in capsys.readouterr().out

    def test_prints_the_extractors_own_json(self, tmp_path, capsys):
        file = tmp_path / "list.html"
        file.write_text(LEASES, encoding="utf-8")
        assert program.main(["paths", "--format", "json", str(file)]) == 0
        document = json.loads(capsys.readouterr().out)
        assert list(document["roots"]) == ["leases"]
        assert document["files"][0]["name"] == str(file)

    @pytest.mark.parametrize("content", [None, b"\xff"], ids=["missing", "not-text"])
    def test_a_file_that_cannot_be_read_is_an_error(self, tmp_path, capsys, content):
        file = tmp_path / "list.html"
        if content is not None:
            file.write_bytes(content)
        assert program.main(["paths", str(file)]) == 1
        assert capsys.readouterr().err

    def test_shows_source_that_runs(self, capsys):
        assert program.main(["source", "Lease", "property.name", "tenant.user.email"]) == 0
        namespace = {}
        exec(capsys.readouterr().out, namespace)  # noqa: S102
        (serialize,) = (namespace[name] for name in namespace if name.startswith("serialize_lease_"))
        user = SimpleNamespace(user=SimpleNamespace(email="a@example.com"))
        assert serialize(SimpleNamespace(property=None, tenant=user)) == {
            "property": None,
            "tenant": {"user": {"email": "a@example.com"}},
        }

    def test_shows_the_tree_of_that_source(self, capsys):
        assert program.main(["ast", "Lease", "property.name"]) == 0
        out = capsys.readouterr().out
        assert out.startswith("Module(")
        assert "Constant(value='name')" in out

    def test_refuses_what_is_not_a_path(self, capsys):
        assert program.main(["source", "Lease", "_state"]) == 1
        assert "_state" in capsys.readouterr().err

    @pytest.mark.parametrize("arguments", [[], ["nope"], ["source", "Lease"], ["paths"]])
    def test_wrong_usage_exits_with_two(self, arguments, capsys):
        with pytest.raises(SystemExit) as caught:
            program.main(arguments)
        assert caught.value.code == 2
        assert "usage" in capsys.readouterr().err

    @pytest.mark.parametrize("verb", ["demo", "bench"])
    def test_hands_over_to_the_other_programs(self, verb, capsys):
        with pytest.raises(SystemExit) as caught:
            program.main([verb, "--help"])
        assert caught.value.code == 0
        assert f"djust_ast {verb}" in capsys.readouterr().out

    def test_tells_its_version(self, capsys):
        with pytest.raises(SystemExit):
            program.main(["--version"])
        assert capsys.readouterr().out.strip()


class TestCommand:
    def test_paths(self):
        lines = manage("paths", "rentals/dashboard.html").splitlines()
        assert any(line.startswith("expiring_soon") for line in lines)

    def test_paths_as_json(self):
        document = json.loads(manage("paths", "rentals/dashboard.html", "--format", "json"))
        assert "pending_maintenance" in document["roots"]

    def test_plan(self):
        plan = manage("plan", "rentals/dashboard.html", *MODELS)
        assert "properties: queryset of Property" in plan
        assert "expiring_soon: queryset of Lease" in plan
        assert "pending_maintenance" not in plan

    def test_plan_of_one_object(self):
        assert "lease: Lease" in manage("plan", "rentals/lease_detail.html", "--var", "lease=rentals.Lease")

    def test_sql(self):
        sql = manage("sql", "rentals/dashboard.html", *MODELS)
        assert sql.count("plain Django") == 2
        assert "JOIN" in sql

    def test_source(self):
        ast.parse(manage("source", "rentals/dashboard.html", *MODELS))

    def test_ast(self):
        assert manage("ast", "rentals/dashboard.html", *MODELS).startswith("Module(")

    def test_explain_shows_all(self):
        text = manage("explain", "rentals/dashboard.html", *MODELS)
        assert [line for line in text.splitlines() if line.startswith("== ")] == [
            "== paths",
            "== plan",
            "== sql",
            "== source",
        ]

    def test_explain_shows_warnings(self, tmp_path, settings):
        (tmp_path / "page.html").write_text("{% include 'gone.html' %}", encoding="utf-8")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        text = manage("explain", "page.html")
        assert "\n\n== warnings\npage.html:1:1: warning DA102: template 'gone.html' cannot be found\n" in text

    @pytest.mark.django_db
    @pytest.mark.parametrize("verb", ["explain", "plan", "sql", "source", "ast"])
    def test_no_query_is_run(self, verb, django_assert_num_queries):
        with django_assert_num_queries(0):
            manage(verb, "rentals/dashboard.html", *MODELS)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            pytest.param(["paths", "nope.html"], "there is no template 'nope.html'", id="template"),
            pytest.param(
                ["plan", "rentals/dashboard.html", "--var", "nope=rentals.Lease"],
                "rentals/dashboard.html does not read 'nope'; it reads ",
                id="name",
            ),
            pytest.param(
                ["plan", "rentals/dashboard.html", "--var", "properties=rentals.Nope"],
                "--var properties=rentals.Nope: App 'rentals' doesn't have a 'Nope' model",
                id="model",
            ),
            pytest.param(
                ["plan", "rentals/dashboard.html", "--var", "properties=nope.Lease"],
                "--var properties=nope.Lease: No installed app with label 'nope'",
                id="app",
            ),
            pytest.param(
                ["plan", "rentals/dashboard.html", "--var", "properties=Lease"],
                "--var properties=Lease: ",
                id="label",
            ),
            pytest.param(
                ["plan", "rentals/dashboard.html", "--var", "properties"],
                "expected --var NAME=APP.MODEL, got 'properties'",
                id="no-model",
            ),
            pytest.param(["sql", "rentals/dashboard.html"], "name a model with --var", id="no-variable"),
        ],
    )
    def test_says_what_is_wrong(self, arguments, message):
        with pytest.raises(CommandError) as caught:
            manage(*arguments)
        assert str(caught.value).startswith(message)
        assert caught.value.returncode == 1

    def test_a_malformed_template_is_shown_with_a_caret(self, tmp_path, settings):
        (tmp_path / "broken.html").write_text("one\n{{ a|nope }}", encoding="utf-8")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        with pytest.raises(CommandError) as caught:
            manage("paths", "broken.html")
        assert str(caught.value).startswith("broken.html:2:6: ")
        assert "    {{ a|nope }}\n         ^^^^\n    help: " in str(caught.value)

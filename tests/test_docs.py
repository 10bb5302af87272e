"""Every snippet and command of README and docs does what it says.

Python blocks of a file run in order in one namespace. The commands of console blocks are run, and what stands
below a command is what it prints; ``...`` stands for anything.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.template.loader import get_template

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```([\w+]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MAKE = re.compile(r"^([a-z0-9]+):.*##", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")

every_page = pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in PAGES])


def blocks(path, *languages):
    return [text for language, text in BLOCK.findall(path.read_text()) if language in languages]


@pytest.fixture
def readme_template(settings, tmp_path):
    """The template that README begins with, where the project would have it."""
    template = tmp_path / "rentals" / "leases.html"
    template.parent.mkdir()
    template.write_text(blocks(ROOT / "README.md", "html+django")[0])
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]


@every_page
def test_python_snippets_run(path, agency, readme_template):
    namespace = {}
    for snippet in blocks(path, "python"):
        exec(compile(snippet, str(path), "exec"), namespace)  # noqa: S102


def test_the_view_of_the_readme_is_planned(agency, readme_template, rf, django_assert_num_queries):
    namespace = {}
    for snippet in blocks(ROOT / "README.md", "python"):
        exec(snippet, namespace)  # noqa: S102
    pages = []
    for queries, view in ((1, namespace["LeaseBoard"].as_view()), (1, namespace["lease_list"])):
        with django_assert_num_queries(queries):
            pages.append(view(rf.get("/")).content.decode())
    live = get_template("rentals/leases.html").render({"leases": namespace["Lease"].objects.all()})
    assert pages == [live, live]


@every_page
def test_commands_print_what_is_shown(path, agency, readme_template, capsys):
    targets = set(MAKE.findall((ROOT / "Makefile").read_text()))
    for command, shown in commands(path):
        match command:
            case ["make", *names]:
                assert set(names) <= targets  # .ci/run runs them
            case ["python", "-m", "pip", "install", *names]:
                assert names == ["djust-ast"]
            case ["python", "manage.py", *arguments]:
                call_command(*arguments)
                assert_same(capsys.readouterr().out, shown)
            case ["python", "-m", "djust_ast", *arguments]:
                done = subprocess.run(
                    [sys.executable, "-m", "djust_ast", *arguments],
                    cwd=ROOT,
                    env={key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
                    capture_output=True,
                    text=True,
                    check=True,
                )
                assert_same(done.stdout, shown)
            case _:
                pytest.fail(f"{path.name}: no test for {command}")


def commands(path):
    """``(words, what is shown below)`` of every command."""
    for text in blocks(path, "console"):
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            yield shlex.split(line, comments=True), shown.strip("\n")


def assert_same(printed, shown):
    checker = doctest.OutputChecker()
    if shown and not checker.check_output(shown + "\n", printed.strip("\n") + "\n", doctest.ELLIPSIS):
        assert printed.strip("\n") == shown


@every_page
def test_links_lead_somewhere(path):
    for target in LINK.findall(path.read_text()):
        assert (path.parent / target).exists(), target

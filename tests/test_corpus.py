"""Templates of packages that people use: a fixed sample of what ``make corpus`` judges in full."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict

import pytest

from tests.corpus.__main__ import Report, findings, report, table
from tests.corpus.judge import Verdict
from tests.corpus.packages import HERE, INSTALLED, packages


def sample() -> dict[str, list[str]]:
    """Return the names of the templates of the sample by package."""
    found = defaultdict(list)
    for line in (HERE / "sample.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            package, _, name = line.partition(": ")
            found[package].append(name)
    return found


SAMPLE = sample()


@pytest.fixture(scope="module")
def installed():
    if not (INSTALLED[-1] / ".ok").exists():
        pytest.fail("the packages of the sample are not there: run `make .corpus/sample/.ok`")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("package", SAMPLE)
def test_announces_what_templates_of_packages_read(package):
    one = report(packages()[package], SAMPLE[package])
    assert one.crash == ""
    assert [verdict.misses for verdict in one.verdicts if verdict.outcome in ("missed", "tag")] == []
    assert [verdict.walk for verdict in one.verdicts if verdict.differs] == []
    assert {verdict.name for verdict in one.verdicts} == set(SAMPLE[package])


def test_sample_has_a_dozen_packages():
    assert len(SAMPLE) >= 12
    assert set(SAMPLE) <= set(packages())


@pytest.mark.usefixtures("installed")
def test_reports_what_was_missed():
    package = packages()["django-waffle"]
    missed = Report(
        package, [Verdict("a.html", "missed", ["b.c: str"]), Verdict("d.html", nodes=2, executed=1)]
    )
    assert not missed.sound
    assert list(findings([missed])) == ["django-waffle: a.html: missed: b.c: str"]
    cells = [cell.strip() for cell in table([missed]).splitlines()[-1].split("|")]
    assert cells[1:7] == ["all", "2", "1", "0", "0", "0"]
    differs = Report(package, [Verdict("a.html", walk=["roots.b: None, the walk {}"])])
    assert not differs.sound
    assert list(findings([differs])) == [
        "django-waffle: a.html: the walk differs: roots.b: None, the walk {}"
    ]
    assert not Report(package, []).sound
    assert not Report(package, [Verdict("d.html")], crash="killed").sound
    assert Report(package, [Verdict("d.html")]).sound


@pytest.mark.usefixtures("installed")
def test_shipped_specs_of_the_sample_are_true(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "tests.corpus.specs", "--sample"],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.stdout.splitlines() == ["24 specs of 9 packages, 0 problems"], done.stderr[-2000:]
    assert done.returncode == 0


def lies(key: str, **change: object) -> str:
    return f"""
import dataclasses, sys
from importlib import import_module
from djust_ast import tagspecs
from tests.corpus import specs
module = import_module("djust_ast.tagspecs." + tagspecs.SHIPPED[{key!r}.partition(".")[0]])
module.TAGS[{key!r}] = dataclasses.replace(module.TAGS[{key!r}], **{change!r})
sys.exit(specs.main(["--sample", {key!r}]))
"""


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("key", "change", "problem"),
    [
        pytest.param(
            "allauth.templatetags.allauth:do_setvar", {"writes": False}, "setvar name: sets name", id="writes"
        ),
        pytest.param(
            "mptt.templatetags.mptt_tags:full_tree_for_model",
            {"assigns": None, "words": ("as", "x")},
            "full_tree_for_model sites.branch as x: sets x",
            id="assigns-nothing",
        ),
        pytest.param(
            "waffle.templatetags.waffle_tags:wafflejs", {"reads": ()}, "request is asked for", id="reads"
        ),
        pytest.param(
            "waffle.templatetags.waffle_tags:wafflejs",
            {"writes": True},
            "nobody misses writes",
            id="writes-none",
        ),
    ],
)
def test_a_shipped_spec_that_lies_is_found(tmp_path, key, change, problem):
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", lies(key, **change)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert f"{key}: {problem}" in done.stdout, done.stdout + done.stderr[-1000:]
    assert done.returncode == 1

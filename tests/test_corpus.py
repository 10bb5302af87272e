"""Templates of packages that people use: a fixed sample of what ``make corpus`` judges in full."""

from __future__ import annotations

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

"""``make corpus``: the judge over every template of every package, and a table of what it found."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from tempfile import TemporaryDirectory

import django

from tests.corpus.judge import OUTCOMES, Verdict
from tests.corpus.packages import HERE, Package, packages

COLUMNS = {
    "package": "{package}",
    "templates": "{templates:,}",
    **{outcome: f"{{{outcome}:,}}" for outcome in OUTCOMES},
    "walk differs": "{differs:,}",
    "node errors": "{errors:,}",
    "context escapes": "{context:,}",
    "nodes": "{nodes:,}",
    "executed": "{share:.0%}",
    "exact": "{exact:,}",
    "paths": "{paths:,}",
    "unread": "{unread:,}",
}


@dataclass
class Report:
    """What became of the templates of one package; ``crash`` is why its process ended early."""

    package: Package
    verdicts: list[Verdict]
    crash: str = ""

    @property
    def sound(self) -> bool:
        return (
            bool(self.verdicts)
            and not self.crash
            and not any(one.outcome == "missed" or one.differs for one in self.verdicts)
        )


def report(package: Package, wanted: Iterable[str] = ()) -> Report:
    """Judge the templates of a package in a process and a folder of its own, or those that are wanted."""
    command = [sys.executable, "-X", "utf8", "-m", "tests.corpus.judge", package.name, *wanted]
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", env=environment, cwd=folder, check=False
        )
    verdicts = [Verdict(**json.loads(line)) for line in done.stdout.splitlines()]
    return Report(package, verdicts, done.stderr[-2000:] if done.returncode else "")


def row(package: str, verdicts: list[Verdict]) -> list[str]:
    """Return what the table says of some verdicts."""
    outcomes: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
    outcomes.update(verdict.outcome for verdict in verdicts)
    counts = {field.name for field in fields(Verdict) if isinstance(field.default, int)}
    sums = {count: sum(getattr(verdict, count) for verdict in verdicts) for count in counts}
    share = sums["executed"] / max(sums["nodes"], 1)
    differs = sum(verdict.differs for verdict in verdicts)
    values = {"package": package, "templates": len(verdicts), "share": share, "differs": differs}
    values |= sums | outcomes
    return [cell.format_map(values) for cell in COLUMNS.values()]


def table(reports: list[Report]) -> str:
    """Return the table in Markdown, a row for each package and one for all."""
    rows = [row(f"{one.package.name} {one.package.distribution.version}", one.verdicts) for one in reports]
    rows.append(row("all", [verdict for one in reports for verdict in one.verdicts]))
    cells = [list(COLUMNS), ["---", *["---:"] * (len(COLUMNS) - 1)], *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for line in cells:
        padded = [f"{cell:{'<' if not at else '>'}{widths[at]}}" for at, cell in enumerate(line)]
        lines.append(f"| {' | '.join(padded)} |")
    return "\n".join(lines)


def findings(reports: list[Report]) -> Iterator[str]:
    """Yield a line for each template that does not compile or is not covered."""
    for one in reports:
        for verdict in one.verdicts:
            if verdict.outcome != "covered":
                for miss in verdict.misses:
                    yield f"{one.package.name}: {verdict.name}: {verdict.outcome}: {miss.splitlines()[0]}"
            for difference in verdict.walk:
                yield f"{one.package.name}: {verdict.name}: the walk differs: {difference.splitlines()[0]}"
        if one.crash:
            yield f"{one.package.name}: ended early:\n{one.crash}"


def main() -> int:
    """Judge, print, and return 1 if any tree does not announce all that Django reads, or two trees differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="only these packages")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="so many packages at once")
    options = parser.parse_args()
    chosen = [package for name, package in packages().items() if name in (options.packages or packages())]
    with ThreadPoolExecutor(options.jobs) as pool:
        reports = list(pool.map(report, chosen))
    under = f"Django {django.get_version()}, Python {sys.version.split()[0]}"
    sys.stdout.write("\n".join([*findings(reports), "", under, "", table(reports), ""]))
    return 0 if all(one.sound for one in reports) else 1


if __name__ == "__main__":
    sys.exit(main())

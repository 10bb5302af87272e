"""Results as a table, as Markdown, as JSON."""

from __future__ import annotations

import json
import platform
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import django

import djust_ast
from djust_ast.bench.timing import CANARY, Case, Outcome, Stage, Target

HEAD = ("", "best", "CPU", "wall", "ratio", "least", "most", "queries")
QUIET = (0.95, 1.05)


@dataclass(frozen=True, slots=True)
class Report:
    """What one run measured."""

    rounds: int
    stages: tuple[Stage, ...]

    @property
    def machine(self) -> dict[str, str]:
        """Where and with what it was measured."""
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "djust_ast": djust_ast.__version__,
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            "django": django.get_version(),
            "sqlite": sqlite3.sqlite_version,
            "system": platform.platform(),
            "cpu": _cpu(),
            "rounds": str(self.rounds),
        }

    @property
    def noisy(self) -> list[str]:
        """The cases whose canary sang: their ratios are not to be trusted."""
        least, most = QUIET
        return [
            f"{stage.title}: {case.title}"
            for stage in self.stages
            for case in stage.cases
            if not least <= case[CANARY].ratio <= most
        ]

    @property
    def targets(self) -> list[Target]:
        """The targets of all stages."""
        return [target for stage in self.stages for target in stage.targets]


def text(report: Report) -> str:
    """Aligned columns, for a terminal."""
    lines = [", ".join(f"{name} {value}" for name, value in report.machine.items())]
    for stage in report.stages:
        for case in stage.cases:
            lines += ["", f"{stage.title}: {case.title} ({case.unit})", *_aligned(_cells(case))]
        lines += [f"{stage.title}: {note}" for note in stage.notes]
    lines += ["", "Targets", *_aligned(_targets(report))]
    lines += [f"NOISY, measure again: {title}" for title in report.noisy]
    return "\n".join(lines)


def markdown(report: Report) -> str:
    """Tables for ``docs/performance.md``."""
    lines = [", ".join(f"{name} {value}" for name, value in report.machine.items())]
    lines += ["", *_piped(_targets(report))]
    for stage in report.stages:
        lines += ["", f"### {stage.title}"]
        for case in stage.cases:
            lines += ["", f"{case.title} ({case.unit})", "", *_piped(_cells(case))]
        lines += [line for note in stage.notes for line in ("", note)]
    lines += ["", *(f"Noisy: {title}" for title in report.noisy)]
    return "\n".join(lines).rstrip("\n")


def document(report: Report) -> str:
    """Everything, for another program."""
    content = {
        "machine": report.machine,
        "stages": [asdict(stage) for stage in report.stages],
        "targets": [{**asdict(target), "met": target.met} for target in report.targets],
        "noisy": report.noisy,
    }
    return json.dumps(content, ensure_ascii=False, indent=2)


FORMATS: dict[str, Callable[[Report], str]] = {"table": text, "md": markdown, "json": document}


def _cells(case: Case) -> Iterator[tuple[str, ...]]:
    yield HEAD
    yield from (_row(outcome) for outcome in case.outcomes)


def _row(outcome: Outcome) -> tuple[str, ...]:
    queries = "" if outcome.queries is None else str(outcome.queries)
    ratios = (f"{ratio:.2f}" for ratio in (outcome.ratio, outcome.least, outcome.most))
    times = (_number(time) for time in (outcome.best, outcome.cpu, outcome.wall))
    return (outcome.name, *times, *ratios, queries)


def _targets(report: Report) -> Iterator[tuple[str, ...]]:
    yield ("", "target", "measured", "")
    for target in report.targets:
        met = "met" if target.met else "MISSED"
        yield (
            target.text,
            f"≤ {_number(target.limit)} {target.unit}".rstrip(),
            f"{_number(target.value)} {target.unit}".rstrip(),
            met,
        )


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def _aligned(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    table = list(rows)
    widths = _widths(table)
    for first, *rest in table:
        cells = [f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([f"  {first:<{widths[0]}}", *cells]).rstrip()


def _piped(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    head, *body = rows
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in body:
        yield "| " + " | ".join(row) + " |"


def _widths(table: Sequence[tuple[str, ...]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*table, strict=True)]


def _cpu() -> str:
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())

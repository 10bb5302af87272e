"""Interleaved rounds, and the comparison that comes before them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Contestant:
    """``run`` is timed, with what ``prepare`` made just before; ``queries`` is what one run asks."""

    name: str
    run: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None
    queries: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Microseconds of one unit (median over the rounds), and the ratio to the baseline in the same round.

    ``best`` is the CPU time of the quickest round.
    """

    name: str
    best: float
    cpu: float
    wall: float
    ratio: float
    least: float
    most: float
    queries: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """Contestants on equal terms; the first is the baseline. ``unit`` says what one time is the time of."""

    title: str
    unit: str
    outcomes: tuple[Outcome, ...]

    def __getitem__(self, name: str) -> Outcome:
        return next(outcome for outcome in self.outcomes if outcome.name == name)


@dataclass(frozen=True, slots=True)
class Target:
    """What was promised, and what was measured; both in ``unit``."""

    text: str
    limit: float
    value: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether the promise was kept."""
        return self.value <= self.limit


@dataclass(frozen=True, slots=True)
class Stage:
    """The cases of one stage of the pipeline, its targets, and what else there is to say."""

    title: str
    cases: tuple[Case, ...]
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()


class DifferentResultError(AssertionError):
    """A contestant that did not do the same work."""


CANARY = "the same again (canary)"


def measure(
    title: str,
    contestants: Sequence[Contestant],
    rounds: int,
    *,
    unit: str,
    units: int = 1,
    repeat: int = 1,
) -> Case:
    """The times of ``contestants``, of which the first is the baseline; each sample runs ``repeat`` times."""
    baseline = contestants[0]
    canary = Contestant(CANARY, baseline.run, baseline.prepare, baseline.queries)
    field = [baseline, canary, *contestants[1:]]
    samples: dict[str, list[tuple[float, float]]] = {contestant.name: [] for contestant in field}
    order = Random(7)  # noqa: S311 - who is next, the same in every run
    for contestant in field:
        _sample(contestant, repeat)
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for contestant in order.sample(field, len(field)):
            samples[contestant.name].append(_sample(contestant, repeat))
    gc.unfreeze()
    scale = 1e-3 / (units * repeat)
    base = [cpu for cpu, _ in samples[baseline.name]]
    outcomes = []
    for contestant in field:
        cpu = [sample[0] for sample in samples[contestant.name]]
        ratios = [own / other for own, other in zip(cpu, base, strict=True)]
        outcomes.append(
            Outcome(
                contestant.name,
                best=min(cpu) * scale,
                cpu=median(cpu) * scale,
                wall=median(sample[1] for sample in samples[contestant.name]) * scale,
                ratio=median(ratios),
                least=min(ratios),
                most=max(ratios),
                queries=contestant.queries,
            )
        )
    return Case(title, unit, tuple(outcomes))


def agree(contestants: Sequence[Contestant]) -> None:
    """Run all once; one whose result is not that of the first, in value and type, is an error."""
    expected = contestants[0].run(contestants[0].prepare())
    for contestant in contestants[1:]:
        found = difference(expected, contestant.run(contestant.prepare()))
        if found is not None:
            raise DifferentResultError(f"{contestant.name} differs from {contestants[0].name} at {found}")


def difference(expected: Any, found: Any, path: str = "result") -> str | None:
    """The first place where the two differ in type, value, keys or their order, or ``None``.

    A list may be a subclass of ``list``; nothing else may.
    """
    if isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return f"{path}: {len(expected)} items, {len(found)} items"
        items = enumerate(zip(expected, found, strict=True))
        pairs = [(f"{path}[{n}]", own, other) for n, (own, other) in items]
    elif type(expected) is not type(found):
        return f"{path}: {type(expected).__name__}, {type(found).__name__}"
    elif isinstance(expected, dict):
        if list(expected) != list(found):
            return f"{path}: keys {list(expected)}, {list(found)}"
        pairs = [(f"{path}[{key!r}]", expected[key], found[key]) for key in expected]
    else:
        return None if expected == found else f"{path}: {expected!r}, {found!r}"
    return next((text for place, own, other in pairs if (text := difference(own, other, place))), None)


def _sample(contestant: Contestant, repeat: int) -> tuple[float, float]:
    """Nanoseconds of this thread, and of the wall clock; results live until the clocks stop."""
    argument = contestant.prepare()
    run = contestant.run
    kept = [None] * repeat
    gc.collect()
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    for index in range(repeat):
        kept[index] = run(argument)
    cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
    return cpu, wall

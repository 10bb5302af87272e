"""From a queryset to dicts, the database included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from djust_ast.bench import rivals
from djust_ast.bench.compilation import serializer
from djust_ast.bench.timing import Case, Contestant, DifferentResultError, Stage, agree, measure
from djust_ast.demo.rentals.models import Lease

SETS = (
    ("S", rivals.S, rivals.naive_s, rivals.values_s),
    ("M", rivals.M, rivals.naive_m, rivals.values_m),
    ("F", rivals.F, rivals.naive_f, rivals.values_f),
)


def contestants(index: int, count: int) -> tuple[Contestant, ...]:
    """Who fetches and serializes ``count`` leases, a new queryset each time."""
    _, paths, naive, by_values = SETS[index]

    def leases() -> QuerySet[Lease]:
        return Lease.objects.order_by("pk")[:count]

    made = serializer(paths)
    if made.plan.route != "rows":
        raise DifferentResultError(f"rows were refused: {made.plan.reason}")

    def joined(_: Any) -> Any:
        return naive(Lease.objects.select_related(*rivals.JOINS[paths]).order_by("pk")[:count])

    rows = (
        Contestant("select_related(), hand-written", joined),
        Contestant("values(), hand-written", lambda _: by_values(leases())),
        Contestant("djust_ast", lambda _: made.many(leases())),
    )
    return tuple(counted(row) for row in rows)


def counted(contestant: Contestant) -> Contestant:
    """``contestant`` with the number of queries that one run takes."""
    with CaptureQueriesContext(connection) as queries:
        contestant.run(contestant.prepare())
    return replace(contestant, queries=len(queries))


def stage(rounds: int, counts: Sequence[int]) -> Stage:
    """The times of one row, for every number of rows."""
    cases: list[Case] = []
    for index, (name, *_) in enumerate(SETS):
        for count in counts:
            rows = contestants(index, count)
            agree(rows)
            title = f"{name}, {count} rows"
            cases.append(measure(title, rows, rounds, unit="µs a row", units=count))
    return Stage("From queryset to dicts", tuple(cases))

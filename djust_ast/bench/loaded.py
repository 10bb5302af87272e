"""Serialization of loaded instances: no database, nothing but attribute access and dicts."""

from __future__ import annotations

from djust_ast.bench import rivals
from djust_ast.bench.compilation import serializer
from djust_ast.bench.timing import Contestant, Stage, Target, agree, measure
from djust_ast.demo.rentals.models import Lease

COUNT = 100
NAIVE, GENERATED = "hand-written comprehension", "djust_ast"
SETS = (
    ("S: 7 plain columns over 3 foreign keys", rivals.S, rivals.naive_s, rivals.checked_s, rivals.expert_s),
    ("M: 16 paths, a nullable chain, 2 labels", rivals.M, rivals.naive_m, rivals.checked_m, rivals.expert_m),
    ("N: 7 plain columns, more of them near", rivals.N, rivals.naive_n, rivals.checked_n, rivals.expert_n),
)


def contestants(index: int) -> tuple[Contestant, ...]:
    """Who serializes the paths of set ``index``; each gets instances that nobody has touched."""
    _, paths, naive, checked, expert = SETS[index]

    def fresh() -> list[Lease]:
        return list(Lease.objects.select_related(*rivals.JOINS[paths]).order_by("pk")[:COUNT])

    made = serializer(paths)
    return (
        Contestant(NAIVE, naive, fresh),
        Contestant("with a check of every relation", checked, fresh),
        Contestant("expert's loop", expert, fresh),
        Contestant(GENERATED, made.many, fresh),
    )


def stage(rounds: int) -> Stage:
    """The times of one object, on all sets."""
    cases = []
    for index, (title, *_) in enumerate(SETS):
        rows = contestants(index)
        agree(rows)
        cases.append(measure(f"{title}; {COUNT} instances", rows, rounds, unit="µs an object", units=COUNT))
    plain = cases[0][GENERATED].ratio
    return Stage(
        "Loaded instances",
        tuple(cases),
        (Target("plain columns of loaded instances, of the comprehension's time", 0.5, plain, "×"),),
    )

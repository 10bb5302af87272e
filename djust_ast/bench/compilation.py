"""From twenty paths to a function: bind, plan, emit, compile."""

from __future__ import annotations

from typing import Any

from djust_ast import compile_paths
from djust_ast.bench.rivals import M
from djust_ast.bench.timing import Contestant, Stage, Target, measure
from djust_ast.demo.rentals.models import Lease
from djust_ast.plans import GIVEN
from djust_ast.serializer import Serializer

PATHS = (*M, "signed_at", "property.postcode", "tenant.employer", "co_signer.user.last_name")


def stage(rounds: int) -> Stage:
    """The time until the function for a fresh queryset is there, and that for loaded instances."""
    case = measure(
        f"a serializer of {len(PATHS)} paths",
        [Contestant("over rows", lambda _: serializer().function), Contestant("over instances", _instances)],
        rounds,
        unit="µs",
        repeat=20,
    )
    target = Target("a serializer of 20 paths, from paths to function", 500, case["over rows"].wall, "µs")
    return Stage("Compilation", (case,), (target,))


def serializer(paths: tuple[str, ...] = PATHS) -> Serializer:
    """A new serializer of ``paths``."""
    made = compile_paths(Lease, paths)
    if not isinstance(made, Serializer):
        raise TypeError(f"{made!r} is not a model's serializer")
    return made


def _instances(_: Any) -> Any:
    return serializer().variant(GIVEN).function

"""The demo's dashboard: three levels of relations, fifty rows, against plain Django on live objects."""

from __future__ import annotations

import gc
import sys
import time
from typing import Any
from weakref import WeakKeyDictionary

from django.template import engines

from djust_ast.bench.fetched import counted
from djust_ast.bench.timing import Contestant, Stage, Target, agree, measure
from djust_ast.demo.rentals.views import Dashboard

COLD, WARM = "get_context_data(), caches empty", "get_context_data(), warm"
PLAIN, SERVED = "plain Django", "djust_ast"


def contestants() -> tuple[Contestant, ...]:
    """Who makes the page: both mount a new view, and render the same template."""
    return tuple(counted(row) for row in (Contestant(PLAIN, _plain), Contestant(SERVED, _served)))


def stage(rounds: int) -> Stage:
    """The times of the context and of the page."""
    gc.collect()  # the garbage of whoever ran before is not ours
    before = time.perf_counter_ns()
    context(None)
    first = (time.perf_counter_ns() - before) / 1e6
    pages = contestants()
    agree(pages)
    contexts = measure(
        "the context",
        [counted(Contestant(WARM, context)), counted(Contestant(COLD, context, forget))],
        rounds,
        unit="µs",
    )
    cold_pages = [
        Contestant(f"{row.name}, caches empty", row.run, forget, row.queries) for row in contestants()
    ]
    cases = (
        contexts,
        measure("the page, warm", pages, rounds, unit="µs"),
        measure("the page, caches empty", cold_pages, rounds, unit="µs"),
    )
    return Stage(
        "Dashboard",
        cases,
        (
            Target("get_context_data() of the dashboard, first in the process", 50, first, "ms"),
            Target("get_context_data() of the dashboard, cold", 50, contexts[COLD].wall / 1e3, "ms"),
            Target("get_context_data() of the dashboard, warm", 10, contexts[WARM].wall / 1e3, "ms"),
        ),
    )


def context(_: Any) -> dict[str, Any]:
    """The serialized context of a new view."""
    view = Dashboard()
    view.mount(None)
    return view.get_context_data()


def forget() -> None:
    """Empty the caches of djust_ast, and those of Django's template loaders."""
    for engine in engines.all():
        for loader in getattr(getattr(engine, "engine", None), "template_loaders", ()):
            loader.reset()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != "djust_ast":
            continue
        for value in list(vars(module).values()):
            if isinstance(value, WeakKeyDictionary):
                value.clear()
            elif hasattr(value, "cache_clear"):
                value.cache_clear()


def _plain(_: Any) -> str:
    view = Dashboard()
    view.mount(None)
    return str(view.get_template().render(view.live_context(), None))


def _served(_: Any) -> str:
    view = Dashboard()
    view.mount(None)
    return str(view.get_template().render(view.get_context_data(), None))

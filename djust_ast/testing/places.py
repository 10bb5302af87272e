"""Which expression of a template two pages part at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from django.template.base import Node

from djust_ast.attribution import place_of

_RENDER = Node.render_annotated.__code__


class Event(NamedTuple):
    """A tag or an expression that has rendered ``text``, inside of ``depth`` others."""

    place: str
    words: str
    depth: int
    text: str


@contextmanager
def rendered() -> Iterator[list[Event]]:
    """What every tag and expression renders inside of the block, in the order in which they end."""
    events: list[Event] = []
    depth = 0

    def watch(frame: FrameType, event: str, result: Any) -> None:
        nonlocal depth
        if frame.f_code is not _RENDER:
            return
        if event == "call":
            depth += 1
        elif event == "return":
            depth -= 1
            place, words = place_of(frame.f_locals["self"])
            events.append(Event(place, words, depth, str(result)))

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield events
    finally:
        sys.setprofile(before)


def first_difference(theirs: list[Event], ours: list[Event]) -> str | None:
    """``rentals/list.html:12: lease.tenant.name``; ``None`` if all of it rendered the same.

    Where another branch was taken, the tag that took it.
    """
    pairs = zip(theirs, ours, strict=False)
    at = next((at for at, (one, other) in enumerate(pairs) if one != other), None)
    if at is None:
        return None
    found = ours[at]
    if found[:3] != theirs[at][:3]:
        depth = min(found.depth, theirs[at].depth)
        found = next((event for event in ours[at:] if event.depth < depth), found)
    return f"{found.place}: {found.words}"

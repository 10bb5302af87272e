"""What code that cannot be followed was seen to load: for ``explain()``, so that a hint can be written."""

from __future__ import annotations

from threading import Lock

from django.db.models import Model

MAX_MODELS = 1_000
_seen: dict[type[Model], frozenset[str]] = {}
_lock = Lock()


def note(model: type[Model], name: str) -> None:
    """The relation ``name`` of a ``model`` was loaded although no plan foresaw it."""
    known = _seen.get(model, frozenset())
    if name in known:
        return
    with _lock:
        if model in _seen or len(_seen) < MAX_MODELS:
            _seen[model] = _seen.get(model, frozenset()) | {name}


def seen(model: type[Model]) -> list[str]:
    """The relations of ``model`` that were loaded so, since the process began."""
    return sorted(_seen.get(model, ()))

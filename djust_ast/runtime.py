"""What generated code may call, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any, NamedTuple

from django.core.exceptions import ObjectDoesNotExist
from django.db.models.query import QuerySet, RawQuerySet

from djust_ast.records import ANSWERS, SWALLOWED, Hole, LazyRecords, Record, Records, called

__all__ = ["Absent", "Hole", "LazyRecords", "Manager", "Record", "Records", "each", "lookup", "tolerant"]

# A collection of rows; a file or a form can be looped over, too, but its names are its own.
_ROWS = (Sequence, Set, Iterator, QuerySet, RawQuerySet)
Shape = Sequence[tuple[str, str, "Callable[[Any], Any] | None"]]


class Absent(Exception):  # noqa: N818 - a signal, not a failure
    """A lookup that Django would treat as missing, or as silent."""


def lookup(obj: Any, bit: str) -> Any:
    """What a template finds under ``bit``: key, attribute or index, called where Django calls.

    ``Absent`` where it finds nothing or something silent; any other exception is the object's own
    (``django.template.base.Variable._resolve_lookup``).
    """
    with _Silence(bit):
        value = _step(obj, bit)
        return _call(value) if callable(value) else value


class _Silence:
    """Turns an exception that Django's templates pass over in silence into ``Absent``."""

    def __init__(self, bit: str) -> None:
        self.bit = bit

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if getattr(error, "silent_variable_failure", False):
            raise Absent(self.bit) from error


def _step(obj: Any, bit: str) -> Any:
    try:
        if not hasattr(type(obj), "__getitem__"):
            raise TypeError
        return obj[bit]
    except SWALLOWED:
        try:
            return getattr(obj, bit)
        except (TypeError, AttributeError):
            if bit in dir(obj):
                raise
            try:
                return obj[int(bit)]
            except (IndexError, ValueError, KeyError, TypeError):
                raise Absent(bit) from None


def _call(value: Any) -> Any:
    result = called(value)
    if result is value and not getattr(value, "do_not_call_in_templates", False):
        raise Absent(repr(value))  # refused (alters_data) or not callable without arguments
    return result


def each(value: Any, serialize: Callable[[Any], Any]) -> Any:
    """``serialize`` over a collection, or of one object; ``None`` stays ``None``."""
    if value is None:
        return None
    if isinstance(value, _ROWS) and not isinstance(value, str | bytes):
        return [serialize(item) for item in value]
    return serialize(value)


class Manager(NamedTuple):
    """How ``tolerant`` reads prefetched rows: what makes a record of one, and under which names they are shown."""

    below: Callable[[Any], Any]
    via: str
    asks: tuple[str, ...]

    def __call__(self, found: Sequence[Any]) -> Any:
        rows = Records(map(self.below, found))
        return {self.via: rows} | {ask: getattr(rows, ask)() for ask in self.asks} if self.via else rows


def tolerant(shape: Shape) -> Callable[[Any], Record]:
    """A serializer for an object that is not loaded as planned: read what is loaded, leave the rest to the object.

    ``shape`` has a row ``(name, attribute, serializer)`` for each member; a column has no serializer, and neither
    has what was asked of a related manager. What is not loaded is fetched when it is asked for, which it may never
    be.
    """

    def serialize(obj: Any) -> Record:
        members: dict[str, Any] = {}
        for name, attribute, below in shape:
            if attribute == ANSWERS:
                answers = obj.__dict__.get(ANSWERS, {})
                if name in answers:
                    members[name] = answers[name]
                continue
            if below is None:
                if attribute in obj.__dict__:
                    members[name] = obj.__dict__[attribute]
                continue
            if isinstance(below, Manager):
                prefetched = obj.__dict__.get("_prefetched_objects_cache", {})
                if attribute in prefetched:
                    members[name] = below(prefetched[attribute])
                continue
            if attribute not in obj._state.fields_cache:
                continue
            try:
                value = getattr(obj, attribute)
            except (ObjectDoesNotExist, AttributeError):
                continue
            members[name] = None if value is None else below(value)
        return Record(obj, members)

    return serialize


def itself(value: Any) -> Any:
    """``value``."""
    return value

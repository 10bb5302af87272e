"""What stands in the place of a live object.

A plain ``dict`` where a template can only enter keys that are there. ``Record`` where more may be asked: a dict
of what was read ahead, and the live object for everything else, so that anything not read ahead is exactly what
Django would find. ``Hole`` is a row whose absent one-to-ones raise what their descriptors raise.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, ClassVar, overload

from django.db.models import QuerySet
from django.utils.functional import Promise, lazystr

# What Django's lookup takes for "no such key" (django.template.base.Variable._resolve_lookup).
SWALLOWED = (TypeError, AttributeError, KeyError, ValueError, IndexError)


# Where an instance keeps what a template asks of its related managers, as far as it was fetched for all siblings.
ANSWERS = "_djust_ast_answers"

_Absent = tuple[tuple[str, tuple[type, ...]], ...]


class Record(dict[str, Any]):
    """A record that knows its live object; no template can ask for a name that begins with an underscore.

    Missing keys, attributes, text, equality and hash are the object's own. A method is keyed by its name and
    gives what Django's templates would show: the result of the call, the method itself where Django refuses to
    call it (``alters_data``) or cannot (it needs arguments).
    """

    __slots__ = ("_instance", "_raised")

    def __init__(self, instance: Any, members: dict[str, Any]) -> None:
        dict.__init__(self, members)
        self._instance = instance
        self._raised: tuple[str, Exception] | None = None

    def __missing__(self, name: str) -> Any:
        if not isinstance(name, str):
            raise KeyError(name)
        # Django's lookup swallows these five from ``record[name]`` and asks for the attribute next: it must
        # then get the same exception, without a second run of the property.
        try:
            return called(getattr(self._instance, name))
        except SWALLOWED as error:
            if isinstance(error, AttributeError) and name not in dir(self._instance):
                raise KeyError(name) from None
            self._raised = (name, error)
            raise

    def __getattr__(self, name: str) -> Any:
        raised, self._raised = self._raised, None
        if raised is not None and raised[0] == name:
            raise raised[1]
        return getattr(self._instance, name)

    def __dir__(self) -> list[str]:
        return dir(self._instance)

    def __str__(self) -> str:
        return str(self._instance)

    def __repr__(self) -> str:
        return repr(self._instance)

    def __eq__(self, other: object) -> bool:
        return bool(self._instance == (other._instance if isinstance(other, Record) else other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self._instance)

    def __bool__(self) -> bool:
        return bool(self._instance)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Record, (self._instance, dict(self)))


class Hole(dict[str, Any]):
    """A row of a model with reverse one-to-ones: an absent one raises what Django's descriptor raises.

    As an attribute, where Django's lookup finds it: the exception is an ``AttributeError``, and only the second
    step of the lookup lets it through to be silent.
    """

    __slots__ = ()
    absent: ClassVar[dict[str, type[Exception]]] = {}

    def __getattr__(self, name: str) -> Any:
        exception = self.absent.get(name, AttributeError)
        raise exception(f"no {name}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.absent]

    def __reduce__(self) -> tuple[Any, ...]:
        # By their bases, since Django names these exceptions after the query name, where they cannot be found.
        absent = tuple((name, exception.__bases__) for name, exception in self.absent.items())
        return (_hole, (absent, dict(self)))


def _hole(absent: _Absent, members: dict[str, Any]) -> Hole:
    return _hole_class(absent)(members)


@lru_cache(maxsize=256)
def _hole_class(absent: _Absent) -> type[Hole]:
    exceptions = {name: type("RelatedObjectDoesNotExist", bases, {}) for name, bases in absent}
    return type("Hole", (Hole,), {"__slots__": (), "absent": exceptions})


class Records(list[Any]):
    """The rows of a queryset, fetched; it answers ``count``, ``exists``, ``first``, ``last`` and ``all``.

    Anything else (``filter``, ``order_by``, ...) is asked of the queryset that the rows came from.
    """

    __slots__ = ("source",)

    def __init__(self, rows: Any = (), source: QuerySet[Any, Any] | None = None) -> None:
        super().__init__(rows)
        self.source = source

    def count(self, *value: Any) -> int:
        """How many rows; with a value, how often it occurs, as for any list."""
        return super().count(*value) if value else len(self)

    def exists(self) -> bool:
        """Whether there is a row."""
        return len(self) > 0

    def first(self) -> Any:
        """The first row, or ``None``."""
        return self[0] if self else None

    def last(self) -> Any:
        """The last row, or ``None``."""
        return self[-1] if self else None

    def all(self) -> Records:
        """The rows themselves."""
        return self

    def __getattr__(self, name: str) -> Any:
        return refine(self.source, name)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return (Records, (list(self),))


class LazyRecords(Sequence[Any]):
    """Rows that are fetched when first touched, since a branch of the template decides.

    Not a ``list``: C code would see one that is not filled yet as empty.
    """

    __slots__ = ("_fetch", "_rows", "source")

    def __init__(self, fetch: Callable[[], list[Any]], source: QuerySet[Any, Any] | None = None) -> None:
        self._fetch = fetch
        self._rows: list[Any] | None = None
        self.source = source

    def _filled(self) -> list[Any]:
        if self._rows is None:
            self._rows = self._fetch()
        return self._rows

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, int | slice):
            raise TypeError(f"indices are integers or slices, not {type(index).__name__}")
        return self._filled()[index]

    def __len__(self) -> int:
        return len(self._filled())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._filled())

    def __bool__(self) -> bool:
        return bool(self._filled())

    def count(self, *value: Any) -> int:
        """How many rows: from the database as long as they were not fetched."""
        if value:
            return self._filled().count(*value)
        return len(self) if self._rows is not None or self.source is None else self.source.count()

    def exists(self) -> bool:
        """Whether there is a row."""
        return bool(self) if self._rows is not None or self.source is None else self.source.exists()

    def first(self) -> Any:
        """The first row, or ``None``."""
        return self[0] if self else None

    def last(self) -> Any:
        """The last row, or ``None``."""
        return self[-1] if self else None

    def all(self) -> LazyRecords:
        """The rows themselves."""
        return self

    def __getattr__(self, name: str) -> Any:
        return refine(self.source, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Records, (list(self),))

    def __repr__(self) -> str:
        return "<LazyRecords, not fetched>" if self._rows is None else repr(self._rows)


class Picks:
    """A queryset of which a template asks single rows and their number: each is asked of the database once.

    ``many`` makes records of a queryset. Anything else is asked of the queryset itself.
    """

    __slots__ = ("_found", "_many", "source")

    def __init__(self, source: QuerySet[Any, Any], many: Callable[[Any], Sequence[Any]]) -> None:
        self.source = source
        self._many = many
        self._found: dict[str | int, Any] = {}

    def __getitem__(self, index: int) -> Any:
        if not isinstance(index, int):
            raise TypeError(f"indices are integers, not {type(index).__name__}")
        return self._once(index, lambda: self._many(self.source[index : index + 1]))[0]

    def first(self) -> Any:
        """The first row, or ``None``."""
        rows = self.source if self.source.ordered else self.source.order_by("pk")
        found = self._once(0 if self.source.ordered else "first", lambda: self._many(rows[:1]))
        return found[0] if found else None

    def last(self) -> Any:
        """The last row, or ``None``."""
        rows = self.source.reverse() if self.source.ordered else self.source.order_by("-pk")
        found = self._once("last", lambda: self._many(rows[:1]))
        return found[0] if found else None

    def count(self) -> Any:
        """How many rows."""
        return self._once("count", self.source.count)

    def exists(self) -> Any:
        """Whether there is a row."""
        return self._once("exists", self.source.exists)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.source)

    def __len__(self) -> int:
        return len(self.source)

    def _once(self, name: str | int, ask: Callable[[], Any]) -> Any:
        if name not in self._found:
            self._found[name] = ask()
        return self._found[name]

    def __getattr__(self, name: str) -> Any:
        return refine(self.source, name)


class Size:
    """The rows of a related manager where a template asks for no more than how many there are."""

    __slots__ = ("_rows",)

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def count(self) -> int:
        """How many rows."""
        return self._rows

    def exists(self) -> bool:
        """Whether there is a row."""
        return self._rows > 0


def refine(source: QuerySet[Any, Any] | None, name: str) -> Any:
    """The attribute ``name`` of the queryset that rows came from."""
    if source is None or name.startswith("__"):
        raise AttributeError(name)
    return getattr(source, name)


_Text = type(lazystr(""))


class Label(_Text):  # type: ignore[misc, valid-type]
    """A lazy translation of a choice: a template calls it where it looks it up, and has text of that moment.

    ``get_FOO_display()`` is text in the language that is active when it is called, not where it is printed. To
    everything else it is the lazy text that it was.
    """

    def __init__(self, text: object) -> None:
        super().__init__((text,), {})

    def __call__(self) -> str:
        return str(self)


def spoken(labels: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """The labels of choices by their values, as a record holds them."""
    return {value: Label(text) if isinstance(text, Promise) else text for value, text in labels}


class Called:
    """The result of a method, where the result is itself callable: Django calls only once."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> Any:
        return self.value


class Answers(dict[str, Any]):
    """What a template asks of a related manager, by the names of the methods: an answer, or a function for it."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, ({name: answer() if callable(answer) else answer for name, answer in self.items()},))


def called(value: Any) -> Any:
    """``value`` as a template sees it: called without arguments where Django would call it.

    The rule is ``django.template.base.Variable._resolve_lookup``; what Django would refuse is handed back as it
    is, for Django to refuse.
    """
    if not callable(value):
        return value
    if getattr(value, "do_not_call_in_templates", False) or getattr(value, "alters_data", False):
        return value
    try:
        result = value()
    except TypeError:
        if needs_arguments(value):
            return value
        raise
    return Called(result) if callable(result) else result


def needs_arguments(value: Any) -> bool:
    """Whether ``value()`` cannot work for want of arguments, as ``inspect.signature`` tells Django."""
    try:
        inspect.signature(value).bind()
    except (TypeError, ValueError):
        return True
    return False

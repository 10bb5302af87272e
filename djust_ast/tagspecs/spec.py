"""What a hand-written tag or filter does with its arguments, its body and the context, as data.

A spec says what the code of the tag reads. Whatever a template writes that the spec does not speak of (one more
argument, a keyword that is not named) makes that one tag unknown: its arguments and the context escape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Literal, cast

from djust_ast.errors import SpecError

Json = dict[str, Any]

USES = ("arg", "bool", "cmp", "esc", "iter", "len", "num", "out")
"""The uses of a value, as in a path tree: handed on as text, tested, compared, handed to any code, ..."""
WORD, BIND = "word", "bind"
ANYTHING = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSpec:
    """How a tag uses what stands in it: ``{% tag args... name=kwargs... words... as name %}body{% end %}``."""

    args: tuple[str, ...] = ()
    """The use of each positional argument: uses separated by spaces, or ``"word"`` for one that is no expression."""
    rest: str | None = None
    """The use of all further positional arguments; by default there are none."""
    kwargs: Mapping[str, str] = field(default_factory=dict)
    """The use of keyword arguments by name, ``"*"`` for any; ``"bind"`` names the value in the body or template."""
    words: tuple[str, ...] = ()
    """Words that are syntax wherever they stand, such as ``with`` or ``silent``."""
    assigns: Literal["after", "body"] | None = None
    """Where the name after ``as`` can be read: after the tag, or in its body only."""
    reads: tuple[str, ...] | Literal["*"] = ()
    """The names that the code of the tag reads from the context; ``"*"`` for any."""
    writes: bool = False
    """Whether its code sets other names in the context than the one after ``as``, for what comes after the tag."""
    end: str | None = None
    """The tag that ends the body; by default there is none."""
    branches: tuple[str, ...] = ()
    """Tags that start another body, such as ``else``."""
    body: Literal["always", "maybe", "each"] = "always"
    """Whether the body renders; ``each``: once for each element of the first argument."""
    binds: tuple[str, ...] = ()
    """Names that the body and the template see as the tag has them; with ``each`` the first is the element."""
    includes: int | tuple[str, ...] = ()
    """What renders here, after the body, with the context and ``binds``: which argument names it, or any of these."""

    def __post_init__(self) -> None:
        for name in ("args", "words", "branches", "binds"):
            _check_texts(name, getattr(self, name))
        for use in (*self.args, *([] if self.rest is None else [self.rest])):
            _check_use(use, WORD)
        for use in self.kwargs.values():
            _check_use(use, WORD, BIND)
        if self.reads != ANYTHING:
            _check_texts("reads", self.reads)
        _check(
            self.assigns in (None, "after", "body"),
            f"assigns: expected 'after' or 'body', got {self.assigns!r}",
        )
        _check(
            self.body in ("always", "maybe", "each"),
            f"body: expected 'always', 'maybe' or 'each', got {self.body!r}",
        )
        _check(isinstance(self.writes, bool), f"writes: expected True or False, got {self.writes!r}")
        _check(self.end is None or isinstance(self.end, str), f"end: expected a tag's name, got {self.end!r}")
        if not isinstance(self.includes, int):
            _check_texts("includes", self.includes)
        needy = ["branches"] * bool(self.branches) + ["assigns"] * (self.assigns == "body")
        needy += ["body"] * (self.body != "always")
        _check(self.end is not None or not needy, f"{', '.join(needy)}: only a tag with an end has a body")
        _check(
            self.body != "each" or bool(self.args and self.args[0] != WORD and self.binds),
            "body 'each': expected a first argument to go through and a name in binds",
        )
        binding = ["binds"] * bool(self.binds) + ["kwargs 'bind'"] * (BIND in self.kwargs.values())
        _check(
            not binding or self.end is not None or self.includes != (),
            f"{', '.join(binding)}: there is no body and no template that could see the name",
        )
        _check(
            not isinstance(self.includes, int) or 0 <= self.includes < len(self.args),
            f"includes: there is no argument {self.includes!r} in args",
        )

    def json(self) -> Json:
        """Return the spec as it stands in the JSON of a registry."""
        return {
            "kind": "spec",
            "args": list(self.args),
            "rest": self.rest,
            "kwargs": dict(self.kwargs),
            "words": list(self.words),
            "assigns": self.assigns,
            "reads": None if self.reads == ANYTHING else list(self.reads),
            "writes": self.writes,
            "end": self.end,
            "branches": list(self.branches),
            "body": self.body,
            "binds": list(self.binds),
            "includes": self.includes if isinstance(self.includes, int) else list(self.includes),
        }


RESULTS = ("new", "input", "either", "first", "element", "slice")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterSpec:
    """How a filter uses its value and its argument, and what it returns."""

    value: str = "esc"
    """The uses of the value, separated by spaces."""
    argument: str = "esc"
    """The uses of the argument."""
    result: str = "new"
    """``new``: a value of its own; ``input``: perhaps the value; ``either``: the value or the argument; ``first``,
    ``element``: the first, or some element of the value; ``slice``: some of its elements."""

    def __post_init__(self) -> None:
        _check_use(self.value)
        _check_use(self.argument)
        _check(self.result in RESULTS, f"result: expected one of {', '.join(RESULTS)}, got {self.result!r}")

    def json(self) -> Json:
        """Return the spec as it stands in the JSON of a registry."""
        return {"value": self.value, "argument": self.argument, "result": self.result}


def spec_of(kind: type[Any], name: str, keys: Mapping[str, Any]) -> Any:
    """Return ``kind(**keys)``; what is wrong with ``keys`` is a ``SpecError`` that says for which tag."""
    known = [item.name for item in fields(kind)]
    for key in keys:
        if key not in known:
            close = get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
            raise SpecError(f"{name}: unknown key {key!r} of a spec; {hint}")
    try:
        return kind(**keys)
    except SpecError as error:
        raise SpecError(f"{name}: {error.message}") from None


def _check(right: bool, problem: str) -> None:
    if not right:
        raise SpecError(problem)


def _check_use(use: object, *more: str) -> None:
    words = use.split() if isinstance(use, str) else []
    known = use in more or (bool(words) and all(word in USES for word in words))
    _check(known, f"expected uses of {', '.join((*USES, *more))}, got {use!r}")


def _check_texts(name: str, texts: object) -> None:
    items = cast("tuple[object, ...]", texts) if isinstance(texts, tuple) else (None,)
    _check(
        all(isinstance(item, str) for item in items), f"{name}: expected a tuple of strings, got {texts!r}"
    )

"""Compiled variables with filters, as the walk reads them.

What they do is taken from the compiled objects (a filter's function, a variable's lookups), and only what these
have forgotten from the text: the names of filters, and where things stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.template import Variable, base
from django.utils.text import unescape_string_literal

from djust_ast.nodewalk.filters import Filter, filter_of

CONSTANTS = {"True", "False", "None"}


class Step(NamedTuple):
    """A step of a lookup; ``end`` is where it ends in the lookup's text."""

    name: str
    is_index: bool
    end: int


class Operand(NamedTuple):
    """A variable: the steps of a lookup that stands at ``start``; or the ``text`` of a literal; or neither."""

    steps: tuple[Step, ...] = ()
    text: str | None = None
    start: int = 0


class Call(NamedTuple):
    """One ``|name:argument``; ``label`` is how the tree names it: ``date:'M d'``."""

    filter: Filter
    argument: Operand
    label: str
    has_argument: bool

    @property
    def is_variable(self) -> bool:
        """Whether the argument is looked up."""
        steps = self.argument.steps
        return bool(steps) and not (len(steps) == 1 and steps[0].name in CONSTANTS)

    @property
    def text(self) -> str | None:
        """The argument, if it is a literal text."""
        return self.argument.text


class Expression(NamedTuple):
    """A variable and its filters; ``source`` is its text."""

    head: Operand
    calls: tuple[Call, ...]
    source: str

    @property
    def without_head(self) -> Expression:
        """The filters alone, of something that is of no interest."""
        return self._replace(head=_NOTHING)

    @property
    def without_calls(self) -> Expression:
        """The variable alone."""
        return self._replace(calls=())

    @property
    def misses(self) -> bool:
        """Whether a filter may miss its argument."""
        return any(call.is_variable for call in self.calls)

    @property
    def fails(self) -> bool:
        """Whether a filter may miss its argument, or raise for what it is given."""
        return any(call.is_variable or not call.filter.total for call in self.calls)

    @property
    def literal(self) -> str | None:
        """The text, if the expression is a plain string literal."""
        return None if self.calls else self.head.text

    @property
    def bare_name(self) -> str | None:
        """The name, if the expression is one name and nothing else."""
        return self.head.steps[0].name if len(self.head.steps) == 1 and not self.calls else None


_NOTHING = Operand()


def expression_of(compiled: Any) -> Expression:
    """What a ``FilterExpression`` or a ``Variable`` says."""
    if isinstance(compiled, Expression):
        return compiled
    if isinstance(compiled, Variable):
        return Expression(_variable(compiled, 0), (), str(compiled.var))
    source = str(compiled.token)
    texts = list(_calls(source))
    calls = tuple(
        _call(function, arguments, texts[row] if len(texts) == len(compiled.filters) else None)
        for row, (function, arguments) in enumerate(compiled.filters)
    )
    head = compiled.var
    if isinstance(head, Variable):
        return Expression(_variable(head, 0), calls, source)
    return Expression(Operand(text=str(head)) if isinstance(head, str) else _NOTHING, calls, source)


def _calls(source: str) -> Iterator[re.Match[str]]:
    """The filters as they are written."""
    return (match for match in base.filter_re.finditer(source) if match["filter_name"])


def _call(function: Any, arguments: list[tuple[bool, Any]], written: re.Match[str] | None) -> Call:
    name = written["filter_name"] if written else getattr(function, "__name__", "filter")
    known = filter_of(function)
    match arguments:
        case [(True, Variable() as variable)]:
            argument = _variable(variable, written.start("var_arg") if written else -1)
            number = not argument.steps and argument.text is None
            return Call(known, argument, f"{name}:{variable.var}" if number else name, True)
        case [(False, value), *_]:
            text = _literal(written["constant_arg"]) if written else None
            argument = Operand(text=str(value) if text is None else text)
            return Call(known, argument, f"{name}:'{argument.text}'", True)
        case _:
            return Call(known, _NOTHING, name, bool(arguments))


def _variable(variable: Variable, start: int) -> Operand:
    if variable.lookups is None:
        return Operand(text=str(variable.literal)) if isinstance(variable.literal, str) else _NOTHING
    steps, end = [], -1
    for part in variable.lookups:
        end += 1 + len(part)
        steps.append(Step(part, _is_index(part), end))
    return Operand(tuple(steps), start=start)


def _literal(written: str) -> str | None:
    """The text of a string literal, which may stand in ``_(...)``."""
    quoted = written[2:-1] if written.startswith("_(") else written
    try:
        return str(unescape_string_literal(quoted))
    except (ValueError, IndexError):
        return None


def _is_index(part: str) -> bool:
    """Whether ``int()`` accepts a step, so that it may be the index of a list."""
    if not part[:1].isdecimal():
        return False
    try:
        int(part)
    except ValueError:
        return False
    return True

"""What each filter of Django does with its input, and what comes out.

The table says the same as ``extractor/src/filters.rs``; a test compares the two on every filter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from djust_ast.nodewalk.tree import ARG, BOOL, CMP, ESC, ITER, LEN, NONE, NUM, OUT, Uses
from djust_ast.nodewalk.value import NOTHING, Items, Part, Value, Whole
from djust_ast.registry import own_filters
from djust_ast.tagspecs import filter_spec_of

if TYPE_CHECKING:
    from djust_ast.nodewalk.expressions import Call
    from djust_ast.nodewalk.machine import Machine

Rule = Callable[["Machine", Value, "Call", Value, bool], Value]
"""``(machine, input, call, argument, maybe)`` to what the filter may return."""

_MAX_THINGS = 32  # how many things a value may be before we stop telling them apart


class Filter(NamedTuple):
    """What a filter needs of its input and its argument, and what comes out."""

    rule: Rule
    input: Uses
    argument: Uses = ARG
    total: bool = False
    """Whether it has a result for whatever it is given."""


def filter_of(function: Callable[..., Any]) -> Filter:
    """What is known of a filter's function; of one that is not Django's own, and has no spec, that all escapes."""
    own = _TABLE.get(own_filters().get(id(function), ""))
    spec = filter_spec_of(function) if own is None else None
    if spec is None:
        return own or _UNKNOWN
    return Filter(_RESULTS[spec.result], frozenset(spec.value.split()), frozenset(spec.argument.split()))


def either(machine: Machine, value: Value, other: Value) -> Value:
    """One value that is either; if it may be too many things, they are all let go."""
    merged = replace(value.merge(other), maybe=True)
    if len(merged.things) <= _MAX_THINGS:
        return merged
    machine.consume(merged, ESC)
    return replace(merged, things=())


def _new(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    """A new value of no interest."""
    return NOTHING


def _perhaps(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    """The input, if it is not what the filter is for."""
    return replace(value, maybe=True)


def _either(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    return either(machine, value, argument)


def _sorted(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    """A list of all elements, sorted by a path that the argument names."""
    element = machine.element(value)
    key, uses = element, ESC
    if call.text is not None:
        for part in call.text.split("."):
            key = machine.step(key, part, index=part[:1].isascii() and part[:1].isdigit())
        uses = CMP
    machine.consume(key, uses, maybe)
    return replace(value, things=(Items(machine.keep(element)),))


def _slice(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    """Some of the elements, in their order."""
    things = (Part(thing.node) if isinstance(thing, Whole) else thing for thing in value.things)
    return replace(value, things=tuple(things))


def _first(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    return machine.item(value, 0)


def _element(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    return machine.element(value)


def _elements(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    """Text of each element."""
    machine.consume(machine.element(value), OUT, maybe)
    return NOTHING


def _join(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    """Text of all elements, or the input if they cannot be joined."""
    machine.consume(machine.element(value), OUT, maybe)
    return replace(value, maybe=True)


def _yesno(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    """The input if there is an argument without a comma."""
    if not call.has_argument or (call.text is not None and "," in call.text):
        return NOTHING
    return replace(value, maybe=True)


def _format(machine: Machine, value: Value, call: Call, argument: Value, maybe: bool) -> Value:
    """Text by ``%``: the object itself may be asked for its representation."""
    if call.text is None or set(call.text) & set("ra("):
        machine.consume(value, ESC, maybe)
    else:
        machine.consume(value, OUT | NUM, maybe)
    return NOTHING


_TEXT = """
    addslashes capfirst center cut date escape escapejs force_escape iriencode language_bidi language_name
    language_name_local language_name_translated linebreaks linebreaksbr linenumbers ljust localize localtime lower
    make_list phone2numeric rjust safe slugify striptags time timesince timeuntil timezone title truncatechars
    truncatechars_html truncatewords truncatewords_html unlocalize upper urlencode urlize urlizetrunc utc wordcount
    wordwrap
"""
_ROWS: list[tuple[str, Filter]] = [
    (_TEXT, Filter(_new, OUT)),
    ("add", Filter(_either, NUM, ARG | NUM)),
    ("apnumber get_digit intword ordinal", Filter(_perhaps, NUM)),
    ("default", Filter(_either, BOOL)),
    ("default_if_none", Filter(_either, CMP)),
    ("dictsort dictsortreversed", Filter(_sorted, ITER)),
    ("divisibleby filesizeformat", Filter(_new, NUM)),
    ("escapeseq safeseq", Filter(_elements, ITER)),
    ("first", Filter(_first, NONE)),
    ("floatformat intcomma", Filter(_new, OUT | NUM)),
    ("join", Filter(_join, ITER)),
    ("json_script pprint unordered_list", Filter(_new, ESC)),
    ("last", Filter(_element, ITER)),
    ("length", Filter(_new, LEN)),
    ("naturalday naturaltime", Filter(_perhaps, OUT)),
    ("pluralize", Filter(_new, LEN | NUM)),
    ("random", Filter(_element, ITER | LEN)),
    ("slice", Filter(_slice, NONE)),
    ("stringformat", Filter(_format, NONE)),
    ("yesno", Filter(_yesno, BOOL)),
]
_TOTAL = """
    add addslashes capfirst default default_if_none escape filesizeformat force_escape length lower safe slugify
    striptags title upper wordcount
"""
_TABLE = {
    name: known._replace(total=name in _TOTAL.split()) for names, known in _ROWS for name in names.split()
}
_RESULTS: dict[str, Rule] = {
    "new": _new,
    "input": _perhaps,
    "either": _either,
    "first": _first,
    "element": _element,
    "slice": _slice,
}
_UNKNOWN = Filter(_new, ESC, ESC)

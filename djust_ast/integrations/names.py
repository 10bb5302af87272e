"""What the names of templates in dynamic ``{% include %}`` and ``{% extends %}`` are, told from a context.

Values are looked at where nothing runs: keys of dicts, items of lists, attributes that an object or its class
simply holds, and pure filters of those. Anything else is not known, and never guessed.
"""

from __future__ import annotations

import builtins
import inspect
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product
from types import SimpleNamespace
from typing import Any

from django.db.models import Model
from django.db.models.query import QuerySet
from django.template import Engine, Template, TemplateSyntaxError
from django.template import defaultfilters as filters
from django.template.backends.django import Template as BackendTemplate
from django.template.loader_tags import construct_relative_path
from django.utils.safestring import SafeString

from djust_ast.choices import Answer, Given, Operand, Path, Question, dotted
from djust_ast.integrations.sharing import ANY, SLOTS, VIEWS, held
from djust_ast.stock import MISSING

MAX_VALUES = 1_000

_TEXTS = (str, SafeString)
_PLAIN = (*_TEXTS, int, bool, float, type(None))
_PASSED = (*_PLAIN, list, tuple, Template, BackendTemplate)
_PURE = {
    function.__name__: function
    for function in (
        *(
            filters.add,
            filters.capfirst,
            filters.cut,
            filters.default,
            filters.default_if_none,
            filters.lower,
        ),
        *(filters.safe, filters.slugify, filters.stringformat, filters.title, filters.upper, filters.yesno),
    )
}
# What Django's own context processors, and its backend, add to a context.
_OFFERED = (
    *("csrf_token", "csrf_input", "request", "user", "perms", "messages", "DEFAULT_MESSAGE_LEVELS", "debug"),
    *("sql_queries", "LANGUAGES", "LANGUAGE_CODE", "LANGUAGE_BIDI", "STATIC_URL", "MEDIA_URL", "TIME_ZONE"),
    "csp_nonce",
)


class _UnknownError(Exception):
    """Why a value cannot be told."""


class Names:
    """What the names of templates are in one context; a question is answered once."""

    def __init__(self, context: Mapping[str, Any], engine: Engine) -> None:
        self._context = context
        self._engine = engine
        self._answers: dict[Question, Answer] = {}
        self._values: dict[Path, tuple[list[Any], frozenset[type[Any]]]] = {}
        self._shared: frozenset[int] | None = None

    def __call__(self, question: Question) -> Answer:
        """The templates that the name may stand for."""
        answer = self._answers.get(question)
        if answer is None:
            try:
                answer = self._answer(question)
            except _UnknownError as unknown:
                answer = Answer(why=str(unknown))
            self._answers[question] = answer
        return answer

    def _answer(self, question: Question) -> Answer:
        found = self._operand(question.head)
        for name, argument in question.calls:
            found = self._filtered(found, name, argument)
        choices = dict.fromkeys(self._choice(question, value) for value in found)
        if question.kind == "extends" and len(choices) != 1:
            raise _UnknownError("there is more than one parent" if choices else "there is no value")
        owners = frozenset(owner for path in question.paths for owner in self._values[path][1])
        told = tuple(sorted((choice for choice in choices if choice), key=str))
        roots = {str(path[0]) for path in question.paths}
        twins = frozenset((root, twin) for root in roots for twin in self._twins(root))
        return Answer(told, "", owners, twins)

    def _twins(self, root: str) -> Iterable[str]:
        """Other names for the object of that name."""
        value = self._context.get(root)
        if type(value) in _PLAIN:
            return ()
        return (name for name, other in self._context.items() if other is value and name != root)

    def _operand(self, operand: Operand) -> list[Any]:
        """All that an operand may be."""
        return [
            value
            for source in operand
            for value in ([SafeString(source)] if isinstance(source, str) else self._at(source))
        ]

    def _filtered(self, values: list[Any], name: str, argument: Operand | None) -> list[Any]:
        function = _PURE.get(name)
        if function is None or (name == "yesno" and argument is None):
            raise _UnknownError(f"the filter {name!r} may give anything")
        arguments = [()] if argument is None else [(value,) for value in self._operand(argument)]
        if len(values) * len(arguments) > MAX_VALUES:
            raise _UnknownError(f"there are more than {MAX_VALUES} values")
        made = []
        for value, given in product(map(self._shown, values), arguments):
            taken = _PASSED if name in ("default", "default_if_none") else _PLAIN
            odd = next((type(part) for part in (value, *given) if type(part) not in taken), None)
            if odd is not None:
                raise _UnknownError(f"the filter {name!r} is given a {odd.__name__}")
            made.append(function(value, *given))
        return made

    def _shown(self, value: Any) -> Any:
        """What Django takes for a value that is not there."""
        if value is not MISSING:
            return value
        if self._engine.string_if_invalid:
            raise _UnknownError("the value is missing, and string_if_invalid is set")
        return ""

    def _choice(self, question: Question, value: Any) -> tuple[str | Given, ...]:
        """The candidates for one value; none where Django raises when it comes to it."""
        value = self._shown(value)
        cls = type(value)
        if cls is BackendTemplate:
            value, cls = value.template, type(value.template)
        if cls is Template:
            return (self._given(value),)
        including = question.kind == "include"
        if value is None or (cls in (*_TEXTS, list, tuple) and not value):
            if including:
                return ()
            raise _UnknownError("the name is empty")
        if cls in _TEXTS:
            return (_name(_absolute(question.template, value) if including else value),)
        if including and cls in (list, tuple) and all(type(name) in _TEXTS for name in value):
            return tuple(_name(name) for name in value)
        raise _UnknownError(f"the value is a {cls.__name__}")

    def _given(self, template: Template) -> Given:
        if template.engine is not self._engine:
            raise _UnknownError("the template is of another engine")
        name = template.origin.template_name
        return Given(
            template.name or "<template>",
            None if name is None else str(name),
            str(template.source),
            template.origin,
        )

    def _at(self, path: Path) -> list[Any]:
        """All values at a path."""
        known = self._values.get(path)
        if known is None:
            owners: set[type[Any]] = set()
            known = self._values[path] = self._read(path, owners), frozenset(owners)
        return known[0]

    def _read(self, path: Path, owners: set[type[Any]]) -> list[Any]:
        found = [self._root(path[0])]
        for end, step in enumerate(path[1:], 1):
            place = dotted(path[: end + 1])
            if step is None:
                found = _distinct(element for value in found for element in _elements(value, place))
            else:
                found = _distinct(self._member(value, step, place, owners) for value in found)
            if len(found) > MAX_VALUES:
                raise _UnknownError(f"there are more than {MAX_VALUES} values of {place}")
            if any(callable(value) for value in found):
                raise _UnknownError(f"{place} is called")
        return found

    def _root(self, name: str | None) -> Any:
        if name is not None and name in self._context:
            value = self._context[name]
            if callable(value):
                raise _UnknownError(f"{name} is called")
            return value
        processors = self._engine.template_context_processors
        if name in _OFFERED or not all(
            str(processor.__module__).startswith("django.") for processor in processors
        ):
            raise _UnknownError(f"{name} is not in the context, and a context processor may have it")
        return MISSING

    def _member(self, value: Any, name: str, place: str, owners: set[type[Any]]) -> Any:
        """``value.name`` as a template finds it, where nothing has to run for it."""
        cls, index = type(value), index_of(name)
        if value is MISSING or value is None:
            return MISSING
        if cls is dict and index is None:  # of a number the tree does not tell whether it is a key
            if name in value:
                return value[name]
            if name in VIEWS:
                return list(getattr(value, name)())
        elif cls in (list, tuple) and index is not None:
            return value[index] if index < len(value) else MISSING
        elif _is_plain(cls):
            owners.add(cls)
            if isinstance(value, Model) and id(value) in self._in_two_places():
                raise _UnknownError(f"the page reaches the {cls.__name__} of {place} in two places")
            return _attribute(value, name, place)
        if cls not in (dict, list, tuple, *_PLAIN) or hasattr(cls, name) or index is not None:
            raise _UnknownError(f"{place} cannot be told of a {cls.__name__}")
        return MISSING

    def _in_two_places(self) -> frozenset[int]:
        """Objects that a page may reach twice, as a form that validates writes to its instance."""
        if self._shared is None:
            values = {id(value): value for value in self._context.values()}.values()
            places = Counter(id(found) for value in values for found in held(ANY, value))
            self._shared = frozenset(found for found, count in places.items() if count > 1)
        return self._shared


def index_of(step: str) -> int | None:
    """The index that Django takes a step for where it finds nothing else: ``1_0`` is one, and ``²`` is none."""
    try:
        return int(step)
    except ValueError:
        return None


def _elements(value: Any, place: str) -> Iterable[Any]:
    """What a loop over ``value`` sees."""
    if type(value) in (list, tuple):
        return value  # type: ignore[no-any-return]
    if type(value) is dict:
        return list(value)
    if value is MISSING or value is None:
        return ()
    if isinstance(value, QuerySet) and type(value).__iter__ is QuerySet.__iter__:
        if value._result_cache is not None:
            return value._result_cache
        raise _UnknownError(f"{place} is a queryset that is not loaded")
    raise _UnknownError(f"{place} cannot be told of a {type(value).__name__}")


def _is_plain(cls: type) -> bool:
    """Whether a template finds on objects of this class what they simply hold."""
    return cls is not vars(builtins).get(cls.__name__) and all(
        _special(cls, name) in stock for name, stock in _STOCK.items()
    )


def _special(cls: type, name: str) -> Any:
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


_STOCK: dict[str, tuple[Any, ...]] = {
    "__getattribute__": tuple(
        _special(base, "__getattribute__") for base in (object, tuple, SimpleNamespace)
    ),
    "__getattr__": (None,),
    "__getitem__": (None, tuple.__getitem__),
    "__call__": (None,),
}


def _attribute(obj: Any, name: str, place: str) -> Any:
    found = inspect.getattr_static(obj, name, MISSING)
    if isinstance(found, SLOTS):
        return getattr(obj, name, MISSING)
    if hasattr(type(found), "__get__"):
        raise _UnknownError(f"{place} is computed by {type(obj).__name__}")
    return found


def _absolute(template: str | None, name: str) -> str:
    if not name.strip("'\"").startswith(("./", "../")):
        return name
    if template is None:
        raise _UnknownError(f"{name!r} is relative to a template without a name")
    try:
        return construct_relative_path(template, name)
    except TemplateSyntaxError as error:
        raise _UnknownError(str(error)) from None


def _name(name: str) -> str:
    """A name that may be asked for; others are errors in Django, of whichever loader comes first."""
    if "\0" in name or any("\ud800" <= char <= "\udfff" for char in name):
        raise _UnknownError(f"{name!r} is no name of a template")
    return str(name)


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({id(value): value for value in values}.values())

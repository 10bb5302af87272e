"""What programmers say that a property or method reads: ``@reads("tenant__person")``.

Hints of strawberry-django (``model_property(select_related=...)``) and of djust (``_djust_annotations``) are read,
too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from django.db.models import Model

from djust_ast.errors import BindError
from djust_ast.members import RelationMember, member, names
from djust_ast.relations import Relation

_PATHS = "_djust_ast_reads"
T = TypeVar("T")


def reads(*paths: str) -> Callable[[T], T]:
    """Say which relations and columns the decorated property or method reads of its object.

    ``paths`` are attribute names joined by ``__``, those of to-many relations with or without ``all``. What the
    source tells is read as well; a body with a hint is taken to read nothing else::

        @property
        @reads("tenant__person", "payments__method")
        def summary(self): ...
    """
    if not paths or not all(isinstance(path, str) and path for path in paths):
        raise BindError("reads() takes the paths that are read, as strings")

    def decorate(decorated: T) -> T:
        function = function_of(decorated)
        if function is None:
            raise BindError(f"reads() decorates a function or a property, not a {type(decorated).__name__}")
        setattr(function, _PATHS, (*getattr(function, _PATHS, ()), *paths))
        return decorated

    return decorate


def hints(model: type[Model], name: str) -> tuple[str, ...]:
    """The paths that hints give for the member ``name`` of ``model``."""
    attribute = inspect.getattr_static(model, name, None)
    function = function_of(attribute)
    found = list(getattr(function, _PATHS, ())) if function is not None else []
    store = getattr(attribute, "store", None)
    if store is not None and hasattr(store, "select_related") and hasattr(store, "prefetch_related"):
        found += [*store.select_related, *filter(_is_text, store.prefetch_related), *_only(store)]
    annotations = getattr(model, "_djust_annotations", None)
    if isinstance(annotations, Mapping) and name in annotations:
        found += _references(annotations[name])
    return tuple(dict.fromkeys(found))


def steps(model: type[Model], path: str) -> list[tuple[str, Relation | None]]:
    """The names of ``path`` with the relations that they follow; an unknown one is a ``BindError``."""
    found: list[tuple[str, Relation | None]] = []
    relation: Relation | None = None
    owner = model
    for bit in path.replace(".", "__").split("__"):
        if relation is not None and relation.many and bit == "all":
            continue
        if found and relation is None:
            raise BindError(f"{path!r} goes on behind {found[-1][0]!r}, which is no relation")
        name = _accessor(owner, bit)
        if name is None:
            close = get_close_matches(bit, names(owner), n=1)
            raise BindError(
                f"{owner.__name__} has no {bit!r}" + (f"; did you mean {close[0]!r}?" if close else "")
            )
        reached = member(owner, name)
        relation = reached.relation if isinstance(reached, RelationMember) else None
        found.append((name, relation))
        owner = relation.model if relation is not None else owner
    return found


def wrong_hints(models: Iterable[type[Model]]) -> Iterator[tuple[type[Model], str, str]]:
    """``(model, member, what is wrong)`` for every hint that names what is not there."""
    for model in models:
        for name in dir(model):
            for path in hints(model, name):
                try:
                    steps(model, path)
                except BindError as error:
                    yield model, name, error.message


def _accessor(model: type[Model], bit: str) -> str | None:
    """The attribute that ``bit`` names; queries have names of their own for reverse relations."""
    if member(model, bit) is not None:
        return bit
    for field in model._meta.related_objects:
        if field.related_name is None and field.name == bit:
            return field.get_accessor_name()
    return None


def function_of(attribute: Any) -> Any:
    """The function behind a property, a cached property or a method."""
    for name in ("fget", "func", "__func__"):
        inner = getattr(attribute, name, None)
        if inspect.isfunction(inner):
            return inner
    return attribute if inspect.isfunction(attribute) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _only(store: Any) -> list[str]:
    return [path for path in getattr(store, "only", ()) if _is_text(path)]


def _references(expression: Any) -> Iterator[str]:
    """The paths that an expression names: of ``Count("leases", filter=Q(leases__status="active"))``."""
    for part in expression.flatten():
        name = getattr(part, "name", None)
        if type(part).__name__ == "F" and isinstance(name, str):
            yield name

"""From paths to a serializer: bind, plan, emit and compile, each once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Model

from djust_ast.binder import bind
from djust_ast.emitters.generic import GenericSerializer, compile_generic
from djust_ast.errors import BindError
from djust_ast.jsonify import eager, jsonify, safe
from djust_ast.paths import PathNode, from_paths
from djust_ast.serializer import Serializer


def compile_node(
    node: PathNode,
    model: type[Model],
    emitter: str | None = None,
    aliases: Collection[str] = (),
    attrs: Collection[tuple[str, type[Model]]] = (),
    *,
    known: bool = False,
) -> Serializer:
    """The serializer of what a template reads of ``model``.

    Of annotations by their ``aliases``, and of rows that the view prefetched by their ``attrs``. ``known``: nothing
    runs on the page that may change what is asked of the database.
    """
    return Serializer(bind(node, model, aliases=aliases, attrs=attrs), emitter, known=known)


def compile_paths(
    model: type[Model] | None,
    paths: Iterable[str],
    *,
    emitter: str | None = None,
    mode: str = "template",
) -> Serializer | GenericSerializer:
    """A serializer of dotted ``paths`` below an object of ``model``.

    To-many names may be followed by ``all`` or by their rows' names directly. A path that the model does not
    have is a ``BindError``. Without a model the serializer takes any Python objects, and finds the values by
    the rules of Django's template lookup. ``mode="json"`` gives JSON-safe values; any other but ``"template"``
    is a ``ValueError``.
    """
    check_mode(mode)
    listed = list(paths)
    for path in listed:
        check_path(path)
    if model is None:
        found = compile_generic(listed)
        return JsonGenericSerializer(found.function, found.source) if mode == "json" else found
    node = from_paths(listed)
    spec = bind(eager(node) if mode == "json" else node, model, explicit=True)
    return JsonSerializer(spec, emitter) if mode == "json" else Serializer(spec, emitter)


def check_mode(mode: str) -> None:
    """A ``ValueError`` for a mode that there is not."""
    if mode not in ("template", "json"):
        raise ValueError(f"expected mode 'template' or 'json', got {mode!r}")


def check_path(path: str) -> None:
    """A ``BindError`` for what no template could ask for: empty or private names."""
    if not path or path[0] in "._" or path[-1] == "." or ".." in path or "._" in path:
        raise BindError(f"{path!r} is not a path: names are not empty and do not begin with an underscore")


class JsonSerializer(Serializer):
    """A ``Serializer`` whose records are JSON-safe."""

    def many(self, objects: Any) -> Any:
        """The JSON-safe records of ``objects``: a plain list of plain dicts."""
        return [jsonify(record, self.spec) for record in super().many(objects)]

    def one(self, obj: Model) -> Any:
        """The JSON-safe record of one loaded object."""
        return jsonify(super().one(obj), self.spec)


class JsonGenericSerializer(GenericSerializer):
    """A ``GenericSerializer`` whose records are JSON-safe."""

    __slots__ = ()

    def many(self, objects: Any) -> Any:
        """The JSON-safe records of ``objects``: a plain list of plain dicts."""
        return [self.one(obj) for obj in objects]

    def one(self, obj: Any) -> Any:
        """The JSON-safe record of one object."""
        return safe(self.function(obj))

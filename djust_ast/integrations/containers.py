"""What becomes of loaded objects, and of lists and dicts that hold some."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager
from django.db.models.query import RawQuerySet

from djust_ast.binder import DICT_NAMES
from djust_ast.elements import LIST_USES
from djust_ast.fetch.instances import load
from djust_ast.integrations.nested import of_nested
from djust_ast.integrations.serving import OWN_MODE, Key, Served, Serving, each, own_mode
from djust_ast.jsonify import jsonify
from djust_ast.paths import PathNode
from djust_ast.plans import GIVEN

MAX_DICTS = 100  # a longer list of dicts is data of its own


def of_model(key: Key, node: PathNode, obj: Model, how: Serving) -> Served | None:
    """A record of a loaded object, or the object, with what is read below it."""
    if not node.attrs:
        return None
    if own_mode(obj, how):
        return Served(type(obj).__name__, lambda: obj, reason=OWN_MODE)
    live = how.live or id(obj) in how.shared
    serializer = how.find((*key, "[one]"), node, type(obj))
    compiled = serializer.variant(GIVEN)
    kind = type(obj).__name__
    if not live and serializer.spec.live is None:
        if how.json:
            return Served(kind, lambda: jsonify(serializer.one(obj), serializer.spec), compiled)
        return Served(kind, lambda: serializer.one(obj), compiled)

    def value() -> Model:
        load([obj], compiled.plan, given=True)
        return obj

    return Served(f"{kind}, live", value, compiled, serializer.spec.live or "a tag may read anything")


def of_list(key: Key, node: PathNode, objects: list[Any] | tuple[Any, ...], how: Serving) -> Served | None:
    """Records of loaded objects, or the objects, with what is read below them."""
    cls = type(objects[0]) if objects else None
    if cls is None or not issubclass(cls, Model) or any(type(obj) is not cls for obj in objects):
        return _various(key, node, objects, how)
    element = each(node)
    if not element.attrs:
        return None
    serializer = how.find((*key, "[list]"), element, cls)
    compiled = serializer.variant(GIVEN)
    kind = f"{type(objects).__name__} of {cls.__name__}"
    if any(own_mode(obj, how) for obj in objects):
        return Served(kind, lambda: objects, reason=OWN_MODE)
    entered = node.uses <= LIST_USES and not node.attrs
    if not how.live and entered and serializer.spec.live is None:

        def records() -> Any:
            made = serializer.many(objects)
            if how.json:
                return [jsonify(record, serializer.spec) for record in made]
            return tuple(made) if type(objects) is tuple else made

        return Served(kind, records, compiled)

    def value() -> Any:
        load(objects, compiled.plan, given=True)
        return objects

    return Served(
        f"{kind}, live", value, compiled, serializer.spec.live or "the collection is used as a whole"
    )


def _various(key: Key, node: PathNode, objects: list[Any] | tuple[Any, ...], how: Serving) -> Served | None:
    """Whatever else a list may hold: it stays, but for querysets in dicts, as of the widgets of a page."""
    widgets = {} if how.json else _widgets(key, node, objects, how)
    served = frozenset([id(objects[row][name]) for row, parts in widgets.items() for name in parts])
    rest = None if how.json else of_nested(key, node, objects, how, served)
    if not widgets:
        return rest

    def value() -> list[Any] | tuple[Any, ...]:
        if rest is not None:
            rest.value()
        made = [
            obj | {name: part.value() for name, part in widgets[row].items()} if row in widgets else obj
            for row, obj in enumerate(objects)
        ]
        return tuple(made) if type(objects) is tuple else made

    parts = {f"{row}.{name}": part for row, found in widgets.items() for name, part in found.items()}
    return Served(type(objects).__name__, value, parts=parts | dict(rest.parts if rest is not None else {}))


def _widgets(
    key: Key, node: PathNode, objects: list[Any] | tuple[Any, ...], how: Serving
) -> dict[int, dict[str, Served]]:
    """The querysets that a few dicts hold by their names, in the rows of these."""
    element = each(node)
    if node.attrs or not node.uses <= LIST_USES or len(objects) > MAX_DICTS or not _by_names(element, how):
        return {}
    found: dict[int, dict[str, Served]] = {}
    for row, obj in enumerate(objects):
        for name, child in element.attrs.items() if type(obj) is dict else ():
            if issubclass(type(obj.get(name)), _FETCHED):
                served = how.serve((*key, "[each]", f".{name}"), child, obj[name], how)
                if served is not None:
                    found.setdefault(row, {})[name] = served
    return found


_FETCHED = (QuerySet, RawQuerySet, BaseManager, Page)


def _by_names(node: PathNode, how: Serving) -> bool:
    """Whether only names are read of a dict, so that a copy can stand for it."""
    whole = node.uses - {"bool"} or node.element or node.indexes or DICT_NAMES & node.attrs.keys()
    return not (how.live or whole)


def of_dict(key: Key, node: PathNode, mapping: dict[Any, Any], how: Serving) -> Served | None:
    """A dict of which names are read: each is served by itself."""
    if type(mapping) is not dict or not _by_names(node, how):
        if not how.json:
            return of_nested(key, node, mapping, how)
        if not _by_names(node, how):
            return None
    parts = {
        name: served
        for name, child in node.attrs.items()
        if name in mapping
        and (served := how.serve((*key, f".{name}"), child, mapping[name], how)) is not None
    }
    if not parts and not how.json:
        return None
    # Data that leaves the process is what is read.
    kept = {name: mapping[name] for name in node.attrs if name in mapping} if how.json else mapping

    def value() -> dict[Any, Any]:
        return kept | {name: served.value() for name, served in parts.items()}

    return Served("dict", value, parts=parts)

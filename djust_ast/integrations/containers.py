"""What becomes of loaded objects, and of lists and dicts that hold some."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from djust_ast.binder import DICT_NAMES
from djust_ast.elements import LIST_USES
from djust_ast.fetch.instances import load
from djust_ast.integrations.serving import OWN_MODE, Key, Served, Serving, each, own_mode
from djust_ast.jsonify import jsonify
from djust_ast.paths import PathNode, unsure
from djust_ast.plans import GIVEN

MAX_MODELS = 20  # of which a list may hold objects
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
        return _dicts(key, node, objects, how) or _mixed(key, node, objects, how)
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


def _mixed(key: Key, node: PathNode, objects: list[Any] | tuple[Any, ...], how: Serving) -> Served | None:
    """Instances of several models: they stay, and what is read below them is fetched for those of each model."""
    groups: dict[type[Model], list[Model]] = {}
    for obj in objects:
        if issubclass(type(obj), Model) and not own_mode(obj, how):
            groups.setdefault(type(obj), []).append(obj)
    element = unsure(each(node))
    if how.json or not element.attrs or not groups or len(groups) > MAX_MODELS:
        return None
    plans = {model: how.find((*key, "[mixed]"), element, model).variant(GIVEN).plan for model in groups}

    def value() -> Any:
        for model, group in groups.items():
            load(group, plans[model], given=True)
        return objects

    names = ", ".join(model.__name__ for model in groups)
    return Served(
        f"{type(objects).__name__} of {names}, live", value, reason="it holds objects of several kinds"
    )


def _dicts(key: Key, node: PathNode, objects: list[Any] | tuple[Any, ...], how: Serving) -> Served | None:
    """A short list of dicts, as of the widgets of a page: each is served by itself."""
    if how.json or how.live or node.attrs or not node.uses <= LIST_USES or len(objects) > MAX_DICTS:
        return None
    element = each(node)
    parts = {
        row: served
        for row, part in enumerate(objects)
        if type(part) is dict and (served := how.serve((*key, "[each]"), element, part, how)) is not None
    }
    if not parts:
        return None

    def value() -> list[Any] | tuple[Any, ...]:
        made = [parts[row].value() if row in parts else part for row, part in enumerate(objects)]
        return tuple(made) if type(objects) is tuple else made

    return Served(type(objects).__name__, value, parts={str(row): part for row, part in parts.items()})


def of_dict(key: Key, node: PathNode, mapping: dict[Any, Any], how: Serving) -> Served | None:
    """A dict of which names are read: each is served by itself."""
    if type(mapping) is not dict and not how.json:
        return None  # what it does with a name is its own
    if how.live or node.uses - {"bool"} or node.element or node.indexes or DICT_NAMES & node.attrs.keys():
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

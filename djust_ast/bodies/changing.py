"""Whether a member of any class may change its object, told from the words of its source alone."""

from __future__ import annotations

import ast
import inspect
from functools import cache, partialmethod
from types import FunctionType

from django.db.models import Manager, Model
from django.db.models.fields.files import FileDescriptor

from djust_ast.bodies.sources import definition_of
from djust_ast.hints import function_of
from djust_ast.members import ComputedMember, member


@cache
def changes(model: type[Model], name: str, *, inside: bool = False) -> bool:
    """Whether using the member ``name`` may change what its object holds, as far as its source tells.

    Then nothing of the object may be read ahead. A body assigns, hands its object on, or calls what we cannot see
    into; a descriptor that is not Django's own is not seen into either. ``inside``: lists and dicts that the
    object holds count as well.
    """
    return _changes(model, name, set(), inside=inside)


def _changes(model: type[Model], name: str, seen: set[str], *, inside: bool = False) -> bool:
    if name in seen:
        return False
    seen.add(name)
    if not isinstance(member(model, name), ComputedMember):
        return False
    attribute = inspect.getattr_static(model, name, None)
    if isinstance(attribute, _READING) or not hasattr(type(attribute), "__get__"):
        return False
    if getattr(attribute, "alters_data", False) or _HARMLESS.get(name) is attribute:
        return False  # templates never call the first
    function = function_of(attribute)
    definition = definition_of(function) if isinstance(function, FunctionType) else None
    if definition is None or not definition.args.args:
        return True
    me = definition.args.args[0].arg
    owners = {id(node.value) for node in ast.walk(definition) if isinstance(node, ast.Attribute)}
    for node in ast.walk(definition):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                return True
            case ast.Attribute(value=ast.Name(id=owner), attr=used) if owner == me:
                if _changes(model, used, seen, inside=inside):
                    return True
            case ast.Name(id=used) if used == me and id(node) not in owners:
                return True
            case ast.Name(id="super" | "setattr" | "vars"):
                return True
            case ast.Subscript(ctx=ast.Store() | ast.Del()) if inside:
                return True
            case ast.Call(func=ast.Attribute(attr=used)) if inside and used in _FILLING:
                return True
    return False


_FILLING = frozenset(
    {
        "add",
        "append",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "reverse",
        "setdefault",
    }
    | {"sort", "update"}
)
# Django's own, which only read.
_READING = (Manager, partialmethod, FileDescriptor)
_HARMLESS = {
    name: inspect.getattr_static(Model, name, None)
    for name in (
        "__str__",
        "__eq__",
        "__hash__",
        "_get_pk_val",
        "pk",
        "serializable_value",
        "get_deferred_fields",
    )
}

"""What of the classes of models, managers and querysets is Django's own.

A class that has a way of its own to make objects, to answer for them or to find them is not told apart any further:
the answers say that it has one, for ``explain()``.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from django.db.models import Manager, Model
from django.db.models.base import ModelBase
from django.db.models.manager import BaseManager
from django.db.models.query import QuerySet
from django.db.models.signals import post_init, pre_init

MISSING = object()


def filtering(manager: Any) -> str | None:
    """Why attribute access, which goes through ``_base_manager``, may see other rows than a join."""
    if type(manager).get_queryset is not BaseManager.get_queryset or manager._queryset_class is not QuerySet:
        return f"the base manager of {manager.model.__name__} is not Django's own"
    return None


def unsteady(manager: Any, *, exact: bool = False) -> str | None:
    """Why the related manager's rows cannot be had without an instance."""
    get_queryset = type(manager).get_queryset
    if get_queryset is BaseManager.get_queryset:
        return None
    if exact or type(manager).__init__ not in (BaseManager.__init__, Manager.__init__):
        return f"the default manager of {manager.model.__name__} has its own get_queryset()"
    return None


def personal(manager: Any) -> bool:
    """Whether a related manager may give other rows than its ``get_queryset()`` gives for all parents at once."""
    if type(manager).all is not BaseManager.all or answers_itself(manager._queryset_class):
        return True
    own = (cls for cls in type(manager).__mro__ if not cls.__module__.startswith("django.db.models."))
    return any(_asks_whose(function) for cls in own for function in vars(cls).values())


# What a list of records answers in the place of a queryset.
_ANSWERS = ("__iter__", "__len__", "__bool__", "__getitem__", "__contains__", "all", "count", "exists")


def answers_itself(cls: type[QuerySet[Any, Any]]) -> bool:
    """Whether a queryset class answers in a way of its own what records would answer for it."""
    return any(getattr(cls, name, None) is not getattr(QuerySet, name, None) for name in _ANSWERS)


@cache
def counts_rows(model: type[Model]) -> bool:
    """Whether ``count`` and ``exists`` of the managers of its rows are Django's own."""
    manager = type(model._default_manager)
    return all(getattr(manager, name) is getattr(Manager, name) for name in ("count", "exists"))


def counts_together(model: type[Model]) -> bool:
    """Whether the rows of its default manager can be counted by their parents' keys, all in one query."""
    query = model._default_manager.get_queryset().query
    grouped = query.distinct or query.group_by is not None or query.combinator or query.is_sliced
    return not (grouped or query.annotations or query.extra or query.values_select)


@cache
def picks_rows(model: type[Model]) -> bool:
    """Whether ``first`` and ``last`` of the managers of its rows are Django's own."""
    manager = type(model._default_manager)
    cls = getattr(model._default_manager, "_queryset_class", None)
    return all(
        getattr(manager, name) is getattr(Manager, name)
        and getattr(cls, name, None) is getattr(QuerySet, name)
        for name in ("first", "last", "reverse", "order_by", "filter")
    )


def picks_itself(cls: type[QuerySet[Any, Any]]) -> bool:
    """Whether a queryset class takes single rows in a way of its own."""
    return answers_itself(cls) or any(getattr(cls, name) is not getattr(QuerySet, name) for name in _TAKING)


_TAKING = ("first", "last", "reverse", "order_by", "_chain", "_clone")


def _asks_whose(function: Any) -> bool:
    """Whether the code of ``function`` names what only a related manager has."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return code is not None and not _WHOSE.isdisjoint((*code.co_names, *code.co_consts))


_WHOSE = frozenset({"instance", "core_filters"})


# Whether an object of a class that defines one of these can be told from a record of it.
_VISIBLE = (
    "__getattribute__",
    "__getitem__",
    "__bool__",
    "__len__",
    "__iter__",
    "__contains__",
    "__call__",
    "__html__",
    "__lt__",
    "__gt__",
    "__le__",
    "__ge__",
)
_MAKING = ("__init__", "__new__", "__setattr__", "__getattr__")


@cache
def opaque(model: type[Model]) -> str | None:
    """Why no record may stand for an object of ``model``: it answers a template in its own way."""
    return next(
        (f"{model.__name__}.{name}() is its own" for name in _VISIBLE if _overridden(model, name)), None
    )


@cache
def hand_made(model: type[Model]) -> str | None:
    """Why rows of ``model`` may differ from its instances: it changes how instances are made or read."""
    if getattr(model.from_db, "__func__", None) is not getattr(Model.from_db, "__func__", None):
        return f"{model.__name__}.from_db() is its own"
    for name in _MAKING:
        if _overridden(model, name):
            return f"{model.__name__}.{name}() is its own"
    if type(model) is not ModelBase:
        return f"the class of {model.__name__} is made by {type(model).__name__}"
    if any(model._meta.parents.values()):  # a proxy has parents without links
        return f"{model.__name__} inherits from a concrete model"
    if len(getattr(model._meta, "pk_fields", ())) > 1:
        return f"{model.__name__} has a composite primary key"
    return None


def _overridden(model: type[Model], name: str) -> bool:
    stock = inspect.getattr_static(Model, name, MISSING)
    return inspect.getattr_static(model, name, MISSING) is not stock


def observed(model: type[Model]) -> bool:
    """Whether a signal receiver sees each instance of ``model``; receivers may connect at any time."""
    return pre_init.has_listeners(model) or post_init.has_listeners(model)

"""Attributes as they are written down, and Python objects as values of the analysis."""

from __future__ import annotations

import inspect
from typing import Any

from django.db.models import Model
from django.db.models.manager import BaseManager
from django.db.models.query import QuerySet

from djust_ast.bodies.values import Manager, Real, Unknown, Value

MISSING = object()


def static(owner: Any, name: str) -> Any:
    """The attribute of a class or object as it is written down, or ``MISSING``."""
    return inspect.getattr_static(owner, name, MISSING)


def wrap(found: Any, name: str = "") -> Value:
    """A Python object as a value."""
    if isinstance(found, Model):
        return Unknown(f"{name}, a {type(found).__name__}")
    if isinstance(found, BaseManager) and found.model is not None:
        return Manager(found.model, cls=type(found))
    if isinstance(found, QuerySet):
        return Manager(found.model, cls=type(found))
    return Real(found)

"""What is known of code that is not followed: tables of modules, and of what managers and objects answer."""

from __future__ import annotations

import sys
from typing import Any

# Modules whose functions read of their arguments what printing them reads, and give data.
SPEAKING = (
    "django.utils",
    "django.urls",
    "django.template.defaultfilters",
    "django.contrib.humanize",
    "django.core.exceptions",
    "django.core.validators",
    "django.core.signing",
    "django.templatetags.static",
    "django.contrib.staticfiles",
    "django.db.models.expressions",
    "django.db.models.query_utils",
    "django.db.models.functions",
    "django.db.models.aggregates",
    "django.db.models.enums",
)
# ... but for those that give anything else.
NOT_SPEAKING = ("django.utils.module_loading", "django.utils.functional", "django.utils.deprecation")
# Modules that are not followed: nothing is known of what their functions do to objects.
CLOSED = (
    "django.db",
    "django.core",
    "django.template",
    "django.forms",
    "django.conf",
    "django.apps",
    "django.http",
)
# Top-level packages whose classes hold no objects of ours, and whose code asks no database.
TRUSTED = frozenset(sys.stdlib_module_names) | {
    "dateutil",
    "pytz",
    "markupsafe",
    "babel",
    "zoneinfo",
    "phonenumbers",
}
# Methods of text, numbers, dates, loggers: what they get is printed at most.
PRINTING = frozenset(
    [
        "format",
        "join",
        "debug",
        "info",
        "warning",
        "error",
        "exception",
        "critical",
        "log",
        "startswith",
        "endswith",
        "replace",
        "index",
        "count",
        "strftime",
        "translate",
        "encode",
    ]
)

# What a queryset or manager answers: with one object, or with data. Any other name gives a queryset.
ONE = frozenset(
    [
        "get",
        "first",
        "last",
        "earliest",
        "latest",
        "create",
        "get_for_model",
        "get_for_id",
        "get_current",
        "get_by_natural_key",
    ]
)
DATA = frozenset(
    [
        "count",
        "exists",
        "aggregate",
        "contains",
        "explain",
        "dates",
        "datetimes",
        "values",
        "values_list",
        "ordered",
        "db",
    ]
)
PAIRS = frozenset({"get_or_create", "update_or_create"})
WRITES = frozenset(
    [
        "add",
        "remove",
        "set",
        "clear",
        "delete",
        "update",
        "bulk_create",
        "bulk_update",
        "create",
        "get_or_create",
        "update_or_create",
    ]
)
STORING = WRITES | {"save", "save_base", "asave", "adelete"}
# What of a model's own methods writes, or reads anew.
WRITING = frozenset(
    [
        "save",
        "delete",
        "refresh_from_db",
        "save_base",
        "full_clean",
        "clean_fields",
        "clean",
        "validate_unique",
        "asave",
        "adelete",
        "arefresh_from_db",
        "validate_constraints",
        "prepare_database_save",
    ]
)


def module_of(found: Any) -> str:
    """The name of the module that defines it."""
    name = getattr(found, "__module__", None)
    return name if isinstance(name, str) else ""


def within(module: str, packages: tuple[str, ...]) -> bool:
    """Whether ``module`` is one of ``packages``, or inside one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def speaking(module: str) -> bool:
    """Whether functions of ``module`` print their arguments at most."""
    return within(module, SPEAKING) and not within(module, NOT_SPEAKING)

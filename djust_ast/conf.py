"""``settings.DJUST_AST``, read in one place.

``settings()`` returns the values in force; an empty dict is the best configuration. The keys of the older
``DJUST_CONFIG`` (``JIT_SERIALIZATION``, ``JIT_DEBUG``, ``JIT_CACHE_BACKEND``, ``JIT_CACHE_DIR``,
``JIT_REDIS_URL``) are read as aliases, and ours win.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from django.conf import settings as django_settings

from djust_ast.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """Every key of ``DJUST_AST`` with its default (DESIGN: docs/settings.md tells what each does)."""

    ENABLED: bool = True
    STRICT: bool = False
    DEBUG: bool = False
    EMITTER: str = "ast"
    ROUTE: str = "auto"
    LEARN: bool = True
    RECORDS: bool = False
    EXCLUDE_TEMPLATES: tuple[str, ...] = ()
    CACHE: str = "memory"
    CACHE_DIR: str | None = None
    REDIS_URL: str | None = None
    PREPARED: bool = False
    SENSITIVE_FIELDS: tuple[str, ...] = ("password",)
    MAX_TEMPLATE_BYTES: int = 1 << 20
    MAX_DEPTH: int = 500
    MAX_PATHS: int = 5_000
    MAX_INCLUDES: int = 20
    LIVE: Mapping[str, Any] = field(default_factory=dict)


CHOICES: dict[str, tuple[str, ...]] = {
    "EMITTER": ("ast",),
    "ROUTE": ("auto", "instances"),
    "CACHE": ("memory",),
}
MAX_LIMIT = (1 << 31) - 1
ALIASES = {
    "JIT_SERIALIZATION": "ENABLED",
    "JIT_DEBUG": "DEBUG",
    "JIT_CACHE_BACKEND": "CACHE",
    "JIT_CACHE_DIR": "CACHE_DIR",
    "JIT_REDIS_URL": "REDIS_URL",
}
_KNOWN = {item.name for item in fields(Settings)}
_OPTIONAL_TEXT = {"CACHE_DIR", "REDIS_URL"}
_in_force: Settings | None = None


def settings() -> Settings:
    """The settings in force; a wrong key or value is a ``SettingsError`` that names it."""
    global _in_force
    if _in_force is None:
        found = dict(_given())
        for key, problem in problems(found):
            raise SettingsError(f"DJUST_AST[{key!r}]: {problem}")
        values: dict[str, Any] = {key: _frozen(value) for key, value in found.items()}
        _in_force = Settings(**values)
    return _in_force


def problems(given: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """``(key, what is wrong with it)`` for every entry that is not known or has a wrong type or value."""
    defaults = Settings()
    for key, value in given.items():
        if key not in _KNOWN:
            yield key, "unknown key"
            continue
        default = getattr(defaults, key)
        if key in _OPTIONAL_TEXT:
            if value is not None and not isinstance(value, str):
                yield key, f"expected a string or None, got {value!r}"
        elif isinstance(default, tuple):
            if isinstance(value, str) or not isinstance(value, (list, tuple)):
                yield key, f"expected a list of strings, got {value!r}"
        elif isinstance(default, Mapping):
            if not isinstance(value, Mapping):
                yield key, f"expected a dict, got {value!r}"
        elif type(value) is not type(default):
            yield key, f"expected {type(default).__name__}, got {value!r}"
        elif isinstance(value, int) and not 0 <= value <= MAX_LIMIT:
            yield key, f"expected a number from 0 to {MAX_LIMIT}, got {value!r}"
        elif key in CHOICES and value not in CHOICES[key]:
            yield key, f"expected one of {', '.join(CHOICES[key])}, got {value!r}"


def given() -> Mapping[str, object]:
    """What the project set, aliases resolved, unchecked."""
    return dict(_given())


def forget(*, setting: str = "", **_: object) -> None:
    """Read the settings anew at the next use; a receiver of ``setting_changed``."""
    global _in_force
    if setting in ("", "DJUST_AST", "DJUST_CONFIG"):
        _in_force = None


def _given() -> Iterator[tuple[str, object]]:
    if not django_settings.configured:
        return
    older = cast("Mapping[str, object]", getattr(django_settings, "DJUST_CONFIG", {}))
    for alias, key in ALIASES.items():
        if alias in older:
            yield key, _alias_value(key, older[alias])
    ours = cast("Mapping[str, object]", getattr(django_settings, "DJUST_AST", {}))
    yield from ours.items()


def _alias_value(key: str, value: object) -> object:
    if key == "CACHE_DIR" and value is not None:
        return str(value)
    # A cache that is not there yet is memory: the alias must never make a working project fail.
    if key == "CACHE" and value not in CHOICES["CACHE"]:
        return "memory"
    return value


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value

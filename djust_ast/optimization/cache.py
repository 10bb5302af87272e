"""Compiled serializers in memory, by the content they were made from."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Any, Literal

from django import get_version
from django.db.models import Model

import djust_ast

Backend = Literal["memory", "filesystem", "redis"]
BACKENDS: tuple[Backend, ...] = ("memory", "filesystem", "redis")
MAX_ENTRIES = 1_000


class SerializerCache:
    """The last ``MAX_ENTRIES`` serializers used.

    All backends keep to the memory of the process: making a serializer anew takes less time than a look
    into Redis. ``cache_dir`` and ``redis_url`` are accepted, and nothing is written there.
    """

    def __init__(
        self, backend: Backend = "memory", cache_dir: str | None = None, redis_url: str | None = None
    ) -> None:
        if backend not in BACKENDS:
            raise ValueError(f"{backend!r} is no cache backend: expected one of {', '.join(BACKENDS)}")
        self.backend = backend
        self.cache_dir = cache_dir
        self.redis_url = redis_url
        self._entries: OrderedDict[str, Callable[..., Any]] = OrderedDict()
        self._lock = Lock()
        self._hits = self._misses = self._evictions = 0

    def get_cache_key(
        self, template_source: str, variable_name: str, model: type[Model] | None = None
    ) -> str:
        """The SHA-256 of all that decides what the serializer of a variable looks like, in 64 hex digits."""
        parts = [template_source, variable_name, djust_ast.__version__, get_version(), sys.version]
        if model is not None:
            parts += [f"{model.__module__}.{model.__qualname__}", *_fields(model)]
        digest = sha256()
        for part in parts:
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
        return digest.hexdigest()

    def get(self, key: str) -> Callable[..., Any] | None:
        """The serializer under ``key``, or ``None``."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                self._misses += 1
                return None
            self._hits += 1
            self._entries.move_to_end(key)
            return found

    def set(self, key: str, serializer: Callable[..., Any]) -> None:
        """Keep ``serializer``; beyond ``MAX_ENTRIES`` the one that was not used for longest goes."""
        with self._lock:
            self._entries[key] = serializer
            self._entries.move_to_end(key)
            while len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)
                self._evictions += 1

    def invalidate(self, key: str) -> bool:
        """Forget the serializer under ``key``; whether there was one."""
        with self._lock:
            return self._entries.pop(key, None) is not None

    def clear(self) -> None:
        """Forget every serializer, and count anew."""
        with self._lock:
            self._entries.clear()
            self._hits = self._misses = self._evictions = 0

    def stats(self) -> dict[str, Any]:
        """How many entries there are, and how often one was found."""
        with self._lock:
            return {
                "backend": self.backend,
                "entries": len(self._entries),
                "max_entries": MAX_ENTRIES,
                "hits": self._hits,
                "misses": self._misses,
                "evictions": self._evictions,
            }


def _fields(model: type[Model]) -> list[str]:
    """Every field with its class and choices: a migration makes another key, another language does not."""
    return [
        f"{field.name} {type(field).__qualname__} {[key for key, _ in getattr(field, 'flatchoices', ())]!r}"
        for field in model._meta.get_fields()
    ]

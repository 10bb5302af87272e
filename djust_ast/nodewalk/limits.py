"""What is refused, and what is only warned of: the extractor's codes and limits."""

from __future__ import annotations

from typing import NamedTuple

SYNTAX = "DA001"
NO_PARTIAL = "DA007"
RECURSIVE = "DA101"
MISSING = "DA102"
DYNAMIC = "DA103"
BROKEN = "DA104"
TOO_LARGE = "DA901"
TOO_DEEP = "DA902"
TOO_MANY_PATHS = "DA903"
TOO_MANY_INCLUDES = "DA904"
TOO_LONG_PATH = "DA905"
TOO_MUCH_WORK = "DA906"

MAX_SEGMENTS = 64
MAX_WARNINGS = 100
# A tenth of the extractor's: a node of Python's takes as long as thirty of its operations.
MAX_STEPS = 100_000


class Limits(NamedTuple):
    """How much of a template is read: bytes, nested tags, values, and templates inside one another."""

    template_bytes: int = 1 << 20
    depth: int = 500
    paths: int = 5_000
    includes: int = 20


class RefusedError(Exception):
    """The template is malformed or beyond our limits; ``place`` is file, line and column from 1, length."""

    def __init__(self, code: str, message: str, place: tuple[int, int, int, int]) -> None:
        super().__init__(code, message, place)
        self.code = code
        self.message = message
        self.place = place

    @property
    def is_limit(self) -> bool:
        """Whether the template is well-formed but larger than we want to read."""
        return self.code.startswith("DA9")

"""The extractor: which values a Django template reads. Written in Rust (``extractor/``)."""

from collections.abc import Callable
from typing import Any, final

Resolve = Callable[[str, list[int]], tuple[str, str] | None]

class ExtractError(ValueError):
    """A template that cannot be extracted: malformed (``DA0..``), or beyond the limits (``DA9..``).

    ``line``, ``column`` and ``length`` count characters from 1; ``source_line`` is the text of that line.
    """

    args: tuple[str, str, str | None, int, int, int, str]
    """``(code, message, file_name, line, column, length, source_line)``"""
    help: str | None
    """What to do, if that is known: the library that a tag is in."""

@final
class Registry:
    """The tags and filters of a template engine; made by ``djust_ast.registry``."""

    def __new__(cls, spec: bytes) -> Registry:
        """Return the registry that the JSON ``spec`` describes; ``ValueError`` if it is malformed."""

    @property
    def hash(self) -> str:
        """A hash of everything in it; part of every cache key."""

@final
class PathTree:
    """What a template, its parents and what it includes read from the context."""

    def json(self) -> bytes:
        """Return the document ``djust-ast/paths@1``."""

def extract(
    source: str,
    name: str | None,
    registry: Registry,
    resolve: Resolve | None = None,
    partial: str | None = None,
    locals: bool = False,
) -> PathTree:
    """Return what the template ``source``, called ``name``, reads.

    ``resolve(name, skip)`` returns the display name and the source of another template, or ``None``. Each answer
    becomes the next number in the document's ``files``; ``skip`` holds numbers of files that do not count, because a
    template may extend one of its own name from a later loader. What it raises comes out unchanged.
    ``partial`` names a ``{% partialdef %}`` to read instead of the whole. With ``locals`` the document has a key
    ``locals``: the paths below each name that the template itself makes. Raises ``ExtractError``.
    """

def lex(source: str, dotall: bool = False) -> list[tuple[str, str, int]]:
    """Return the tokens as Django's lexer does: kind (``T``, ``V``, ``B``, ``C``), contents, line."""

def parse_expression(text: str, registry: Registry) -> dict[str, Any]:
    """Return the parts of a variable with filters, as ``FilterExpression`` finds them.

    ``const`` for a literal string, else ``lookups`` and ``literal``; ``filters`` is a list of
    ``(name, "lit" | "var" | None, argument)``.
    """

"""The extractor: which values a Django template reads. Written in Rust (``extractor/``)."""

from collections.abc import Callable
from typing import Any, final

__all__ = ["CODES", "ExtractError", "PathTree", "Registry", "extract", "lex", "parse_expression"]

_Resolve = Callable[[str, list[int]], tuple[str, str] | None]
_Sources = tuple[str | tuple[str | None, ...], ...]
_Named = str | tuple[int, str, str | None, str]
_Choose = Callable[[str, int, _Sources, tuple[tuple[str, _Sources | None], ...]], str | list[list[_Named]]]

CODES: dict[str, tuple[str, str]]
"""Every code of an error or a warning: its severity (``error`` or ``warn``), and what it is about."""

class ExtractError(ValueError):
    """A template that cannot be extracted: malformed (``DA0..``), or beyond the limits (``DA9..``).

    ``line`` and ``column`` count from 1, columns and ``length`` in characters; ``source_line`` is the text of that
    line. A ``length`` of 0 means the template as a whole.
    """

    args: tuple[str, str, str | None, int, int, int, str]
    """``(code, message, file_name, line, column, length, source_line)``"""
    help: str | None
    """What to do, if that is known."""

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
    resolve: _Resolve | None = None,
    partial: str | None = None,
    locals: bool = False,
    limits: tuple[int, int, int, int] | None = None,
    choose: _Choose | None = None,
) -> PathTree:
    """Return what the template ``source``, called ``name``, reads.

    Other threads run while the template is parsed; this one holds the interpreter again while it is in
    ``resolve(name, skip)``, which returns the display name and the source of another template, or ``None``. Each
    answer becomes the next number in the document's ``files``; ``skip`` holds numbers of files that do not count,
    because a template may extend one of its own name from a later loader. What it raises comes out unchanged.

    ``choose(kind, file, head, calls)`` says which templates the expression of a dynamic ``include`` or ``extends`` in
    file number ``file`` may stand for. ``head`` is what its variable may be: literals, and paths, which are tuples of
    a name of the context and the steps below it, with ``None`` for each element; ``calls`` are its filters and what
    their arguments may be. The answer is a reason why nobody knows, or for each possible value its candidates, of
    which the first that there is counts: names, or ``(number, display name, name, source)`` of templates at hand,
    which become the next numbers in ``files`` unless they have one.

    ``partial`` names a ``{% partialdef %}`` to read instead of the whole. With ``locals`` the document has a key
    ``locals``: the paths below each name that the template itself makes. ``limits`` are the greatest number of
    bytes of a source, of nested tags, of values read, and of nested includes. Raises ``ExtractError``, and
    ``TypeError`` or ``ValueError`` where ``resolve`` or ``choose`` answers something else.
    """

def lex(source: str, dotall: bool = False) -> list[tuple[str, str, int]]:
    """Return the tokens as Django's lexer does: kind (``T``, ``V``, ``B``, ``C``), contents, line.

    Raises ``UnicodeEncodeError`` for lone surrogates, and so does ``parse_expression``.
    """

def parse_expression(text: str, registry: Registry) -> dict[str, Any]:
    """Return the parts of a variable with filters, as ``FilterExpression`` finds them.

    ``const`` for a literal string, else ``lookups`` and ``literal``; ``filters`` is a list of
    ``(name, "lit" | "var" | None, argument)``. Raises ``ExtractError``.
    """

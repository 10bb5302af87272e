"""The extractor, where it could be imported: the one place that knows that it may be missing."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from django.template import base

if TYPE_CHECKING:
    from djust_ast._extractor import ExtractError, Registry, extract, lex

    MISSING: ImportError | None
else:
    try:
        from djust_ast._extractor import ExtractError, Registry, extract, lex

        MISSING = None
    except ImportError as error:
        MISSING = error

        class ExtractError(ValueError):
            """Never raised: there is no extractor."""

        class Registry:
            """The hash of the tags and filters of a template engine."""

            def __init__(self, spec: bytes) -> None:
                self.hash = blake2b(spec, digest_size=16).hexdigest()

        extract = None

        def lex(source: str, dotall: bool = False) -> list[tuple[str, str, int]]:
            """The tokens of Django's own lexer, whatever ``tag_re`` is."""
            tokens = base.Lexer(source).tokenize()
            return [(token.token_type.name[0], token.contents, token.lineno) for token in tokens]


__all__ = ["MISSING", "ExtractError", "Registry", "extract", "lex"]

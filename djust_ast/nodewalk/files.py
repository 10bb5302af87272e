"""The compiled templates of a walk, and where in their sources things stand.

A compiled node knows its tag's text and line, and the tag's offset when the engine is in debug mode. From there
the tag is looked for in the source, and an expression in the tag: the place is exact, but that of two equal
tags of a line, or two equal expressions of a tag, it is the first's. What cannot be found stands at its line,
column 1, with length 0.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from django.template import Node, NodeList, defaulttags
from django.template.base import FilterExpression, Parser, Template, TextNode, Token, TokenType
from django.template.exceptions import TemplateSyntaxError
from django.template.loader_tags import BlockNode, ExtendsNode

from djust_ast.nodewalk.found import bodies_of
from djust_ast.nodewalk.limits import SYNTAX, TOO_DEEP, TOO_LARGE, Limits, RefusedError
from djust_ast.nodewalk.machine import Where
from djust_ast.nodewalk.tree import Place

_AROUND = 200  # how many characters on either side of a place are shown of a long line


class Loaded(NamedTuple):
    """What there is for a template's name: ``template`` is the error if it cannot be compiled."""

    name: str | None
    source: str
    template: Template | Exception


class Site(NamedTuple):
    """Where a node stands: its file and its tag."""

    file: File
    token: Token | None

    @property
    def place(self) -> Place:
        """The place of the whole tag."""
        return self.file.of_tag(self.token)

    @property
    def command(self) -> str:
        """The tag's name."""
        words = self.token.contents.split(None, 1) if self.token is not None else []
        return str(words[0]) if words else ""

    @property
    def bits(self) -> list[str]:
        """What stands in the tag after its name."""
        if self.token is None:
            return []
        try:
            return list(self.token.split_contents())[1:]
        except StopIteration:  # `_("` without an end
            return []


class File:
    """A template that takes part in a walk."""

    def __init__(self, number: int, loaded: Loaded) -> None:
        self.number = number
        self.name, self.source, self._template = loaded
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.source))]

    def check(self, limits: Limits) -> None:
        """Refuse it if it could not be compiled, or is beyond our limits."""
        whole, error = self.of_tag(None), self._template
        if len(self.source) > limits.template_bytes or self.bytes > limits.template_bytes:
            message = f"the template has {self.bytes} bytes, more than {limits.template_bytes}"
            raise RefusedError(TOO_LARGE, message, whole)
        if isinstance(error, RecursionError):
            raise RefusedError(TOO_DEEP, "tags are nested too deep", whole)
        if isinstance(error, Exception):
            message = str(getattr(error, "raw_error_message", error)) or type(error).__name__
            raise RefusedError(SYNTAX, message, self.of_tag(getattr(error, "token", None)))
        if _depth(self.nodes) > limits.depth:
            raise RefusedError(TOO_DEEP, f"tags are nested deeper than {limits.depth}", whole)

    @cached_property
    def bytes(self) -> int:
        """How long the source is."""
        return len(self.source.encode("utf-8", "surrogatepass"))

    # -- what is in it

    @cached_property
    def nodes(self) -> NodeList:
        """Its nodes."""
        return self._template.nodelist if isinstance(self._template, Template) else NodeList()

    @cached_property
    def extends(self) -> ExtendsNode | None:
        """The tag that names its parent: the first that is no text."""
        first = next((node for node in self.nodes if not isinstance(node, TextNode)), None)
        return first if type(first) is ExtendsNode else None

    @cached_property
    def blocks(self) -> list[BlockNode]:
        """Every block that Django knows of, inner ones first."""
        return list(_blocks(self.nodes))

    @cached_property
    def partials(self) -> dict[str, NodeList]:
        """The bodies of ``{% partialdef %}``, by name."""
        extra: dict[str, Any] = getattr(self._template, "extra_data", {})
        return {name: partial.nodelist for name, partial in extra.get("partials", {}).items()}

    @cached_property
    def parser(self) -> Parser:
        """A parser with the libraries that the template loads."""
        template = self._template
        if isinstance(template, Exception):
            return Parser([])
        engine = template.engine
        parser = Parser([], engine.template_libraries, engine.template_builtins, template.origin)
        for node in self.all_nodes():
            if isinstance(node, defaulttags.LoadNode) and node.token is not None:
                defaulttags.load(parser, node.token)
        return parser

    def compile(self, text: str) -> FilterExpression | None:
        """The expression that ``text`` is, if it is one."""
        try:
            return FilterExpression(text, self.parser)
        except TemplateSyntaxError:
            return None

    def all_nodes(self) -> Iterator[Node]:
        """Every node, as they are written."""
        return _all(self.nodes)

    # -- where it stands

    def site(self, token: Token | None) -> Site:
        """The place of a node of this file."""
        return Site(self, token)

    def where(self, token: Token | None, text: str, *, skip: int = 0, after: int | None = None) -> Where:
        """Where the parts of the expression ``text`` stand, of which the first ``skip`` characters are not written.

        ``after`` is an offset behind which to look for an ``{% elif %}`` with it, of which there is no node.
        """
        if token is None:
            return lambda start, length: None
        offset = self._find(token, text[skip:]) if after is None else self._find_elif(text, after)
        if offset is None:
            place = self.of_tag(token)
            return lambda start, length: place

        def where(start: int, length: int) -> Place | None:
            if start:
                return self.at(offset + start - skip, length)
            return self.at(offset, length - skip) if length > skip else None

        return where

    def at(self, offset: int, length: int) -> Place:
        """The place of so many characters of the source."""
        row = bisect_right(self._starts, offset)
        return self.number, row, offset - self._starts[row - 1] + 1, length

    def of_tag(self, token: Token | None) -> Place:
        """The place of a whole tag."""
        if token is None:
            return self.number, 1, 1, 0
        if token.position is not None:
            start, end = token.position
            return self.at(start, end - start)
        offset = self.offset(token)
        if offset is None:
            return self.number, token.lineno or 1, 1, 0
        start = self.source.rfind("{", 0, offset) - (token.token_type is TokenType.VAR)
        end = self.source.find("}", offset + len(token.contents))
        return self.at(start, end + 2 - start)

    def of_contents(self, token: Token) -> Place:
        """The place of a tag's text without its braces."""
        offset = self.offset(token)
        return self.of_tag(token) if offset is None else self.at(offset, len(token.contents))

    def offset(self, token: Token) -> int | None:
        """Where a tag's text begins."""
        if token.position is not None:
            start = token.position[0]
        elif token.lineno and token.lineno <= len(self._starts):
            start = self._starts[token.lineno - 1]
        else:
            return None
        rest = self._starts[token.lineno :] if token.lineno else []
        end = max(rest[0] if rest else len(self.source), start) + len(token.contents)
        found = self.source.find(token.contents, start, end)
        return found if found >= 0 else None

    def excerpt(self, place: Place) -> dict[str, Any]:
        """What stands around a place in its line, and how many characters of the line come before that."""
        _, line, column, _ = place
        start = self._starts[line - 1] if line <= len(self._starts) else len(self.source)
        text = self.source[start:].split("\n", 1)[0]
        skipped = max(column - 1 - _AROUND, 0) if len(text) > 2 * _AROUND else 0
        shown = {"src": text[skipped : skipped + 2 * _AROUND]}
        return shown | ({"skip": skipped} if skipped else {})

    def _find(self, token: Token, text: str) -> int | None:
        offset = self.offset(token)
        if offset is None:
            return None
        command = 0 if token.token_type is TokenType.VAR else len(token.contents.split(None, 1)[0])
        found = _find_whole(token.contents, text, command)
        return offset + found if found >= 0 else None

    def _find_elif(self, text: str, after: int) -> int | None:
        pattern = r"\{%\s*elif\b(?:(?!%\}).)*?(" + _bounded(text) + ")"
        found = re.compile(pattern, re.DOTALL).search(self.source, after)
        return found.start(1) if found else None


def _depth(nodes: NodeList) -> int:
    bodies = [body for node in nodes for body in bodies_of(node)]
    return 1 + max(map(_depth, bodies)) if bodies else 0


def _find_whole(contents: str, text: str, start: int) -> int:
    """Where ``text`` stands in a tag, not as a part of a name or path; as ``_bounded`` does, for its speed."""
    found = contents.find(text, start)
    while found >= 0 and (_is_in_path(contents, found - 1) or _is_in_path(contents, found + len(text))):
        found = contents.find(text, found + 1)
    return found


def _is_in_path(contents: str, at: int) -> bool:
    char = contents[at : at + 1] if at >= 0 else ""
    return char.isalnum() or char in ("_", ".")


def _bounded(text: str) -> str:
    return rf"(?<![\w.]){re.escape(text)}(?![\w.])"


def _all(nodes: NodeList) -> Iterator[Node]:
    for node in nodes:
        yield node
        for body in bodies_of(node):
            yield from _all(body)


def _blocks(nodes: NodeList) -> Iterator[BlockNode]:
    for node in nodes:
        for attribute in node.child_nodelists:
            yield from _blocks(getattr(node, attribute, None) or NodeList())
        if isinstance(node, BlockNode):
            yield node

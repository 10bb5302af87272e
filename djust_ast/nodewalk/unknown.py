"""Nodes of which nothing is known: whatever they can see, they may read; their bodies may run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.template import Node, NodeList, Variable
from django.template.base import FilterExpression, kwarg_re

from djust_ast.nodewalk.found import search

if TYPE_CHECKING:
    from djust_ast.nodewalk.files import Site
    from djust_ast.nodewalk.walk import Walk

_KEYWORDS = {"as", "with", "in", "by", "only", "and", "or", "not", "from", "for"}


def unknown(walk: Walk, node: Node, site: Site) -> None:
    """Arguments escape, the context escapes, and every list of nodes on the node may render."""
    let_go(walk, node, site)
    for thing in search(node):
        if isinstance(thing, NodeList | Node):
            with walk.maybe():
                walk.nodes(site.file, thing if isinstance(thing, NodeList) else [thing])


def let_go(walk: Walk, node: Node, site: Site) -> None:
    """Let go of everything that the tag names, or holds, and of the context."""
    tag = site.command or type(node).__name__
    for expression in _written(site):
        walk.escape(site, expression, tag)
    for thing in search(node):
        if isinstance(thing, FilterExpression | Variable):
            walk.escape(site, thing, tag)
    walk.escape_context(site, tag, None)


def _written(site: Site) -> Iterator[FilterExpression]:
    """What the tag's text says, as far as it is expressions: names that it assigns may be bound already."""
    for bit in site.bits:
        if bit in _KEYWORDS:
            continue
        named = kwarg_re.match(bit)
        texts = [named[2], bit] if named and named[1] else [bit]
        whole = next((found for text in texts if (found := site.file.compile(text))), None)
        pieces = [whole] if whole else map(site.file.compile, re.split(r"[^\w.|:+\-'\"]", bit))
        yield from (found for found in pieces if found)

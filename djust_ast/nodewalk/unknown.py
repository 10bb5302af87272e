"""Nodes of which nothing is known: whatever they can see, they may read; their bodies may run, in any order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from django.template import Node, Variable
from django.template.base import FilterExpression, kwarg_re

from djust_ast.nodewalk.components import read_component
from djust_ast.nodewalk.found import bodies_of, search

if TYPE_CHECKING:
    from djust_ast.nodewalk.files import Site
    from djust_ast.nodewalk.walk import Walk

_VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_KEYWORDS = {"as", "with", "in", "by", "only", "and", "or", "not", "from", "for"}


def unknown(walk: Walk, node: Node, site: Site) -> None:
    """Arguments escape, the context escapes, and every list of nodes on the node may render."""
    let_go(walk, node, site)
    bodies(walk, node, site)
    read_component(walk, node, site)


def bodies(walk: Walk, node: Node, site: Site) -> None:
    """Walk every body of a node, each of which may render, in any order and more than once."""
    walk.again(*(partial(walk.nodes, site.file, body) for body in bodies_of(node)))


def let_go(walk: Walk, node: Node, site: Site) -> None:
    """Let go of everything that the tag names, or holds, and of the context."""
    tag = site.command or type(node).__name__
    for expression in _written(site):
        walk.escape(site, expression, tag)
    with walk.maybe():
        for expression in _inner(site):
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


def _inner(site: Site) -> Iterator[FilterExpression]:
    """What stands in the text of an argument, as in `title="{{ lease.name }}"`."""
    texts = (match[1].strip() for bit in site.bits for match in _VARIABLE.finditer(bit))
    yield from (found for found in map(site.file.compile, texts) if found)

"""Tags that a spec describes: their arguments are read from their text, as the extractor does."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from django.template import Node, NodeList
from django.template.library import SimpleNode

from djust_ast.nodewalk.expressions import expression_of
from djust_ast.nodewalk.found import bodies_of
from djust_ast.nodewalk.includes import include
from djust_ast.nodewalk.tree import ESC, Uses
from djust_ast.nodewalk.unknown import bodies, let_go
from djust_ast.tagspecs import TagSpec, tag_spec_of

if TYPE_CHECKING:
    from djust_ast.nodewalk.files import Site
    from djust_ast.nodewalk.walk import Walk


class Arguments(NamedTuple):
    """What stands in a tag, once it is known to be as its spec says; ``None`` in ``values`` for words."""

    values: list[Any]
    used: list[tuple[Any, Uses]]
    binds: dict[str, Any]
    only: bool
    name: str | None


def spec_of(node: Node, site: Site) -> TagSpec | None:
    """The spec of the tag that made a node: of the function that compiled it, or that it calls."""
    called = getattr(node, "func", None)
    compiler = site.file.parser.tags.get(site.command)
    found = tag_spec_of(called, called) if callable(called) else None
    if found is None:
        return tag_spec_of(compiler) if compiler is not None else None
    # What the decorator says of the tag is certain.
    if found.assigns is None and isinstance(node, SimpleNode):
        found = replace(found, assigns="after")
    return replace(found, end=found.end or "") if hasattr(node, "nodelist") else found


def specified(spec: TagSpec, walk: Walk, node: Node, site: Site) -> None:
    """What a tag reads by its spec; what the spec does not speak of makes it unknown."""
    arguments = arguments_of(site, spec)
    if arguments is None:
        let_go(walk, node, site)
        if spec.end is not None:
            bodies(walk, node, site)
        else:
            _rest(walk, node, site)
        return
    for value, uses in arguments.used:
        if uses & ESC:
            walk.escape(site, value, site.command)
        else:
            walk.read(site, value, uses)
    if spec.reads:
        walk.escape_context(site, site.command, None if isinstance(spec.reads, str) else spec.reads)
    hidden, name = list(spec.binds), arguments.name
    # A name that only the body could see: without it there is none.
    if spec.end is not None and (spec.assigns != "body" or name is not None):
        hidden = _bodies(walk, node, site, spec, arguments)
        name = None if spec.assigns == "body" else name
    _includes(walk, site, spec, arguments, hidden)
    walk.assign(name)
    if spec.end is None:
        _rest(walk, node, site)


def arguments_of(site: Site, spec: TagSpec) -> Arguments | None:
    """The arguments, or ``None`` if the spec does not speak of all that stands in the tag."""
    bits, found = site.bits, Arguments([], [], {}, False, None)
    if spec.assigns is not None and bits[-2:-1] == ["as"]:
        found = found._replace(name=bits[-1])
        bits = bits[:-2]
    for bit in bits:
        if bit in spec.words:
            found = found._replace(only=found.only or bit == "only")
            continue
        key, text = _pair(bit)
        if key is not None:
            use = spec.kwargs.get(key, spec.kwargs.get("*"))
        else:
            use = spec.args[len(found.values)] if len(found.values) < len(spec.args) else spec.rest
        if use is None:
            return None
        value = None if use == "word" else site.file.compile(text)
        if value is None and use != "word":
            return None
        if use == "bind" and key is not None:
            found.binds[key] = value
        elif value is not None and use != "bind":
            found.used.append((value, frozenset(use.split())))
        if key is None:
            found.values.append(value)
    return found


def _pair(bit: str) -> tuple[str | None, str]:
    """Key and value of ``key=value``, where the key may be that of an HTML attribute, and ``+=`` adds to it."""
    key, _, value = bit.partition("=")
    if key and value and not set(key) & set("\"'|"):
        return key.rstrip("+"), value
    return None, bit


def _bodies(walk: Walk, node: Node, site: Site, spec: TagSpec, arguments: Arguments) -> list[str]:
    """Walk the bodies, of which the first sees names of its own; returns those of no interest."""
    hidden = list(spec.binds)
    sequence = arguments.values[0] if spec.body == "each" and arguments.values else None
    element = hidden.pop(0) if sequence is not None else None
    if spec.assigns == "body" and arguments.name is not None:
        hidden.append(arguments.name)

    def inside(nodes: NodeList) -> None:
        for name in hidden:
            walk.assign(name)
        walk.nodes(site.file, nodes)

    def first(nodes: NodeList) -> None:
        if element is not None:
            walk.loop(site, [element], sequence, partial(inside, nodes))
        elif arguments.binds or hidden:
            with walk.scoped(site, arguments.binds):
                inside(nodes)
        else:
            walk.nodes(site.file, nodes)

    for row, nodes in enumerate(bodies_of(node)):
        render = partial(walk.nodes, site.file, nodes) if row else partial(first, nodes)
        if spec.body == "maybe" or spec.branches:
            with walk.maybe():
                render()
        else:
            render()
    return hidden


def _rest(walk: Walk, node: Node, site: Site) -> None:
    """Walk what follows a tag without an end, where that tag has taken it in, as ``{% render_block %}`` does."""
    for nodes in bodies_of(node):
        walk.nodes(site.file, nodes)


def _includes(walk: Walk, site: Site, spec: TagSpec, arguments: Arguments, hidden: list[str]) -> None:
    """Include the templates that the tag renders, which do not see what the tag hides."""
    with walk.scoped(site, {}):
        for name in hidden:
            walk.assign(name)
        if not isinstance(spec.includes, int):
            for template in spec.includes:
                with walk.maybe():
                    include(walk, site, None, template, arguments.binds, only=arguments.only)
        elif spec.includes < len(arguments.values) and arguments.values[spec.includes] is not None:
            template = arguments.values[spec.includes]
            literal = expression_of(template).literal
            include(walk, site, template, literal, arguments.binds, only=arguments.only)

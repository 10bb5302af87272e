"""Parents, and the blocks that children override."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from django.template import NodeList
from django.template.loader_tags import BlockNode, ExtendsNode

from djust_ast.nodewalk import limits
from djust_ast.nodewalk.expressions import expression_of
from djust_ast.nodewalk.files import File, Site
from djust_ast.nodewalk.tree import ARG
from djust_ast.nodewalk.value import Block, Value

if TYPE_CHECKING:
    from djust_ast.nodewalk.walk import Walk


@dataclass(slots=True)
class Chain:
    """The blocks of a template and its parents, and how many of each name are running."""

    blocks: dict[str, list[tuple[File, BlockNode]]] = field(default_factory=lambda: defaultdict(list))
    running: Counter[str] = field(default_factory=Counter)


class Lineage(NamedTuple):
    """A template, its parents, and whether the last of them is not known."""

    files: list[File]
    is_open: bool


def lineage_of(walk: Walk, file: File) -> Lineage:
    """A template and its parents, as far as they are known."""
    walk.open(file)
    files = [file]
    while (extends := files[-1].extends) is not None:
        from_site = _site(files[-1])
        if len(files) > walk.limits.includes:
            message = f"more than {walk.limits.includes} templates extend one another"
            raise limits.RefusedError(limits.TOO_MANY_INCLUDES, message, from_site.place)
        parent = _parent(walk, from_site, extends, [known.number for known in files])
        if parent is None:
            return Lineage(files, is_open=True)
        walk.open(parent)
        files.append(parent)
    return Lineage(files, is_open=False)


def _parent(walk: Walk, site: Site, extends: ExtendsNode, skip: list[int]) -> File | None:
    """The file of the parent, if it is known."""
    expression = expression_of(extends.parent_name)
    name = expression.literal
    if name is None:
        walk.read(site, extends.parent_name, ARG)
        walk.warn(site, limits.DYNAMIC, "which template is the parent is only known when it renders")
        walk.depend(site, "extends", None, expr=expression.source)
        return None
    parent = walk.resolve(name, skip)
    if parent is None:
        walk.warn(site, limits.MISSING, f"parent template '{name}' cannot be found")
    walk.depend(site, "extends", name, missing=parent is None)
    return parent


def enter(walk: Walk, lineage: Lineage) -> None:
    """Walk the root of a lineage, with the blocks of all."""
    chain = Chain()
    if len(lineage.files) > 1 or lineage.is_open:
        for file in lineage.files:
            for block in file.blocks:
                chain.blocks[block.name].append((file, block))
    push_chain(walk, chain)
    root = lineage.files[-1]
    if lineage.is_open:
        walk.escape_context(_site(root), "extends", None)
        # Each block may render, somewhere.
        for file in reversed(lineage.files):
            with walk.maybe():
                walk.nodes(file, NodeList(file.blocks))
    else:
        walk.nodes(root, root.nodes)


def push_chain(walk: Walk, chain: Chain) -> None:
    """Make ``chain`` the one in which blocks are looked for."""
    walk.chains.append(chain)
    walk.chain = len(walk.chains) - 1


def run_block(walk: Walk, file: File, block: BlockNode) -> None:
    """Walk the most derived block of that name that is not running already."""
    if not _run_override(walk, block.name):
        _run(walk, file, block)


def run_super(walk: Walk, name: str) -> None:
    """Walk the next block up if ``name`` is a block's own variable, so that ``name.super`` renders it."""
    for thing in walk.machine.scope.get(name).things:
        if isinstance(thing, Block) and thing.chain == walk.chain:
            _run_override(walk, thing.name)


def _run_override(walk: Walk, name: str) -> bool:
    chain = walk.chains[walk.chain]
    blocks, row = chain.blocks.get(name, ()), chain.running[name]
    if row >= len(blocks):
        return False
    chain.running[name] += 1
    _run(walk, *blocks[row])
    chain.running[name] -= 1
    return True


def _run(walk: Walk, file: File, block: BlockNode) -> None:
    scope = walk.machine.scope
    scope.push()
    scope.bind("block", Value((Block(walk.chain, block.name),)))
    walk.nodes(file, block.nodelist)
    scope.pop()


def _site(file: File) -> Site:
    return file.site(file.extends.token if file.extends is not None else None)

"""``{% if %}`` and ``{% ifchanged %}``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from django.template import Node, NodeList
from django.template.defaulttags import IfChangedNode, IfNode, TemplateLiteral

from djust_ast.nodewalk.expressions import CONSTANTS, expression_of
from djust_ast.nodewalk.tree import BOOL, CMP, ESC, ITER, Uses

if TYPE_CHECKING:
    from djust_ast.nodewalk.files import Site
    from djust_ast.nodewalk.walk import Walk


class _Read(NamedTuple):
    """A read of an operand; ``members``: a look for a member of it; ``maybe``: one before it decides."""

    compiled: Any
    uses: Uses
    members: bool
    maybe: bool


def if_(walk: Walk, node: IfNode, site: Site) -> None:
    """``{% if %}``: at most one arm renders, and a condition is read only if those before it were false."""
    arms, after = [], None
    for condition, body in node.conditions_nodelists:
        arms.append((_reader(walk, site, condition, after), body))
        after = _last_offset(site, body, after)
    has_else = node.conditions_nodelists[-1][0] is None
    walk.branches(site.file, arms, certain=has_else)


def ifchanged(walk: Walk, node: IfChangedNode, site: Site) -> None:
    """Compares its arguments with those of the round before, or else what its body renders."""
    arguments: Iterable[Any] = node._varlist  # type: ignore[attr-defined]
    for argument in arguments:
        walk.read(site, argument, CMP)
    body, otherwise = node.nodelist_true, node.nodelist_false
    if not arguments:
        # The body always renders, once more if that gave nothing, and `else` may follow it.
        walk.nodes(site.file, body)
        for nodes in (body, otherwise):
            with walk.maybe():
                walk.nodes(site.file, nodes)
    elif otherwise:
        walk.branches(site.file, [(lambda: None, body), (lambda: None, otherwise)], certain=True)
    else:
        with walk.maybe():
            walk.nodes(site.file, body)


def _reader(walk: Walk, site: Site, condition: Any, after: int | None) -> Any:
    reads = list(_reads(condition)) if condition is not None else []

    def read() -> None:
        for operand, uses, members, maybe in reads:
            value = walk.eval(site, operand, maybe=maybe, after=after, lenient=True)
            walk.machine.consume(value, CMP | ITER if members else uses, maybe)
            if members:
                walk.machine.consume(walk.machine.element(value), CMP, maybe)

    return read


def _reads(condition: Any) -> Iterator[_Read]:
    """The operands in the order in which they are read.

    The right side of ``and`` and ``or`` may not be, nor that of an operator whose left one fails.
    """
    todo = [_Read(condition, BOOL, False, False)]
    while todo:
        node, uses, members, maybe = todo.pop()
        if isinstance(node, TemplateLiteral):
            yield _Read(node.value, uses, members, maybe)
            continue
        left = _Read(node.first, CMP, False, maybe)
        right = _Read(node.second, CMP, False, maybe or _fails(node.first))
        match node.id:
            case "not":
                todo.append(left._replace(uses=BOOL))
                continue
            case "or" | "and":
                # The value of `a or b` may itself be compared or looked into.
                left = left._replace(uses=uses if members else uses | BOOL, members=members)
                right = right._replace(uses=uses, members=members, maybe=True)
            case "in" | "not in":
                right = right._replace(members=True)
            case "is" | "is not" if not (_is_constant(node.first) or _is_constant(node.second)):
                left, right = left._replace(uses=ESC), right._replace(uses=ESC)
        todo += [right, left]


def _fails(node: Any) -> bool:
    """Whether an operand may have no value at all, which makes the whole operation false."""
    return isinstance(node, TemplateLiteral) and expression_of(node.value).fails


def _is_constant(node: Any) -> bool:
    return isinstance(node, TemplateLiteral) and expression_of(node.value).bare_name in CONSTANTS


def _last_offset(site: Site, body: NodeList, after: int | None) -> int | None:
    """An offset in an arm, behind which the next one is; there is no node for ``{% elif %}``."""
    tokens = [node.token for node in [*_deep(body)] if node.token is not None]
    token = tokens[-1] if tokens else site.token
    offset = site.file.offset(token) if token is not None else None
    return max(offset, after or 0) if offset is not None else after


def _deep(nodes: NodeList) -> Iterator[Node]:
    for node in nodes:
        yield node
        for name in node.child_nodelists:
            yield from _deep(getattr(node, name, None) or NodeList())

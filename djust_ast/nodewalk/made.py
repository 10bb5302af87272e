"""Tags that the decorators of ``Library`` make: arguments, and perhaps the context, go to a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.template import defaulttags
from django.template.library import InclusionNode, SimpleNode

from djust_ast.nodewalk import includes
from djust_ast.nodewalk.tree import BOOL, OUT
from djust_ast.tagbodies import context_reads

if TYPE_CHECKING:
    from djust_ast.nodewalk.files import Site
    from djust_ast.nodewalk.walk import Walk

# Django's own, which read `request` off the context, and of its names only these.
_OWN = {
    id(getattr(defaulttags, name)): keys
    for name, keys in (("querystring", ()), ("csp_nonce_attr", ("csp_nonce",)))
    if hasattr(defaulttags, name)
}


def simple(walk: Walk, node: SimpleNode, site: Site) -> None:
    """What ``@simple_tag`` and ``@simple_block_tag`` make."""
    for name in _OWN.get(id(node.func), ()):
        walk.read_key(site, name, BOOL | OUT, site.place)
    _arguments(walk, node, site)
    if hasattr(node, "nodelist"):
        walk.nodes(site.file, node.nodelist)
    walk.assign(node.target_var)


def inclusion(walk: Walk, node: InclusionNode, site: Site) -> None:
    """What ``@inclusion_tag`` makes."""
    _arguments(walk, node, site)
    includes.inclusion(walk, node, site)


def _arguments(walk: Walk, node: Any, site: Site) -> None:
    for argument in (*node.args, *node.kwargs.values()):
        walk.escape(site, argument, site.command)
    if node.takes_context and id(node.func) not in _OWN:
        walk.escape_context(site, site.command, context_reads(node.func))

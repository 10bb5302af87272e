"""Templates and partials that render in the middle of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import django
from django.template import Node, Template
from django.template.library import InclusionNode

from djust_ast.nodewalk import limits
from djust_ast.nodewalk.expressions import expression_of
from djust_ast.nodewalk.files import File, Site
from djust_ast.nodewalk.lineage import Chain, Lineage, enter, lineage_of, push_chain
from djust_ast.nodewalk.tree import ARG, ESC, OUT

if TYPE_CHECKING:
    from djust_ast.nodewalk.walk import Walk


def include(
    walk: Walk, site: Site, template: Any, name: str | None, binds: Mapping[str, Any], *, only: bool
) -> None:
    """A template in the scope around it or, if it is ``only`` for what is handed in, in its own.

    ``template`` is the expression that says which, and ``name`` what it says if it is a literal.
    """
    if name is None:
        walk.read(site, template, ARG)
        walk.depend(site, "include", None, expr=expression_of(template).source, only=only)
        message = "which template is included is only known when it renders"
        walk.warn(site, limits.DYNAMIC, message)
        _escape(walk, site, binds, only)
        return
    path, partial = _split(name)
    file = walk.resolve(path)
    lineage = _usable(walk, site, file, partial) if file is not None else None
    walk.depend(site, "include", name, only=only, missing=lineage is None)
    if file is None:
        walk.warn(site, limits.MISSING, f"template '{path}' cannot be found")
    if file is None or lineage is None:
        with walk.scoped(site, binds, wall=only):
            pass  # The names are made, if only for nobody.
        _escape(walk, site, binds, only)
    elif walk.is_third_time(file, partial):
        walk.warn(site, limits.RECURSIVE, f"template '{name}' includes itself")
        walk.cut(file, partial)
        _escape_binds(walk, site, binds)
    else:
        if len(walk.active) > walk.limits.includes:
            message = f"templates include one another more than {walk.limits.includes} deep"
            raise limits.RefusedError(limits.TOO_MANY_INCLUDES, message, site.place)
        chain, depth = walk.chain, walk.machine.scope.depth
        with walk.scoped(site, binds, wall=only), walk.entered(file, partial, depth):
            _run(walk, file, partial, lineage)
        walk.chain = chain


def inclusion(walk: Walk, node: InclusionNode, site: Site) -> None:
    """The template of an inclusion tag, which sees what the function returns, and the CSRF token."""
    walk.machine.consume(walk.machine.name("csrf_token"), OUT, True)
    template = getattr(node.filename, "template", node.filename)
    if isinstance(template, Template):
        walk.depend(site, "inclusion_tag", template.name, tag=site.command, only=True)
        return
    names = [template] if isinstance(template, str) else [str(name) for name in template or ()]
    found = next((name for name in names if walk.resolve(name) is not None), None)
    name = found or (names[0] if names else None)
    missing = found is None and bool(names)
    walk.depend(site, "inclusion_tag", name, tag=site.command, only=True, missing=missing)


def partial(walk: Walk, node: Node, site: Site) -> None:
    """``{% partial %}``: the body of a ``{% partialdef %}`` of the file, in the scope of the caller."""
    name: str = node.partial_name  # type: ignore[attr-defined]
    body = site.file.partials.get(name)
    walk.depend(site, "partial", name, missing=body is None)
    if body is None:
        _no_partial(walk, site, name)
    elif walk.is_third_time(site.file, name):
        walk.warn(site, limits.RECURSIVE, "the partial renders itself")
        walk.cut(site.file, name)
    else:
        with walk.entered(site.file, name):
            walk.nodes(site.file, body)


def _split(name: str) -> tuple[str, str | None]:
    """The template and the partial of a name; there are partials since Django 6."""
    path, mark, partial = name.partition("#")
    return (path, partial or None) if mark and django.VERSION >= (6, 0) else (name, None)


def _usable(walk: Walk, site: Site, file: File, partial: str | None) -> Lineage | None:
    """The lineage of a file, or itself for one of its partials; ``None`` if it cannot be used."""
    try:
        if partial is None:
            return lineage_of(walk, file)
        walk.open(file)
    except limits.RefusedError as refused:
        if refused.is_limit:
            raise
        if walk.is_new("broken", site):
            walk.diagnose("error", limits.BROKEN, refused.message, refused.place)
        return None
    if partial in file.partials:
        return Lineage([file], is_open=False)
    _no_partial(walk, site, partial)
    return None


def _no_partial(walk: Walk, site: Site, name: str) -> None:
    message = f"Partial '{name}' is not defined in the current template."
    walk.warn(site, limits.NO_PARTIAL, message, severity="error")


def _run(walk: Walk, file: File, partial: str | None, lineage: Lineage) -> None:
    if partial is None:
        enter(walk, lineage)
    else:
        push_chain(walk, Chain())
        walk.nodes(file, file.partials[partial])


def _escape(walk: Walk, site: Site, binds: Mapping[str, Any], only: bool) -> None:
    """Let go of what a template that we do not know can see."""
    _escape_binds(walk, site, binds)
    if not only:
        walk.escape_context(site, "include", None)


def _escape_binds(walk: Walk, site: Site, binds: Mapping[str, Any]) -> None:
    for compiled in binds.values():
        walk.machine.consume(walk.eval(site, compiled), ESC)

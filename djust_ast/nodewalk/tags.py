"""What each class of nodes reads: one function each, found by the exact class in a table.

A subclass may render anything, and so may a class whose ``render`` somebody has replaced: those are unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.template import defaulttags, library, loader_tags
from django.template.base import Node, TextNode, VariableNode
from django.templatetags import cache, i18n, l10n, static, tz

from djust_ast.nodewalk import branching, includes, lineage, made, specified, translation, unknown
from djust_ast.nodewalk.expressions import expression_of
from djust_ast.nodewalk.filters import either
from djust_ast.nodewalk.found import bodies_of
from djust_ast.nodewalk.tree import ARG, BOOL, CMP, ITER, NUM, OUT, Uses
from djust_ast.nodewalk.value import NOTHING, Groups, Value

if TYPE_CHECKING:
    from djust_ast.nodewalk.files import Site
    from djust_ast.nodewalk.walk import Walk

Handler = Callable[["Walk", Any, "Site"], None]


def handler_of(node: Node, site: Site) -> Handler:
    """The function that knows what ``node`` reads."""
    handler = _TABLE.get(type(node)) if _is_djangos(node) else None
    if handler is not None and handler not in _MADE:
        return handler
    spec = specified.spec_of(node, site)
    if spec is not None:
        return partial(specified.specified, spec)
    if handler is None and type(node) in _TABLE and not bodies_of(node):
        return partial(_replaced, _TABLE[type(node)])
    return handler or unknown.unknown


def is_unknown(node: Node, site: Site) -> bool:
    """Whether nothing is known of ``node``, or its spec does not speak of all that stands in the tag."""
    if _is_djangos(node) and _TABLE[type(node)] not in _MADE:
        return False
    spec = specified.spec_of(node, site)
    if spec is None:
        return not _is_djangos(node)
    return specified.arguments_of(site, spec) is None


def _is_djangos(node: Node) -> bool:
    """Whether the class of ``node`` is known, and its ``render`` still its own."""
    kind = type(node)
    return kind in _TABLE and getattr(kind.render, "__module__", None) == kind.__module__


def _replaced(handler: Handler, walk: Walk, node: Node, site: Site) -> None:
    """A class of Django's with a ``render`` of somebody else's: that may read anything, and mostly reads the same."""
    unknown.let_go(walk, node, site)
    with walk.maybe():
        handler(walk, node, site)


def _nothing(walk: Walk, node: Node, site: Site) -> None:
    pass


def _variable(walk: Walk, node: VariableNode, site: Site) -> None:
    walk.read(site, node.filter_expression, OUT)


def _body(walk: Walk, node: Any, site: Site) -> None:
    """A body that renders in the scope around it."""
    walk.nodes(site.file, node.nodelist)


def _assigns(attribute: str) -> Handler:
    """A tag that reads nothing and binds the name in ``attribute``, if there is one."""
    return lambda walk, node, site: walk.assign(getattr(node, attribute))


def _argument(attribute: str, uses: Uses = ARG) -> Handler:
    """A tag with one argument, and perhaps a body."""

    def handle(walk: Walk, node: Any, site: Site) -> None:
        walk.read(site, getattr(node, attribute), uses)
        if hasattr(node, "nodelist"):
            walk.nodes(site.file, node.nodelist)

    return handle


def _block(walk: Walk, node: loader_tags.BlockNode, site: Site) -> None:
    lineage.run_block(walk, site.file, node)


def _cache(walk: Walk, node: cache.CacheNode, site: Site) -> None:
    """The body does not run when its output is in the cache."""
    for argument in (node.expire_time_var, *node.vary_on, node.cache_name):
        if argument is not None:
            walk.read(site, argument, ARG)
    with walk.maybe():
        walk.nodes(site.file, node.nodelist)


def _csrf_token(walk: Walk, node: Node, site: Site) -> None:
    walk.read_key(site, "csrf_token", BOOL | OUT, site.place)


def _cycle(walk: Walk, node: defaulttags.CycleNode, site: Site) -> None:
    """Which value it is after the first round is not known; the name is bound wherever it is bound already."""
    any_value = NOTHING
    for row, value in enumerate(node.cyclevars):
        if not node.silent:
            walk.read(site, value, OUT, maybe=walk.repeated or row > 0)
    if node.variable_name:
        for value in node.cyclevars:
            any_value = either(walk.machine, any_value, walk.eval(site, value))
        walk.machine.scope.bind_upward(node.variable_name, any_value)


def _debug(walk: Walk, node: Node, site: Site) -> None:
    walk.escape_context(site, "debug", None)


def _filter(walk: Walk, node: defaulttags.FilterNode, site: Site) -> None:
    """The body renders first: what it assigns is what the arguments read; the input is its text."""
    walk.nodes(site.file, node.nodelist)
    walk.read(site, expression_of(node.filter_expr).without_head, OUT, skip=len("var|"))


def _firstof(walk: Walk, node: defaulttags.FirstOfNode, site: Site) -> None:
    """The first true value is printed; those after it are not read."""
    for row, value in enumerate(node.vars):
        walk.read(site, value, BOOL | OUT, maybe=row > 0)
    walk.assign(node.asvar)


def _for(walk: Walk, node: Any, site: Site) -> None:
    walk.loop(site, node.loopvars, node.sequence, partial(walk.nodes, site.file, node.nodelist_loop))
    if node.nodelist_empty:
        walk.machine.scope.push()
        with walk.maybe():
            walk.nodes(site.file, node.nodelist_empty)
        walk.machine.scope.pop()


def _include(walk: Walk, node: loader_tags.IncludeNode, site: Site) -> None:
    name = expression_of(node.template).literal
    includes.include(walk, site, node.template, name, node.extra_context, only=node.isolated_context)


def _regroup(walk: Walk, node: defaulttags.RegroupNode, site: Site) -> None:
    """Groups elements by ``name.key``, which is an expression of its own."""
    machine, name = walk.machine, node.var_name
    target = walk.eval(site, node.target)
    machine.consume(target, ITER)
    element = machine.element(target)
    machine.scope.push()
    machine.scope.bind(name, element)
    key = walk.eval(site, node.expression, skip=len(name) + 1)
    machine.scope.pop()
    machine.consume(key, CMP)
    machine.bind_local(name, Value((Groups(machine.keep(element), machine.keep(key)),)))


def _url(walk: Walk, node: defaulttags.URLNode, site: Site) -> None:
    for argument in (node.view_name, *node.args, *node.kwargs.values()):
        walk.read(site, argument, ARG)
    walk.assign(node.asvar)


def _static(walk: Walk, node: static.StaticNode, site: Site) -> None:
    walk.read(site, node.path, ARG)
    walk.assign(node.varname)


def _widthratio(walk: Walk, node: defaulttags.WidthRatioNode, site: Site) -> None:
    # Without the argument of a filter nothing more is read; there is no result, nor a name for it.
    maybe = False
    for argument in (node.val_expr, node.max_expr, node.max_width):
        walk.machine.consume(walk.eval(site, argument, maybe=maybe, lenient=True), NUM, maybe)
        maybe = maybe or expression_of(argument).misses
    if node.asvar and maybe:
        with walk.maybe():
            walk.assign(node.asvar)
    else:
        walk.assign(node.asvar)


def _with(walk: Walk, node: defaulttags.WithNode, site: Site) -> None:
    with walk.scoped(site, node.extra_context):
        walk.nodes(site.file, node.nodelist)


_TABLE: dict[type[Node], Handler] = {
    TextNode: _nothing,
    VariableNode: _variable,
    cache.CacheNode: _cache,
    defaulttags.AutoEscapeControlNode: _body,
    defaulttags.CommentNode: _nothing,
    defaulttags.CsrfTokenNode: _csrf_token,
    defaulttags.CycleNode: _cycle,
    defaulttags.DebugNode: _debug,
    defaulttags.FilterNode: _filter,
    defaulttags.FirstOfNode: _firstof,
    defaulttags.ForNode: _for,
    defaulttags.IfChangedNode: branching.ifchanged,
    defaulttags.IfNode: branching.if_,
    defaulttags.LoadNode: _nothing,
    defaulttags.LoremNode: _argument("count", NUM),
    defaulttags.NowNode: _assigns("asvar"),
    defaulttags.RegroupNode: _regroup,
    defaulttags.ResetCycleNode: _nothing,
    defaulttags.SpacelessNode: _body,
    defaulttags.TemplateTagNode: _nothing,
    defaulttags.URLNode: _url,
    defaulttags.VerbatimNode: _nothing,
    defaulttags.WidthRatioNode: _widthratio,
    defaulttags.WithNode: _with,
    i18n.BlockTranslateNode: translation.blocktranslate,
    i18n.GetAvailableLanguagesNode: _assigns("variable"),
    i18n.GetCurrentLanguageBidiNode: _assigns("variable"),
    i18n.GetCurrentLanguageNode: _assigns("variable"),
    i18n.GetLanguageInfoListNode: translation.language_info_list,
    i18n.GetLanguageInfoNode: translation.language_info,
    i18n.LanguageNode: _argument("language"),
    i18n.TranslateNode: translation.translate,
    l10n.LocalizeNode: _body,
    library.InclusionNode: made.inclusion,
    library.SimpleBlockNode: made.simple,
    library.SimpleNode: made.simple,
    loader_tags.BlockNode: _block,
    loader_tags.ExtendsNode: _nothing,
    loader_tags.IncludeNode: _include,
    static.PrefixNode: _assigns("varname"),
    static.StaticNode: _static,
    tz.GetCurrentTimezoneNode: _assigns("variable"),
    tz.LocalTimeNode: _body,
    tz.TimezoneNode: _argument("tz"),
}


def _partialdef(walk: Walk, node: Any, site: Site) -> None:
    if node.inline:
        walk.nodes(site.file, node.nodelist)


# New in Django 6.
for _name, _handler in (("PartialDefNode", _partialdef), ("PartialNode", includes.partial)):
    if hasattr(defaulttags, _name):
        _TABLE[getattr(defaulttags, _name)] = _handler

_MADE = (made.inclusion, made.simple)
"""What knows nodes of anybody's functions, for which there may be specs."""

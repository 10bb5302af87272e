"""Translation, and tags that bind what is known of languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.template.base import TokenType
from django.templatetags.i18n import (
    BlockTranslateNode,
    GetLanguageInfoListNode,
    GetLanguageInfoNode,
    TranslateNode,
)

from djust_ast.nodewalk.expressions import expression_of
from djust_ast.nodewalk.tree import ARG, ITER, LEN, NUM, OUT

if TYPE_CHECKING:
    from djust_ast.nodewalk.files import Site
    from djust_ast.nodewalk.walk import Walk


def translate(walk: Walk, node: TranslateNode, site: Site) -> None:
    """``{% translate %}``: what is translated is the value that the filters then get."""
    message = expression_of(node.filter_expression)
    if message.calls:
        walk.read(site, message.without_calls, OUT)
    walk.read(site, node.filter_expression, OUT)
    if node.message_context is not None:
        walk.read(site, node.message_context, ARG)
    walk.assign(node.asvar)


def blocktranslate(walk: Walk, node: BlockTranslateNode, site: Site) -> None:
    """``{% blocktranslate %}``: the variables of its body are names of the context as they stand."""
    if node.message_context is not None:
        walk.read(site, node.message_context, ARG)
    counted = {node.countervar: node.counter} if node.countervar and node.counter else {}
    tokens = [*node.singular, *(node.plural or ())]
    with walk.scoped(site, node.extra_context):
        for counter in counted.values():
            walk.read(site, counter, NUM)
        with walk.scoped(site, counted):
            for token in tokens:
                if token.token_type is TokenType.VAR:
                    place = site.file.of_contents(token)
                    walk.read_key(site, token.contents, OUT, place)
    walk.assign(node.asvar)


def language_info(walk: Walk, node: GetLanguageInfoNode, site: Site) -> None:
    """``{% get_language_info for code as name %}``."""
    walk.read(site, node.lang_code, ARG)
    walk.assign(node.variable)


def language_info_list(walk: Walk, node: GetLanguageInfoListNode, site: Site) -> None:
    """``{% get_language_info_list for codes as name %}``: codes, or pairs that start with one."""
    machine = walk.machine
    codes = walk.eval(site, node.languages)
    machine.consume(codes, ITER)
    code = machine.element(codes)
    machine.consume(code, ARG)
    machine.consume(machine.item(code, 0), ARG | LEN)
    walk.assign(node.variable)

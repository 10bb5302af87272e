"""Django is the judge: whatever it looks up while it renders is in the extracted tree."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.template import Engine, Library, Node, base
from django.template.backends.django import get_installed_libraries
from django.template.base import token_kwargs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import djust_ast
from djust_ast._extractor import ExtractError
from djust_ast.frontend import Sources
from tests.grammar import LOAD, broken, pages
from tests.recorder import ELEMENT, Log, check, check_conditions, raised_by_a_tag, record, tree_of, walk

# -- tags and filters that Django does not have, as `{% load probe %}`

register = Library()


@register.simple_tag
def avatar(obj, size=None):
    return f"{obj.image.url}?{size}"


@register.simple_tag
def same(obj):
    return obj


@register.simple_tag(takes_context=True)
def nav(context):
    return "".join(str(item.title) for item in context["menu"])


@register.simple_tag(takes_context=True)
def crumb(context, page):
    return f"{context[page.key]}"


@register.simple_block_tag
def panel(content, title):
    return f"{title.text}{content}"


@register.inclusion_tag("badge.html")
def badge(status):
    return {"label": status.label, "status": status}


@register.inclusion_tag("badge.html", takes_context=True)
def ctx_badge(context):
    return {"label": context["user"].name, "status": context.get("status")}


@register.filter
def money(value, currency="EUR"):
    return f"{value.amount} {currency}"


@register.filter
def hidden(value):
    return value.secret


class ElementNode(Node):
    def __init__(self, nodelists, expressions, name):
        self.nodelists, self.expressions, self.name = nodelists, expressions, name
        self.nodelist = nodelists[0]

    def render(self, context):
        values = [expression.resolve(context) for expression in self.expressions]
        with context.push(**({self.name: values[0]} if self.name else {})):
            output = "".join(nodelist.render(context) for nodelist in self.nodelists)
        return output + "".join(str(value.slug) for value in values)


@register.tag
def element(parser, token):
    """``{% element expr... [as name] %}..[{% empty %}..]{% endelement %}``, of which no spec tells."""
    bits = token.split_contents()[1:]
    name = bits[-1] if bits[-2:-1] == ["as"] else None
    bits = bits[:-2] if name else bits
    kwargs = token_kwargs(bits, parser)
    expressions = [*kwargs.values(), *(parser.compile_filter(bit) for bit in bits)]
    nodelists = [parser.parse(("empty", "endelement"))]
    if parser.next_token().contents == "empty":
        nodelists.append(parser.parse(("endelement",)))
        parser.delete_first_token()
    return ElementNode(nodelists, expressions, name)


class ShuffleNode(Node):
    def __init__(self, first, second):
        self.nodelist, self.others = first, second

    def render(self, context):
        return "".join(nodelist.render(context) for nodelist in [self.others, self.nodelist] * 2)


@register.tag
def shuffle(parser, token):
    """``{% shuffle %}..{% else %}..{% endshuffle %}``: the second body, the first, and both again."""
    first = parser.parse(("else",))
    parser.next_token()
    second = parser.parse(("endshuffle",))
    parser.delete_first_token()
    return ShuffleNode(first, second)


class TextNode(Node):
    def __init__(self, texts):
        self.texts = texts

    def render(self, context):
        return "".join(context.template.engine.from_string(text).render(context) for text in self.texts)


@register.tag
def texts(parser, token):
    """``{% texts title="{{ a.b }}" %}``, whose arguments are templates."""
    bits = token.split_contents()[1:]
    return TextNode([bit[bit.index(quote) + 1 : -1] for bit in bits for quote in bit[-1]])


class KeepNode(Node):
    def __init__(self, expression, name):
        self.expression, self.name = expression, name

    def render(self, context):
        context[self.name] = self.expression.resolve(context)
        return ""


class PairNode(Node):
    def __init__(self, pairs):
        self.pairs = pairs

    def render(self, context):
        return "".join(f"{key.resolve(context)}{value.resolve(context)}" for key, value in self.pairs)


@register.tag
def pairs(parser, token):
    """``{% pairs a.b=c.d (e.f,g.h) %}``, a grammar of its own."""
    bits = [bit.strip("()").replace(",", "=").split("=") for bit in token.split_contents()[1:]]
    return PairNode([(parser.compile_filter(key), parser.compile_filter(value)) for key, value in bits])


@register.tag
def keep(parser, token):
    """``{% keep expr as name %}``, an assignment that no spec tells of."""
    _, expression, _, name = token.split_contents()
    return KeepNode(parser.compile_filter(expression), name)


@register.tag
def fails(parser, token):
    """A tag that cannot be compiled, for a reason of its own."""
    raise LookupError("no such thing")


# -- both sides


def engine_of(**options: Any) -> Engine:
    """Return an engine with the libraries of all installed apps, and those of this file."""
    humanize = "django.contrib.humanize.templatetags.humanize"
    return Engine(libraries=get_installed_libraries() | {"humanize": humanize, "probe": __name__}, **options)


@pytest.fixture(scope="module")
def in_memory() -> tuple[Engine, dict[str, str]]:
    """An engine, and the dict of its templates, which each test fills."""
    templates: dict[str, str] = {}
    return engine_of(loaders=[("django.template.loaders.locmem.Loader", templates)]), templates


def both(
    engine: Engine, templates: dict[str, str], files: str | dict[str, str]
) -> tuple[Log, dict[str, Any]]:
    templates.clear()
    templates.update(SHARED, **({"p.html": files} if isinstance(files, str) else files))
    return record(engine, "p.html"), tree_of(engine, "p.html")


def assert_sound(log: Log, tree: dict[str, Any]) -> None:
    """Nothing was missed, and no context escape is needed but for what the code of a tag reads."""
    assert [str(miss) for miss in check(log, tree)] == []
    assert [str(miss) for miss in check(log, tree, trust_context=False) if not miss.by_tag] == []


SHARED = {
    "badge.html": "{{ label }}{{ status.icon.name }}{{ free.name }}{% csrf_token %}",
    "card.html": "{{ owner.name }}{{ site.name }}",
    "foot.html": "{{ site.name }}",
    "item.html": "{{ item.title }}{% for tag in item.tags.all %}{{ tag.name }}{% endfor %}",
    "sets.html": "{% firstof a.x b.x as won %}{{ won }}{% cycle a.one a.two as turn %}{{ turn.deep }}",
    "base.html": "{% for item in items %}{% block row %}{{ item.pk }}{% endblock %}{% endfor %}"
    "{% block foot %}{{ site.owner.name }}{% endblock %}",
    "middle.html": '{% extends "base.html" %}{% block row %}[{{ item.mid }}{{ block.super }}]{% endblock %}',
    "tree.html": "{{ node.name }}{% for child in node.children.all %}"
    '{% include "tree.html" with node=child %}{% endfor %}',
}

# -- 1. templates that are easy to get wrong

EXAMPLES = {
    "attribute-index-filter-argument": (
        "<h1>{{ order.customer.name }}</h1>\n{{ order.lines.0.sku|default:fallback.sku }}",
        "fallback.sku=arg,out order.customer.name=out order.lines.0.sku=bool,out",
    ),
    "loop-unpacking-empty": (
        "{% for book in author.books.all %}\n  {{ forloop.counter }} {{ book.title }} {{ book.publisher.name }}\n"
        "{% empty %}{{ labels.none }}{% endfor %}\n"
        "{% for key, val in meta.items %}{{ key }}={{ val.text }}{% endfor %}",
        "author.books.all=iter,len author.books.all.*.publisher.name=out author.books.all.*.title=out "
        "labels.none=out? meta.items=iter,len meta.items.*=iter meta.items.*.0=out meta.items.*.1.text=out",
    ),
    "truth-length-comparison": (
        "{% if cart.items %}{{ cart.items|length }}{% endif %}\n"
        "{% if user == post.author or user in post.editors.all %}edit{% endif %}",
        "cart.items=bool,len post.author=cmp post.editors.all=cmp,iter? post.editors.all.*=cmp? user=cmp",
    ),
    "with-parallel-and-legacy": (
        "{% with t=lease.tenant.user p=t.x %}{{ t.email }} {{ p.y }}{% endwith %}\n"
        "{% with lease.prop as q %}{{ q.city }}{% endwith %}",
        "lease.prop.city=out lease.tenant.user.email=out t.x.y=out",
    ),
    "include-with-only-dynamic": (
        '{% for e in entries %}{% include "card.html" with owner=e.author only %}{% endfor %}\n'
        '{% include "foot.html" %}{% include widget.template %}',
        "entries=iter,len entries.*.author.name=out site.name=out widget.template=arg",
    ),
    "extends-block-in-loop-super": (
        '{% extends "base.html" %}{{ never.rendered }}\n'
        "{% block row %}<b>{{ item.title }}</b>{{ block.super }}{% endblock %}{% block foot %}{% endblock %}",
        "items=iter,len items.*.pk=out items.*.title=out",
    ),
    "regroup": (
        '{% regroup cities|dictsort:"country.name" by country.name as groups %}\n'
        "{% for g in groups %}{{ g.grouper }}{% for c in g.list %}{{ c.pop }}{% endfor %}{% endfor %}",
        "cities=iter cities.*.country.name=cmp,out cities.*.pop=out",
    ),
    "simple-and-inclusion-tags": (
        "{% load probe %}{% avatar post.author size=sz as url %}{{ url }}\n{% badge post.status %}",
        "csrf_token=out? post.author=esc post.status=esc sz=esc",
    ),
    "blocktranslate-raw-keys": (
        "{% load i18n %}{% blocktranslate with n=user.name count c=xs|length %}\n"
        "{{ n }} has {{ c }} in {{ city }} {{ a.b }}{% plural %}{{ n }} {{ c }} {{ state }}{% endblocktranslate %}"
        "{% translate page.title as t %}{{ t }}",
        "'a.b'=out city=out page.title=out state=out user.name=out xs=len",
    ),
    "branches-cycle-firstof-json": (
        "{% if a.x %}{{ a.y }}{% elif b.z > 3 %}{{ c }}{% endif %}{% firstof m.n o.p %}\n"
        '{% for r in rows %}{% cycle r.odd "even" as k %}{{ k }}{% endfor %}{{ payload|json_script:"d" }}',
        "a.x=bool a.y=out? b.z=cmp? c=out? k=out? m.n=bool,out o.p=bool,out? payload=esc rows=iter,len rows.*.odd=out",
    ),
}

CASES: dict[str, str | dict[str, str]] = {
    **{name: source for name, (source, _) in EXAMPLES.items()},
    # names and look-ups
    "variable-deep": "{{ a.b.c.d.e }}{{ a.b }}{{ a }}",
    "variable-literals": "{{ 'x' }}{{ 1.5 }}{{ _('hi') }}{{ True }}{{ None }}{{ 'a'|default:b.c }}{{ _('a')|add:b.d }}",
    "variable-index-chain": "{{ a.0.1.b }}{{ a.items.0.1 }}{{ a.2 }}",
    "variable-shadowed-loop-name": "{{ x.out }}{% for x in x.all %}{{ x.in }}{% for x in x.all %}{{ x.deep }}"
    "{% endfor %}{{ x.after }}{% endfor %}{{ x.end }}",
    "variable-named-like-a-builtin": "{{ forloop.counter }}{{ block.super }}{{ csrf_token }}{{ items.items.items }}",
    # if
    "if-operators": "{% if a.x and b.x or not c.x %}1{% endif %}{% if a.y == b.y and c.y != 'q' or d.y < 3 %}{% endif %}"
    "{% if a.z not in b.z %}{% endif %}{% if a.n is None %}{% elif b.n is not c.n %}{% endif %}",
    "if-filters": "{% if a.x|length > b.n|add:1 %}{{ c.x }}{% else %}{{ c.y }}{% endif %}",
    "if-in-elements": "{% if a.id in b.ids %}{% endif %}{% if 'x' in c.names %}{% endif %}{% if d.k in 'abc' %}{% endif %}",
    "if-assignments-join": "{% if a %}{% firstof b.x as f %}{% else %}{% cycle c.x c.y as f %}{% endif %}{{ f.z }}",
    "if-regroup-join": "{% if a %}{% regroup xs by kind as g %}{% endif %}{% for k in g %}{{ k.list.0.name }}{{ k.any }}{% endfor %}",
    "if-comparison-of-loop-value": "{% for x in xs %}{% if x == y.best %}{{ x.name }}{% endif %}{% endfor %}",
    # for
    "for-nested-same-name": "{% for a in a.b %}{% for a in a.c %}{{ a.d }}{% endfor %}{% endfor %}",
    "for-unpack-nested": "{% for k, vs in groups.items %}{{ k.name }}{% for v, w in vs %}{{ v.x }}{{ w }}{% endfor %}{% endfor %}",
    "for-unpack-three-index": "{% for a, b, c in rows %}{{ a.0 }}{{ b.k.0 }}{% if c %}{{ c.z }}{% endif %}{% endfor %}",
    "for-unpack-and-whole": "{% for p in rows %}{{ p.0.name }}{{ p.1 }}{% endfor %}{% for a, b in rows %}{{ a.id }}{{ b.id }}{% endfor %}",
    "for-reversed-filtered": '{% for x in xs.all|slice:":3" reversed %}{{ x.n }}{% endfor %}{% for x in ys|dictsort:"a.b" %}{{ x.c }}{% endfor %}',
    "for-parentloop": "{% for a in xs %}{% for b in a.ys %}{{ forloop.parentloop.counter }}{{ forloop.first|yesno:b.t }}"
    "{% if forloop.last %}{{ a.end }}{% endif %}{% endfor %}{% endfor %}",
    "for-empty-sees-outer": "{% for x in xs %}{{ x.a }}{% empty %}{{ x.b }}{% for y in x.c %}{{ y.d }}{% endfor %}{% endfor %}",
    "for-carried-cycle": "{% for r in rows %}{{ k.before }}{% cycle r.a r.b as k %}{{ k.after }}{% endfor %}{{ k.end }}",
    "for-carried-regroup": "{% for r in rows %}{% for g in gs %}{{ g.grouper }}{{ g.list.0.n }}{% endfor %}"
    "{% regroup r.items by kind as gs %}{% endfor %}",
    "for-carried-two-steps": "{% for r in rows %}{{ c.x }}{% cycle b.x as c %}{% cycle a.x as b %}{% cycle r.x as a %}{% endfor %}",
    "for-over-literal-and-string": "{% for c in 'abc' %}{{ c }}{{ d.e }}{% endfor %}{% for x in a|make_list %}{{ x }}{% endfor %}",
    "for-over-index": "{% for x in grid.0 %}{% for y in x.1 %}{{ y.v }}{% endfor %}{% endfor %}",
    # with and scopes
    "with-shadow-restored": "{% with a=b.c %}{{ a.x }}{% with a=a.d %}{{ a.y }}{% endwith %}{{ a.z }}{% endwith %}{{ a.q }}",
    "with-swap": "{% with a=b b=a %}{{ a.x }}{{ b.y }}{% endwith %}",
    "with-filters": "{% with n=xs|length f=xs|first l=xs|last d=a.x|default:b.y %}{{ n }}{{ f.i }}{{ l.j }}{{ d.k }}{% endwith %}",
    "with-unused": "{% with a=b.c %}{% endwith %}{% with a=b.c|default:d %}{{ e }}{% endwith %}",
    "with-loop-inside": "{% with xs=page.items.all %}{% for x in xs %}{{ x.a }}{% endfor %}{% if xs %}{{ xs.0.b }}{% endif %}{% endwith %}",
    # include
    "include-sees-loop-variable": '{% for item in items %}{% include "item.html" %}{% endfor %}{% include "item.html" %}',
    "include-with": '{% include "item.html" with item=page.main %}{% include "item.html" with item=xs|first %}{{ item.own }}',
    "include-only-hides": '{% include "card.html" with owner=a.b only %}{% with site=c %}{% include "card.html" only %}{% endwith %}',
    "include-recursive": '{% include "tree.html" with node=root.top %}',
    "include-assigns-nothing-outside": '{% include "sets.html" %}{{ won.a }}{{ turn.b }}',
    "include-in-with-chain": {
        "p.html": '{% with item=a.b %}{% include "q.html" with wrap=item.c %}{% endwith %}',
        "q.html": '{{ wrap.w }}{% include "item.html" %}{% include "./item.html" with item=wrap %}',
    },
    "include-missing-and-name-list": '{% include "nowhere.html" %}{% include "foot.html"|default:x.y %}',
    "include-with-extends": {
        "p.html": '{% for items in groups %}{% include "child.html" %}{% endfor %}',
        "child.html": '{% extends "base.html" %}{% block row %}{{ item.child }}{{ block.super }}{% endblock %}',
    },
    # extends
    "block-alone": "{% block a %}{{ x.y }}{{ block.name }}{% endblock %}{% with x=z %}{% block b %}{{ x.w }}{% endblock %}{% endwith %}",
    "block-super-three-levels": '{% extends "middle.html" %}{% block row %}{{ block.super }}{{ item.child }}{% endblock %}',
    "block-super-in-a-loop-of-the-child": '{% extends "base.html" %}{% block row %}{% for item in item.parts %}{{ block.super }}{% endfor %}{% endblock %}',
    "block-super-in-if-and-with": '{% extends "base.html" %}{% block row %}{% if a.b %}{% with item=a.c s=block.super %}'
    "{{ s }}{{ block.super }}{% endwith %}{% endif %}{% endblock %}",
    "block-not-overridden": '{% extends "middle.html" %}{% block foot %}{{ block.super|default:own.foot }}{% endblock %}',
    "block-scope-of-the-child-is-lost": '{% extends "base.html" %}{% with item=a %}{% block row %}{{ item.x }}{% endblock %}{% endwith %}',
    "block-nested": {
        "p.html": '{% extends "n.html" %}{% block inner %}{{ i.child }}{{ block.super }}{% endblock %}',
        "n.html": "{% block outer %}{{ o.x }}{% for i in is %}{% block inner %}{{ i.base }}{% endblock %}{% endfor %}{% endblock %}",
    },
    "block-nested-overridden-outside": {
        "p.html": '{% extends "n.html" %}{% block outer %}{{ o.c }}{{ block.super }}{% endblock %}{% block inner %}{{ i.c }}{% endblock %}',
        "n.html": "{% block outer %}{{ o.x }}{% for i in is %}{% block inner %}{{ i.base }}{% endblock %}{% endfor %}{% endblock %}",
    },
    "block-only-in-the-child": '{% extends "base.html" %}{% block row %}{% block new %}{{ item.new }}{% endblock %}{% endblock %}{% block lost %}{{ l.x }}{% endblock %}',
    "extends-variable": '{% extends layout.name|default:"base.html" %}{% block row %}{{ item.x }}{% endblock %}',
    # assignments
    "cycle-set-upward": "{% for a in xs %}{% for b in a.ys %}{% cycle b.x b.y as k silent %}{% endfor %}{{ k.inner }}{% endfor %}{{ k.outer }}",
    "cycle-overwrites-with": "{% with k=a.b %}{% for r in rows %}{% cycle r.x r.y as k %}{% endfor %}{{ k.z }}{% endwith %}{{ k.w }}",
    "cycle-by-name-and-reset": "{% cycle a.x b.x as k %}{% cycle k %}{{ k }}{% resetcycle k %}{% cycle a.y 'lit' %}",
    "firstof-as": "{% firstof a.x b.y|default:c.z 'lit' as f %}{{ f }}{{ f.g }}{% if x %}{% firstof d.e as h %}{% endif %}{{ h.i }}",
    "regroup-groups": "{% regroup people by gender as gs %}{% for k, members in gs %}{{ k.label }}{% for m in members %}{{ m.name }}{% endfor %}{% endfor %}"
    "{{ gs.0.grouper.x }}{{ gs.0.list.0.y }}{% for g in gs %}{{ g.0.z }}{{ g.1.0.w }}{{ g.list|length }}{% endfor %}",
    "regroup-filter-in-key": '{% regroup xs by made|date:"Y" as gs %}{% for g in gs %}{{ g.grouper }}{% for x in g.list|dictsort:"a" %}{{ x.b }}{% endfor %}{% endfor %}',
    "regroup-of-groups": "{% regroup xs by a as gs %}{% for g in gs %}{% regroup g.list by b.c as hs %}{% for h in hs %}{{ h.grouper.d }}"
    "{% for x in h.list %}{{ x.e }}{% endfor %}{% endfor %}{% endfor %}",
    "regroup-name-is-its-own-source": "{% regroup xs by kind as xs %}{% for g in xs %}{{ g.grouper }}{{ g.list.0.n }}{% endfor %}{{ kind }}",
    "ifchanged": "{% for x in xs %}{% ifchanged x.day x.month %}{{ x.day }}{% else %}{{ x.same }}{% endifchanged %}"
    "{% ifchanged %}{{ x.body }}{% endifchanged %}{% endfor %}",
    "widthratio": "{% widthratio a.x b.y 100 %}{% widthratio a.x b.y c.w as r %}{{ r }}{{ r.s }}",
    "widthratio-without-its-argument": "{% widthratio a.x b.y c|default:d.e as r %}{{ r.s }}",
    "url": "{% url 'v' a.id k %}{% url b.name pk=c.pk as u %}{{ u }}{{ u.x }}{% url 'v' x=d.e|default:f.g %}",
    "filter-tag": "{% filter upper|default:a.b|cut:c.d %}{{ e.f }}{{ var.g }}{% endfilter %}",
    "filter-tag-argument-after-its-body": "{% filter default:k.x %}{% cycle a.b as k silent %}{% endfilter %}",
    "ifchanged-without-arguments": "{% for x in xs %}{% ifchanged %}{{ k.a }}{% cycle x.b x.c as k silent %}{% else %}{{ k.d }}{% endifchanged %}{% endfor %}",
    "now-lorem-templatetag": "{% now 'Y' as y %}{{ y }}{% lorem a.n w %}{% templatetag openblock %}{% spaceless %}{{ b }}{% endspaceless %}"
    "{% autoescape off %}{{ c.d }}{% endautoescape %}",
    "comment-verbatim": "{% comment 'a' %}{{ a.b }}{% for %}{% endcomment %}{% verbatim x %}{{ c.d }}{% endverbatim x %}{# {{ e }} #}{{ f }}",
    "querystring": "{% querystring %}{% querystring page=p.next a=None %}{% querystring params.dict x=ys.all %}",
    "csrf-and-debug": "{% csrf_token %}{% debug %}",
    # i18n, tz, cache, static
    "translate": "{% load i18n %}{% translate a.title %}{% translate 'x' as t %}{{ t.u }}{% trans b.c|upper noop %}{% translate 'y' context d.e %}",
    "translate-before-filters": "{% load i18n %}{% translate a.b|random %}{% trans c.d|length as t %}{% translate 'a|b'|add:e %}",
    "blocktranslate-scope": "{% load i18n %}{% blocktranslate with a=b.c d=a.e trimmed %}{{ a }}{{ d }}{{ free }}{{ b.c }}{% endblocktranslate %}{{ a.z }}",
    "blocktranslate-legacy-and-asvar": "{% load i18n %}{% blocktranslate with a.b as x and c.d|upper as y asvar t %}{{ x }}{{ y }}{% endblocktranslate %}{{ t }}{{ t.u }}{{ x.v }}",
    "blocktranslate-count": "{% load i18n %}{% for r in rs %}{% blocktranslate count n=r.n context r.ctx %}{{ n }}{{ r }}{% plural %}{{ n }}s {{ other }}{% endblocktranslate %}{% endfor %}",
    "languages": "{% load i18n %}{% get_available_languages as ls %}{% for c, n in ls %}{{ c }}{{ n }}{% endfor %}{% get_current_language as l %}{{ l }}"
    "{% get_language_info for a.lang as i %}{{ i.code }}{% get_language_info_list for b.langs as is %}{% for i in is %}{{ i.code }}{% endfor %}"
    "{% language c.lang %}{{ d.e }}{% endlanguage %}",
    "timezone-and-language-of-either": "{% load tz i18n %}{% timezone a|default_if_none:'UTC' %}{{ b.c }}{% endtimezone %}"
    "{% language d|default_if_none:'en' %}{{ e.f }}{% endlanguage %}",
    "timezones": "{% load tz l10n %}{% timezone a.tz %}{{ b.at|localtime }}{% endtimezone %}{% localtime off %}{{ c.at|utc }}{% endlocaltime %}"
    "{{ d.at|timezone:e.tz }}{% get_current_timezone as z %}{{ z }}{% localize on %}{{ f.n|unlocalize }}{% endlocalize %}",
    "cache": "{% load cache %}{% cache a.ttl frag b.id c.d|default:e %}{{ f.g }}{% for x in xs %}{{ x.y }}{% endfor %}{% endcache %}",
    "static": "{% load static %}{% static 'a.css' %}{% static a.path as p %}{{ p }}{{ p.q }}{% get_static_prefix as s %}{{ s }}{% get_media_prefix %}",
    # filters
    "filter-same-list": '{% for x in xs|slice:n.m|dictsortreversed:"k.l" %}{{ x.a }}{% endfor %}{{ xs|slice:":1"|first|upper }}',
    "filter-dictsort-index-and-variable-key": "{% for x in xs|dictsort:0 %}{{ x.a }}{% endfor %}{% for y in ys|dictsort:by.key %}{{ y.b }}{% endfor %}",
    "filter-index-after-sort-or-slice": '{{ xs|dictsort:"k"|first }}{% with ys=zs|slice:"2:" %}{{ ys.0.a }}{% for y in ys %}{{ y.c }}{% endfor %}{% endwith %}'
    '{% with vs=ws|dictsort:"k" %}{{ vs.0.b }}{{ vs|length }}{% if vs %}{{ vs }}{% endif %}{% endwith %}',
    "filter-element": "{% with f=a.xs|first l=a.xs|last r=a.xs|random %}{{ f.p }}{{ l.q }}{{ r.s }}{% endwith %}{{ b.ys|first }}{{ b.zs|last|length }}",
    "filter-union": '{% with d=a.b|default:c.d n=e.f|default_if_none:g.h s=i.j|add:k.l %}{{ d.x }}{{ n.y }}{{ s.z }}{% endwith %}{{ m|default:"x"|default:o }}',
    "filter-union-lists": '{% for x in a.xs|default:b.ys %}{{ x.n }}{% endfor %}{% for x in a.xs|add:b.ys %}{{ x.m }}{% endfor %}{{ c|add:"3" }}{{ "4"|add:d.n }}',
    "filter-length": '{{ a.xs|length }}{% if b.xs|length == 1 %}{% endif %}{{ c.xs|length|pluralize }}{{ d|pluralize:"y,ies" }}{{ e.xs|pluralize }}',
    "filter-yesno": '{{ a.b|yesno }}{{ c.d|yesno:"y,n,m" }}{{ e.f|yesno:"broken" }}{% with v=g.h|yesno:"x" %}{{ v.i }}{% endwith %}{{ j|yesno:k.l }}',
    "filter-numbers": '{{ a.b|divisibleby:c.d }}{{ e.f|get_digit:2 }}{{ g|floatformat:2 }}{{ h.i|filesizeformat }}{{ j|stringformat:"d" }}{{ k|floatformat:l.m }}',
    "filter-numbers-pass-their-value": "{% with v=a.b|get_digit:c %}{{ v.d }}{% endwith %}",
    "filter-humanize": "{% load humanize %}{{ a.n|intcomma }}{{ b.n|ordinal }}{{ c.n|intword }}{{ d.n|apnumber }}{{ e.d|naturalday }}{{ f.d|naturaltime }}",
    "filter-sequences": '{{ a.xs|join:", " }}{{ b.xs|join:sep }}{{ c.xs|safeseq|join:"-" }}{{ d.xs|escapeseq|join:"-" }}{{ e.xs|unordered_list }}',
    "filter-join-passes-its-value": "{% with j=a.xs|join:5 %}{{ j.0.n }}{% for x in j %}{{ x.m }}{% endfor %}{% endwith %}",
    "filter-dates": '{{ a.d|date:"Y" }}{{ b.d|time }}{{ c.d|timesince }}{{ d.d|timeuntil:e.d }}{{ f.d|date:fmt.x }}',
    "filter-strings": '{{ a.s|upper|cut:" "|truncatewords:3 }}{{ b.s|truncatechars:n.m }}{{ c|wordcount }}{{ d|urlize }}{{ e|linebreaksbr|safe }}'
    '{{ f|slugify }}{{ g|stringformat:"s" }}{{ h|make_list|first }}{{ i|escapejs }}{{ j|phone2numeric }}{{ k|iriencode|urlencode:l }}{{ m|force_escape }}',
    "filter-escapes": '{{ a.b|json_script:"x" }}{{ c.d|pprint }}{{ e.f|json_script:g.h }}{{ i|default:j.k|json_script }}',
    # tags and filters of others
    "unknown-filter": "{% load probe %}{{ a.b|money }}{{ c|money:d.e }}{% for x in f|hidden %}{{ x.y }}{% endfor %}{% if g.h|hidden %}{{ i }}{% endif %}",
    "unknown-tag-inline": "{% load probe %}{% keep a.b as kept %}{{ kept.c }}{{ d.e }}{% for x in xs %}{% keep x.y as z %}{{ z.w }}{% endfor %}",
    "unknown-tag-with-a-grammar-of-its-own": "{% load probe %}{% pairs a.b=c.d|default:e.f (g.h,i.j) %}",
    "unknown-tag-block": "{% load probe %}{% element k=c.d a.b as el %}{{ el.x }}{{ e.f }}{% for y in ys %}{{ y.z }}{% endfor %}{% endelement %}{{ el.after }}",
    "unknown-tag-with-variables-in-text": "{% load probe %}{% texts k='{{ a.b|upper }}, {{c.d}}' \"{{ e.f }}\" '{{ g' x=\"{{ h.i }}{{ j.k|lower }}\" %}",
    "unknown-tag-second-body-first": "{% load probe %}{% shuffle %}{{ k.y }}{% else %}{% cycle a.x a.w as k %}{% endshuffle %}{{ k.z }}",
    "unknown-tag-body-again": "{% load probe %}{% shuffle %}{{ k.y }}{% cycle a.x a.w as k %}{% else %}{% endshuffle %}",
    "unknown-tag-bodies-that-grow": "{% load probe %}{% shuffle %}{{ k.v }}{% cycle k.n k.m as k %}{% else %}{% cycle a.x a.w as k %}{% endshuffle %}",
    "unknown-tag-bodies-in-bodies": "{% load probe %}{% shuffle %}{% shuffle %}{{ k.y }}{% else %}{{ k.z }}{% endshuffle %}{% else %}{% cycle a.x a.w as k %}{% endshuffle %}",
    "unknown-tag-empty-inside": "{% load probe %}{% for x in xs %}{% element x.a %}{{ x.b }}{% empty %}{{ x.c }}{% endelement %}{{ x.d }}{% empty %}{{ x.e }}{% endfor %}",
    "simple-tag-as": "{% load probe %}{% same a.b as s %}{{ s.c }}{% for x in xs %}{% same x as s %}{{ s.d }}{% endfor %}{% avatar e.f|default:g.h size=i.j %}",
    "simple-tag-context": "{% load probe %}{% nav %}{% crumb page.main %}{% for menu in menus %}{{ menu.x }}{% nav %}{% endfor %}",
    "super-as-argument": {
        "p.html": "{% extends 'base.html' %}{% block row %}{{ item.mid|default:block.super }}{% endblock %}",
    },
    "super-twice": {
        "p.html": "{% extends 'middle.html' %}{% block row %}{{ block.super|default:block.super }}{% endblock %}",
    },
    "simple-block-tag": "{% load probe %}{% panel a.title as p %}{{ b.c }}{% for x in xs %}{{ x.y }}{% endfor %}{% endpanel %}{{ p }}",
    "inclusion-tag": "{% load probe %}{% for x in xs %}{% badge x.status %}{% endfor %}{% ctx_badge %}",
}  # fmt: skip


def paths_of(tree: dict[str, Any]) -> str:
    """Return the tree in one line: path=uses, with ``?`` after the uses of a conditional node."""
    rows = []
    for path, node in walk(tree):
        if node.get("u"):
            root = f"'{path[0]}'" if "." in path[0] else path[0]
            rows.append(f"{'.'.join([root, *path[1:]])}={','.join(node['u'])}{'?' * bool(node.get('c'))}")
    return " ".join(sorted(rows))


def tree_from(paths: str) -> dict[str, Any]:
    """Return the tree that ``paths_of`` prints so."""
    roots: dict[str, Any] = {}
    for row in paths.split():
        path, _, uses = row.rpartition("=")
        first, *steps = [path[1:-1]] if path.startswith("'") else path.split(".")
        node = roots.setdefault(first, {})
        for step in steps:
            if step == ELEMENT:
                node = node.setdefault("e", {})
            else:
                node = node.setdefault("i" if step.isdigit() else "a", {}).setdefault(step, {})
        node["u"] = uses.rstrip("?").split(",")
        if uses.endswith("?"):
            node["c"] = 1
    return {"v": 1, "roots": roots}


@pytest.mark.parametrize(("files", "paths"), EXAMPLES.values(), ids=EXAMPLES)
def test_oracle_accepts_a_right_tree_and_misses_what_is_left_out(in_memory, files, paths):
    engine, templates = in_memory
    templates.clear()
    templates.update(SHARED, **{"p.html": files})
    log = record(engine, "p.html")
    assert check(log, tree_from(paths)) == []
    rows = paths.split()
    for row in rows:
        if not row.startswith("k="):  # a name that exists only if the view had it
            rest = tree_from(" ".join(other for other in rows if other != row))
            assert check(log, rest), f"nothing missed without {row}"


def test_oracle_knows_what_an_escape_covers(in_memory):
    engine, templates = in_memory
    templates["p.html"] = "{% load probe %}{{ a.b|hidden }}{% nav %}{{ c.d }}"
    log = record(engine, "p.html")
    escapes = tree_from("a=esc c.d=out")
    assert {miss.path for miss in check(log, escapes)} == {"menu", "menu.*", "menu.*.title"}
    assert check(log, escapes | {"ctx": [{"tag": "nav", "reads": ["menu"]}]}) == []
    assert check(log, escapes | {"ctx": [{"tag": "nav", "reads": "*"}]}) == []
    assert {
        miss.path for miss in check(log, tree_from("a.b=out c=esc") | {"ctx": [{"reads": ["menu"]}]})
    } == {"a.b", "a.b.secret"}
    assert all(miss.by_tag for miss in check(log, escapes | {"ctx": [{"reads": "*"}]}, trust_context=False))


@pytest.mark.parametrize(("files", "paths"), EXAMPLES.values(), ids=EXAMPLES)
def test_extracts_the_worked_examples_exactly(in_memory, files, paths):
    _, tree = both(*in_memory, files)
    assert paths_of(tree).split() == sorted(paths.split())


@pytest.mark.parametrize("files", CASES.values(), ids=CASES)
def test_small_templates(in_memory, files):
    log, tree = both(*in_memory, files)
    assert log.uses or log.by_tags, f"nothing was read: {log.errors}"
    assert_sound(log, tree)


@pytest.mark.parametrize("files", CASES.values(), ids=CASES)
def test_what_is_not_conditional_is_always_read(in_memory, files):
    log, tree = both(*in_memory, files)
    assert check_conditions(log, tree) == []


# -- 2. and 3. templates that people use

FOLDERS = {
    "django": sorted(Path(django.__file__).parent.rglob("templates")),
    "demo": sorted((Path(djust_ast.__file__).parent / "demo").rglob("templates")),
}


def template_names(folders: list[Path]) -> list[str]:
    return sorted({str(file.relative_to(folder)) for folder in folders for file in folder.rglob("*.*")})


@pytest.fixture(scope="module")
def on_disk() -> dict[str, Engine]:
    return {kind: engine_of(dirs=folders) for kind, folders in FOLDERS.items()}


@pytest.mark.parametrize(
    ("kind", "name"),
    [pytest.param(kind, name, id=name) for kind in FOLDERS for name in template_names(FOLDERS[kind])],
)
def test_real_templates(on_disk, kind, name):
    engine = on_disk[kind]
    log, tree = record(engine, name, count=7), tree_of(engine, name)
    assert_sound(log, tree)
    assert check_conditions(log, tree) == []


def test_real_templates_are_there():
    assert len(template_names(FOLDERS["django"])) > 100


# -- what Django refuses

REFUSED = {
    "unclosed-if": "{% if a %}",
    "unclosed-for": "{% for a in b %}{{ a }}",
    "end-without-start": "{% endif %}",
    "wrong-end": "{% if a %}{% endfor %}",
    "else-outside": "{% else %}",
    "empty-outside": "{% empty %}",
    "unknown-tag": "{% nosuchtag a %}",
    "unknown-filter": "{{ a|nosuchfilter }}",
    "unknown-library": "{% load nosuchlibrary %}",
    "library-not-loaded": "{% avatar a %}",
    "load-from-missing": "{% load nosuch from probe %}",
    "empty-variable": "{{ }}",
    "empty-block": "{% %}",
    "private-name": "{{ _a }}",
    "private-attribute": "{{ a._b }}",
    "call": "{{ a.b() }}",
    "subscript": "{{ a[0] }}",
    "space-in-expression": "{{ a b }}",
    "filter-space-after-colon": '{{ a|default: "x" }}',
    "filter-without-argument": "{{ a|default }}",
    "filter-with-argument": "{{ a|upper:b }}",
    "if-empty": "{% if %}{% endif %}",
    "if-operator-alone": "{% if a and %}{% endif %}",
    "if-single-equals": "{% if a = b %}{% endif %}",
    "if-parentheses": "{% if (a or b) %}{% endif %}",
    "if-double-operator": "{% if a == == b %}{% endif %}",
    "if-two-operands": "{% if a b %}{% endif %}",
    "elif-empty": "{% if a %}{% elif %}{% endif %}",
    "elif-after-else": "{% if a %}{% else %}{% elif b %}{% endif %}",
    "for-without-in": "{% for a b %}{% endfor %}",
    "for-too-short": "{% for a in %}{% endfor %}",
    "for-quoted-name": "{% for 'a' in b %}{% endfor %}",
    "for-comma-alone": "{% for a, in b %}{% endfor %}",
    "for-pipe-in-name": "{% for a|b in c %}{% endfor %}",
    "with-nothing": "{% with %}{% endwith %}",
    "with-mixed": "{% with a=b c as d %}{% endwith %}",
    "with-rest": "{% with a=b c %}{% endwith %}",
    "include-nothing": "{% include %}",
    "include-option": "{% include 'a' foo %}",
    "include-only-twice": "{% include 'a' only only %}",
    "include-with-nothing": "{% include 'a' with %}",
    "extends-not-first": "{{ a }}{% extends 'base.html' %}",
    "extends-twice": "{% extends 'base.html' %}{% extends 'base.html' %}",
    "extends-nothing": "{% extends %}",
    "block-twice": "{% block a %}{% endblock %}{% block a %}{% endblock %}",
    "block-without-name": "{% block %}{% endblock %}",
    "block-other-end": "{% block a %}{% endblock b %}",
    "regroup-short": "{% regroup a by b %}",
    "regroup-words": "{% regroup a on b as c %}",
    "cycle-nothing": "{% cycle %}",
    "cycle-unnamed": "{% cycle a %}",
    "cycle-other-flag": "{% cycle a b as c loud %}",
    "resetcycle-nothing": "{% resetcycle %}",
    "firstof-nothing": "{% firstof %}",
    "ifchanged-unclosed": "{% ifchanged %}",
    "url-nothing": "{% url %}",
    "widthratio-short": "{% widthratio a b %}",
    "widthratio-as": "{% widthratio a b c in d %}",
    "now-nothing": "{% now %}",
    "templatetag-unknown": "{% templatetag foo %}",
    "autoescape-word": "{% autoescape maybe %}{% endautoescape %}",
    "filter-escape": "{% filter escape %}{% endfilter %}",
    "comment-unclosed": "{% comment %}",
    "verbatim-unclosed": "{% verbatim %}{{ a }}",
    "verbatim-other-end": "{% verbatim x %}{% endverbatim %}",
    "lorem-words": "{% lorem a b c d e %}",
    "csrf-token-inside-unclosed": "{% spaceless %}{% csrf_token %}",
    "translate-nothing": "{% load i18n %}{% translate %}",
    "translate-option": "{% load i18n %}{% translate 'a' foo %}",
    "translate-option-twice": "{% load i18n %}{% translate 'a' noop noop %}",
    "blocktranslate-tag-inside": "{% load i18n %}{% blocktranslate %}{% if a %}{% endif %}{% endblocktranslate %}",
    "blocktranslate-two-counts": "{% load i18n %}{% blocktranslate count a=b c=d %}{% plural %}{% endblocktranslate %}",
    "blocktranslate-plural-without-count": "{% load i18n %}{% blocktranslate %}{% plural %}{% endblocktranslate %}",
    "get-current-language-words": "{% load i18n %}{% get_current_language l %}",
    "static-nothing": "{% load static %}{% static %}",
    "cache-short": "{% load cache %}{% cache 5 %}{% endcache %}",
    "timezone-nothing": "{% load tz %}{% timezone %}{% endtimezone %}",
    "localize-word": "{% load l10n %}{% localize maybe %}{% endlocalize %}",
    "simple-tag-too-few": "{% load probe %}{% avatar %}",
    "simple-tag-too-many": "{% load probe %}{% avatar a b c %}",
    "simple-tag-unknown-keyword": "{% load probe %}{% avatar a foo=b %}",
    "if-elif-later": "{% if a %}\n{% elif b c %}{% endif %}",
    "simple-block-tag-unclosed": "{% load probe %}{% panel a %}",
    "querystring-three": "{% querystring a b c %}",
}
ODD_BUT_FINE = {
    "empty": "",
    "tag-over-two-lines": "{% if a\n%}{{ b\n}}",
    "dots": "{{ a..b }}{{ a. }}",
    "spaces-around-pipe": "{{ a | upper | default:b }}",
    "filter-in-literal": '{{ "a|b"|upper }}{{ "}" }}{{ _("x")|upper }}',
    "numbers": "{{ 1 }}{{ 1.5e3 }}{{ .5 }}{{ 1_000 }}",
    "if-names-like-words": "{% if android or notes or inner %}{{ isle }}{% endif %}",
    "if-not-in-chain": "{% if not a in b and not c not in d or e is not f %}{% endif %}",
    "for-comma-spaces": "{% for a , b in c %}{{ a }}{% endfor %}",
    "for-reversed-name": "{% for reversed in in %}{{ reversed }}{% endfor %}",
    "endblock-named": "{% block a %}{% endblock a %}",
    "include-with-only": "{% include 'foot.html' with a=b only %}",
    "with-dotted-legacy": "{% with a.b as c %}{{ c }}{% endwith %}",
    "comment-swallows": "{% comment %}{% endif %}{{ a| }}{% nosuchtag %}{% endcomment %}",
    "verbatim-swallows": "{% verbatim %}{% endif %}{{ a| }}{% endverbatim %}",
    "load-some": "{% load avatar nav from probe %}{% avatar a %}",
    "unicode-names": "{{ größe.länge }}{% for été in étés %}{{ été.x }}{% endfor %}",
    "brace-text": "{ { a } } {% verbatim %}{{{% endverbatim %}{{{ a }}}",
    "cycle-commas": "{% cycle a,b as c %}",
    "text-before-extends": "text {# comment #}{% extends 'base.html' %}",
    "else-chain": "{% if a %}{% elif b %}{% elif c %}{% else %}{{ d }}{% endif %}",
}


@pytest.mark.parametrize("source", (REFUSED | ODD_BUT_FINE).values(), ids=REFUSED | ODD_BUT_FINE)
def test_refuses_what_django_refuses(in_memory, source):
    engine, templates = in_memory
    templates.clear()
    templates.update(SHARED, **{"p.html": source})
    assert refused_by_us(engine, "p.html")[1] in refusal(engine, "p.html")


def refusal(engine: Engine, name: str) -> set[int | None]:
    """Return the line on which Django's compiler fails, by whatever error; if a tag of others fails, that need not be known.

    For what is wrong in an ``elif`` Django gives the line of its ``if`` (``do_if`` compiles them all), and we our own.
    """
    try:
        engine.get_template(name)
    except Exception as error:
        if not hasattr(error, "token"):
            raise
        lines: set[int | None] = {error.token.lineno} | ({None} if raised_by_a_tag(error) else set())
        if error.token.contents.startswith("if "):
            tokens = base.Lexer(source_of(engine, name)).tokenize()
            lines |= {token.lineno for token in tokens if token.contents.startswith("elif")}
        return lines
    return {None}


def source_of(engine: Engine, name: str) -> str:
    found = Sources(engine, []).resolve(name, [])
    assert found is not None
    return found[1]


# -- 4. mutations: without one of its nodes, the tree must be found wanting

MUTATED = [
    name
    for name in CASES
    if not name.startswith(
        ("unknown-", "simple-", "inclusion-", "variable-literals", "extends-variable", "csrf-")
    )
]


def mutants(tree: dict[str, Any], log: Log) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the tree without the uses of one node, for each node that was really used."""
    for path, _ in walk(tree):
        if log.uses.get(path) and not shielded(tree, path):
            mutant = copy.deepcopy(tree)
            dict(walk(mutant))[path].pop("u", None)
            yield ".".join(path), mutant


def shielded(tree: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether another node speaks for this one: an escape above, or the element for an index."""
    nodes = dict(walk(tree))
    return any("esc" in nodes[path[:end]].get("u", ()) for end in range(1, len(path))) or any(
        step.isdigit() and (*path[:position], ELEMENT) in nodes
        for position, step in enumerate(path)
        if position
    )


@pytest.mark.parametrize("name", MUTATED)
def test_a_tree_without_one_of_its_nodes_is_caught(in_memory, name):
    log, tree = both(*in_memory, CASES[name])
    for path, mutant in mutants(tree, log):
        assert check(log, mutant, trust_context=False), f"nobody missed {path}"


# -- 5. templates that nobody wrote

RANDOM = settings(
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "150")),
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def files_of(page: str, part: str, child: str | None) -> dict[str, str]:
    """Return a page and what it includes; with a ``child``, the page is its parent."""
    files = {"p.html": LOAD + page, "one.html": LOAD + part.replace("one.html", "foot.html")}
    if child is not None:
        files["layout.html"] = f"{LOAD}{page}{{% block body %}}{part}{{% endblock %}}"
        files["p.html"] = (
            '{% extends "layout.html" %}'
            + LOAD
            + "{% block body %}"
            + child
            + "{{ block.super }}{% endblock %}"
        )
    return files


@RANDOM
@given(page=pages(3), part=pages(1, "o"), child=st.none() | pages(2, "m"))
def test_generated_templates(in_memory, page, part, child):
    assert_agreement(*in_memory, files_of(page, part, child))


@RANDOM
@given(page=broken(pages(3, unknown=False)))
def test_refuses_generated_templates_as_django_does(in_memory, page):
    assert_agreement(*in_memory, {"p.html": LOAD + page, "one.html": "{{ a.one }}"})


def assert_agreement(engine: Engine, templates: dict[str, str], files: dict[str, str]) -> None:
    """Both refuse the template, or a parent of it, on the same line, or our tree announces all that Django reads."""
    templates.clear()
    templates.update(SHARED, **files)
    name, line = refused_by_us(engine, "p.html")
    lines = refusal(engine, name)
    assert line in lines
    if lines == {None}:
        assert_sound(record(engine, "p.html", count=7), tree_of(engine, "p.html"))


def refused_by_us(engine: Engine, name: str) -> tuple[str, int | None]:
    """Return which file we refuse and where, or warn of after a tag that may have made sense of it."""
    try:
        tree = tree_of(engine, name)
    except ExtractError as error:
        return error.args[2:4]
    lines = [diag["at"][1] for diag in tree.get("diag", ()) if diag["code"] == "DA105" and diag["at"][0] == 0]
    return name, lines[0] if lines else None

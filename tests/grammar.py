"""Random templates over the whole language, for hypothesis: every tag and filter of Django, right and wrong."""

from __future__ import annotations

import re
from importlib import import_module
from inspect import getfullargspec, unwrap

import django
from django.template import Library
from hypothesis import strategies as st

LIBRARIES = {
    "i18n": "django.templatetags.i18n",
    "l10n": "django.templatetags.l10n",
    "tz": "django.templatetags.tz",
    "static": "django.templatetags.static",
    "cache": "django.templatetags.cache",
    "humanize": "django.contrib.humanize.templatetags.humanize",
}
LOAD = f"{{% load {' '.join(LIBRARIES)} probe %}}"
NAMES = st.sampled_from(["a", "b", "c", "items", "k", "g"])
STEPS = st.sampled_from(["x", "y", "items", "all", "0", "1", "grouper", "list", "count"])
LITERALS = st.sampled_from(
    ["'z'", '"x.y"', "2", "'1:'", "'%d'", "'a,b'", "_('hi')", "'Y-m-d'", "-1.5", "None"]
)
LOOKUPS = st.builds(lambda name, steps: ".".join([name, *steps]), NAMES, st.lists(STEPS, max_size=3)) | (
    st.sampled_from(
        ["forloop.counter", "forloop.parentloop.first", "block.super", "block.name", "forloop", "True"]
    )
)
ARGUMENTS = {
    "slice": st.sampled_from(["':2'", "'1:'", "b.x"]),
    "dictsort": st.sampled_from(["'x.y'", "'0'", "0", "k.x"]),
    "dictsortreversed": st.sampled_from(["'x'", "c"]),
    "stringformat": st.sampled_from(["'d'", "'s'", "'r'", "'(a)s'", "a.x"]),
    "truncatewords": st.sampled_from(["2", "a.x"]),
}


def libraries() -> list[Library]:
    """Return the libraries of Django that a template may use."""
    modules = ["django.template.defaultfilters", *LIBRARIES.values()]
    return [import_module(module).register for module in modules]


def arities() -> dict[str, list[int]]:
    """Return how many arguments each filter of Django takes, besides its value."""
    found = {}
    for library in libraries():
        for name, function in library.filters.items():
            spec = getfullargspec(unwrap(function))
            most = len(spec.args) - 1
            found[name] = list(range(most - len(spec.defaults or ()), min(most, 1) + 1))
    return found


ARITIES = arities()


HOLE = re.compile("<(body|test|expr|path|new|name)>")
INTRUDERS = [
    *(
        "",
        " ",
        "|",
        ":",
        "'",
        '"',
        ".",
        ",",
        "=",
        "_",
        "-",
        "(",
        "\\",
        "\n",
        "\t",
        "\x1c",
        "\xa0",
        "\u2028",
        "é",
        "0",
    ),
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{{ }}",
        "{% %}",
        "{{ a b }}",
        "{{ a| }}",
        "{{ _a }}",
        "{{ a|nosuch }}",
    ),
    *(
        "{% endif %}",
        "{% else %}",
        "{% elif a %}",
        "{% empty %}",
        "{% endfor %}",
        "{% endblock %}",
        "{% endwith %}",
    ),
    *(
        "{% plural %}",
        "{% comment %}",
        "{% endcomment %}",
        "{% verbatim %}",
        "{% endverbatim %}",
        "{% nosuch %}",
    ),
    *(
        "{% block n1 %}",
        "{% load nosuch %}",
        "{% extends 'one.html' %}",
        " as ",
        " in ",
        " not ",
        " only",
        " with ",
    ),
    *(
        "{% if a and %}",
        "{% for a in %}",
        "{% cycle %}",
        "{% cycle k %}",
        "{% resetcycle %}",
        "{% include %}",
    ),
]


@st.composite
def filters(draw: st.DrawFn) -> str:
    """Return a filter with its argument."""
    name = draw(st.sampled_from(sorted(ARITIES)))
    if not draw(st.sampled_from(ARITIES[name])):
        return name
    return f"{name}:{draw(ARGUMENTS.get(name, LITERALS | LOOKUPS))}"


EXPRESSIONS = st.builds(
    lambda value, filters: "|".join([value, *filters]),
    st.one_of(LOOKUPS, LOOKUPS, LOOKUPS, LITERALS),
    st.lists(filters(), max_size=2),
)
OPERATORS = ["and", "or", "==", "!=", "<", ">", "<=", ">=", "in", "not in", "is", "is not"]
CONDITIONS = st.recursive(
    EXPRESSIONS | EXPRESSIONS.map("not {}".format),
    lambda inner: st.builds("{} {} {}".format, inner, st.sampled_from(OPERATORS), EXPRESSIONS),
    max_leaves=3,
)
BLOCKS = [
    "<body><body>",
    "{% if <test> %}<body>{% endif %}",
    "{% if <test> %}<body>{% elif <test> %}<body>{% else %}<body>{% endif %}",
    "{% for <name> in <expr> %}<body>{% endfor %}",
    "{% for <name> in <expr> reversed %}<body>{{ forloop.revcounter }}{% endfor %}",
    "{% for <name>, k in <expr> %}<body>{% empty %}<body>{% endfor %}",
    "{% for a, b, c in <expr> %}<body>{% endfor %}<body>",
    "{% with <name>=<expr> z=<expr> %}<body>{% endwith %}",
    "{% with <expr> as <name> %}<body>{% endwith %}",
    "{% ifchanged <expr> %}<body>{% else %}<body>{% endifchanged %}",
    "{% ifchanged %}<body>{% else %}<body>{% endifchanged %}",
    "{% filter default:<path>|upper %}<body>{% endfilter %}",
    "{% spaceless %}<body>{% endspaceless %}",
    "{% autoescape off %}<body>{% endautoescape %}",
    "{% localize on %}<body>{% endlocalize %}{% localtime off %}<body>{% endlocaltime %}",
    "{% language <expr> %}<body>{% endlanguage %}",
    "{% timezone <expr> %}<body>{% endtimezone %}",
    "{% cache <path> fragment <expr> <expr> %}<body>{% endcache %}",
    "{% block <new> %}<body>{{ block.super }}{% endblock %}",
    "{% panel <expr> as <name> %}<body>{% endpanel %}",
]
UNKNOWN_BLOCKS = [
    "{% element <expr> %}<body>{% endelement %}",
    "{% element <expr> as <name> %}<body>{% empty %}<body>{% endelement %}",
]
TAGS = [
    "{{ <expr> }}",
    "{{ <expr> }}",
    "{# {{ a.x }} #}text\n{% comment %}{{ b }}{% if %}{% endcomment %}",
    "{% verbatim %}{{ a.b }}{% endverbatim %}{% verbatim x %}{% endverbatim %}{{ b }}{% endverbatim x %}",
    "{{ forloop.counter }}{{ z.x }}{{ k.y }}",
    "{% firstof <expr> <expr> %}",
    "{% firstof <expr> <expr> as <name> %}",
    "{% cycle <expr> <expr> %}",
    "{% cycle <expr> <expr> as <name> %}{% resetcycle <name> %}{% cycle <name> %}",
    "{% cycle <expr> <expr> as <name> silent %}",
    "{% regroup <expr> by x.y as <name> %}{% for g in <name> %}{{ g.grouper.z }}{{ g.list.0.w }}{% endfor %}",
    "{% regroup <expr> by x|upper as <name> %}{% for k, g in <name> %}{{ k.z }}{% for a in g %}{{ a.w }}{% endfor %}{% endfor %}",
    "{% widthratio <expr> <expr> 10 %}{% widthratio 1 <expr> <expr> as <name> %}",
    "{% url 'view' <expr> <expr> %}",
    "{% url <expr> x=<expr> as <name> %}",
    "{% now 'Y' as <name> %}{% lorem 2 w %}{% templatetag openblock %}",
    "{% csrf_token %}",
    "{% querystring %}{% querystring x=<expr> y=None %}",
    "{% querystring <path> x=<expr> %}",
    '{% include "one.html" with <name>=<expr> %}',
    '{% include "one.html" with <name>=<expr> only %}',
    '{% include "./one.html" %}',
    "{% include <path> with <name>=<expr> %}",
    "{% translate <expr> %}{% trans 'x' context <expr> as <name> %}",
    "{% blocktranslate with <name>=<expr> z=<expr> trimmed %}{{ <name> }}{{ z }}{{ free }}{{ a.b }}{% endblocktranslate %}",
    "{% blocktranslate count n=<expr> asvar <name> %}{{ n }}{{ items }}{% plural %}{{ n }}{{ k }}{% endblocktranslate %}{{ <name> }}",
    "{% blocktrans with <expr> as <name> context <expr> %}{{ <name> }}{% endblocktrans %}",
    "{% get_language_info for <expr> as <name> %}{{ <name>.code }}",
    "{% get_current_language as <name> %}{% get_available_languages as k %}{% for a, b in k %}{{ a }}{% endfor %}",
    "{% get_current_timezone as <name> %}{% get_static_prefix as k %}{% get_media_prefix %}",
    "{% static <expr> %}{% static 'x' as <name> %}",
    "{% avatar <expr> size=<expr> %}{% same <expr> as <name> %}{{ <name>.x }}",
    "{% badge <expr> %}{% nav %}",
]
UNKNOWN_TAGS = ["{% keep <expr> as <name> %}{{ <name>.y }}", "{% pairs k.<path>=<path> %}"]
if django.VERSION >= (6, 0):
    BLOCKS += [
        "{% partialdef <new> %}<body>{% endpartialdef %}{% partial n1 %}",
        "{% partialdef <new> inline %}<body>{% endpartialdef %}{% with a=<expr> %}{% partial n2 %}{% endwith %}",
    ]
    TAGS += ['{% include "one.html#part" %}', "{{ forloop.length }}", "{% querystring <path> <path> x=1 %}"]


@st.composite
def pages(draw: st.DrawFn, depth: int, prefix: str = "n", *, unknown: bool = True) -> str:
    """Return a template with so many levels at most, whose blocks and partials have names of that prefix.

    Tags of which nothing is known are in it, too, unless who asks cannot use them.
    """
    tags, blocks = ([*TAGS, *UNKNOWN_TAGS], [*BLOCKS, *UNKNOWN_BLOCKS]) if unknown else (TAGS, BLOCKS)
    made = 0

    def page(depth: int) -> str:
        template = draw(st.sampled_from([*tags, *blocks, *blocks] if depth else tags))
        name = draw(NAMES)  # the same wherever one tag says it

        def fill(hole: re.Match[str]) -> str:
            nonlocal made
            match hole[1]:
                case "body":
                    return page(depth - 1)
                case "test":
                    return draw(CONDITIONS)
                case "expr":
                    return draw(EXPRESSIONS)
                case "path":
                    return draw(LOOKUPS)
                case "new":
                    made += 1
                    return f"{prefix}{made}"
            return name

        return HOLE.sub(fill, template)

    return page(depth)


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[str]) -> str:
    """Return a template into which something has got, or from which something is gone."""
    source = draw(whole)
    start = draw(st.integers(0, len(source)))
    gone = draw(st.sampled_from([0, 0, 1, 3, 12]))
    return source[:start] + draw(st.sampled_from(INTRUDERS)) + source[start + gone :]

"""The oracle can fail: a registry that says less of a tag or filter than is true is caught, for each thing it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.template import Engine, Library, Node, defaultfilters

from djust_ast import registry
from djust_ast._extractor import ExtractError, Registry
from tests.recorder import Log, check, record, tree_of
from tests.test_soundness import SHARED, engine_of, hidden

# -- tags and filters that bear names of Django's

IMPOSTORS = {"now": "'Y'", "lorem": "1", "csrf_token": "", "templatetag": "'openblock'", "firstof": "1"}
HIDDEN = ["upper", "length", "yesno", "date", "first", "slugify"]
impostors = Library()


def menu(context, *args):
    return context["menu"].label


for name in IMPOSTORS:
    impostors.simple_tag(takes_context=True, name=name)(menu)
for name in HIDDEN:
    impostors.filter(name, hidden)


class TwiceNode(Node):
    def __init__(self, nodelist):
        self.nodelist = nodelist

    def render(self, context):
        return "".join(str(context["menu"].label) + self.nodelist.render(context) for _ in range(2))


@impostors.tag("spaceless")
def twice(parser, token):
    nodelist = parser.parse(("endspaceless",))
    parser.delete_first_token()
    return TwiceNode(nodelist)


# Django's filters under the name of another one, whose rule says less: (the name, the filter, an argument)
SWAPPED = [
    ("length", "first", ""),
    ("length", "last", ""),
    ("length", "escapeseq", ""),
    ("length", "default", ":c.d"),
    ("upper", "dictsort", ":'x.y'"),
    ("upper", "json_script", ""),
    ("upper", "unordered_list", ""),
    ("upper", "pprint", ""),
    ("upper", "yesno", ":'q'"),
    ("upper", "slice", ":':2'"),
    ("first", "length", ""),
    ("first", "slice", ":'1:'"),
    ("first", "random", ""),
    ("slice", "dictsort", ":'x.y'"),
    ("slice", "join", ":', '"),
    ("date", "length", ""),
    ("date", "default_if_none", ":c.d"),
    ("yesno", "add", ":c.d"),
    ("default", "dictsort", ":'x.y'"),
    ("dictsort", "join", ":', '"),
    ("floatformat", "first", ""),
]
LIBRARIES = {"impostors": impostors}
for name, other, _ in SWAPPED:
    LIBRARIES[f"{name}_is_{other}"] = library = Library()
    library.filters[name] = defaultfilters.register.filters[
        other
    ]  # not filter(), which writes on the function

Spec = dict[str, Any]
Change = Callable[[Spec], None]


def tag(name: str, library: str = "probe", **changes: Any) -> Change:
    """Return what changes some of what a registry says of a tag."""

    def change(spec: Spec) -> None:
        spec["libraries"][library]["tags"][name].update(changes)

    return change


def said(kind: str, name: str, library: str, value: Any) -> Change:
    """Return what makes a registry say something else of a tag or filter."""

    def change(spec: Spec) -> None:
        spec["libraries"][library][kind][name] = value

    return change


def written(**keys: Any) -> Spec:
    """Return the spec of a hand-written tag that reads nothing, but for what ``keys`` say."""
    return {"kind": "spec", "args": [], "reads": [], **keys}


MUTANTS: dict[str, tuple[str, Change]] = {
    "context-tag-reads-nothing": ("{% nav %}", tag("nav", reads=[])),
    "context-tag-reads-another-name": ("{% nav %}", tag("nav", reads=["user"])),
    "context-tag-takes-none": ("{% nav %}", tag("nav", takes_context=False)),
    "context-tag-with-unknown-reads-has-some": ("{% crumb a %}", tag("crumb", reads=["a"])),
    "inclusion-tag-reads-one-of-two": ("{% ctx_badge %}", tag("ctx_badge", reads=["user"])),
    "inclusion-tag-renders-nothing": ("{% badge a %}", tag("badge", kind="simple")),
    "argument-is-printed": ("{% avatar a.b %}", said("tags", "avatar", "probe", written(args=["out"]))),
    "argument-is-a-word": ("{% avatar a.b %}", said("tags", "avatar", "probe", written(args=["word"]))),
    "keyword-is-printed": (
        "{% avatar a size=b.c %}",
        said("tags", "avatar", "probe", written(args=["esc"], kwargs={"size": "word"}, assigns="after")),
    ),
    "unknown-tag-reads-nothing": (
        "{% element a.b %}{% endelement %}",
        said("tags", "element", "probe", written(rest="word", end="endelement")),
    ),
    "unknown-block-hides-a-name": (
        "{% element a %}{{ b.c }}{% endelement %}",
        said("tags", "element", "probe", written(args=["esc"], end="endelement", binds=["b"])),
    ),
    "assignment-that-does-not-happen": (
        "{% if a %}{% keep b.c as d %}{% endif %}{{ d.e }}",
        said("tags", "keep", "probe", written(rest="word")),
    ),
    "block-tag-without-its-end": (
        "{% panel a %}{{ b }}{% endpanel %}",
        tag("panel", kind="simple", end=None),
    ),
    "tag-is-not-there": ("{% avatar a %}", lambda spec: spec["libraries"]["probe"]["tags"].pop("avatar")),
    "library-is-not-there": ("{{ a }}", lambda spec: spec["libraries"].pop("probe")),
    "filter-takes-fewer-arguments": (
        "{{ a|money:b }}",
        lambda spec: spec["libraries"]["probe"]["filters"]["money"].update(args=[1, 1]),
    ),
    "filter-prints": (
        "{{ a|hidden }}",
        lambda spec: spec["libraries"]["probe"]["filters"]["hidden"].update(value="out", result="new"),
    ),
    **{
        f"tag-{name}-claimed-native": (
            f"{{% load impostors %}}{{% {name} {bits} %}}",
            said("tags", name, "impostors", "native"),
        )
        for name, bits in IMPOSTORS.items()
    },
    "tag-spaceless-claimed-native": (
        "{% load impostors %}{% spaceless %}{{ a }}{% endspaceless %}",
        said("tags", "spaceless", "impostors", "native"),
    ),
    **{
        f"filter-{name}-claimed-native": (
            f"{{% load impostors %}}{{{{ a.b|{name} }}}}",
            said("filters", name, "impostors", "native"),
        )
        for name in HIDDEN
    },
    **{
        f"filter-{other}-claimed-{name}": (
            f"{{% load {name}_is_{other} %}}{{% with v=a.b|{name}{argument} %}}{{{{ v.x }}}}{{{{ v.0.y }}}}"
            "{% for w in v %}{{ w.z }}{% endfor %}{% if v %}{{ v|lower }}{% endif %}{{ v }}{% endwith %}",
            said("filters", name, f"{name}_is_{other}", "native"),
        )
        for name, other, argument in SWAPPED
    },
}


@pytest.mark.parametrize(("source", "change"), MUTANTS.values(), ids=MUTANTS)
def test_a_registry_that_says_less_than_is_true_is_caught(source, change):
    templates = SHARED | {"p.html": "{% load probe %}" + source}
    engine = engine_of(loaders=[("django.template.loaders.locmem.Loader", templates)])
    engine.template_libraries |= LIBRARIES
    log = record(engine, "p.html", count=7)
    spec = registry._spec(engine.template_builtins, engine.template_libraries, dotall=False)
    assert missed(engine, spec, log) == []
    change(spec)
    assert missed(engine, spec, log)


def missed(engine: Engine, spec: Spec, log: Log) -> list[str]:
    """Return what Django read, and a tree does not announce that was made with such a registry."""
    try:
        tree = tree_of(engine, "p.html", Registry(json.dumps(spec).encode()))
    except ExtractError as error:
        return [error.args[1]]
    return [str(miss) for miss in check(log, tree)]

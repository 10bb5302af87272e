"""What Django does with a value that is missing, raises or refuses, in every place of use: exactly that.

Each kind of value stands in each place of use, over rows, instances, loaded lists and single objects in turn: the page
is plain Django's, or the exception is, its message included.
"""

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.template import Context, Engine, VariableDoesNotExist
from django.test.utils import CaptureQueriesContext
from django.urls import path

from djust_ast import serialize_context
from tests.test_equality import LIBRARIES, _filled, one, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo


class SilentError(Exception):
    silent_variable_failure = True


class LoudError(Exception):
    pass


ERRORS = {
    "loud": LoudError("loud"),
    "silent": SilentError("silent"),
    "gone": ObjectDoesNotExist("gone"),
    "type": TypeError("type"),
    "key": KeyError("key"),
    "attribute": AttributeError("attribute"),
    "index": IndexError("index"),
    "value": ValueError("value"),
}


class Mute:
    """An object that cannot be printed."""

    def __init__(self, error):
        self.error = error

    def __str__(self):
        raise self.error


class Thing:
    """A class in the context, which a template calls."""

    name = "thing"

    def __str__(self):
        return "a thing"


class Members:
    """What an animal has besides."""

    Thing = Thing

    def needs(self, argument):
        return argument

    def alters(self):
        raise AssertionError("called")

    alters.alters_data = True

    def kept(self):
        raise AssertionError("called")

    kept.do_not_call_in_templates = True

    def none(self):
        return None

    def callable(self):
        return self.none


def failing(error):
    """A property, a method and an object that raise ``error``."""

    def raises(self):
        raise error

    return property(raises), raises, property(lambda self: Mute(error))


@pytest.fixture(autouse=True)
def members(rows, monkeypatch, settings):  # noqa: F811
    settings.ROOT_URLCONF = __name__
    found = {name: member for name, member in vars(Members).items() if not name.startswith("__")}
    for name, error in ERRORS.items():
        kinds = zip(("property", "method", "text"), failing(error), strict=True)
        found |= {f"{kind}_{name}": member for kind, member in kinds}
    for name, member in found.items():
        monkeypatch.setattr(zoo.Animal, name, member, raising=False)


urlpatterns = [path("at/<str:what>/", lambda request: None, name="at")]
NULLS = [
    "mother",
    "mother.name",
    "mother.mother.name",
    "mother.mother.mother.name",
    "habitat.keeper",
    "habitat.keeper.boss.name",
    "danger",
    "danger.real",
    "born.year",
    "mother.feedings.all",
    "mother.feedings.count",
    "mother.passport.number",
    "mother.pk",
    "mother.property_loud",
    "mother.property_gone",
    "mother.method_key",
]
HOLES = ["passport", "passport.number", "passport.issuer", "passport.issuer.name", "chip.animal.mother.name"]
MISSING = [
    "nope",
    "nope.x",
    "habitat.nope",
    "mother.nope",
    "habitat.zone.nope.x",
    "feedings.nope",
    "feedings.all.nope",
    "facts.nope",
    "facts.a.nope.x",
    "facts.items",
    "facts.items.9",
    "feedings.all.9",
    "feedings.all.9.grams",
    "feedings.all.0.food.name",
    "name.0",
    "name.99",
    "0",
    "items",
    "keys",
    "habitat.items",
]
CALLED = [
    "needs",
    "needs.x",
    "alters",
    "alters.x",
    "kept",
    "kept.x",
    "Thing",
    "Thing.name",
    "Kind",
    "Kind.CAT.label",
    "none",
    "none.x",
    "callable",
    "objects",
    "objects.count",
    "delete",
    "DoesNotExist",
]
MANAGERS = [
    "feedings",
    "feedings.all",
    "feedings.first",
    "feedings.first.grams",
    "feedings.last.food.name",
    "feedings.count.real",
    "feedings.exists",
    "feedings.filter",
    "feedings.create",
    "feedings.get.grams",
    "feedings.latest",
    "feedings.none",
    "feedings.add",
    "keepers.all.first",
    "keepers.through",
    "keepers.first.boss.name",
    "labels.all",
    "labels.count",
    "habitat.animal_set.all",
]
VALUES = [
    "name",
    "weight",
    "seen",
    "get_kind_display",
    "get_danger_display",
    "photo",
    "photo.url",
    "pk",
    "mother_id",
]
RAISING = [f"{kind}_{name}" for kind in ("property", "method", "text") for name in ERRORS]
KINDS = [
    *NULLS,
    *HOLES,
    *MISSING,
    *CALLED,
    *MANAGERS,
    *VALUES,
    *RAISING,
    *[f"property_{name}.x" for name in ERRORS],
]

PLACES = {
    "printed": "{{ X }}",
    "entered": "{{ X.name }}",
    "default-if-none": "{{ X|default_if_none:'N' }}",
    "default": "{{ X|default:'D' }}",
    "text-filter": "{{ X|upper }}",
    "length": "{{ X|length }}",
    "argument": "{{ 'v'|default:X }}{{ 'v'|add:X }}",
    "argument-of-a-missing": "{{ nothing|default:X }}",
    "join": "{{ X|join:',' }}",
    "slice": "{{ X|slice:':1' }}",
    "date": "{{ X|date:'Y' }}",
    "if": "{% if X %}T{% else %}F{% endif %}",
    "if-not": "{% if not X %}T{% else %}F{% endif %}",
    "if-equal": "{% if X == 1 %}T{% else %}F{% endif %}",
    "if-itself": "{% if X == X %}T{% else %}F{% endif %}",
    "if-none": "{% if X is None %}T{% else %}F{% endif %}",
    "if-in": "{% if X in text %}T{% else %}F{% endif %}",
    "if-less": "{% if X < 3 %}T{% else %}F{% endif %}",
    "if-and-or": "{% if X and yes %}T{% endif %}{% if yes or X %}T{% endif %}{% if no or X %}T{% else %}F{% endif %}",
    "if-filter": "{% if X|length > 0 %}T{% else %}F{% endif %}",
    "branch-not-taken": "{% if no %}{{ X }}{% endif %}",
    "for": "{% for i in X %}{{ i }}{{ forloop.counter }}{% empty %}E{% endfor %}",
    "for-entered": "{% for i in X %}{{ i.name }}{{ i.grams }}{% empty %}E{% endfor %}",
    "with-entered": "{% with v=X %}[{{ v.name }}{% if v %}T{% endif %}]{% endwith %}",
    "url": "{% url 'at' X %}",
    "include-with": "{% include 'part' with v=X %}",
    "include-only": "{% include 'part' with v=X only %}",
    "firstof": "{% firstof X 'other' %}",
    "ifchanged": "{% ifchanged X %}C{% else %}S{% endifchanged %}",
    "regroup": "{% regroup X by name as g %}{% for k in g %}{{ k.grouper }}{{ k.list|length }}{% endfor %}",
    "cycle": "{% cycle X 'b' %}",
    "widthratio": "{% widthratio X 10 100 %}",
    "dictsort": "{% for i in X|dictsort:'name' %}{{ i }}{% endfor %}",
    "blocktranslate": "{% load i18n %}{% blocktranslate with v=X %}a{{ v }}{% endblocktranslate %}",
}
OF_ALL = {
    "regroup-by": "{% regroup animals by X as g %}{% for k in g %}{{ k.grouper }}:{{ k.list|length }}{% endfor %}",
    "dictsort-by": "{% for a in animals|dictsort:'X' %}{{ a.pk }},{% endfor %}",
    "compared": "{% for a in animals %}{% for b in animals %}{% if a.X == b.X %}={% endif %}{% endfor %}{% endfor %}",
}
ENGINES = {
    text: Engine(
        string_if_invalid=text,
        libraries=LIBRARIES,
        loaders=[("django.template.loaders.locmem.Loader", {"part": "<{{ v }}{{ v.name }}>"})],
    )
    for text in ("", "INVALID %s")
}
animals = zoo.Animal.objects.all
# The context, the route, and whether a loop goes over it.
OVER = {
    "rows": (lambda: {"animals": animals()}, "auto"),
    "instances": (lambda: {"animals": animals()}, "instances"),
    "one": (lambda: {"one": one("Leo")}, "auto"),
    "ties": (lambda: {"animals": zoo.Animal.objects.order_by("kind")}, "auto"),
    "loaded": (lambda: {"animals": list(animals())}, "auto"),
    "one-more": (lambda: {"one": one("Mia")}, "auto"),
}


def outcome(template, context, convert):
    """The page, or the exception and its message; and its queries."""
    values = context() | {"text": "abc", "yes": True, "no": False}
    connection.queries_log.clear()  # it holds 9,000 at most, and would then seem to get no more
    with CaptureQueriesContext(connection) as queries:
        try:
            text = template.render(Context(convert(template, values)))
        except Exception as error:  # noqa: BLE001 - is part of what is compared
            text = type(error), said(error)
    return text, len(queries)


def said(error):
    """The message; of a container it shows what is in it, which may be records (docs/plans.md)."""
    text = str(error)
    if isinstance(error, VariableDoesNotExist):
        text = text.partition(" in <")[0].partition(" in [")[0]
    return text


def check(source, context, engine):
    template = engine.from_string(source)
    plain, before = outcome(template, context, lambda _, found: found)
    text, after = outcome(template, context, serialize_context)
    assert text == plain, source
    assert after <= before or isinstance(plain, tuple), source


TURNS = [(over, engine) for engine in ENGINES.values() for over in OVER]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_place(settings, kind):
    """Over one of the contexts each, so that every kind meets every context, and so does every place."""
    for turn, place in enumerate(PLACES.values(), KINDS.index(kind)):
        over, engine = TURNS[turn % len(TURNS)]
        context, route = OVER[over]
        settings.DJUST_AST = {"ROUTE": route, "STRICT": True}
        if over.startswith("one"):
            check(place.replace("X", f"one.{kind}"), context, engine)
        else:
            check(
                f"{{% for a in animals %}}[{place.replace('X', f'a.{kind}')}]{{% endfor %}}", context, engine
            )


@pytest.mark.parametrize("place", OF_ALL.values(), ids=OF_ALL.keys())
@pytest.mark.parametrize("over", ["rows", "loaded"])
def test_every_kind_of_all_objects_together(over, place):
    for turn, kind in enumerate(KINDS):
        check(place.replace("X", kind), OVER[over][0], list(ENGINES.values())[turn % 2])


@pytest.mark.parametrize("kind", ["mother.name", "passport.number", "feedings.count", "feedings.first.grams"])
def test_arguments_of_filters_are_not_reached_behind_what_is_invalid(kind):
    check(f"{{{{ nothing|default:one.{kind} }}}}", OVER["one"][0], ENGINES["INVALID %s"])


@pytest.mark.parametrize("over", ["rows", "loaded"])
@pytest.mark.parametrize("key", ["mother.name", "itself.name", "feedings.count.real", "feedings.first.grams"])
def test_a_sort_that_gives_up_leaves_nothing_to_loop_over(over, key):
    """It calls nothing, and at the first object that lacks the key the whole result is empty."""
    source = f"{{% for a in animals|dictsort:'{key}' %}}{{{{ a.habitat.name }}}}{{% endfor %}}"
    check(source, OVER[over][0], ENGINES[""])

"""Pages over records are the pages over live objects, byte for byte, with no more queries."""

import re
from collections import Counter, defaultdict
from types import SimpleNamespace

import pytest
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Count, F, Prefetch
from django.template import Context, Engine
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject

from djust_ast import serialize_context
from tests.zoo import models as zoo
from tests.zoo.data import fill

LIBRARIES = {"i18n": "django.templatetags.i18n"}
ENGINES = {text: Engine(string_if_invalid=text, libraries=LIBRARIES) for text in ("", "INVALID %s")}
ROUTES = pytest.mark.parametrize("route", ["auto", "instances"], indirect=True)


@pytest.fixture(scope="session")
def _filled(django_db_setup, django_db_blocker):
    """The animals, outside of any test's transaction, so that they are made once."""
    with django_db_blocker.unblock():
        if not zoo.Animal.objects.exists():
            fill()


@pytest.fixture
def rows(_filled, db):
    if not zoo.Animal.objects.exists():  # a test with real transactions has flushed the tables
        fill()


@pytest.fixture
def route(request, settings):
    settings.DJUST_AST = {"ROUTE": request.param, "STRICT": True}
    return request.param


def outcome(template, context, convert):
    """What the page is or raises, its queries, and which members of the zoo ran."""
    values = context()  # what fails here is not the page
    del zoo.CALLS[:]
    connection.queries_log.clear()  # it holds 9,000 at most, and would then seem to get no more
    with CaptureQueriesContext(connection) as queries:
        try:
            text = template.render(Context(convert(template, values)))
        except Exception as error:  # noqa: BLE001 - the class of what a page raises is part of the page
            text = type(error)
    return text, [query["sql"] for query in queries], list(zoo.CALLS)


def check(source, context=None):
    """Render ``source`` both ways, for both values of ``string_if_invalid``; the numbers of queries."""
    for engine in ENGINES.values():
        template = engine.from_string(source)
        values = context or context_for(source)
        plain, before, ran = outcome(template, values, lambda _, found: found)
        text, after, ran_too = outcome(template, values, serialize_context)
        assert text == plain, source
        if isinstance(plain, str):  # what a page that fails would have read is fetched before it fails
            assert len(after) <= len(before), (source, before, after)
        assert_ran(ran_too, ran, source)
    return len(before), len(after)


def assert_ran(ours, plain, described):
    """The same members ran, in the same order; a cached property once for rows that Django fetches, and makes, again."""
    cached = "slow"
    assert [name for name in ours if name != cached] == [name for name in plain if name != cached], described
    assert bool(plain.count(cached)) <= ours.count(cached) <= plain.count(cached), described


@ROUTES
def test_a_cached_property_of_rows_that_are_met_again_runs_once(rows, route):
    loop = "{% for child in bigone.children.all %}{{ child.slow }}{% endfor %}"
    check("{% for feeding in bigone.feedings.all %}" + loop + "{% endfor %}")
    template, context = ENGINES[""].from_string(loop + loop), context_for(loop)
    plain, _, ran = outcome(template, context, lambda _, found: found)
    text, _, ran_too = outcome(template, context, serialize_context)
    assert text == plain
    assert len(ran) == 2 * len(ran_too) > 0


def each(body, name="animals"):
    return f"{{% for a in {name} %}}[{body}]{{% empty %}}none{{% endfor %}}"


def one(name, /, **changes):
    animal = zoo.Animal.objects.get(name=name)
    vars(animal).update(changes)
    return animal


def changed(queryset, **changes):
    """``queryset``, evaluated, and its objects changed in memory."""
    for animal in queryset:
        vars(animal).update(changes, note=f"note {animal.pk}")
    return queryset


def moved(animal):
    animal.habitat.name = "Changed cave"
    return animal


def context_for(source):
    names = set(re.findall(r"\w+", source))

    def context():
        found = {name: make() for name, make in VALUES.items() if name in names}
        if {"leo", "also"} <= names:
            found["also"] = found["leo"]
        if {"animals", "same"} <= names:
            found["same"] = found["animals"]
        return found

    return context


def shared():
    page = Paginator(zoo.Animal.objects.all(), 4).page(1)
    return {"page": page, "rows": page.object_list}


BIG = Prefetch("feedings", zoo.Feeding.objects.filter(grams__gt=2))
TO_ATTR = Prefetch("feedings", zoo.Feeding.objects.filter(grams__gt=2), to_attr="big")
QUERYSETS = {
    "animals": lambda: zoo.Animal.objects.all(),
    "same": lambda: zoo.Animal.objects.all(),
    "copies": lambda: zoo.Animal.objects.all(),
    "empty": lambda: zoo.Animal.objects.none(),
    "nobody": lambda: zoo.Animal.objects.filter(name="Nobody"),
    "unordered": lambda: zoo.Animal.objects.order_by(),
    "backwards": lambda: zoo.Animal.objects.reverse(),
    "sliced": lambda: zoo.Animal.objects.order_by("-pk")[1:4],
    "tied": lambda: zoo.Animal.objects.order_by("kind")[:4],
    "joined": lambda: zoo.Animal.objects.order_by("kind").select_related("habitat")[:4],
    "distinct": lambda: zoo.Animal.objects.filter(feedings__grams__gt=0).distinct(),
    "twice": lambda: zoo.Animal.objects.filter(feedings__grams__gt=0),
    "only": lambda: zoo.Animal.objects.only("name"),
    "defer": lambda: zoo.Animal.objects.defer("habitat", "kind"),
    "counted": lambda: zoo.Animal.objects.annotate(meals=Count("feedings")),
    "counted_ties": lambda: zoo.Animal.objects.annotate(meals=Count("feedings")).order_by("-meals", "kind")[
        :5
    ],
    "counted_twice": lambda: zoo.Animal.objects.annotate(meals=Count("feedings"), one=Count("keepers")),
    "noted": lambda: zoo.Animal.objects.annotate(note=F("habitat__name")),
    "noted_ties": lambda: zoo.Animal.objects.annotate(note=F("habitat__name")).order_by("kind")[:5],
    "noted_distinct": lambda: zoo.Animal.objects.annotate(one=F("feedings__grams")).distinct(),
    "distinct_ties": lambda: zoo.Animal.objects.filter(feedings__grams__gt=0).order_by("kind").distinct()[:4],
    "distinct_across": lambda: zoo.Animal.objects.order_by("feedings__grams", "pk").distinct(),
    "hiding": lambda: zoo.Animal.objects.annotate(greet=F("kind"), note=F("name")),
    "aliased": lambda: zoo.Animal.objects.alias(meals=Count("feedings")).filter(meals__gt=0),
    "only_ties": lambda: zoo.Animal.objects.only("kind").order_by("kind")[:4],
    "known": lambda: moved(one("Leo")).habitat.animal_set.all(),
    "known_only": lambda: moved(one("Leo")).habitat.animal_set.only("kind"),
    "prepared": lambda: zoo.Animal.objects.prefetch_related("feedings__food", "keepers", "habitat"),
    "extra": lambda: zoo.Animal.objects.extra(select={"one": "1"}),
    "union": lambda: (
        zoo.Animal.objects.order_by()
        .filter(kind="cat")
        .union(zoo.Animal.objects.order_by().filter(kind="dog"))
        .order_by("pk")
    ),
    "raw": lambda: zoo.Animal.objects.raw("SELECT * FROM zoo_animal ORDER BY id"),
    "fetched": lambda: zoo.Animal.objects.prefetch_related(BIG),
    "attrs": lambda: zoo.Animal.objects.prefetch_related(TO_ATTR),
    "selected": lambda: zoo.Animal.objects.select_related("habitat"),
    "wild": lambda: zoo.BigAnimal.objects.all(),
    "page": lambda: Paginator(zoo.Animal.objects.all(), 4).page(1),
    "listpage": lambda: Paginator(list(zoo.Animal.objects.all()), 4).page(1),
    "generator": lambda: (animal for animal in zoo.Animal.objects.all()),
    "iterator": lambda: zoo.Animal.objects.iterator(chunk_size=100),
    "evaluated": lambda: changed(zoo.Animal.objects.all(), name="Changed"),
    "evaluated_only": lambda: changed(zoo.Animal.objects.only("kind")),
    "evaluated_joined": lambda: changed(zoo.Animal.objects.select_related("habitat").prefetch_related(BIG)),
    "listed": lambda: [one("Leo", name="One"), one("Mia"), zoo.Animal(name="New", kind="cat")],
    "pair": lambda: (one("Leo", mood="calm"), one("Mia")),
    "mixed": lambda: [one("Leo"), zoo.Keeper.objects.first(), None, "text", {"name": "dict", "items": 1}],
    "plain": lambda: [{"name": "x", "items": [1], "habitat": {"name": "y"}}],
    "values": lambda: zoo.Animal.objects.values("name", "habitat__name"),
    "tuples": lambda: zoo.Animal.objects.values_list("name", "pk"),
}
OBJECTS = {
    "leo": lambda: moved(one("Leo", name="Changed", mood="calm")),
    "also": lambda: one("Leo"),
    "mia": lambda: one("Mia"),
    "lone": lambda: one("Zed"),
    "deferred": lambda: zoo.Animal.objects.only("name").get(name="Leo"),
    "new": lambda: zoo.Animal(name="New", kind="cat"),
    "made": lambda: zoo.Animal(
        name="Made", kind="dog", mother=zoo.Animal(name="Mum"), habitat=zoo.Habitat(name="Nest", zone_id="N")
    ),
    "lazy": lambda: SimpleLazyObject(lambda: one("Leo")),
    "bigone": lambda: zoo.BigAnimal.objects.get(name="Leo"),
}
VALUES = (
    QUERYSETS
    | OBJECTS
    | {
        "manager": lambda: zoo.Animal.objects,
        "keepers": lambda: zoo.Keeper.objects.all(),
        "habitats": lambda: zoo.Habitat.objects.all(),
        "zones": lambda: zoo.Zone.objects.all(),
        "visits": lambda: zoo.Visit.objects.all(),
        "rumors": lambda: zoo.Rumor.objects.all(),
        "labels": lambda: zoo.Label.objects.all(),
        "passports": lambda: zoo.Passport.objects.all(),
        "chips": lambda: zoo.Chip.objects.all(),
        "drawers": lambda: zoo.Drawer.objects.all(),
        "drawer": lambda: zoo.Drawer.objects.get(items="two"),
        "locks": lambda: zoo.Lock.objects.all(),
        "tricks": lambda: zoo.Trick.objects.all(),
        "buildings": lambda: zoo.Building.objects.all(),
        "building": lambda: zoo.Building.objects.get(name="Cage"),
        "aviaries": lambda: zoo.Aviary.objects.all(),
        "perches": lambda: zoo.Perch.objects.all(),
        "odd": lambda: zoo.Counted.objects.all(),
        "ranks": lambda: zoo.Ranked.objects.all(),
        "moods": lambda: zoo.Mood.objects.all(),
        "feedings": lambda: one("Leo", name="Changed").feedings.all(),
        "feeding": lambda: one("Leo").feedings,
        "text": lambda: "leo",
        "yes": lambda: True,
        "no": lambda: False,
        "missing": lambda: None,
        "stats": lambda: {
            "rows": zoo.Animal.objects.all(),
            "best": one("Leo"),
            "n": 3,
            "deep": {"animal": one("Mia")},
        },
        "shared": shared,
        "defaults": lambda: defaultdict(lambda: "default", best=one("Leo")),
        "counter": lambda: Counter(best=2),
        "shelf": lambda: SimpleNamespace(rows=zoo.Animal.objects.all(), best=one("Leo")),
    }
)


BODIES = {
    "column": "{{ a.name }}{{ a.weight }}{{ a.born }}{{ a.seen|date:'c' }}{{ a.born|date:'Y' }}",
    "pk": "{{ a.pk }}{{ a.id }}{{ a.mother.pk }}{{ a.mother_id }}{{ a.habitat.pk }}{{ a.habitat_id }}",
    "fk": "{{ a.habitat.name }}{{ a.habitat.zone.title }}{{ a.habitat.keeper.boss.name }}",
    "to-field": "{{ a.habitat.zone.code }}{{ a.habitat.zone.pk }}{{ a.habitat.keeper.badge }}{{ a.habitat.keeper_id }}",
    "null-fk": "{{ a.mother }}|{{ a.mother.name }}|{{ a.mother.mother.name|default:'-' }}|{{ a.mother.pk|default_if_none:'n' }}",
    "null-tests": "{% if a.mother is None %}N{% endif %}{% if a.mother %}T{% endif %}{% if not a.mother.name %}F{% endif %}{% if a.mother.pk is None %}P{% endif %}",
    "reverse-one": "{{ a.passport.number }}|{{ a.passport }}|{{ a.passport.issuer.name }}|{{ a.chip.serial }}|{{ a.chip.pk }}",
    "reverse-one-tests": "{% if a.passport is None %}N{% endif %}{% if a.passport %}T{% endif %}{% if a.passport.number == None %}M{% endif %}{{ a.passport.number|default_if_none:'d' }}{{ a.passport|default:'x' }}",
    "reverse-one-back": "{{ a.passport.animal.name }}{{ a.chip.animal.habitat.name }}",
    "reverse-many": "{% for f in a.feedings.all %}{{ f.grams }}{{ f.food.name }}{{ f.animal.name }}{% empty %}0{% endfor %}",
    "many-to-many": "{% for k in a.keepers.all %}{{ k.name }}{{ k.boss.name }}{% endfor %}",
    "through": "{% for d in a.diet.all %}{{ d.name }}{{ d }}{% endfor %}",
    "through-backwards": "{% for d in a.diet.all %}{% for e in d.eaters.all %}{{ e.name }}{% endfor %}{% endfor %}",
    "symmetrical": "{% for f in a.friends.all %}{{ f.name }}{{ f.habitat.name }}{% endfor %}",
    "unordered-many": "{% for t in a.tricks.all %}{{ t.name }}{{ t }}{% endfor %}",
    "no-related-name": "{% for b in a.habitat.animal_set.all %}{{ b.name }}{% endfor %}",
    "tree": "{% for c in a.children.all %}{{ c.name }}{% for d in c.children.all %}{{ d.name }}{{ d.mother.mother.name }}{% endfor %}{% endfor %}",
    "generic-relation": "{% for l in a.labels.all %}{{ l.text }}{{ l.target.name }}{% endfor %}",
    "soft-delete": "{% for t in a.tickets.all %}{{ t.title }}{% for v in t.visits.all %}{{ v.day }}{{ v.ticket.title }}{% endfor %}{% endfor %}",
    "own-all": "{% for l in a.logs.all %}{{ l.text }}{% endfor %}{{ a.logs.all|length }}",
    "own-manager": "{% for l in a.diaries.all %}{{ l.text }}{% endfor %}",
    "own-from-db": "{% for c in a.counted.all %}{{ c.name }}{% endfor %}",
    "ranks": "{% for r in a.ranks.all %}{{ r.rank }}{{ r.secret }}{% endfor %}",
    "proxy": "{% for p in a.perches.all %}{{ p.animal.size }}{{ p.animal }}{{ p.aviary.name }}{{ p.aviary.height }}{% endfor %}",
    "loose": "{% for r in a.rumors.all %}{{ r.text }}{{ r.about.name }}{% endfor %}",
    "display": "{{ a.get_kind_display }}{{ a.get_danger_display }}{% if a.get_kind_display == 'Yes' %}C{% endif %}{{ a.get_danger_display|default_if_none:'-' }}",
    "display-language": "{% load i18n %}{% with k=a.get_kind_display %}{% language 'de' %}{{ k }}{{ a.get_kind_display }}{% if 'Ja' in a.get_kind_display %}J{% endif %}{% endlanguage %}{{ k }}{{ k|upper }}{% endwith %}",
    "displays": "{% for m in a.moods.all %}{{ m.get_dynamic_display }}{{ m.get_flag_display }}{{ m.get_grouped_display }}{{ m.get_own_display }}{% endfor %}",
    "json-choices": "{% for m in a.moods.all %}{{ m.get_json_display }}{% endfor %}",
    "members": "{{ a.title }}{{ a.home }}{{ a.slow }}{{ a.slow }}{{ a.greet }}{{ a.SOUND }}{{ a.title }}{{ a.shy }}",
    "refused": "{{ a.feed }}{{ a.wipe }}{{ a.keep_out }}{{ a.delete }}{{ a.save }}{{ a.full_clean.x }}{{ a.feed.x }}",
    "classes": "{{ a.Kind.CAT }}{{ a.Kind.CAT.label }}{{ a.Danger.choices }}{% if a.kind == a.Kind.CAT %}C{% endif %}",
    "manager": "{{ a.objects }}",
    "exceptions": "{{ a.DoesNotExist }}",
    "missing": "{{ a.nope }}{{ a.nope.x }}{{ a.nope|default:'d' }}{% if a.nope is None %}N{% endif %}{{ a.habitat.nope }}",
    "dict-names": "{{ a.items }}{{ a.keys }}{{ a.get }}{{ a.pop }}{{ a.values }}{{ a.count }}{{ a.copy }}{{ a.update }}",
    "deep-dict-names": "{{ a.habitat.items }}{{ a.habitat.name }}{% for x in a.habitat.values %}{{ x }}{% endfor %}",
    "own-names": "{{ a.instance }}{{ a.source }}{{ a.instance.name }}",
    "silent": "{{ a.gone }}{{ a.gone|default:'d' }}{% if a.gone is None %}N{% else %}S{% endif %}{{ a.nothing }}",
    "loud": "{{ a.loud }}",
    "broken": "{{ a.broken }}",
    "keyless": "{{ a.keyless }}",
    "typo": "{{ a.typo }}",
    "loud-not-taken": "{% if no %}{{ a.loud }}{{ a.broken }}{{ a.keyless }}{% endif %}{{ a.name }}",
    "loud-compared": "{% if a.loud == 1 %}x{% else %}y{% endif %}{% if a.broken and yes %}x{% endif %}{% if yes or a.keyless %}z{% endif %}",
    "whole": "{{ a }}{{ a|upper }}{{ a|safe }}{{ a|length }}{{ a|default:'d' }}{{ a|yesno:'y,n,m' }}{{ a.name }}",
    "escaped": "{{ a|stringformat:'s' }}{{ a|pprint }}{{ a|add:'x' }}{{ a|slugify }}{{ a|first }}",
    "whole-relation": "{{ a.habitat }}{{ a.mother }}{{ a.habitat.zone }}{{ a.habitat.name }}",
    "compared": "{% if a == a.mother %}E{% endif %}{% if a.mother == other %}O{% endif %}{% if a != missing %}D{% endif %}{% if a.habitat == a.mother.habitat %}H{% endif %}",
    "in": "{% if a in same %}S{% endif %}{% if a.mother in copies %}C{% endif %}{% if a.name in text %}T{% endif %}",
    "in-object": "{% if 'name' in a %}I{% else %}O{% endif %}{{ a.name }}{% if 'name' in a.habitat %}I{% endif %}{{ a.habitat.name }}",
    "less": "{% if a < a.mother %}L{% endif %}{% if a.weight > 5 %}W{% endif %}{% if a.danger <= 1 %}D{% endif %}",
    "ifchanged": "{% ifchanged a.habitat %}{{ a.habitat.name }}{% endifchanged %}{% ifchanged a.kind %}K{% endifchanged %}{% ifchanged %}{{ a.habitat.zone.title }}{% endifchanged %}",
    "with": "{% with h=a.habitat m=a.mother %}{{ h.name }}{{ m.name }}{{ h.zone.title }}{% if m %}{{ m.habitat.name }}{% endif %}{% endwith %}",
    "with-many": "{% with f=a.feedings.all %}{{ f|length }}{% for x in f %}{{ x.food.name }}{% endfor %}{% endwith %}",
    "with-manager": "{% with f=a.feedings %}{{ f.count }}{% for x in f.all %}{{ x.grams }}{% endfor %}{% endwith %}",
    "filters": "{{ a.name|default:'?' }}{{ a.danger|default_if_none:'none' }}{{ a.danger|yesno }}{{ a.name|length }}{{ a.name|first }}{{ a.weight|floatformat:1 }}{{ a.weight|add:1 }}",
    "many-filters": "{{ a.feedings.all|length }}{{ a.feedings.all|first }}{{ a.feedings.all.first.grams }}{{ a.feedings.all.0.grams }}{{ a.keepers.all|join:', ' }}{{ a.keepers.all|slice:':1' }}",
    "dictsort": "{% for f in a.feedings.all|dictsort:'grams' %}{{ f.grams }}{% endfor %}{% for f in a.feedings.all|dictsortreversed:'food.name' %}{{ f.food.name }}{{ f.grams }}{% endfor %}",
    "slices": "{% for f in a.feedings.all|slice:'1:' %}{{ f.grams }}{% endfor %}{{ a.feedings.all|slice:'::2'|length }}{% for f in a.feedings.all|slice:text %}{{ f.grams }}{% endfor %}",
    "slices-from-the-end": "{% for f in a.feedings.all|slice:'-1:' %}{{ f.grams }}{% endfor %}{{ a.keepers.all|slice:':-1'|length }}",
    "count": "{{ a.feedings.count }}{{ a.feedings.exists }}{{ a.feedings.first.grams }}{{ a.feedings.last.grams }}{{ a.keepers.count }}",
    "counts": "{{ a.feedings.count }}{% if a.feedings.exists %}E{% endif %}{{ a.keepers.count }}{{ a.diet.count }}{{ a.children.exists }}{{ a.tickets.count }}{{ a.logs.count }}{{ a.labels.count }}{{ a.count }}",
    "counts-in-a-branch": "{% if a.kind == 'dog' %}{{ a.feedings.count }}{% if a.keepers.exists %}K{% endif %}{% endif %}{{ a.habitat.animal_set.count }}",
    "counts-never": "{% if no %}{{ a.feedings.count }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}{% endif %}{{ a.name }}",
    "counts-of-counts": "{{ a.feedings.count.real }}{{ a.feedings.count|add:1 }}{% for f in a.feedings.all|dictsort:'food.eaters.count' %}{{ f.grams }}{% endfor %}",
    "counts-and-method": "{{ a.title }}{{ a.feedings.count }}{{ a.keepers.exists }}",
    "count-and-branch": "{{ a.feedings.count }}{% if a.kind == 'dog' %}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}{% endif %}",
    "count-and-loop": "{{ a.feedings.count }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}{{ a.keepers.exists }}{% for k in a.keepers.all %}{{ k.name }}{% endfor %}",
    "all-names": "{{ a.feedings.all.count }}{{ a.feedings.all.exists }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}",
    "if-many": "{% if a.feedings.all %}{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}{% endif %}{% if a.keepers.exists %}{{ a.keepers.first }}{% endif %}",
    "if-manager": "{% if a.feedings %}{{ a.feedings }}{% endif %}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}",
    "branch-many": "{% if a.kind == 'dog' %}{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}{% elif a.mother %}{% for k in a.keepers.all %}{{ k }}{% endfor %}{% endif %}",
    "branch-one": "{% if a.kind == 'dog' %}{{ a.habitat.zone.title }}{{ a.passport.number }}{% else %}{{ a.mother.name }}{% endif %}",
    "branch-never": "{% if no %}{{ a.habitat.name }}{% for k in a.keepers.all %}{{ k }}{% endfor %}{{ a.loud }}{% endif %}",
    "method-in-branch": "{% if no %}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}{% endif %}{% for f in a.feedings.reverse %}{{ f.grams }}{% endfor %}",
    "short-circuit": "{% if no and a.habitat.name %}x{% endif %}{% if a.mother and a.mother.name == 'Leo' %}L{% endif %}{% firstof a.name a.habitat.name %}",
    "json": "{{ a.facts.a.b }}{{ a.facts.items }}{{ a.facts.items.0 }}{{ a.facts.nope }}{{ a.facts }}{% for k in a.facts %}{{ k }}{% endfor %}",
    "json-unpacked": "{% for k, v in a.facts.items %}{{ k }}{% endfor %}",
    "file": "{{ a.photo }}{{ a.photo.name }}{% if a.photo %}{{ a.photo.url }}{% endif %}",
    "bad-url": "{{ a.photo.url }}",
    "attributes": "{{ a.meals }}{{ a.note }}{{ a.one }}{{ a.mood }}{% for f in a.feedings.all %}{{ f.animal.meals }}{{ f.animal.note }}{% endfor %}{% for f in a.big %}{{ f.grams }}{% endfor %}",
    "parent-known": "{% for f in a.feedings.all %}{{ f.animal.name }}{{ f.animal.habitat.name }}{% endfor %}{{ a.passport.animal.name }}",
    "cycle": "{% cycle a.name a.kind as c %}{{ c }}{% cycle 'a' a.habitat.name %}",
    "regroup": "{% regroup a.habitat.animal_set.all by mother as g %}{% for x in g %}{{ x.grouper }}{{ x.grouper.name }}{% for y in x.list %}{{ y.name }}{% endfor %}{% endfor %}",
    "unpack": "{% for k, v in a.feedings.all %}{{ k }}{% endfor %}",
    "nested-roots": "{% for b in copies %}{% if b == a %}={% endif %}{{ b.habitat.name }}{% endfor %}",
    "loop": "{{ forloop.counter }}{{ forloop.revcounter }}{{ forloop.first }}{{ forloop.last }}{{ a.name }}",
    "index": "{{ a.0 }}{{ a.name.0 }}{{ a.name }}",
    "iterate": "{% for x in a %}{{ x }}{% endfor %}",
    "widthratio": "{% widthratio a.weight 200 100 %}{{ a.weight|stringformat:'.1f' }}",
    "comment": "{% comment %}{{ a.loud }}{% endcomment %}{# {{ a.loud }} #}{{ a.name }}",
}


@ROUTES
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_what_a_loop_shows(rows, route, body):
    check(each(body))


@pytest.mark.parametrize(
    "body",
    [
        "{{ a.habitat.visited }}",
        "{{ a.habitat.ticket }}{{ a.habitat.ticket }}",
        "{{ a.habitat.zone.letter }}",
        "{% for f in a.friends.all %}{{ f.passport.animal.slow }}{{ f.slow }}{{ f.passport.issuer.slow }}{% endfor %}",
        "{% for f in a.friends.all %}{% for c in f.children.all %}{{ c.slow }}{{ c.mother.slow }}{% endfor %}{% endfor %}",
        "{% for f in a.friends.all %}{% for m in f.feedings.all %}{{ m.animal.slow }}{% endfor %}{% endfor %}",
        "{% for c in a.children.all %}{{ c.mother.slow }}{% endfor %}",
        "{{ a.feedings.all.0.food.name }}{{ a.habitat.animal_set.all.0.habitat.visited }}",
        "{{ a.habitat.animal_set.first.habitat.visited }}{% with h=a.habitat.itself %}{{ h.visited }}{% endwith %}",
    ],
)
@pytest.mark.parametrize("name", ["animals", "tied", "joined", "evaluated", "list", "sliced"])
def test_rows_of_one_key_have_objects_of_their_own(rows, name, body):
    check(each(body, name))


@pytest.mark.parametrize(
    ("body", "queries"),
    [
        pytest.param("{{ a.feedings.count }}", 2, id="count"),
        pytest.param("{{ a.feedings.count }}{{ a.feedings.exists }}{{ a.keepers.exists }}", 3, id="both"),
        pytest.param(
            "{{ a.feedings.count }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}", 2, id="rows"
        ),
        pytest.param("{% if no %}{{ a.feedings.count }}{% endif %}{{ a.name }}", 1, id="not-reached"),
        pytest.param("{% if a.feedings.exists %}{{ a.feedings.count }}{% endif %}", 2, id="tested"),
    ],
)
def test_rows_are_counted_for_all_parents_at_once(rows, body, queries):
    plain, ours = check(each(body))
    assert ours == queries
    assert plain >= ours


SHORT = (
    "{{ a.name }}{{ a.pk }}{{ a.get_kind_display }}{{ a.habitat.name }}{{ a.habitat.zone.title }}{{ a.mother.name }}"
    "{{ a.passport.number }}{{ a.passport.animal.name }}{{ a.note }}{{ a.meals }}{{ a.one }}"
)
SAMPLES = {
    "one": SHORT,
    "many": "{{ a.name }}{% for f in a.feedings.all %}{{ f.grams }}{{ f.food.name }}{{ f.animal.name }}{{ f.animal.meals }}{% endfor %}{% for f in a.big %}{{ f.grams }}{% endfor %}",
    "both": "{{ a }}{{ a.title }}{% if a.mother %}{{ a.mother.habitat.name }}{% endif %}{% for k in a.keepers.all %}{{ k.boss }}{% endfor %}",
    "branch": "{% if a.kind == 'dog' %}{{ a.habitat.zone.title }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}{% endif %}",
    "columns": "{{ a.name }}{{ a.weight }}",
    "column-and-many": "{{ a.weight }}{% for c in a.children.all %}{{ a.name }}{{ c.name }}{% empty %}-{% endfor %}",
    "notes": "{{ a.note }}|{{ a.meals }}|{{ a.one }}|{{ a.kind }}",
    "joins": "{{ a.name }}{{ a.habitat.name }}{{ a.mother.name }}{{ a.meals }}{% for k in a.keepers.all %}{{ k.name }}{% endfor %}",
}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())
@pytest.mark.parametrize("name", QUERYSETS)
def test_every_state_of_a_queryset(rows, name, sample):
    check(each(sample, name))


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())
@pytest.mark.parametrize("name", OBJECTS)
def test_single_objects(rows, name, sample):
    check(re.sub(r"\ba\.", f"{name}.", sample).replace("{{ a }}", f"{{{{ {name} }}}}"))


COLLECTIONS = {
    "counts": "{{ X.count }}{{ X.exists }}{{ X|length }}{% if X %}T{% endif %}",
    "count-and-loop": "{{ X.count }}{% for a in X %}{{ a.name }}{% endfor %}{{ X.count }}{{ X|length }}",
    "first": "{{ X.first.name }}{{ X.first.habitat.name }}{{ X.last.name }}{{ X.first }}",
    "index": "{{ X.0.name }}{{ X.0.habitat.name }}{{ X.1.mother.name }}",
    "index-and-loop": "{% for a in X %}{{ a.name }}{% endfor %}{{ X.0.name }}{{ X.0.habitat.name }}",
    "slice-and-loop": "{% for a in X|slice:':2' %}{{ a.habitat.name }}{% endfor %}{% for a in X %}{{ a.name }}{% endfor %}{{ X.first.name }}",
    "slice-from-the-end": "{% for a in X %}{{ a.name }}{% endfor %}{% for a in X|slice:'-2:' %}{{ a.habitat.name }}{% endfor %}",
    "last-and-loop": "{{ X.last.name }}{{ X.first.habitat.visited }}{% for a in X %}{{ a.habitat.name }}{{ a.habitat.visited }}{% endfor %}",
    "last-and-rows": "{{ X.last.name }}{% for a in X %}{{ a.habitat.name }}{% endfor %}",
    "single": "{{ X.0.name }}{{ X.0.habitat.name }}{{ X.0 }}{{ X.9.name }}{{ X.count }}{% if X.exists %}{{ X.count }}{% endif %}",
    "single-whole": "{{ X.first }}{{ X.first.habitat.visited }}{{ X.first.habitat.visited }}{{ X.last.title }}{{ X.last.nope }}{% if X.first == X.0 %}={% endif %}",
    "first-and-loop": "{% for a in X %}{{ a.name }}{{ a.habitat.name }}{% endfor %}{{ X.first.mother.name }}",
    "printed": "{{ X }}",
    "if-loop": "{% if X %}{% for a in X %}{{ a.habitat.name }}{% endfor %}{% else %}E{% endif %}",
    "exists-loop": "{% if X.exists %}{% for a in X %}{{ a.habitat.name }}{% endfor %}{% endif %}",
    "branch": "{% if no %}{% for a in X %}{{ a.habitat.name }}{% endfor %}{% endif %}",
    "branch-length": "{% if no %}{{ X|length }}{% endif %}{% if yes %}{{ X|length }}{% endif %}",
    "two-loops": "{% for a in X %}{{ a.name }}{% endfor %}{% for a in X %}{{ a.habitat.name }}{% endfor %}",
    "nested": "{% for a in X %}{% for b in X %}{% if a == b %}={% endif %}{% if a.pk == b.pk %}={% endif %}{% endfor %}{% endfor %}",
    "all": "{% for a in X.all %}{{ a.name }}{{ a.habitat.name }}{% endfor %}{{ X.all.count }}",
    "filters": "{{ X|first }}{{ X|slice:':2'|length }}{{ X|join:', ' }}{% for a in X|slice:'1:3' %}{{ a.habitat.name }}{% endfor %}",
    "dictsort": "{% for a in X|dictsort:'name' %}{{ a.name }}{{ a.habitat.name }}{% endfor %}{% for a in X|dictsort:'habitat.name' %}{{ a.pk }}{% endfor %}",
    "dictsort-method": "{% for a in X|dictsort:'greet' %}{{ a.name }}{% endfor %}|{% for a in X|dictsort:'title' %}{{ a.name }}{% endfor %}",
    "dictsort-missing": "{% for a in X|dictsort:'nope' %}{{ a.name }}{% endfor %}|{% for a in X|dictsort:'passport.number' %}{{ a.name }}{% endfor %}",
    "regroup": "{% regroup X by habitat as groups %}{% for g in groups %}{{ g.grouper }}{{ g.grouper.zone.title }}{% for a in g.list %}{{ a.name }}{% endfor %}{% endfor %}",
    "regroup-column": "{% regroup X by kind as groups %}{% for g in groups %}{{ g.grouper }}{{ g.list|length }}{% for a in g.list %}{{ a.mother.name }}{% endfor %}{% endfor %}",
    "regroup-display": "{% regroup X by get_kind_display as groups %}{% for k, rows in groups %}{{ k }}{% for a in rows %}{{ a }}{% endfor %}{% endfor %}",
    "with": "{% with b=X %}{% for a in b %}{{ a.habitat.name }}{% endfor %}{{ b|length }}{% endwith %}",
    "unused": "{% if yes %}x{% endif %}{# X #}",
    "reversed": "{% for a in X reversed %}{{ a.name }}{{ forloop.revcounter0 }}{% endfor %}",
    "in": "{% for b in copies %}{% if b in X %}I{% endif %}{% endfor %}",
    "methods": "{% for a in X.named %}{{ a.habitat.name }}{% endfor %}{{ X.reverse.0.name }}",
    "refused": "{{ X.delete }}{{ X.update }}{{ X.create }}{{ X.filter }}{{ X.nope }}{{ X.model }}{{ X.query.nope }}",
    "include": "{% for a in X %}{% firstof a.mother.name a.habitat.name %}{% cycle 'odd' 'even' %}{% endfor %}",
    "first-loop-parts": "{% for a in X %}{% if forloop.first %}{{ a.habitat.name }}{% endif %}{{ a.name }}{% endfor %}",
    "page": "{{ X.number }}{{ X.has_next }}{{ X.paginator.count }}{% for a in X %}{{ a.habitat.name }}{% endfor %}{% for a in X.object_list %}{{ a.mother.name }}{% endfor %}",
}


@pytest.mark.parametrize(
    "name",
    [
        "animals",
        "nobody",
        "empty",
        "page",
        "evaluated",
        "listed",
        "tied",
        "counted",
        "union",
        "fetched",
        "only",
        "wild",
        "unordered",
        "sliced",
        "distinct",
    ],
)
@pytest.mark.parametrize("body", COLLECTIONS.values(), ids=COLLECTIONS.keys())
def test_collections(rows, name, body):
    check(body.replace("X", name))


MIXED = {
    "same-twice": "{% for a in animals %}{{ a.habitat.name }}{% endfor %}{% for a in same %}{{ a.mother.name }}{% endfor %}",
    "same-branch": "{% if no %}{% for a in animals %}{{ a.habitat.name }}{% endfor %}{% endif %}{{ same|length }}",
    "same-object": "{{ leo.name }}{{ also.habitat.name }}{% if leo == also %}={% endif %}{{ also.mood }}",
    "manager": "{% for a in manager.all %}{{ a.habitat.name }}{% endfor %}",
    "manager-count": "{{ manager.count }}{% for a in manager.all %}{{ a.habitat.name }}{% endfor %}{{ manager }}",
    "manager-methods": "{% for a in manager.named %}{{ a.habitat.name }}{% endfor %}{% if manager %}T{% endif %}",
    "related-queryset": "{% for f in feedings %}{{ f.grams }}{{ f.animal.name }}{{ f.food.name }}{% endfor %}",
    "related-manager": "{% for f in feeding.all %}{{ f.grams }}{{ f.animal.name }}{{ f.food.name }}{% endfor %}{{ feeding.count }}",
    "dict": "{% for a in stats.rows %}{{ a.habitat.name }}{% endfor %}{{ stats.best.name }}{{ stats.n }}{{ stats.deep.animal.mother.name }}{{ stats.nope }}",
    "dict-items": "{% for k, v in stats.items %}{{ k }}{% endfor %}{{ stats.best.habitat.name }}",
    "dict-whole": "{{ stats|length }}{{ stats.best.habitat.name }}",
    "default-dict": "{{ defaults.best.habitat.name }}{{ defaults.other }}{{ defaults.best.name }}",
    "counter": "{{ counter.best }}{{ counter.other }}",
    "shelf": "{% for a in shelf.rows %}{{ a.habitat.name }}{% endfor %}{{ shelf.best.habitat.name }}",
    "soft-delete": "{% for v in visits %}[{{ v.ticket.title }}{{ v.ticket.animal.name }}{{ v.day }}]{% endfor %}",
    "soft-delete-whole": "{% for v in visits %}[{{ v.ticket }}]{% endfor %}",
    "soft-delete-branch": "{% for v in visits %}{% if v.ticket_id %}{{ v.ticket_id }}{% endif %}{% if no %}{{ v.ticket.title }}{% endif %}{% endfor %}",
    "dangling": "{% for r in rumors %}[{{ r.text }}{{ r.about.name }}{{ r.about_id }}{{ r.about.pk }}]{% endfor %}",
    "dangling-whole": "{% for r in rumors %}[{{ r.about }}{% if r.about %}T{% endif %}{{ r }}]{% endfor %}",
    "dangling-branch": "{% for r in rumors %}{% if no %}{{ r.about.name }}{% endif %}{{ r.text }}{% endfor %}",
    "generic": "{% for l in labels %}[{{ l.target }}{{ l.target.name }}{{ l.content_type.model }}{{ l.object_id }}{{ l.target.habitat.name }}]{% endfor %}",
    "reverse-key": "{% for c in chips %}{{ c.pk }}{{ c.animal_id }}{{ c.animal.pk }}{{ c.animal.chip.serial }}{{ c.animal.name }}{% endfor %}",
    "back-and-forth": "{% for p in passports %}{{ p.animal.passport.number }}{{ p.animal.passport.issuer.name }}{{ p.issuer.name }}{% endfor %}",
    "inheritance": "{% for b in buildings %}{{ b.name }}{{ b.aviary.height }}{{ b.aviary.name }}{{ b.habitat.name }}{% endfor %}",
    "inheritance-child": "{% for b in aviaries %}{{ b.name }}{{ b.pk }}{{ b.id }}{{ b.building_ptr }}{{ b.building_ptr_id }}{{ b.building_ptr.name }}{{ b.habitat.zone.title }}{% for p in b.perches.all %}{{ p.animal }}{{ p.aviary.name }}{% endfor %}{% endfor %}",
    "inheritance-object": "{{ building.name }}{{ building.aviary.height }}{% for p in building.aviary.perches.all %}{{ p.animal }}{% endfor %}",
    "inheritance-many": "{% for h in habitats %}{% for b in h.buildings.all %}{{ b.aviary.height }}{{ b.habitat.name }}{% endfor %}{% endfor %}",
    "perches": "{% for p in perches %}[{{ p.aviary.name }}{{ p.aviary.pk }}{{ p.animal.size }}{{ p.animal.habitat.name }}]{% endfor %}",
    "proxies": "{% for a in wild %}{{ a.size }}{{ a }}{{ a.habitat.name }}{% for f in a.feedings.all %}{{ f.animal }}{{ f.animal.size }}{% endfor %}{% endfor %}",
    "proxy-object": "{{ bigone }}{{ bigone.passport.animal.size }}{% for f in bigone.feedings.all %}{{ f.animal.size }}{% endfor %}{% for p in bigone.perches.all %}{{ p.animal.size }}{% endfor %}",
    "drawers": "{% for d in drawers %}[{{ d.items }}{{ d.count }}{{ d.values }}{% for k in d.keys %}{{ k }}{% endfor %}{{ d.instance }}{{ d.pop }}]{% endfor %}",
    "drawer-columns": "{% for d in drawers %}[{{ d.items }}{{ d.count }}{{ d.instance }}]{% endfor %}",
    "drawer-hole": "{% for d in drawers %}[{{ d.copy.code }}{{ d.copy }}]{% endfor %}",
    "drawer-hole-instance": "{% for d in drawers %}[{{ d }}{{ d.copy.code }}{% if no %}{{ d.values }}{% endif %}]{% endfor %}",
    "drawer-object": "{{ drawer.copy.code }}{{ drawer.items }}{{ drawer.pk }}{% for l in drawer.update.all %}{{ l.code }}{% endfor %}",
    "locks": "{% for l in locks %}{{ l.drawer.items }}{{ l.drawer.count }}{{ l.shelf.items }}{{ l.shelf.values }}{{ l.drawer.copy.code }}{% endfor %}",
    "from-db": "{% for c in odd %}{{ c.name }}{{ c.animal.name }}{% for d in c.animal.counted.all %}{{ d.name }}{% endfor %}{% endfor %}",
    "ranks": "{% for r in ranks %}{{ r.rank }}{{ r.secret }}{% for s in ranks %}{% if r < s %}L{% endif %}{% if r > s %}G{% endif %}{% if r >= s %}X{% endif %}{% endfor %}{% endfor %}",
    "moods": "{% for m in moods %}{{ m.get_dynamic_display }}{{ m.get_json_display }}{{ m.get_flag_display }}{{ m.get_grouped_display }}{{ m.get_own_display }}{{ m.grouped }}{% endfor %}",
    "unordered-model": "{% for t in tricks %}{{ t.name }}{{ t.animal_set.count }}{% for a in t.animal_set.all %}{{ a.name }}{{ a.habitat.name }}{% endfor %}{% endfor %}",
    "empty-inner": "{% for z in zones %}{% for h in z.habitats.all %}{% for a in h.animal_set.all %}{{ z.title }}{{ a.mother.name }}{% endfor %}{% endfor %}{% endfor %}",
    "empty-list": "{% for a in empty %}{% for b in listed %}{{ b.habitat.name }}{% endfor %}{{ leo.passport.number }}{% endfor %}",
    "empty-else": "{% for a in animals %}{{ a.name }}{% empty %}{% for b in copies %}{{ b.habitat.name }}{% endfor %}{{ leo.habitat.name }}{% endfor %}",
    "empty-body": "{% for f in lone.feedings.all %}{{ lone.habitat.zone.title }}{{ f.food.name }}{% endfor %}",
    "short-circuit": "{% if no and animals %}{% endif %}{% if yes or copies %}{% endif %}{% if no and leo.habitat.name %}{% endif %}",
    "filter-chain": "{{ missing|default:leo.habitat.name }}{{ yes|yesno:'a,b' }}{{ leo.habitat.name|default:leo.passport.number }}",
    "team": "{% for k in keepers %}{{ k.boss.boss.name }}{% for m in k.team.all %}{{ m.name }}{{ m.boss.name }}{% for h in m.homes.all %}{{ h.name }}{{ h.keeper.name }}{{ h.zone.pk }}{% endfor %}{% endfor %}{% for a in k.animals.all %}{{ a.name }}{% endfor %}{% endfor %}",
    "passed-through": "{% for d in plain %}{{ d.name }}{{ d.items }}{{ d.habitat.name }}{% endfor %}{{ plain.0.name }}{{ nothing.at.all }}",
    "required-key-unset": "{{ new.habitat }}|{{ new.habitat.name }}|{% if new.habitat is None %}N{% endif %}",
    "required-key-unset-whole": "{{ new.habitat }}",
    "required-key-unset-pk": "{{ new.habitat.pk }}{% if no %}{{ new.mother.name }}{% endif %}",
    "shared-page": "{% for a in shared.page %}{{ a.habitat.name }}{% endfor %}{% for a in shared.rows %}{{ a.mother.name }}{% endfor %}",
    "shared-page-unread": "{% for a in shared.rows %}{{ a.mother.name }}{% endfor %}{{ shared.page.number }}",
    "page-and-queryset": "{% for a in page %}{{ a.name }}{% endfor %}{{ page.object_list|length }}{{ page.paginator.num_pages }}",
}


@ROUTES
@pytest.mark.parametrize("body", MIXED.values(), ids=MIXED.keys())
def test_mixed(rows, route, body):
    check(body)


NEVER_REACHED = {
    "queryset": "{% for a in nobody %}{% for b in animals %}{{ b.habitat.name }}{% endfor %}{% endfor %}",
    "none": "{% for a in empty %}{% for b in copies %}{{ b.habitat.name }}{% endfor %}{% endfor %}",
    "object": "{% for a in nobody %}{{ leo.passport.number }}{% endfor %}",
    "parent": "{% for f in lone.feedings.all %}{{ lone.mother.name }}{{ lone.habitat.zone.title }}{% endfor %}",
}


@pytest.mark.parametrize("body", NEVER_REACHED.values(), ids=NEVER_REACHED.keys())
def test_a_loop_over_nothing_costs_nothing(rows, body):
    check(body)


@ROUTES
def test_rows_of_a_branch_are_not_fetched_for_the_last_of_them(route, rows):
    """Django's ``last()`` asks the database even where the rows are prefetched."""
    keepers = lambda: {"keepers": zoo.Keeper.objects.extra(select={"one": "1"}).order_by("name", "pk")}  # noqa: E731
    source = "{{ k }}{% if k.nope %}{% for r in k.rivals.all %}{{ k }}{% endfor %}{% else %}{{ k.rivals.last }}{% endif %}"
    check(f"{{% for k in keepers %}}{source}{{% endfor %}}", keepers)

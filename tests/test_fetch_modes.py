"""Pages over objects that were told how to fetch what is not loaded (Django 6.1) are plain Django's pages, too."""

import pytest
from django.db import models
from django.db.models import query
from django.template import Context, Template

from djust_ast import compile_paths, explain, serialize_context
from djust_ast.states import FETCH_ONE, fetch_mode_of
from tests.test_equality import BIG, BODIES, TO_ATTR, _filled, check, each, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

# Before Django 6.1 there is but one way, without a name.
NAMES = [name for name in ("FETCH_ONE", "FETCH_PEERS", "FETCH_RAISE") if hasattr(models, name)] or [None]
OWN = "its objects have a fetch mode of their own"

pytestmark = pytest.mark.usefixtures("rows")
every_mode = pytest.mark.parametrize("mode", [getattr(models, name or "", None) for name in NAMES], ids=NAMES)


def in_mode(queryset, mode):
    return queryset if mode is None else queryset.fetch_mode(mode)


@pytest.fixture
def everywhere(mode, monkeypatch):
    """All managers' querysets are in that mode."""
    if mode is not None:
        monkeypatch.setattr(query, "DEFAULT_FETCH_MODE", mode)


@every_mode
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_what_a_loop_shows(everywhere, body):
    check(each(body))


SHARING = [
    "{{ a.habitat.visited }}",
    "{{ a.habitat.ticket }}{{ a.habitat.ticket }}",
    "{{ a.habitat.zone.letter }}",
    "{% if a.habitat.name %}{{ a.habitat.ticket }}{% endif %}",
    "{{ a.mother.habitat.visited }}",
    "{{ a.feedings.all.0.food.name }}{{ a.habitat.animal_set.all.0.name }}",
]


@every_mode
@pytest.mark.parametrize("body", SHARING)
@pytest.mark.parametrize(
    "name", ["animals", "tied", "joined", "only", "evaluated", "listed", "page", "listpage"]
)
def test_objects_are_shared_where_django_shares_them(everywhere, name, body):
    check(each(body, name))


@every_mode
@pytest.mark.parametrize(
    "body", ["{{ a.about.name }}", "{% if a.about %}{{ a.about.habitat.name }}{% endif %}"]
)
@pytest.mark.parametrize("name", ["rumors", "visits"])
def test_rows_that_are_gone(everywhere, name, body):
    check(each(body.replace("about", "ticket") if name == "visits" else body, name))


@every_mode
@pytest.mark.parametrize(
    "source",
    [
        "{{ first.habitat.name }}{{ second.habitat.name }}",
        "{{ first.name }}{{ second.feedings.all.0.food.name }}",
        "{{ first.habitat.visited }}{{ second.habitat.visited }}",
    ],
)
def test_objects_that_came_together_are_asked_for_together(mode, source):
    def context():
        came = list(in_mode(zoo.Animal.objects.all(), mode))
        # The others are kept: Django remembers its peers as long as they live.
        return {"first": came[0], "second": came[1], "others": came}

    check(source, context)


@every_mode
def test_what_is_behind_a_relation_is_fetched_in_the_mode_of_its_parent(everywhere):
    """Whatever the mode of the manager that it comes through."""
    source = "{{ animals|pprint }}" + each("{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}")
    plain = in_mode(zoo.Animal.objects.order_by("pk"), getattr(models, "FETCH_ONE", None))
    served = serialize_context(Template(source), {"animals": plain.all()})["animals"]
    modes = [
        {fetch_mode_of(feeding) for animal in animals for feeding in animal.feedings.all()}
        for animals in (plain, served)
    ]
    assert type(served) is type(plain)
    assert modes == [{FETCH_ONE}] * 2


@every_mode
def test_what_only_rows_show_is_planned_where_fetching_raises_nothing(mode):
    source = each(
        "{{ a.name }}{{ a.habitat.zone.title }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}"
    )
    said = str(explain(Template(source), {"animals": in_mode(zoo.Animal.objects.order_by("pk"), mode)}))
    raises = getattr(models, "FETCH_RAISE", NAMES)
    assert (OWN in said, "Animal: rows of" in said) == (mode is raises, mode is not raises)


REACHED = (
    "{{ a.habitat.name }}{{ a.passport.number }}{{ a.big.0.food.name }}"
    "{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}{% for k in a.children.all %}{{ k.name }}{% endfor %}"
    "{% for k in a.keepers.all %}{{ k.name }}{% endfor %}{% for l in a.labels.all %}{{ l.target.name }}{% endfor %}"
)


@pytest.mark.parametrize(
    "make",
    [
        lambda: zoo.Animal.objects.order_by("pk"),
        lambda: zoo.Animal.objects.order_by("kind"),
        lambda: zoo.Animal.objects.order_by("pk").prefetch_related("feedings__food", "children", "labels"),
        lambda: zoo.Animal.objects.order_by("pk").prefetch_related(BIG, "keepers", "labels__target"),
        lambda: zoo.Animal.objects.order_by("pk").prefetch_related(TO_ATTR),
        lambda: zoo.Animal.objects.raw("SELECT * FROM zoo_animal ORDER BY id"),
        lambda: zoo.Animal.objects.order_by().union(zoo.Animal.objects.order_by()).order_by("pk"),
    ],
    ids=["joined", "tied", "prefetched", "Prefetch", "to_attr", "raw", "union"],
)
def test_objects_that_code_gets_fetch_for_each_other_whoever_has_fetched_them(make):
    """Rows of a prefetch do not inherit the mode of their parents; before Django 6.1 there is none."""
    template = Template("{{ animals|pprint }}" + each(REACHED))
    served = serialize_context(template, {"animals": make()})["animals"]
    template.render(Context({"animals": served}))
    leo = next(animal for animal in served if animal.name == "Leo")
    objects = [leo, leo.habitat, leo.passport, *leo.feedings.all(), *(f.food for f in leo.feedings.all())]
    objects += [*leo.children.all(), *leo.keepers.all(), *leo.labels.all(), leo.labels.all()[0].target]
    objects += getattr(leo, "big", [])
    modes = {getattr(getattr(obj._state, "fetch_mode", None), "ours", None) for obj in objects}
    assert modes == ({True} if hasattr(models, "FETCH_ONE") else {None})


@every_mode
def test_serializers_fetch_what_they_are_asked_for_in_any_mode(mode):
    """A mode is about what nobody asked for."""
    plain = zoo.Animal.objects.order_by("pk")
    paths = ["name", "habitat.zone.title", "feedings.all.food.name", "mother"]
    for asked in ("template", "json"):
        serializer = compile_paths(zoo.Animal, paths, mode=asked)
        wanted = [str(record) for record in serializer.many(list(plain))]
        assert [str(record) for record in serializer.many(in_mode(plain, mode))] == wanted
        assert [str(record) for record in serializer.many(list(in_mode(plain, mode)))] == wanted
    source = Template(each("{{ a.name }}{{ a.habitat.zone.title }}"))
    made = [serialize_context(source, {"animals": one}, mode="json") for one in (plain, in_mode(plain, mode))]
    assert made[0] == made[1]

"""Objects in every state that a view may hand over: the page is plain Django's, and nothing is fetched twice."""

import pytest
from django import VERSION
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import FilteredRelation, Prefetch, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Length

from djust_ast import serialize_context
from tests.test_equality import BIG, ENGINES, TO_ATTR, _filled, check, each, one, outcome, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

pytestmark = pytest.mark.usefixtures("rows")
BACK = "{{ a.name }}{% for f in a.feedings.all %}{{ f.animal.name }}{{ f.grams }}{% endfor %}{{ a.passport.animal.name }}"


@pytest.mark.parametrize(
    "body",
    [
        BACK,
        BACK + "{{ a.feedings.first.animal.name }}",
        "{{ a.title }}{% if a.name %}" + BACK + "{% endif %}",
    ],
)
def test_the_other_side_leads_back_to_the_object_itself(body):
    check(each(body), lambda: {"animals": [one("Leo", name="One"), one("Leo", name="Two"), one("Mia")]})


EVERYTHING = (
    "{{ a.name }}{{ a.habitat.name }}{% for f in a.feedings.all %}{{ f.grams }}{{ f.food.name }}{% endfor %}"
)
# Pages over objects in a state, and the most queries that they may take.
STATES = {
    "filtered-relation": (
        lambda: (
            zoo.Animal.objects.annotate(big=FilteredRelation("feedings", condition=Q(feedings__grams__gt=3)))
            .filter(big__grams__gt=0)
            .select_related("habitat")
        ),
        "{{ a.name }}{{ a.habitat.name }}{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}",
        2,
    ),
    "filtered-relation-selected": (
        lambda: (
            zoo.Animal.objects.annotate(owner=FilteredRelation("mother", condition=Q(mother__kind="cat")))
            .select_related("owner")
            .order_by("pk")
        ),
        "{{ a.name }}{{ a.owner.name }}{{ a.habitat.name }}",
        1,
    ),
    "union": (
        lambda: (
            zoo.Animal.objects.filter(kind="cat")
            .order_by()
            .union(zoo.Animal.objects.filter(kind="dog").order_by())
            .order_by("pk")
        ),
        EVERYTHING,
        3,
    ),
    "raw": (lambda: zoo.Animal.objects.raw("SELECT * FROM zoo_animal ORDER BY id"), EVERYTHING, 3),
    "raw-without-a-key": (
        lambda: zoo.Animal.objects.raw("SELECT id, name, kind FROM zoo_animal ORDER BY id"),
        "{{ a.name }}{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}",
        2,
    ),
    "prefetch": (lambda: zoo.Animal.objects.prefetch_related(BIG), EVERYTHING, 3),
    "prefetch-to-attr": (
        lambda: zoo.Animal.objects.prefetch_related(TO_ATTR),
        "{% for f in a.big %}{{ f.food.name }}{{ f.animal.name }}{% endfor %}{{ a.big.0.food.name }}{{ a.habitat.name }}",
        3,
    ),
    "prefetch-sliced": (
        lambda: zoo.Animal.objects.prefetch_related(
            Prefetch("feedings", zoo.Feeding.objects.order_by("-grams", "pk")[:1], to_attr="big")
        ),
        "{% for f in a.big %}{{ f.grams }}{{ f.food.name }}{% endfor %}",
        3,
    ),
    "prefetch-of-one": (
        lambda: zoo.Animal.objects.prefetch_related(Prefetch("mother", to_attr="mum")),
        "{{ a.mum.name }}{{ a.mum.habitat.name }}",
        3,
    ),
    "prefetch-beside-a-count": (
        lambda: zoo.Animal.objects.prefetch_related(BIG),
        "{{ a.title }}{{ a.feedings.count }}{{ a.feedings.first.grams }}{{ a.feedings.all.0.food.name }}",
        3,
    ),
    "mixed-list": (
        lambda: [*zoo.Animal.objects.all(), *zoo.Keeper.objects.all(), None, "text", {"name": "dict"}],
        EVERYTHING + "{{ a.boss.name }}",
        3,
    ),
    "nested-lists": (
        lambda: [[one("Leo")], (one("Mia"),)],
        "{% for b in a %}{{ b.habitat.name }}{% endfor %}",
        1,
    ),
    "nine-joins": (lambda: zoo.Animal.objects.all(), "{{ a." + "mother." * 12 + "name }}{{ a.name }}", 2),
    "nine-joins-in-a-branch": (
        lambda: zoo.Animal.objects.all(),
        "{% if a.kind == 'none' %}{{ a." + "mother." * 12 + "name }}{% endif %}",
        1,
    ),
    "parent-and-child": (
        lambda: zoo.Building.objects.all(),
        "{{ a.name }}{{ a.aviary.height }}{{ a.aviary.name }}{{ a.aviary.habitat.name }}{{ a.habitat.name }}",
        1,
    ),
    "parent-and-child-and-back": (
        lambda: zoo.Building.objects.order_by(),
        "{{ a.aviary }}{{ a.aviary.building_ptr }}{{ a.aviary.building_ptr.name }}",
        2,
    ),
    "parent-and-rows-of-the-child": (
        lambda: zoo.Building.objects.all(),
        "{{ a.aviary.height }}{% for p in a.aviary.perches.all %}{{ p.animal.size }}{{ p.aviary.name }}{% endfor %}",
        2,
    ),
    "child": (
        lambda: zoo.Aviary.objects.all(),
        "{{ a.name }}{{ a.height }}{{ a.habitat.zone.title }}{% for p in a.perches.all %}{{ p.pk }}{% endfor %}",
        2,
    ),
    "generator": (lambda: (animal for animal in zoo.Animal.objects.all()), "{{ a.name }}", 1),
    "iterator": (lambda: zoo.Animal.objects.iterator(chunk_size=2), "{{ a.name }}", 1),
    # Names in SQL of the view's own would be ambiguous beside those of a joined table.
    "spelled-where": (lambda: zoo.Animal.objects.extra(where=["name > 'L'"]), EVERYTHING, 3),
    "spelled-column": (
        lambda: zoo.Animal.objects.extra(select={"shout": "upper(name)"}),
        "{{ a.shout }}" + EVERYTHING,
        3,
    ),
    "spelled-expression": (
        lambda: zoo.Animal.objects.annotate(shout=Length(RawSQL("name", ()))).order_by("pk"),
        "{{ a.shout }}" + EVERYTHING,
        3,
    ),
    "spelled-order": (lambda: zoo.Animal.objects.order_by(RawSQL("name", ()), "pk"), EVERYTHING, 3),
    "for-update": (
        lambda: zoo.Animal.objects.select_for_update(),
        EVERYTHING,
        3,
    ),
}


@pytest.mark.parametrize(("make", "body", "most"), STATES.values(), ids=STATES.keys())
def test_any_state(make, body, most):
    _, ours = check(each(body), lambda: {"animals": make()})
    assert ours <= most


@pytest.mark.parametrize("make", [STATES["union"][0], STATES["raw"][0]], ids=["union", "raw"])
def test_one_under_two_names_is_fetched_once(make):
    def context():
        found = make()
        return {"animals": found, "again": found, "box": {"rows": found}}

    source = "{% for a in again %}{{ a.name }}{% endfor %}" + each("{{ a.name }}{{ a.habitat.name }}")
    check(source, context)
    check(source + "{% for a in box.rows %}{{ a.mother.name }}{% endfor %}", context)
    check("{{ animals }}" + source, context)


@pytest.fixture
def seats(rows):  # noqa: F811
    badge = zoo.OwnBadge.objects.create(text="own", keeper=zoo.Keeper.objects.first())
    for number, animal in enumerate(zoo.Animal.objects.all()[:3]):
        zoo.Seat.objects.create(block="A", number=number, animal=animal, badge=badge if number else None)
        zoo.Seat.objects.create(block="B", number=number, animal=animal)
    zoo.Seat.objects.create(block="C", number=1)


SEATS = {
    "key": ("{{ a.pk }}{{ a.pk.0 }}{{ a }}{{ a.label }}{{ a.number }}", 1),
    "foreign-keys": ("{{ a.animal.name }}{{ a.animal.habitat.name }}{{ a.block }}", 1),
    "swapped-model": ("{{ a.badge.text }}{{ a.badge.keeper.name }}", 1),
    "there-and-back": ("{{ a.animal.seats.count }}{% for s in a.animal.seats.all %}{{ s }}{% endfor %}", 3),
    "one-of-several": (
        "{{ a.animal.seats.first.number }}{{ a.animal.seats.last }}{{ a.animal.seats.all.1.block }}",
        4,
    ),
    "key-and-method": ("{{ a.animal.pk }}{{ a.label }}{{ a.pk.1 }}", 1),
}


@pytest.mark.parametrize(("body", "most"), SEATS.values(), ids=SEATS.keys())
@pytest.mark.parametrize("route", ["auto", "instances"])
def test_composite_keys_and_swapped_models(seats, settings, route, body, most):
    settings.DJUST_AST = {"ROUTE": route, "STRICT": True}
    _, ours = check(each(body), lambda: {"animals": zoo.Seat.objects.all()})
    assert ours <= most
    check(each(body), lambda: {"animals": zoo.Seat.objects.order_by("animal__name")[:4]})


def test_a_thousand_targets_of_each_type_come_in_pieces_that_the_database_takes(rows):  # noqa: F811
    cave = zoo.Habitat.objects.first()
    made = [zoo.Animal(name=f"herd {n}", kind="cat", habitat=cave) for n in range(1_100)]
    kinds = ContentType.objects.get_for_models(zoo.Animal, zoo.Habitat)
    labels = [
        zoo.Label(text="herd", content_type=kinds[type(one)], object_id=one.pk)
        for one in (*zoo.Animal.objects.bulk_create(made), cave)
    ]
    zoo.Label.objects.bulk_create(labels)
    labels = zoo.Label.objects.filter(text="herd").order_by("-pk")
    size = 500 if VERSION < (6, 0) else connection.features.max_query_params
    pieces = -(-labels.count() // size) if connection.vendor == "sqlite" else 1
    page = ENGINES[""].from_string(each("{{ a.target.name }}"))
    plain, _, _ = outcome(page, lambda: {"animals": labels.all()}, lambda _, found: found)
    for context, queries in (
        (lambda: {"animals": list(labels.all())}, 1 + pieces),
        (lambda: {"animals": labels.all()}, 2 + pieces),
    ):
        text, ours, _ = outcome(page, context, serialize_context)
        assert text == plain
        assert len(ours) == queries


def test_a_thousand_parents_come_in_pieces_that_the_database_takes(rows):  # noqa: F811
    """Django 5.2 and SQLite refuse a forward prefetch of as many."""
    cave = zoo.Habitat.objects.first()
    made = [zoo.Animal(name=f"herd {n}", kind="cat", habitat=cave) for n in range(1_100)]
    mothers = zoo.Animal.objects.bulk_create(made)
    zoo.Animal.objects.bulk_create(
        [zoo.Animal(name=f"calf {mother.pk}", kind="dog", habitat=cave, mother=mother) for mother in mothers]
    )
    body = "{{ a.title }}{{ a.mother.name }}{{ a.feedings.first.grams }}"
    calves = zoo.Animal.objects.filter(name__startswith="calf")
    _, ours = check(each(body), lambda: {"animals": list(calves)})
    assert ours <= 6
    _, ours = check(each(body), lambda: {"animals": calves.order_by("kind")})
    assert ours <= 7

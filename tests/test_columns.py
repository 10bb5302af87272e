"""Which columns instances are made of: those that a page reads, where that is known and pays, and otherwise all."""

import pytest
from django.db import connection
from django.db.models import Count, F, Prefetch
from django.db.models.signals import post_init
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext

from djust_ast import explain, reads, serialize_context
from djust_ast.bodies import body
from djust_ast.demo.rentals.models import Tenant
from djust_ast.members import member
from tests.test_catalogue import selected
from tests.test_equality import ENGINES, _filled, check, each, outcome, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

pytestmark = pytest.mark.usefixtures("rows")
ALL = {field.column for field in zoo.Animal._meta.concrete_fields}
KEPT = {"id", "habitat_id", "mother_id", "photo"}  # keys, and a file, which has a way of its own to be read


def animals():
    return zoo.Animal.objects.order_by("pk")


def columns_of(source, context, table="zoo_animal"):
    """The columns that instances of a table are made of."""
    _, queries, _ = outcome(ENGINES[""].from_string(source), context, serialize_context)
    return {column for name, column in selected(queries) if name == table}


# Pages over animals, and what is read of them besides ``KEPT``.
READ = {
    "a-property": ("{{ a.title }}", {"name", "kind"}),
    "a-column-beside-a-property": ("{{ a.title }}{{ a.born }}", {"name", "kind", "born"}),
    "printed": ("{{ a }}", {"name"}),
    "compared": ("{% if a == a %}{{ a.weight }}{% endif %}", {"name", "weight"}),
    "a-file": ("{{ a.photo.name }}", set()),
    "in-a-branch": ("{{ a.title }}{% if a.danger %}{{ a.seen }}{% endif %}", {"name", "kind", "danger", "seen"}),
    "a-label-of-a-choice": ("{{ a.photo }}{{ a.get_danger_display }}", {"danger"}),
    "read-by-way-of-a-row": (
        "{{ a.title }}{% for f in a.feedings.all %}{{ f.animal.born }}{% endfor %}",
        {"name", "kind", "born"},
    ),
    "read-by-a-body-of-a-row": (
        "{{ a.photo }}{% for f in a.feedings.all %}{{ f.weighs }}{% endfor %}",
        {"name"},
    ),
    "read-by-way-of-one": ("{{ a.title }}{{ a.passport.animal.born }}", {"name", "kind", "born"}),
    "read-by-way-of-a-part": ("{{ a.title }}{{ a.feedings.first.animal.born }}", {"name", "kind", "born"}),
    "a-method-that-deletes": ("{{ a.greet }}{{ a.wipe }}", {"name"}),
    "a-constant": ("{{ a.photo }}{{ a.SOUND }}", set()),
    "a-name-that-is-not-there": ("{{ a.nope }}{{ a.kind }}", {"kind"}),
    "counted": ("{{ a.title }}{{ a.feedings.count }}{{ a.keepers.all.0.name }}", {"name", "kind"}),
}  # fmt: skip


@pytest.mark.parametrize(("body", "read"), READ.values(), ids=READ.keys())
def test_what_is_read_is_fetched(body, read):
    def context():
        return {"animals": animals()}

    _, ours = check(each(body), context)
    assert ours <= explain(ENGINES[""].from_string(each(body)), context()).queries[1]
    assert columns_of(each(body), context) == KEPT | read
    zoo.Animal.objects.update(name="changed", born=None)
    check(each(body), context)


# Pages over animals of which it is not known what is read, or that somebody else gets to see.
UNKNOWN = {
    "an-open-body": "{{ a.guessed }}",
    "an-open-body-below": "{{ a.title }}{% for f in a.mother.feedings.all %}{{ f.animal.guessed }}{% endfor %}",
    "a-hint": "{{ a.hinted }}",
    "a-body-that-asks-the-database": "{{ a.asking }}",
    "a-body-that-gives-back-an-object": "{{ a.habitat.itself }}{{ a.title }}",
    "a-body-that-changes": "{{ a.title }}{% for f in a.feedings.all %}{{ f.starves }}{% endfor %}",
    "a-filter": "{{ a|pprint }}",
    "a-filter-below": "{{ a.title }}{% for f in a.feedings.all %}{{ f|pprint }}{% endfor %}",
    "a-manager": "{% for k in a.children.named %}{{ k.mother.born }}{% endfor %}",
    "rows-by-a-filter": "{% for k in a.children.all|dictsort:'name' %}{{ k|pprint }}{% endfor %}{{ a.title }}",
    "there-and-on": "{{ a.title }}{% for f in a.feedings.all %}{{ f.animal.habitat.name }}{% endfor %}",
}


def guessed(self):
    return getattr(self, "".join(["na", "me"]))


@reads("habitat")
def hinted(self):
    return eval("self.kind + self.habitat.name")  # noqa: S307


def asking(self):
    return [feeding.animal.born for feeding in self.feedings.filter(grams__gt=0)]


@pytest.fixture
def bodies(monkeypatch):
    for function in (guessed, hinted, asking):
        monkeypatch.setattr(zoo.Animal, function.__name__, function, raising=False)
    yield
    member.cache_clear()
    body.cache_clear()


@pytest.mark.parametrize("body", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_where_it_is_not_known_what_is_read_everything_is_there(bodies, body):
    def context():
        return {"animals": animals()}

    check(each(body), context)
    assert columns_of(each(body), context) == ALL


LIVE = {
    "handed-on": "{{ animals|pprint }}",
    "a-part": "{{ animals.0.title }}{% for a in animals|slice:':2' %}{{ a.title }}{% endfor %}",
    "refined": "{% for a in animals.named %}{{ a.title }}{% endfor %}{{ animals.first.title }}",
}


@pytest.mark.parametrize(
    ("loop", "box", "get"),
    [
        pytest.param("box.0.0", lambda found: [[found]], lambda box: box[0][0], id="lists"),
        pytest.param("box.rows.0", lambda found: {"rows": [found]}, lambda box: box["rows"][0], id="dict"),
        pytest.param("box.0", lambda found: [found, 1], lambda box: box[0], id="list"),
    ],
)
def test_objects_inside_of_containers_that_stay_are_whole(loop, box, get):
    """Whoever gets the container gets the objects."""
    source = f"{{% for a in {loop} %}}{{{{ a.title }}}}{{{{ a.habitat.name }}}}{{% endfor %}}"
    check(source, lambda: {"box": box(animals())})
    served = serialize_context(ENGINES[""].from_string(source), {"box": box(animals())})["box"]
    assert not any(animal.get_deferred_fields() for animal in get(served))


@pytest.mark.parametrize("source", LIVE.values(), ids=LIVE.keys())
def test_objects_that_are_handed_on_are_whole(source):
    def context():
        return {"animals": animals()}

    check(source, context)
    assert columns_of(source, context) == ALL
    served = serialize_context(ENGINES[""].from_string(source), context())["animals"]
    assert not any(animal.get_deferred_fields() for animal in served)


def test_what_is_prefetched_for_loaded_objects_is_whole():
    source = each("{{ a.title }}{{ a.mother.title }}{{ a.feedings.first.animal.title }}")

    def context():
        return {"animals": list(animals())}

    check(source, context)
    found = context()["animals"]
    template = ENGINES[""].from_string(source)
    template.render(Context(serialize_context(template, {"animals": found})))
    mothers = [animal.mother for animal in found if animal.mother is not None]
    assert mothers
    assert not any(mother.get_deferred_fields() for mother in mothers)


STEADY = {
    "an-order-with-ties": lambda: zoo.Animal.objects.order_by("kind"),
    "a-slice-without-an-order": lambda: zoo.Animal.objects.order_by()[:3],
    "grouped": lambda: zoo.Animal.objects.annotate(n=Count("feedings")).order_by("pk"),
    "for-update": lambda: (
        animals().select_for_update(of=("self",))
        if connection.features.has_select_for_update_of
        else animals().select_for_update()
    ),
    "extra": lambda: animals().extra(select={"one": "1"}),
}


@pytest.mark.parametrize("make", STEADY.values(), ids=STEADY.keys())
def test_a_query_that_must_stay_keeps_its_columns(make):
    check(each("{{ a.title }}"), lambda: {"animals": make()})
    assert columns_of(each("{{ a.title }}"), lambda: {"animals": make()}) == ALL


@pytest.mark.parametrize(
    "make",
    [
        lambda: animals().distinct()[:4],
        lambda: animals().filter(feedings__isnull=False).distinct(),
        lambda: animals().annotate(note=F("habitat__name")),
        lambda: animals().prefetch_related("labels", "habitat__zone", "feedings__food", "diet"),
        lambda: animals().select_related("habitat__keeper", "passport"),
        lambda: zoo.Habitat.objects.first().animal_set.order_by("pk"),
        lambda: animals().prefetch_related(Prefetch("feedings", zoo.Feeding.objects.filter(grams=1))),
    ],
    ids=["slice", "distinct", "annotated", "prefetch", "select_related", "related-manager", "Prefetch"],
)
def test_any_other_query_is_made_shorter(make):
    source = each(
        "{{ a.title }}{{ a.habitat.name }}{{ a.note }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}"
    )
    check(source, lambda: {"animals": make()})
    assert "facts" not in columns_of(source, lambda: {"animals": make()})


def test_keys_that_a_prefetch_asks_for_are_there():
    def context():
        return {"animals": animals().prefetch_related("habitat__keeper__homes")}

    _, ours = check(each("{{ a.title }}{{ a.habitat.keeper.name }}"), context)
    assert ours == 2


def test_a_receiver_sees_whole_objects():
    seen = []

    def receiver(instance, **_):
        seen.append(instance.get_deferred_fields())

    post_init.connect(receiver, zoo.Animal)
    try:
        check(each("{{ a.title }}"), lambda: {"animals": animals()})
    finally:
        post_init.disconnect(receiver, zoo.Animal)
    assert seen
    assert not any(seen)


def test_joined_and_prefetched_objects_are_shorter_too():
    source = each(
        "{{ a.title }}{{ a.mother }}{{ a.passport }}{% for k in a.children.all %}{{ k }}{% endfor %}"
    )
    check(source)
    plan = explain(Template(source), {"animals": animals()}).plan
    assert "nothing reads danger, born, seen, weight, facts, mother__kind," in plan
    assert "mother__facts: left out" in plan
    assert "      nothing reads kind, danger, born, seen, weight, facts: left out" in plan


def test_a_column_that_is_read_after_all_is_fetched_by_itself():
    """As when a view looks into the records of a page."""
    template = ENGINES[""].from_string(each("{{ a.title }}"))
    served = serialize_context(template, {"animals": animals()})["animals"]
    plain = list(animals())
    with CaptureQueriesContext(connection) as queries:
        assert [record.weight for record in served] == [animal.weight for animal in plain]
        assert [record.facts for record in served[:1]] == [animal.facts for animal in plain[:1]]
    assert len(queries) == len(plain) + 1


PAYS = [
    pytest.param("{{ a.full_name }}", True, id="twelve"),
    pytest.param("{{ a.full_name }}{{ a.phone }}{{ a.since }}", True, id="ten"),
    pytest.param("{{ a.full_name }}{{ a.phone }}{{ a.since }}{{ a.employer }}", False, id="nine"),
]


@pytest.mark.parametrize(("body", "pays"), PAYS)
def test_short_columns_are_left_out_where_they_are_many(body, pays):
    found = str(explain(ENGINES[""].from_string(each(body)), {"animals": Tenant.objects.all()}).plan)
    assert ("user__password" in found) is pays


# What the view has deferred and the page reads all the same: the queries of plain Django, and of a plan.
CHOSEN = {
    "only": (lambda: animals().only("kind"), "{{ a.title }}", 7, 1),
    "defer": (lambda: animals().defer("name", "kind", "facts"), "{{ a.title }}", 13, 1),
    "only-and-a-key": (lambda: animals().only("name"), "{{ a.title }}{{ a.habitat.name }}", 19, 2),
    "defer-a-key": (lambda: animals().defer("habitat"), "{{ a.title }}{{ a.habitat.name }}", 13, 2),
    "defer-a-key-by-its-column": (lambda: animals().defer("habitat_id"), "{{ a.title }}{{ a.habitat_id }}", 7, 1),
    "by-a-body": (lambda: animals().only("pk"), "{{ a }}", 7, 1),
    "selected": (
        lambda: animals().select_related("habitat").only("habitat__name"),
        "{{ a.title }}{{ a.habitat.name }}",
        13,
        1,
    ),
    "a-long-one": (lambda: animals().defer("facts"), "{{ a.title }}{{ a.facts.a }}", 7, 1),
    "a-long-one-in-a-branch": (
        lambda: animals().defer("facts"),
        "{{ a.title }}{% if a.kind == 'emu' %}{{ a.facts.a }}{% endif %}",
        2,
        2,
    ),
    "nothing-that-is-read": (lambda: animals().defer("facts", "born"), "{{ a.title }}", 1, 1),
    "live": (lambda: animals().only("kind"), "{{ a.title }}{{ a|pprint }}", 7, 1),
    "in-an-order-with-ties": (lambda: zoo.Animal.objects.only("name").order_by("name"), "{{ a.title }}", 7, 7),
}  # fmt: skip


@pytest.mark.parametrize(("make", "body", "plain", "ours"), CHOSEN.values(), ids=CHOSEN.keys())
def test_what_the_view_has_deferred_and_the_page_reads_comes_with_the_rest(make, body, plain, ours):
    assert check(each(body), lambda: {"animals": make()}) == (plain, ours)
    zoo.Animal.objects.update(name="changed")
    assert check(each(body), lambda: {"animals": make()}) == (plain, ours)


def test_a_column_that_stays_deferred_costs_no_other_query():
    """Where the columns of the query must stay; what is counted for all rows is not counted again for each."""
    source = each("{{ a.feedings.count }}{{ a.title }}{{ a.weight }}{{ a.feedings.count }}")
    make = lambda: {"animals": zoo.Animal.objects.defer("weight").select_for_update()}  # noqa: E731
    assert check(source, make) == (19, 8)


# Of an object that is loaded already; what is counted below it is not counted again for each row.
@pytest.mark.parametrize(
    ("body", "plain", "ours"),
    [
        ("{% for food in a.diet.all %}{{ food.eaters.count }}{% endfor %}", 5, 3),
        ("{{ a.diet.count }}{% for food in a.diet.all %}{{ food.eaters.count }}{% endfor %}", 6, 3),
    ],
)
def test_a_deferred_column_of_a_loaded_object_costs_no_other_query(body, plain, ours):
    make = lambda: {"a": zoo.Animal.objects.only("name").get(name="Leo")}  # noqa: E731
    assert check("{{ a.facts.a }}" + body, make) == (plain, ours)


@pytest.mark.parametrize("make", [lambda: animals().only("nope"), lambda: animals().defer("name__nope")])
def test_what_django_refuses_stays_refused(make):
    check(each("{{ a.title }}"), lambda: {"animals": make()})

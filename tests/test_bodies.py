"""What bodies of properties and methods read, and that pages stay what they are whatever was found."""

import re
from types import SimpleNamespace

import pytest
from django.core import checks
from django.db import connection, models
from django.template import Context, Engine
from django.test.utils import CaptureQueriesContext

from djust_ast import explain, learner, members, reads, serialize_context
from djust_ast.bodies import CHANGED, KEPT, body
from djust_ast.errors import BindError
from tests.test_equality import ENGINES, VALUES, _filled, check, each, route, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo


def paths(node, prefix=""):
    """The dotted leaves of what is read; ``[]`` stands for the rows of a collection."""
    below = dict(node.attrs) | ({"[]": node.element} if node.element is not None else {})
    if not below:
        return {prefix}
    return set().union(*(paths(child, f"{prefix}.{name}".lstrip(".")) for name, child in below.items()))


def counted(source):
    """The queries of plain Django, and ours."""
    template = ENGINES[""].from_string(source)
    counts = []
    for convert in (lambda _, context: context, serialize_context):
        with CaptureQueriesContext(connection) as queries:
            template.render(Context(convert(template, {"animals": zoo.Animal.objects.all()})))
        counts.append(len(queries))
    return tuple(counts)


def found(name, model=zoo.Animal):
    result = body(model, name)
    assert result is not None
    return result


CLOSED = {
    "title": {"name", "kind"},
    "home": {"habitat.name"},
    "shy": {""},
    "described": {"habitat.name", "habitat.keeper.name"},
    "chain": {"habitat.name", "habitat.zone.title"},
    "guarded": {"mother.habitat.name"},
    "walrus": {"mother.mother.name"},
    "either_way": {"kind", "mother.name", "habitat.name"},
    "by_name": {"name", "habitat.name"},
    "printed": {"habitat.name", "mother.name", "habitat.zone.title"},
    "escaped": {"habitat.name"},
    "joined": {"mother.name", "habitat.name"},
    "listed": {"feedings.all.[].grams", "feedings.all.[].food.name"},
    "sorted_by": {"keepers.all.[].name", "keepers.all.[].boss.name"},
    "looped": {"feedings.all.[].food.name"},
    "how_many": {"feedings.all.[]"},
    "tests_rows": {"feedings.all.[]"},
    "one_of": {"feedings.all.[].food.name"},
    "tied_one": {"tricks.all.[].name"},
    "helped": {"habitat.zone.title"},
    "wrapped": {"habitat.zone.title"},
    "displayed": {"habitat.name", "habitat.zone.title"},
    "nested": {"habitat.name"},
    "paired": {"habitat.name", "habitat.zone", "passport.number"},
    "other_model": {"habitat.name", "habitat.keeper.name", "habitat_id"},
    "unpacked": {"habitat.name", "mother.name"},
    "in_dict": {"habitat.name", "habitat.zone"},
    "tried": {"passport.number"},
    "generated": {"habitat.name", "keepers.all.[].name"},
    "addressed": {"habitat_id"},
    "remembered": {"habitat.zone.title"},
    "memo": {"habitat.zone.title"},
    "loud_name": {"name"},
    "annotated": {""},
    "hinted": {"habitat.zone", "feedings.all.[].food"},
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_body_reads_no_more_than_is_told(name):
    result = found(name)
    assert paths(result.reads) == CLOSED[name]
    assert result.open == ()
    assert result.queries == ()


OPEN = {
    "ancestors": "follows 'node' from object to object",
    "line": "from within itself",
    "dynamic": "an attribute whose name is not known",
    "handed_on": "uses eval(), locals() or the like",
    "cached": "calls ConnectionProxy.get",
    "mapped": "hands an object to attrgetter()",
}


@pytest.mark.parametrize("name", OPEN)
def test_an_open_body_says_why(name):
    assert OPEN[name] in " ".join(found(name).open)
    assert found(name).open[0].startswith("bodies.py:")


def test_what_an_open_body_reads_is_read_ahead_as_far_as_it_is_known():
    assert "habitat.name" in paths(found("cached").reads)
    assert "mother.mother.name" in paths(found("line").reads)


def test_explain_tells_what_may_not_be_planned(db):
    template = ENGINES[""].from_string(each("{{ a.cached }}{{ a.heavy }}{{ a.title }}"))
    plan = explain(template, {"animals": zoo.Animal}).plan
    assert "Animal.cached may read more than is planned: bodies.py:" in plan
    assert "Animal.heavy asks the database by itself: Feeding.filter(), Feeding.count()" in plan
    assert "Animal.title" not in plan.replace("Animal.title needs the instance", "")


QUERIES = {
    "heavy": ("Feeding.filter()", "Feeding.count()"),
    "first_meal": ("Feeding.first()", "Food.get()"),
    "again": ("Feeding.filter()", "Feeding.all()"),
    "by_tree": ("Animal.filter()", "Animal.exists()"),
    "others": ("Animal.filter()", "Animal.exclude()", "Animal.count()"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_body_with_queries_of_its_own_is_told_apart(name):
    assert (found(name).queries, found(name).open) == (QUERIES[name], ())


@pytest.mark.parametrize(
    ("name", "uses"),
    [
        ("renames", {CHANGED, KEPT}),
        ("leaves_a_note", {KEPT}),
        ("remembered", {KEPT}),
        ("memo", {KEPT}),
        ("handed_on", {CHANGED, KEPT}),
        ("chain", set()),
        ("renames_habitat", set()),
    ],
)
def test_what_a_body_does_to_its_object(name, uses):
    assert found(name).reads.uses == uses


def test_what_a_body_does_to_other_objects():
    assert found("renames_habitat").reads.attrs["habitat"].uses == {CHANGED, KEPT}
    assert found("starves", zoo.Feeding).reads.attrs["animal"].uses == {CHANGED, KEPT}


NAMES = [
    *CLOSED,
    *OPEN,
    *QUERIES,
    "renames",
    "renames_habitat",
    "renames_below",
    "leaves_a_note",
    "both",
    "itself",
]


@pytest.mark.parametrize("route", ["auto", "instances"], indirect=True)
@pytest.mark.parametrize("name", NAMES)
def test_the_page_stays_what_it_is(rows, route, name):  # noqa: F811
    shown = "{{ a.name }}{{ a.habitat.name }}{{ a.habitat.zone.title }}{{ a.mother.name }}"
    value = f"{{{{ a.{name}|join:',' }}}}" if name == "generated" else f"{{{{ a.{name} }}}}"
    check(each(value))
    check(each(f"{shown}{value}{shown}{value}"))


@pytest.mark.parametrize(
    "state", ["tied", "evaluated", "listed", "only", "selected", "attrs", "wild", "feedings", "deferred"]
)
@pytest.mark.parametrize(
    "name", ["chain", "listed", "tied_one", "leaves_a_note", "memo", "both", "renames_below"]
)
def test_the_page_stays_what_it_is_in_every_state(rows, state, name):  # noqa: F811
    body_ = f"{{{{ a.{name} }}}}{{{{ a.habitat.name }}}}"
    many = hasattr(VALUES[state](), "__iter__")
    owner = "a.animal" if state == "feedings" else "a"
    check(each(body_.replace("a.", f"{owner}."), state) if many else body_.replace("a.", f"{state}."))


GIVEN_BACK = [
    "{{ a.place.name }}{{ a.place.zone.title }}{{ a.place }}",
    "{{ a.place.visited }}{{ a.place.visited }}{{ a.habitat.visited }}",
    "{{ a.place.rename }}{{ a.habitat.name }}{{ a.place.name }}",
    "{{ a.habitat.name }}{{ a.place.rename }}{{ a.habitat.name }}",
    "{% for f in a.meals_of %}{{ f.food.name }}{{ f.animal.name }}{{ f.weighs }}{% endfor %}",
    "{{ a.meals_of|length }}{{ a.meals_of.count }}{% if a.meals_of %}T{% endif %}",
    "{{ a.meals_of.first.food.name }}{{ a.meals_of.0.food }}{{ a.meals_of|first }}",
    "{% for f in a.meals_of.all %}{{ f.grams }}{% endfor %}{{ a.meals_of }}",
    "{% for f in a.meals_of.reverse %}{{ f.grams }}{% endfor %}{% for f in a.meals_of %}{{ f.grams }}{% endfor %}",
    "{% for f in a.big_meals %}{{ f.food.name }}{% endfor %}{{ a.big_meals.0.food }}",
    "{{ a.itself.habitat.name }}{{ a.itself.itself.title }}{{ a.itself.mother.place.zone }}",
    "{{ a.place.animal_set.count }}{% for b in a.place.animal_set.all %}{{ b.place }}{% endfor %}",
    "{% for f in a.feedings.all %}{{ f.weighs }}{% endfor %}",
    "{% for f in a.feedings.all %}{{ f.starves }}{{ f.animal.name }}{% endfor %}{{ a.name }}",
    "{{ a.name }}{% for f in a.feedings.all %}{{ f.starves }}{% endfor %}{{ a.name }}{{ a.title }}",
    "{{ a.renames }}{{ a.name }}{{ a.mother.renames }}{{ a.mother.name }}",
    "{{ a.renames_habitat }}{{ a.habitat.name }}{{ a.renames_habitat }}{{ a.home }}",
    "{% if no %}{{ a.chain }}{{ a.listed }}{% endif %}{{ a.name }}",
    "{% if a.kind == 'dog' %}{{ a.listed }}{{ a.sorted_by }}{% endif %}",
]


@pytest.mark.parametrize("route", ["auto", "instances"], indirect=True)
@pytest.mark.parametrize("source", GIVEN_BACK)
def test_what_is_asked_of_what_a_body_gives_back(rows, route, source):  # noqa: F811
    check(each(source))
    check(each(source, "tied"))


COUNTS = {
    # source: (queries of plain Django, ours)
    "{{ a.chain }}": (13, 1),
    "{{ a.described }}": (10, 1),
    "{{ a.guarded }}": (7, 1),
    "{{ a.joined }}": (10, 1),
    "{{ a.listed }}": (11, 2),
    "{{ a.looped }}": (11, 2),
    "{{ a.sorted_by }}": (11, 2),
    "{{ a.helped }}{{ a.wrapped }}{{ a.displayed }}": (13, 1),
    "{{ a.paired }}": (19, 1),
    "{{ a.memo }}{{ a.remembered }}": (13, 1),
    "{{ a.hinted }}": (13, 1),
    "{{ a.place.zone.title }}": (13, 1),
    "{% for f in a.meals_of %}{{ f.food.name }}{% endfor %}": (11, 2),
    "{% for f in a.feedings.all %}{{ f.weighs }}{% endfor %}": (11, 2),
    "{{ a.heavy }}": (7, 7),
    "{{ a.again }}": (7, 7),
    "{{ a.both }}": (13, 13),
    "{% if no %}{{ a.listed }}{% endif %}": (1, 1),
}


@pytest.mark.parametrize("source", COUNTS)
def test_queries_of_bodies_are_planned(rows, source):  # noqa: F811
    assert counted(each(source)) == COUNTS[source]


if hasattr(models, "FETCH_PEERS"):

    @pytest.mark.parametrize(
        ("source", "counts"),
        [
            # what eval() reads is not seen: six rows, and one query for all of their habitats
            ("{{ a.unseen }}", (13, 3)),
            ("{{ a.unseen }}{{ a.habitat.ticket }}", (13, 2)),
        ],
    )
    def test_what_was_not_foreseen_is_fetched_for_all_rows(rows, source, counts):
        assert counted(each(source)) == counts
        check(each(source))


# -- hints ----------------------------------------------------------------------------------------------------


@pytest.fixture
def hinted(monkeypatch):
    """A function that gives animals a member, for as long as the test runs."""

    def give(name, attribute):
        monkeypatch.setattr(zoo.Animal, name, attribute, raising=False)
        for cached in (members.member, body):
            cached.cache_clear()

    yield give
    monkeypatch.undo()
    for cached in (members.member, body):
        cached.cache_clear()


def unseen(self):
    return eval("self.habitat.zone.title")  # noqa: S307


@pytest.mark.parametrize(
    "decorate",
    [
        reads("habitat__zone"),
        lambda f: reads("habitat.zone")(property(f)),
        lambda f: property(reads("habitat__zone")(f)),
    ],
    ids=["method", "over-a-property", "under-a-property"],
)
def test_a_hint_is_planned(rows, hinted, decorate):  # noqa: F811
    def told(self):
        return eval("self.habitat.zone.title")  # noqa: S307

    hinted("told", decorate(told))
    assert found("told").closed
    assert paths(found("told").reads) == {"habitat.zone"}
    assert counted(each("{{ a.told }}")) == (13, 1)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("habitat__zome", "Habitat has no 'zome'; did you mean 'zone'?"),
        ("habitt", "Animal has no 'habitt'; did you mean 'habitat'?"),
        ("name__upper", "'name__upper' goes on behind 'name', which is no relation"),
    ],
)
def test_a_wrong_hint_is_told(hinted, path, problem):
    def told(self):
        return ""

    hinted("told", reads(path)(told))
    with pytest.raises(BindError, match=re.escape(problem)):
        body(zoo.Animal, "told")
    messages = [message for message in checks.run_checks(tags=["djust_ast"]) if message.obj is zoo.Animal]
    assert [(message.id, message.msg) for message in messages] == [
        ("djust_ast.W001", f"Animal.told: {problem}")
    ]


@pytest.mark.parametrize("paths_", [(), ("",), (1,)])
def test_a_hint_that_is_none(paths_):
    with pytest.raises(BindError, match="as strings"):
        reads(*paths_)


def test_a_hint_on_what_has_no_body():
    with pytest.raises(BindError, match="not a list"):
        reads("habitat")([])


class ModelProperty:
    """What strawberry-django makes of a function with hints."""

    def __init__(self, func, **hints_):
        self.func = func
        self.store = SimpleNamespace(**({"only": [], "select_related": [], "prefetch_related": []} | hints_))

    def __get__(self, obj, owner=None):
        return self if obj is None else self.func(obj)


def test_hints_of_other_packages_are_read(rows, hinted, monkeypatch):  # noqa: F811
    hinted(
        "strawberry",
        ModelProperty(unseen, only=["name"], select_related=["habitat__zone"], prefetch_related=["keepers"]),
    )
    assert paths(found("strawberry").reads) == {"name", "habitat.zone", "keepers.all.[]"}
    monkeypatch.setattr(
        zoo.Animal, "_djust_annotations", {"meal_count": models.Count("feedings")}, raising=False
    )
    hinted("meal_count", property(lambda self: len(eval("self.feedings.all()"))))  # noqa: S307
    assert paths(found("meal_count").reads) == {"feedings.all.[]"}
    assert counted(each("{{ a.strawberry }}{{ a.meal_count }}")) == (19, 2)


# -- what was loaded row by row -------------------------------------------------------------------------------


@pytest.fixture
def said(settings, caplog, monkeypatch):
    """What the log says of pages that are rendered with ``DEBUG``."""
    settings.DJUST_AST = {"DEBUG": True}
    monkeypatch.setattr(learner, "_said", set())

    def render(source):
        engine = Engine(loaders=[("django.template.loaders.locmem.Loader", {"zoo/list.html": source})])
        template = engine.get_template("zoo/list.html")
        template.render(Context(serialize_context(template, {"animals": zoo.Animal.objects.all()})))
        return [record.getMessage() for record in caplog.records if "not planned" in record.getMessage()]

    with connection.execute_wrapper(learner.report):  # as watch() does when a connection is made
        yield render


if not hasattr(models, "FETCH_PEERS"):  # which fetches for all rows, so that fewer are lazy

    def test_what_was_not_planned_is_said_once_with_its_place(rows, said):
        assert said("<ul>\n" + each("{{ a.unseen }}")) == [
            "Animal.unseen reads Animal.habitat, not planned: zoo/list.html:2",
            "Animal.unseen reads Habitat.zone, not planned: zoo/list.html:2",
        ]


def test_rows_of_a_queryset_of_its_own_are_told_from_all_rows(rows, said):  # noqa: F811
    assert said(each("{{ a.heavy }}")) == [
        "Animal.heavy reads Animal.feedings.filter(), not planned: zoo/list.html:1"
    ]


def test_what_was_planned_is_not_said(rows, said):  # noqa: F811
    assert said(each("{{ a.chain }}{{ a.listed }}{% for k in a.keepers.all %}{{ k }}{% endfor %}")) == []

"""Serializers conform to the interpreter: what a record holds is what Django would find on the live object."""

import dataclasses
import datetime as dt
import json
import linecache

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Manager, Model
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils.functional import Promise
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from djust_ast import compile_paths
from djust_ast.compiler import compile_node
from djust_ast.demo.rentals import models as rentals
from djust_ast.errors import BindError, PlanError
from djust_ast.paths import from_paths
from djust_ast.plans import FRESH, GIVEN
from tests.oracle import interpret
from tests.zoo import models as zoo
from tests.zoo.data import fill

TABLE = {
    "columns": (zoo.Animal, ["name", "weight", "born", "seen", "facts", "kind"]),
    "keys": (zoo.Animal, ["pk", "id", "habitat_id", "mother_id", "mother.pk", "habitat.pk", "mother.id"]),
    "to-field": (zoo.Habitat, ["zone_id", "zone.pk", "zone.code", "zone.title", "keeper.badge", "keeper.boss.name"]),
    "forward": (zoo.Animal, ["habitat.name", "habitat.zone.title", "mother.mother.name", "mother.habitat.keeper.name"]),
    "reverse-one": (zoo.Animal, ["passport.number", "passport.issuer.name", "chip.serial", "chip.pk", "chip.animal_id"]),
    "only-reverse-one": (zoo.Animal, ["passport.number"]),
    "display": (zoo.Animal, ["get_kind_display", "get_danger_display"]),
    "displays": (zoo.Mood, ["get_dynamic_display", "get_json_display", "get_flag_display", "get_grouped_display", "get_own_display"]),
    "computed": (zoo.Animal, ["title", "home", "slow", "greet", "SOUND", "loud", "broken", "keyless", "gone", "typo", "nothing"]),
    "refused": (zoo.Animal, ["wipe", "feed", "delete", "name"]),
    "through": (zoo.Animal, ["mother.title", "habitat.name", "mother.get_kind_display"]),
    "file": (zoo.Animal, ["photo.name", "name"]),
    "soft-delete": (zoo.Visit, ["ticket.title", "ticket.animal.name", "day"]),
    "loose": (zoo.Rumor, ["about.name", "about_id", "text"]),
    "generic": (zoo.Label, ["target.name", "text", "content_type.model"]),
    "inheritance": (zoo.Aviary, ["name", "height", "pk", "id", "building_ptr_id", "habitat.name"]),
    "proxy": (zoo.BigAnimal, ["size", "name", "habitat.name"]),
    "from-db": (zoo.Counted, ["name", "animal.name"]),
    "hidden-field": (zoo.Ranked, ["secret", "rank"]),
    "dict-names": (zoo.Drawer, ["items", "count", "values", "keys", "instance", "copy.code"]),
    "reverse-many": (zoo.Animal, ["feedings.all.grams", "feedings.all.food.name", "feedings.all.animal.name"]),
    "without-all": (zoo.Animal, ["feedings.grams", "keepers.boss.name"]),
    "many-to-many": (zoo.Animal, ["keepers.all.name", "diet.all.name", "friends.all.name", "tricks.all.name"]),
    "nested": (zoo.Habitat, ["animal_set.all.feedings.all.food.name", "animal_set.all.mother.name", "buildings.all.name"]),
    "own-managers": (zoo.Animal, ["logs.all.text", "diaries.all.text", "tickets.all.title", "counted.all.name"]),
    "below-refused": (zoo.Visit, ["ticket.visits.all.day"]),
    "demo": (rentals.MaintenanceRequest, ["title", "is_open", "property.name", "property.owner.user.email", "tenant.full_name", "get_status_display", "expenses.all.amount"]),
    "demo-deep": (rentals.Property, ["leases.all.get_status_display", "tags.all.name", "insurance.premium", "address", "photos.all.path"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker, request):
    """The zoo and the agency, made once."""
    request.getfixturevalue("_seeded")
    with django_db_blocker.unblock():
        if not zoo.Animal.objects.exists():
            fill()


@pytest.fixture
def rows(filled, db):
    return None


def same(left, right):
    """Equal in value and type; an object is equal to the record that stands for it."""
    if isinstance(left, dict) and isinstance(right, dict) and type(left) is type(right) is dict:
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Model):
        return left == right and str(left) == str(right)
    if isinstance(left, Promise) or isinstance(right, Promise):
        return str(left) == str(right)
    return type(left) is type(right) and (left == right or callable(left))


def inputs(model):
    """The same objects in every form in which a view may have them."""
    yield "queryset", model._default_manager.all()
    if model._meta.app_label != "zoo":  # many rows
        return
    yield "total order", model._default_manager.order_by("pk")
    yield "no order", model._default_manager.order_by()
    yield "slice", model._default_manager.order_by("pk")[:3]
    yield "unordered slice", model._default_manager.order_by()[:3]
    yield "only", model._default_manager.only("pk")
    evaluated = model._default_manager.all()
    len(evaluated)
    yield "evaluated", evaluated
    yield "list", list(model._default_manager.all())
    yield "manager", model._default_manager


def plain_rows(objects):
    """Fresh instances of what a view has."""
    if isinstance(objects, list):
        return list(type(objects[0])._default_manager.all())
    return list(objects.all() if isinstance(objects, Manager) else objects._chain())


def conform(model, paths, serializer):
    for form, objects in inputs(model):
        live = plain_rows(objects)
        expected = [interpret(paths, obj) for obj in live]
        found = [interpret(paths, record) for record in serializer.many(objects)]
        assert same(found, expected), (form, paths, found, expected)
    for obj in model._default_manager.all()[:2]:
        assert same(
            interpret(paths, serializer.one(obj)), interpret(paths, type(obj)._default_manager.get(pk=obj.pk))
        )


@pytest.mark.parametrize("route", ["auto", "instances"])
@pytest.mark.parametrize(("model", "paths"), TABLE.values(), ids=TABLE.keys())
def test_records_hold_what_django_finds(rows, settings, model, paths, route):
    settings.DJUST_AST = {"ROUTE": route, "STRICT": True}
    conform(model, paths, compile_paths(model, paths))


@pytest.mark.parametrize("route", ["auto", "instances"])
@pytest.mark.parametrize(("model", "paths"), TABLE.values(), ids=TABLE.keys())
def test_never_more_queries_than_plain_access(rows, settings, model, paths, route):
    settings.DJUST_AST = {"ROUTE": route}
    serializer = compile_paths(model, paths)
    for form, objects in inputs(model):
        loaded = form in ("list", "evaluated")
        with CaptureQueriesContext(connection) as plain:
            for obj in plain_rows(objects):
                interpret(paths, obj)
        with CaptureQueriesContext(connection) as planned:
            for record in serializer.many(objects):
                interpret(paths, record)
        assert len(planned) <= len(plain) - loaded, (form, [query["sql"] for query in planned])


COUNTS = [
    pytest.param(["name"], 1, id="columns"),
    pytest.param(["mother.mother.habitat.zone.title", "passport.issuer.boss.name"], 1, id="to-one"),
    pytest.param(["feedings.all.food.name", "keepers.all.boss.name"], 3, id="a-query-a-level"),
    pytest.param(["habitat.animal_set.all.feedings.all.food.name"], 3, id="levels-below-levels"),
    pytest.param(["title"], 1, id="property"),
    pytest.param(["title", "habitat.name", "passport.number"], 1, id="property-and-joins"),
    pytest.param(["title", "feedings.all.food.name"], 2, id="property-and-rows"),
]


@pytest.mark.parametrize("route", ["auto", "instances"])
@pytest.mark.parametrize(("paths", "queries"), COUNTS)
def test_exact_queries(rows, settings, django_assert_num_queries, paths, queries, route):
    settings.DJUST_AST = {"ROUTE": route}
    serializer = compile_paths(zoo.Animal, paths)
    with django_assert_num_queries(queries):
        for record in serializer.many(zoo.Animal.objects.all()):
            interpret(paths, record)
    with django_assert_num_queries(0):
        assert serializer.many(zoo.Animal.objects.none()) == []


def names_of(model, depth):
    """Strategies of paths below ``model``."""
    plain = {
        zoo.Animal: ["name", "pk", "kind", "get_kind_display", "get_danger_display", "title", "home", "gone", "greet", "mother_id", "weight", "wipe"],
        zoo.Habitat: ["name", "zone_id", "keeper_id", "pk"],
        zoo.Keeper: ["name", "badge", "boss_id"],
        zoo.Zone: ["title", "code", "pk"],
        zoo.Passport: ["number", "animal_id"],
        zoo.Chip: ["serial", "pk"],
        zoo.Feeding: ["grams", "food_id"],
        zoo.Food: ["name"],
        zoo.Ticket: ["title"],
        zoo.Visit: ["day", "ticket_id"],
        zoo.Rumor: ["text", "about_id"],
        zoo.Counted: ["name"],
    }  # fmt: skip
    relations = {
        zoo.Animal: [
            ("habitat", zoo.Habitat), ("mother", zoo.Animal), ("passport", zoo.Passport), ("chip", zoo.Chip),
            ("feedings.all", zoo.Feeding), ("keepers.all", zoo.Keeper), ("children.all", zoo.Animal), ("diet.all", zoo.Food),
            ("friends.all", zoo.Animal), ("tickets.all", zoo.Ticket), ("rumors.all", zoo.Rumor), ("counted.all", zoo.Counted),
        ],
        zoo.Habitat: [("zone", zoo.Zone), ("keeper", zoo.Keeper), ("animal_set.all", zoo.Animal)],
        zoo.Keeper: [("boss", zoo.Keeper), ("team.all", zoo.Keeper), ("animals.all", zoo.Animal)],
        zoo.Zone: [("habitats.all", zoo.Habitat)],
        zoo.Passport: [("animal", zoo.Animal), ("issuer", zoo.Keeper)],
        zoo.Chip: [("animal", zoo.Animal)],
        zoo.Feeding: [("animal", zoo.Animal), ("food", zoo.Food)],
        zoo.Food: [("eaters.all", zoo.Animal)],
        zoo.Ticket: [("animal", zoo.Animal), ("visits.all", zoo.Visit)],
        zoo.Visit: [("ticket", zoo.Ticket)],
        zoo.Rumor: [("about", zoo.Animal)],
        zoo.Counted: [("animal", zoo.Animal)],
    }  # fmt: skip
    leaf = st.sampled_from(plain[model])
    if depth == 0:
        return leaf
    below = st.sampled_from(relations[model]).flatmap(
        lambda found: names_of(found[1], depth - 1).map(lambda rest: f"{found[0]}.{rest}")
    )
    return st.one_of(leaf, below, below)


MODELS = [zoo.Animal, zoo.Habitat, zoo.Keeper, zoo.Feeding, zoo.Visit, zoo.Rumor]
PATHS = st.sampled_from(MODELS).flatmap(
    lambda model: st.tuples(st.just(model), st.lists(names_of(model, 3), min_size=1, max_size=6, unique=True))
)
QUICKLY = hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("route", ["auto", "instances"])
@QUICKLY
@given(found=PATHS)
def test_any_paths(rows, settings, route, found):
    settings.DJUST_AST = {"ROUTE": route, "STRICT": True}
    model, paths = found
    serializer = compile_paths(model, paths)
    queryset = model._default_manager.all()
    with CaptureQueriesContext(connection) as plain:
        expected = [interpret(paths, obj) for obj in queryset._chain()]
    with CaptureQueriesContext(connection) as planned:
        result = [interpret(paths, record) for record in serializer.many(queryset)]
    assert same(result, expected), paths
    assert len(planned) <= len(plain)
    given_ = list(model._default_manager.all())
    assert same([interpret(paths, record) for record in serializer.many(given_)], expected), paths


def test_rows_whose_methods_lead_back_to_their_parent(rows, django_assert_num_queries):
    serializer = compile_paths(zoo.Habitat, ["animal_set.all.home"])
    with django_assert_num_queries(2):
        records = serializer.many(zoo.Habitat.objects.all())
        homes = [animal["home"] for habitat in records for animal in habitat["animal_set"]["all"]]
    assert homes == [a.home for h in zoo.Habitat.objects.all() for a in h.animal_set.all()]


# -- without a model ----------------------------------------------------------------------------------------


@dataclasses.dataclass
class Point:
    x: int
    next: "Point | None" = None

    @property
    def broken(self):
        raise AttributeError("broken")

    def twice(self):
        return self.x * 2


PLAIN = [
    pytest.param(["a", "b.c"], {"a": 1, "b": {"c": 2}}, id="dicts"),
    pytest.param(["items", "keys.x"], {"items": 1, "keys": {"x": 2}}, id="keys-named-like-methods"),
    pytest.param(["x", "twice", "next.x", "next.next.x", "nope"], Point(1, Point(2)), id="objects"),
    pytest.param(["rows.x", "rows.twice"], {"rows": [Point(1), Point(2)]}, id="lists"),
    pytest.param(["rows.x"], {"rows": ()}, id="empty"),
    pytest.param(["0.x", "1"], [Point(3), 4], id="indexes"),
    pytest.param(
        ["day.year", "day.isoformat", "text.upper"], {"day": dt.date(2024, 1, 2), "text": "abc"}, id="methods"
    ),
    pytest.param(["a.b"], {"a": None}, id="none"),
]


@pytest.mark.parametrize(("paths", "obj"), PLAIN)
def test_plain_python_objects(paths, obj):
    assert same(interpret(paths, compile_paths(None, paths).one(obj)), interpret(paths, obj))


def test_plain_objects_raise_what_they_raise():
    with pytest.raises(AttributeError, match="broken"):
        compile_paths(None, ["broken"]).one(Point(1))


# -- explicit paths, and JSON -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nam", "Animal has no 'nam'; did you mean 'name'"),
        ("habitat.nmae", "Habitat has no 'nmae'; did you mean 'name'"),
        ("", "is not a path"),
        ("_state", "is not a path"),
        ("habitat._state", "is not a path"),
        ("a..b", "is not a path"),
        ("feedings.all.gram", "Feeding has no 'gram'"),
    ],
)
def test_unknown_paths_are_named(path, message):
    with pytest.raises(BindError, match=message):
        compile_paths(zoo.Animal, [path])


@pytest.mark.parametrize(("model", "paths"), TABLE.values(), ids=TABLE.keys())
def test_json_is_json(rows, settings, model, paths):
    settings.DJUST_AST = {"STRICT": True}
    paths = [path for path in paths if path not in ("loud", "keyless", "broken", "typo")]
    serializer = compile_paths(model, paths, mode="json")
    data = serializer.many(model._default_manager.all())
    assert json.loads(json.dumps(data)) == data
    assert "bound method" not in json.dumps(data)
    flat = [path for path in paths if "." not in path]
    for found, obj in zip(data, model._default_manager.all(), strict=True):
        expected = {name: value for name, value in interpret(flat, obj).items() if not callable(value)}
        for name in found.keys() & expected.keys():
            assert found[name] == json.loads(json.dumps(expected[name], cls=DjangoJSONEncoder))


def test_json_leaves_secrets_out(rows):
    paths = ["user.username", "user.password"]
    (found, *_) = compile_paths(rentals.Tenant, paths, mode="json").many(rentals.Tenant.objects.all()[:1])
    assert found["user"].keys() == {"username"}


# -- what the view did to the objects -----------------------------------------------------------------------


def test_a_parent_in_memory_stays_the_parent(rows):
    leo = zoo.Animal.objects.get(name="Leo")
    leo.name = "Changed"
    paths = ["feedings.all.animal.name", "passport.animal.name", "feedings.all.food.name"]
    assert same(interpret(paths, compile_paths(zoo.Animal, paths).one(leo)), interpret(paths, leo))


def test_rows_of_a_related_manager_know_their_parent(rows):
    leo = zoo.Animal.objects.get(name="Leo")
    leo.name = "Changed"
    records = compile_paths(zoo.Feeding, ["animal.name", "food.name"]).many(leo.feedings.all())
    assert {record["animal"]["name"] for record in records} == {"Changed"}


def test_unsaved_objects(rows):
    paths = ["mother.pk", "mother.name", "habitat.pk", "passport.number", "feedings.all.grams"]
    lone = zoo.Animal(name="New", mother=zoo.Animal(name="Mum"))
    for wanted in (paths[:1], paths[:3], paths):
        assert same(
            interpret(wanted, compile_node(from_paths(wanted), zoo.Animal).one(lone)), interpret(wanted, lone)
        )


def test_choices_are_read_when_they_are_shown(rows, monkeypatch):
    serializer = compile_paths(zoo.Mood, ["get_dynamic_display"])
    monkeypatch.setitem(zoo.MOODS, "a", "Calm")
    assert serializer.many(zoo.Mood.objects.all())[0]["get_dynamic_display"] == "Calm"


def test_an_unknown_emitter_is_refused_with_the_known_ones():
    with pytest.raises(PlanError, match="no emitter is called 'nope'; known are 'ast'"):
        compile_paths(zoo.Animal, ["name"], emitter="nope")


@override_settings(DJUST_AST={"DEBUG": True})
def test_variants_of_a_serializer_have_files_of_their_own():
    serializer = compile_paths(zoo.Animal, ["name", "habitat.name"])
    variants = [serializer.variant(state) for state in (FRESH, GIVEN)]
    for compiled in variants:
        lines = linecache.getlines(compiled.function.__code__.co_filename)
        assert "".join(lines) == compiled.emitted.source

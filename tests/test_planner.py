"""Which plan is made: exact columns, joins and levels, and the reason where rows are refused."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, F, Prefetch, QuerySet
from django.db.models.functions import Lower
from django.db.models.signals import post_init

from djust_ast import compile_paths
from djust_ast.compiler import compile_node
from djust_ast.paths import PathNode
from djust_ast.states import plannable, state_of, total_order
from tests.zoo import models as zoo

LEAF = PathNode(uses=frozenset({"out"}))


def plan_of(model, paths, queryset=None):
    serializer = compile_paths(model, paths)
    return serializer.plan if queryset is None else serializer.variant(state_of(queryset)).plan


ROWS = [
    pytest.param(zoo.Animal, ["name"], ("name",), id="column"),
    pytest.param(zoo.Animal, ["pk", "id"], ("id",), id="pk-is-a-column"),
    pytest.param(zoo.Animal, ["mother.pk", "mother_id"], ("mother_id",), id="key-without-a-join"),
    pytest.param(zoo.Habitat, ["zone.code", "zone_id"], ("zone_id",), id="to-field-without-a-join"),
    pytest.param(zoo.Habitat, ["zone.pk"], ("zone__id",), id="pk-behind-a-to-field"),
    pytest.param(zoo.Animal, ["habitat.zone.title"], ("habitat__zone__title",), id="joins"),
    pytest.param(zoo.Animal, ["mother.name"], ("mother_id", "mother__name"), id="nullable-keeps-its-key"),
    pytest.param(zoo.Animal, ["name", "passport.number"], ("name", "passport__id", "passport__number"), id="reverse-one"),
    pytest.param(zoo.Animal, ["passport.number"], ("id", "passport__id", "passport__number"), id="reverse-one-alone"),
    pytest.param(zoo.Animal, ["chip.serial"], ("id", "chip__animal_id", "chip__serial"), id="reverse-one-that-is-the-key"),
    pytest.param(zoo.Animal, ["get_kind_display"], ("kind",), id="display"),
    pytest.param(zoo.Animal, ["feedings.all.grams"], ("id",), id="rows-need-the-key"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "paths", "columns"), ROWS)
def test_only_what_is_read_is_fetched(model, paths, columns):
    plan = plan_of(model, paths)
    assert (plan.route, plan.columns) == ("rows", columns)


def test_a_level_carries_its_parent_key():
    (level,) = plan_of(zoo.Animal, ["name", "feedings.all.food.name"]).levels
    assert (level.path, level.lazy, level.plan.columns) == (("feedings",), False, ("food__name", "animal_id"))
    (level,) = plan_of(zoo.Animal, ["keepers.all.name"]).levels
    assert level.plan.columns == ("name", "animals__id")


REFUSED = [
    pytest.param(zoo.Animal, ["title"], "Animal.title needs the instance", id="property"),
    pytest.param(zoo.Animal, ["habitat.animal_set.all.photo"], None, id="property-in-a-level-is-its-own-affair"),
    pytest.param(zoo.Animal, ["photo"], "Animal.photo needs the instance", id="file"),
    pytest.param(zoo.Counted, ["name"], "Counted.from_db() is its own", id="from-db"),
    pytest.param(zoo.Counted, ["animal.name"], "Counted.from_db() is its own", id="from-db-above"),
    pytest.param(zoo.Aviary, ["name"], "Aviary inherits from a concrete model", id="inheritance"),
    pytest.param(zoo.Visit, ["ticket.title"], "the base manager of Ticket is not Django's own", id="base-manager"),
    pytest.param(zoo.Visit, ["ticket.pk"], "the base manager of Ticket is not Django's own", id="base-manager-key"),
    pytest.param(zoo.Rumor, ["about.name"], "zoo.Rumor.about has no database constraint", id="no-constraint"),
    pytest.param(zoo.Animal, ["perches.all.animal.name"], "zoo.Perch.animal points to BigAnimal, not to Animal", id="proxy"),
    pytest.param(zoo.Animal, ["logs.all.text"], "Animal.logs needs the instance", id="own-all"),
    pytest.param(zoo.Animal, ["diaries.all.text"], "Animal.diaries needs the instance", id="asks-whose-rows"),
    pytest.param(zoo.Animal, ["diet.all.name"], "the rows of Animal.diet need instances", id="own-clone-behind-many-to-many"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "paths", "reason"), REFUSED)
def test_rows_are_refused_with_a_reason(model, paths, reason):
    plan = plan_of(model, paths)
    assert plan.reason == reason
    assert plan.route == ("rows" if reason is None else "instances")


STATES = [
    pytest.param(lambda qs: qs, "rows", None, id="plain"),
    pytest.param(lambda qs: qs.filter(name="x").exclude(pk=3), "rows", None, id="filtered"),
    pytest.param(lambda qs: qs[:3], "rows", None, id="sliced-with-a-total-order"),
    pytest.param(lambda qs: qs.reverse()[:3], "rows", None, id="reversed-slice"),
    pytest.param(lambda qs: qs.order_by("-pk")[:3], "rows", None, id="by-pk"),
    pytest.param(lambda qs: qs.select_related("habitat"), "rows", None, id="select-related"),
    pytest.param(lambda qs: qs.using("default"), "rows", None, id="using"),
    pytest.param(lambda qs: qs.none(), "rows", None, id="none"),
    pytest.param(lambda qs: qs.distinct(), "rows", None, id="distinct"),
    pytest.param(lambda qs: qs.distinct("kind"), "instances", "distinct() on fields", id="distinct-on"),
    pytest.param(lambda qs: qs.only("name"), "rows", None, id="only"),
    pytest.param(lambda qs: qs.defer("name"), "rows", None, id="defer"),
    pytest.param(
        lambda qs: qs.only("name").order_by("kind"),
        "instances",
        "only() or defer() by the view, in an order with ties",
        id="only-with-ties",
    ),
    pytest.param(lambda qs: qs.annotate(n=Count("feedings")), "rows", None, id="annotate"),
    pytest.param(lambda qs: qs.alias(n=F("pk")), "rows", None, id="alias"),
    pytest.param(lambda qs: qs.extra(select={"one": "1"}), "instances", "extra()", id="extra"),
    pytest.param(lambda qs: qs.select_for_update(), "instances", "select_for_update()", id="for-update"),
    pytest.param(lambda qs: qs.union(qs), "instances", "a union, intersection or difference", id="union"),
    pytest.param(lambda qs: qs.prefetch_related("feedings"), "rows", None, id="prefetch"),
    pytest.param(
        lambda qs: qs.prefetch_related(Prefetch("feedings", to_attr="f")),
        "instances",
        "a Prefetch() by the view",
        id="prefetch-to-attr",
    ),
    pytest.param(
        lambda qs: zoo.Habitat(pk=1).animal_set.all(),
        "instances",
        "rows of a related manager know their habitat",
        id="related-manager",
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("change", "route", "reason"), STATES)
def test_the_state_of_a_queryset_decides(change, route, reason):
    plan = plan_of(zoo.Animal, ["name", "habitat.name"], change(zoo.Animal.objects.all()))
    assert (plan.route, plan.reason) == (route, reason)


UNJOINED = [
    pytest.param(lambda qs: qs.only("name").order_by("kind"), id="only"),
    pytest.param(lambda qs: qs.select_for_update(), id="for-update"),
    pytest.param(lambda qs: qs.union(qs), id="union"),
    pytest.param(lambda qs: zoo.Habitat(pk=1).animal_set.all(), id="related-manager"),
    pytest.param(lambda qs: qs.order_by().select_related("mother"), id="unordered-and-joined-by-the-view"),
]


@pytest.mark.django_db
@pytest.mark.parametrize("change", UNJOINED)
def test_the_main_query_is_left_alone(change):
    plan = plan_of(zoo.Animal, ["name", "habitat.name"], change(zoo.Animal.objects.all()))
    assert (plan.route, plan.select_related) == ("instances", ())
    assert [level.path for level in plan.levels] == [("habitat",)]


@pytest.mark.django_db
def test_a_grouped_query_keeps_its_columns():
    plan = plan_of(zoo.Animal, ["name", "habitat.name"], zoo.Animal.objects.annotate(n=Count("feedings")))
    columns = [field.attname for field in zoo.Animal._meta.concrete_fields]
    assert (plan.route, plan.columns) == ("rows", (*columns, "n"))
    assert [level.path for level in plan.levels] == [("habitat",)]


@pytest.mark.django_db
def test_distinct_rows_carry_their_key():
    plan = plan_of(zoo.Animal, ["name"], zoo.Animal.objects.annotate(n=F("feedings__grams")).distinct())
    assert plan.columns == ("id", "n", "name")


ORDERS = [
    pytest.param(lambda qs: qs, True, id="meta-ends-in-pk"),
    pytest.param(lambda qs: qs.order_by("name"), False, id="not-unique"),
    pytest.param(lambda qs: qs.order_by("pk", "name"), True, id="unique-first"),
    pytest.param(lambda qs: qs.order_by(), False, id="none"),
    pytest.param(lambda qs: qs.order_by("?"), False, id="random"),
    pytest.param(lambda qs: qs.order_by(Lower("name")), False, id="expression"),
    pytest.param(lambda qs: qs.order_by("habitat"), False, id="relation"),
    pytest.param(lambda qs: qs.order_by("mother_id"), False, id="key"),
    pytest.param(lambda qs: qs.values("kind").annotate(n=Count("pk")), False, id="grouped"),
    pytest.param(lambda qs: zoo.Zone.objects.all(), True, id="unique-field"),
    pytest.param(lambda qs: zoo.Seat.objects.all(), True, id="composite-key"),
    pytest.param(lambda qs: zoo.Seat.objects.order_by("-block"), False, id="part-of-a-composite-key"),
    pytest.param(lambda qs: ContentType.objects.order_by("model", "app_label"), True, id="unique-together"),
    pytest.param(lambda qs: zoo.Trick.objects.all(), False, id="model-without-order"),
]


@pytest.mark.parametrize(("change", "total"), ORDERS)
def test_an_order_without_ties(change, total):
    assert total_order(change(zoo.Animal.objects.all())) is total


def test_ties_keep_the_main_query():
    """``values_list`` of all columns is plain Django's own statement; what lies beyond comes by key."""
    plan = plan_of(zoo.Animal, ["name", "habitat.name"], zoo.Animal.objects.order_by("kind")[:4])
    assert plan.route == "rows"
    assert plan.columns == tuple(field.attname for field in zoo.Animal._meta.concrete_fields)
    assert [level.path for level in plan.levels] == [("habitat",)]


def test_ties_and_what_may_not_be_read():
    queryset = zoo.Animal.objects.order_by("kind")[:4]
    branch = PathNode(attrs={"habitat": PathNode(attrs={"name": LEAF}, conditional=True)})
    plan = compile_node(branch, zoo.Animal).variant(state_of(queryset)).plan
    assert plan.route == "instances"
    assert plan.levels[0].lazy


@pytest.mark.parametrize(
    "make",
    [
        lambda: zoo.Animal.objects.values("name"),
        lambda: zoo.Animal.objects.values_list("name"),
        lambda: zoo.Animal.objects.dates("born", "year"),
    ],
    ids=["values", "values-list", "dates"],
)
def test_what_is_not_planned(make):
    assert not plannable(make())


def test_a_signal_that_connects_later_is_seen():
    serializer = compile_paths(zoo.Animal, ["habitat.name"])
    assert serializer.plan.route == "rows"

    def receiver(**_):
        pass

    post_init.connect(receiver, sender=zoo.Habitat)
    try:
        assert serializer.plan.reason == "a signal receiver sees each instance"
    finally:
        post_init.disconnect(receiver, sender=zoo.Habitat)
    assert serializer.plan.route == "rows"


def test_the_setting_forbids_rows(settings):
    settings.DJUST_AST = {"ROUTE": "instances"}
    plan = plan_of(zoo.Animal, ["name", "habitat.zone.title", "mother.pk"])
    assert (plan.route, plan.reason) == ("instances", 'the setting ROUTE is "instances"')
    assert plan.select_related == ("habitat", "habitat__zone")


def test_a_database_router_keeps_queries_apart(settings):
    settings.DATABASE_ROUTERS = ["tests.zoo.models.Zone"]
    queryset = QuerySet(zoo.Animal)
    state = state_of(queryset)
    assert (state.rows, state.joins) == ("database routers", False)


def test_no_more_than_eight_joins():
    path = "mother." * 12 + "name"
    assert len(plan_of(zoo.Animal, [path, "title"]).select_related) == 8


def test_no_more_than_eight_joins_of_rows():
    plan = plan_of(zoo.Animal, ["mother." * 12 + "name"])
    (level,) = plan.levels
    assert (plan.route, len(level.path), level.plan.route) == ("rows", 9, "rows")
    assert max(column.count("__") for column in plan.columns) == 8


def test_a_branch_of_rows_is_lazy():
    branch = PathNode(
        attrs={
            "all": PathNode(frozenset({"iter"}), element=PathNode(attrs={"grams": LEAF}), conditional=True)
        }
    )
    (level,) = compile_node(PathNode(attrs={"feedings": branch}), zoo.Animal).plan.levels
    assert level.lazy

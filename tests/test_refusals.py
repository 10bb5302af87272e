"""What each rule about the state of a queryset, and about what lies behind a relation, refuses."""

import pytest
from django.db import models
from django.db.models import Count, F, Prefetch
from django.template import Engine
from django.test.utils import isolate_apps

from djust_ast import explain
from djust_ast.members import member
from djust_ast.states import attrs_of, picked_state, state_behind, total_order
from djust_ast.stock import counts_together
from tests.test_planner import plan_of
from tests.zoo import models as zoo


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda qs: qs.select_related(), id="all-joined-by-the-view"),
        pytest.param(lambda qs: qs.defer("kind"), id="deferred"),
        pytest.param(lambda qs: qs.extra(select={"one": "1"}), id="extra"),
        pytest.param(lambda qs: qs.order_by().union(qs.order_by()).order_by("pk"), id="union"),
        pytest.param(lambda qs: qs.select_for_update(), id="for-update"),
    ],
)
def test_instances_in_a_total_order_are_not_joined_either(change):
    plan = plan_of(zoo.Animal, ["title", "habitat.name"], change(zoo.Animal.objects.all()))
    assert (plan.route, plan.select_related) == ("instances", ())


@pytest.mark.parametrize(
    "queryset",
    [
        pytest.param(lambda: zoo.Passport.objects.order_by("animal"), id="the-order-of-another-model"),
        pytest.param(lambda: zoo.Animal.objects.extra(order_by=["kind"]), id="spelled"),
    ],
)
def test_orders_with_ties(queryset):
    assert not total_order(queryset())


@isolate_apps("tests.zoo")
def test_nulls_tie_in_unique_columns():
    class Ticketed(models.Model):
        number = models.IntegerField(unique=True, null=True)
        row = models.IntegerField()

        class Meta:
            app_label = "zoo"
            constraints = [models.UniqueConstraint(fields=["number", "row"], name="seat")]

    assert not total_order(Ticketed.objects.order_by("number"))
    assert not total_order(Ticketed.objects.order_by("row", "number"))


def behind(change, **options):
    """The relation to rows whose manager changes their queryset."""

    class Some(models.Manager):
        def get_queryset(self):
            return change(super().get_queryset())

    class Shelf(models.Model):
        class Meta:
            app_label = "zoo"

    class Box(models.Model):
        shelf = models.ForeignKey(Shelf, models.CASCADE)
        name = models.CharField(max_length=5)
        objects = Some()
        Meta = type("Meta", (), {"app_label": "zoo"} | options)

    return member(Shelf, "box_set").relation


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        pytest.param(lambda qs: qs.filter(name="x"), True, id="filtered"),
        pytest.param(lambda qs: qs.distinct(), False, id="distinct"),
        pytest.param(lambda qs: qs[:3], False, id="sliced"),
        pytest.param(lambda qs: qs.annotate(n=F("name")), False, id="annotated"),
        pytest.param(lambda qs: qs.annotate(n=Count("shelf")), False, id="grouped"),
        pytest.param(lambda qs: qs.extra(select={"n": "1"}), False, id="extra"),
    ],
)
@isolate_apps("tests.zoo")
def test_which_rows_can_be_counted_together(change, counted):
    assert counts_together(behind(change).model) is counted


@isolate_apps("tests.zoo")
def test_which_rows_can_be_picked_for_all_parents():
    unordered = behind(lambda qs: qs)
    assert picked_state(unordered, ["first"]) is not None  # which orders them by their key
    assert picked_state(unordered, ["all"]) is None


@isolate_apps("tests.zoo")
def test_rows_with_ties_cannot_be_picked():
    assert picked_state(behind(lambda qs: qs, ordering=["name"]), ["first"]) is None


def test_the_state_behind_a_relation_that_is_refused():
    relation = member(zoo.Animal, "perches").relation
    state = state_behind(relation)
    assert (state.rows, state.joins) == (relation.refusal, False)


def test_nothing_is_joined_to_an_object_of_a_routed_database(settings):
    relation = member(zoo.Animal, "habitat").relation
    assert state_behind(relation).joins
    settings.DATABASE_ROUTERS = ["tests.zoo.models.Zone"]
    assert not state_behind(relation).joins


def test_names_that_the_instances_do_not_have():
    rows = zoo.Animal.objects.all()
    below = zoo.Habitat.objects.prefetch_related(
        Prefetch("animal_set__feedings", zoo.Feeding.objects.all(), "meals")
    )
    assert attrs_of(below) == ()
    assert attrs_of(zoo.Habitat.objects.prefetch_related(Prefetch("animal_set", rows, "rows"))) == (
        ("rows", zoo.Animal),
    )


@pytest.mark.parametrize(
    ("body", "change", "reason"),
    [
        pytest.param(
            "{% for t in a.tricks.all|slice:':1' %}{{ t.name }}{% endfor %}",
            lambda qs: qs,
            "a part of Animal.tricks is taken, whose order may have ties",
            id="part-of-rows-with-ties",
        ),
        pytest.param(
            "{{ a.passport.number }}",
            lambda qs: qs.order_by("kind"),
            "Animal.passport may not be read, and the order of the main query must stay",
            id="hole-beside-ties",
        ),
    ],
)
def test_the_reason_is_told(body, change, reason):
    template = Engine().from_string(f"{{% for a in animals %}}{body}{{% endfor %}}")
    assert reason in str(explain(template, {"animals": change(zoo.Animal.objects.all())}))

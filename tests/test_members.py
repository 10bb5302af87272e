"""What a name on a model is, told from its descriptor."""

import pytest
from django.db import models

from djust_ast.demo.rentals import models as rentals
from djust_ast.members import ColumnMember, ComputedMember, DisplayMember, RelationMember, member
from djust_ast.stock import hand_made, observed, opaque
from tests.zoo import models as zoo

KINDS = [
    (zoo.Animal, "name", ColumnMember),
    (zoo.Animal, "pk", ColumnMember),
    (zoo.Animal, "id", ColumnMember),
    (zoo.Animal, "habitat_id", ColumnMember),
    (zoo.Animal, "facts", ColumnMember),
    (zoo.Chip, "pk", ColumnMember),
    (zoo.Aviary, "pk", ColumnMember),
    (zoo.Aviary, "name", ColumnMember),
    (zoo.BigAnimal, "name", ColumnMember),
    (zoo.Label, "object_id", ColumnMember),
    (zoo.Animal, "habitat", RelationMember),
    (zoo.Animal, "mother", RelationMember),
    (zoo.Animal, "animal_set", None),
    (zoo.Habitat, "animal_set", RelationMember),
    (zoo.Habitat, "animals", None),
    (zoo.Animal, "children", RelationMember),
    (zoo.Animal, "passport", RelationMember),
    (zoo.Animal, "chip", RelationMember),
    (zoo.Animal, "keepers", RelationMember),
    (zoo.Keeper, "animals", RelationMember),
    (zoo.Animal, "friends", RelationMember),
    (zoo.Animal, "diet", RelationMember),
    (zoo.Food, "eaters", RelationMember),
    (zoo.Animal, "tickets", RelationMember),
    (zoo.Animal, "logs", ComputedMember),  # its manager's all() is its own
    (zoo.Animal, "diaries", ComputedMember),  # its manager asks whose rows it serves
    (zoo.Animal, "labels", RelationMember),
    (zoo.Label, "target", ComputedMember),
    (zoo.Label, "content_type", RelationMember),
    (zoo.Animal, "photo", ComputedMember),
    (zoo.Aviary, "building_ptr", ComputedMember),
    (zoo.Building, "aviary", RelationMember),
    (zoo.Ranked, "secret", ComputedMember),  # a property hides the field
    (zoo.Animal, "title", ComputedMember),
    (zoo.Animal, "slow", ComputedMember),
    (zoo.Animal, "greet", ComputedMember),
    (zoo.Animal, "SOUND", ComputedMember),
    (zoo.Animal, "Kind", ComputedMember),
    (zoo.Animal, "objects", ComputedMember),
    (zoo.Animal, "delete", ComputedMember),
    (zoo.Animal, "get_kind_display", DisplayMember),
    (zoo.Animal, "get_danger_display", DisplayMember),
    (zoo.Mood, "get_flag_display", DisplayMember),
    (zoo.Mood, "get_grouped_display", DisplayMember),
    (zoo.Mood, "get_dynamic_display", ComputedMember),  # its choices are a function
    (zoo.Mood, "get_json_display", ComputedMember),  # its values may not be keys
    (zoo.Mood, "get_own_display", ComputedMember),
    (zoo.Animal, "get_next_by_born", None),  # a nullable date has none
    (rentals.Lease, "get_next_by_start", ComputedMember),
    (zoo.Animal, "nope", None),
    (zoo.Animal, "items", None),
    (rentals.Tenant, "user", RelationMember),
    (rentals.Property, "maintenancerequest_set", RelationMember),
]


@pytest.mark.parametrize(
    ("model", "name", "kind"), KINDS, ids=[f"{m.__name__}.{name}" for m, name, _ in KINDS]
)
def test_what_a_name_is(model, name, kind):
    found = member(model, name)
    assert found is None if kind is None else isinstance(found, kind)


RELATIONS = [
    (zoo.Animal, "habitat", ("habitat", zoo.Habitat, False, False, "habitat_id", "id")),
    (zoo.Habitat, "zone", ("zone", zoo.Zone, False, False, "zone_id", "code")),
    (zoo.Habitat, "keeper", ("keeper", zoo.Keeper, False, True, "keeper_id", "badge")),
    (zoo.Habitat, "animal_set", ("animal", zoo.Animal, True, False, "id", "habitat_id")),
    (zoo.Zone, "habitats", ("habitats", zoo.Habitat, True, False, "code", "zone_id")),
    (zoo.Animal, "passport", ("passport", zoo.Passport, False, True, "id", "animal_id")),
    (zoo.Animal, "chip", ("chip", zoo.Chip, False, True, "id", "animal_id")),
    (zoo.Animal, "keepers", ("keepers", zoo.Keeper, True, False, "id", "animals__id")),
    (zoo.Keeper, "animals", ("animals", zoo.Animal, True, False, "id", "keepers__id")),
    (zoo.Trick, "animal_set", ("animal", zoo.Animal, True, False, "id", "tricks__id")),
]


@pytest.mark.parametrize(
    ("model", "name", "expected"), RELATIONS, ids=[f"{m.__name__}.{name}" for m, name, _ in RELATIONS]
)
def test_how_a_relation_is_reached(model, name, expected):
    found = member(model, name).relation
    assert (found.lookup, found.model, found.many, found.nullable, found.local, found.remote) == expected
    assert found.refusal is None


def test_an_absent_reverse_one_to_one_has_its_exception():
    assert member(zoo.Animal, "passport").relation.missing is zoo.Animal.passport.RelatedObjectDoesNotExist
    assert member(zoo.Passport, "animal").relation.missing is None


def test_labels():
    labels = dict(member(zoo.Mood, "get_grouped_display").labels)
    assert labels == {"r": "Red", "o": "Orange", "b": "<i>Blue</i>"}
    assert dict(member(zoo.Animal, "get_danger_display").labels) == {0: "Harmless", 1: "Some"}


def test_classes_that_no_record_stands_for():
    assert opaque(zoo.Animal) is None
    assert opaque(zoo.Ranked) == "Ranked.__lt__() is its own"


def test_classes_whose_rows_differ_from_their_instances():
    assert [hand_made(model) for model in (zoo.Animal, zoo.BigAnimal, zoo.Drawer)] == [None] * 3
    assert hand_made(zoo.Counted) == "Counted.from_db() is its own"
    assert hand_made(zoo.Aviary) == "Aviary inherits from a concrete model"


def test_a_key_of_its_own_is_computed():
    class Named(models.Model):
        pk = property(lambda self: "mine")

        class Meta:
            app_label = "zoo"
            abstract = True

    class Concrete(Named):
        class Meta:
            app_label = "zoo_of_one_test"

    assert isinstance(member(Concrete, "pk"), ComputedMember)


def test_receivers_are_asked_for_each_time():
    assert not observed(zoo.Zone)

    def receiver(**_):
        pass

    models.signals.pre_init.connect(receiver)
    try:
        assert observed(zoo.Zone)
    finally:
        models.signals.pre_init.disconnect(receiver)

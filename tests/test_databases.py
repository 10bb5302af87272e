"""Pages over several databases: each relation is read where Django reads it."""

from contextlib import ExitStack

import pytest
from django.db import connections
from django.template import Context
from django.test.utils import CaptureQueriesContext

from djust_ast import serialize_context
from tests.test_equality import ENGINES, _filled, each, one, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

pytestmark = [
    pytest.mark.django_db(databases=["default", "other"]),
    pytest.mark.usefixtures("rows", "elsewhere"),
]


@pytest.fixture
def elsewhere(rows):  # noqa: F811
    """The other database has some of the same rows under other names."""
    copied = (
        zoo.Keeper,
        zoo.Zone,
        zoo.Habitat,
        zoo.Food,
        zoo.Animal,
        zoo.Feeding,
        zoo.Animal.keepers.through,
    )
    for model in copied:
        objects = list(model.objects.using("default").order_by("pk"))
        for obj in objects:
            obj._state.db = None
            for name in ("name", "title"):
                if hasattr(obj, name) and not isinstance(getattr(type(obj), name), property):
                    setattr(obj, name, f"{getattr(obj, name)} elsewhere")
        model.objects.using("other").bulk_create(objects)


class KeepersElsewhere:
    """One model is in the other database, as a project routes a shared service."""

    def db_for_read(self, model, **hints):
        return "other" if model is zoo.Keeper else None

    def allow_relation(self, *objects, **hints):
        return True


class Shards:
    """The object that a relation is asked of decides."""

    def db_for_read(self, model, instance=None, **hints):
        if instance is None or not isinstance(instance, zoo.Animal):
            return None
        return "other" if instance.pk % 2 else "default"

    def allow_relation(self, *objects, **hints):
        return True


def page(source, context, convert):
    template = ENGINES[""].from_string(source)
    with ExitStack() as stack:
        queries = [stack.enter_context(CaptureQueriesContext(connection)) for connection in connections.all()]
        text = template.render(Context(convert(template, context())))
    return text, sum(map(len, queries))


def check(source, context):
    text, before = page(source, context, lambda _, found: found)
    ours, after = page(source, context, serialize_context)
    assert ours == text
    assert after <= before
    return after


BODIES = {
    "to-one": "{{ a.habitat.name }}{{ a.habitat.keeper.name }}{{ a.habitat.keeper.boss.name }}",
    "to-many": "{% for k in a.keepers.all %}{{ k.name }}{{ k.boss.name }}{% endfor %}"
    "{% for f in a.feedings.all %}{{ f.grams }}{{ f.food.name }}{{ f.animal.name }}{% endfor %}",
    "answers": "{{ a.keepers.count }}{{ a.keepers.first.name }}{{ a.feedings.last.food.name }}{{ a.feedings.count }}",
    "in-a-branch": "{% if a.kind == 'cat' %}{{ a.habitat.name }}{{ a.habitat.keeper.name }}"
    "{% for k in a.keepers.all %}{{ k.name }}{% endfor %}{% endif %}",
    "instances": "{{ a.title }}{{ a.home }}{% for k in a.keepers.all %}{{ k }}{% endfor %}{{ a.keepers.first }}",
}
ROUTERS = {"none": [], "keepers": [KeepersElsewhere()], "shards": [Shards()]}
CONTEXTS = {
    "animals": lambda: {"animals": zoo.Animal.objects.all()},
    "using": lambda: {"animals": zoo.Animal.objects.using("other")},
    "list": lambda: {"animals": [*zoo.Animal.objects.all(), *zoo.Animal.objects.using("other")]},
    "tied": lambda: {"animals": zoo.Animal.objects.using("other").order_by("kind")[:3]},
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
@pytest.mark.parametrize("routers", ROUTERS.values(), ids=ROUTERS.keys())
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_each_relation_is_read_where_django_reads_it(settings, body, routers, context):
    settings.DATABASE_ROUTERS = routers
    check(each(body), context)


def test_a_relation_of_another_database_is_one_query(settings):
    settings.DATABASE_ROUTERS = ROUTERS["keepers"]
    source = each("{{ a.habitat.keeper.name }}{% for k in a.keepers.all %}{{ k.pk }}{% endfor %}")
    assert check(source, CONTEXTS["animals"]) == 4


def test_using_is_kept_by_rows(settings):
    source = each(
        "{{ a.habitat.name }}{{ a.feedings.count }}{% for k in a.keepers.all %}{{ k.name }}{% endfor %}"
    )
    assert check(source, CONTEXTS["using"]) == 3

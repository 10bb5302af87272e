"""Pages over objects that were told how to fetch what is not loaded (Django 6.1) are plain Django's pages, too."""

import pytest
from django.db import models
from django.db.models import query
from django.template import Template

from djust_ast import explain, serialize_context
from djust_ast.states import FETCH_ONE, fetch_mode_of
from tests.test_equality import BODIES, _filled, check, each, rows  # noqa: F401 - fixtures
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

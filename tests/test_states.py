"""Objects in every state that a view may hand over: the page is plain Django's, and nothing is fetched twice."""

import pytest
from django.db.models import FilteredRelation, Q

from tests.test_equality import _filled, check, each, one, rows  # noqa: F401 - fixtures
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
}


@pytest.mark.parametrize(("make", "body", "most"), STATES.values(), ids=STATES.keys())
def test_any_state(make, body, most):
    _, ours = check(each(body), lambda: {"animals": make()})
    assert ours <= most

"""What an explanation promises of values that are loaded already."""

import pytest
from django.template import Context, Template

from djust_ast import explain, serialize_context
from djust_ast.demo.rentals.models import Lease, Property

pytestmark = pytest.mark.django_db

EACH = "{% for l in value %}{{ l.rent }}{{ l.property.name }}{{ l.tenant.user.email }}{% endfor %}"
ONE = "{{ value.rent }}{{ value.property.name }}{{ value.tenant.user.email }}"


def evaluated():
    leases = Lease.objects.all()
    list(leases)
    return leases


@pytest.mark.parametrize(
    ("source", "load"),
    [
        pytest.param(ONE, Lease.objects.first, id="one"),
        pytest.param(EACH, lambda: list(Lease.objects.all()), id="list"),
        pytest.param(EACH, evaluated, id="evaluated-queryset"),
        pytest.param("{% if value != 1 %}" + EACH + "{% endif %}", evaluated, id="evaluated-queryset-live"),
    ],
)
def test_loaded_values_need_at_most_their_levels(source, load, agency, django_assert_num_queries):
    template, values = Template(source), {"value": load()}
    assert explain(template, values).queries == (0, 2)
    with django_assert_num_queries(2):
        template.render(Context(serialize_context(template, values)))
    with django_assert_num_queries(0):
        template.render(Context(serialize_context(template, values)))


def test_a_level_below_a_level_is_counted(agency):
    source = "{% for l in value.leases.all %}{{ l.rent }}{% for r in l.payments.all %}{{ r.pk }}{% endfor %}{% endfor %}"
    assert explain(Template(source), {"value": Property.objects.first()}).queries == (0, 2)


def test_the_values_inside_a_dict_are_explained(agency):
    template = Template("{% for l in page.leases %}{{ l.rent }}{{ l.property.name }}{% endfor %}")
    explanation = explain(template, {"page": {"leases": Lease.objects.all()}})
    assert [root.name for root in explanation.roots] == ["page.leases"]
    assert explanation.queries == (1, 1)


def test_what_two_values_share_is_explained_as_it_is_served(agency):
    template = Template("{% for l in leases %}{{ l.rent }}{% endfor %}{{ other.0 }}")
    leases = Lease.objects.all()
    explanation = explain(template, {"leases": leases, "other": [leases]})
    assert "in two places" in explanation.plan

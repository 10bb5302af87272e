"""Pages that once showed something else than Django, or cost more: each found by a reviewer."""

import pickle

import pytest
from django import forms
from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db import connection, models
from django.template import Context, Engine, Library, Template
from django.test.utils import CaptureQueriesContext

from djust_ast import serialize_context
from djust_ast.demo.rentals.models import Lease, Owner, Property

pytestmark = pytest.mark.usefixtures("agency")
LOOP = "{% for l in leases %}{{ l.rent }} {{ l.property.name }};{% endfor %}"


def pages(template, make):
    """``(page, queries)`` of plain Django and of ours; ``make`` makes the context anew for each."""
    found = []
    for serve in (lambda _, context: context, serialize_context):
        values = make()
        with CaptureQueriesContext(connection) as queries:
            page = template.render(Context(serve(template, values)))
        found.append((page, len(queries)))
    return found


class OwnerForm(forms.ModelForm):
    class Meta:
        model = Owner
        fields = ("company", "phone")


def test_a_form_that_validates_while_the_page_renders_writes_to_its_instance():
    def make():
        owner = Owner.objects.first()
        data = {"company": "changed by the form", "phone": ""}
        return {"owner": owner, "form": OwnerForm(data, instance=owner)}

    template = Template(
        "{{ form.errors }}{{ owner.company }}{% for p in owner.properties.all %}{{ p.name }}{% endfor %}"
    )
    (plain, _), (ours, _) = pages(template, make)
    assert ours == plain
    assert "changed by the form" in plain


class Stats:
    def __init__(self, queryset):
        self.queryset = queryset

    def total(self):
        return len(self.queryset)


@pytest.mark.parametrize(
    ("source", "second"),
    [
        pytest.param(
            LOOP + "{% for name, rows in second %}{{ rows|length }}{% endfor %}",
            lambda qs: [("all", qs)],
            id="pairs",
        ),
        pytest.param(LOOP + "{{ second.total }}", Stats, id="object"),
        pytest.param(
            LOOP + "{% for rows in second.tabs %}{{ rows|length }}{% endfor %}",
            lambda qs: {"tabs": [qs]},
            id="nested",
        ),
    ],
)
def test_a_queryset_that_another_value_holds_is_fetched_once(source, second):
    def make():
        leases = Lease.objects.all()[:5]
        return {"leases": leases, "second": second(leases)}

    (plain, before), (ours, after) = pages(Template(source), make)
    assert ours == plain
    assert after <= before


def test_a_planned_queryset_can_be_pickled():
    register = Library()

    @register.filter
    def cached(value):
        cache.set("rows", value)
        return len(pickle.loads(pickle.dumps(value)))  # noqa: S301

    engine = Engine()
    engine.template_builtins.append(register)
    template = engine.from_string("{{ leases|cached }}{% for l in leases %}{{ l.property.name }}{% endfor %}")
    (plain, _), (ours, _) = pages(template, lambda: {"leases": Lease.objects.all()[:4]})
    assert ours == plain
    assert [lease.pk for lease in cache.get("rows")] == [lease.pk for lease in Lease.objects.all()[:4]]


def test_a_queryset_class_that_counts_in_its_own_way():
    class Estimating(models.QuerySet):
        def count(self):
            return 99

        def exists(self):
            return False

    source = "{{ leases.count }}{{ leases.exists }}" + LOOP
    (plain, _), (ours, _) = pages(Template(source), lambda: {"leases": Estimating(Lease)[:3]})
    assert ours == plain
    assert ours.startswith("99False")


def test_a_page_class_that_loops_in_its_own_way():
    class Ranked(Page):
        def __iter__(self):
            for rank, lease in enumerate(self.object_list, 1):
                lease.rank = rank
                yield lease

    def make():
        return {"page": Ranked(Lease.objects.all()[:3], 1, Paginator(Lease.objects.all(), 3))}

    template = Template("{% for l in page %}{{ l.rank }}{{ l.property.name }}{% endfor %}")
    (plain, before), (ours, after) = pages(template, make)
    assert ours == plain
    assert after <= before


def test_sql_that_a_page_never_runs_is_never_compiled():
    template = Template("{% if no %}{{ leases.first.property.name }}{% endif %}ok")
    broken = Lease.objects.filter(pk=models.OuterRef("pk"))
    (plain, _), (ours, _) = pages(template, lambda: {"leases": broken})
    assert ours == plain == "ok"


def test_labels_of_values_that_are_lists():
    class Words(models.CharField):
        def from_db_value(self, value, expression, connection):
            return value.split()

    class Worded(models.Model):
        words = Words(db_column="name", choices=[("a", "A"), ("b", "B")])

        class Meta:
            app_label = "rentals"
            managed = False
            db_table = Property._meta.db_table

    template = Template("{% for w in rows %}{{ w.get_words_display }};{% endfor %}")
    (plain, _), (ours, _) = pages(template, lambda: {"rows": Worded.objects.order_by("pk")[:3]})
    assert ours == plain

"""``mode="json"``: what leaves the process is JSON, is what the template reads, and holds no secrets."""

import json
from collections import OrderedDict
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from djust_ast import compile_paths, serialize_context
from djust_ast.demo.rentals.models import Lease, Property
from djust_ast.members import member

pytestmark = pytest.mark.usefixtures("agency")

LOOP = "{% for p in ps %}{{ p.name }}{% endfor %}"


def json_of(source, **values):
    """The data of ``source``, which is what JSON gives back."""
    data = serialize_context(Template(source), values, mode="json")
    assert json.loads(json.dumps(data)) == data
    return data


def properties():
    return Property.objects.order_by("pk")[:3]


def names():
    return [{"name": p.name} for p in properties()]


def wholes():
    return [{"pk": p.pk, "__str__": str(p), "__model__": "rentals.Property"} for p in properties()]


@pytest.mark.parametrize(
    ("source", "make", "expected"),
    [
        pytest.param(LOOP, properties, names, id="queryset"),
        pytest.param(LOOP, lambda: properties().values("name"), names, id="values"),
        pytest.param(LOOP, lambda: properties().values("name", "rent"), names, id="values-unread"),
        pytest.param(
            "{% for n in ps %}{{ n.0 }}{% endfor %}",
            lambda: properties().values_list("name"),
            lambda: [[p.name] for p in properties()],
            id="values_list",
        ),
        pytest.param(
            "{{ ps|length }}",
            lambda: properties().values_list("listed_at", flat=True),
            lambda: serialize_context(
                Template("{{ d }}"), {"d": [p.listed_at for p in properties()]}, mode="json"
            )["d"],
            id="flat",
        ),
        pytest.param(
            LOOP,
            lambda: (
                Property.objects.filter(pk__in=[p.pk for p in properties()])
                .order_by()
                .union(Property.objects.filter(pk=properties()[0].pk).order_by())
                .order_by("pk")
            ),
            names,
            id="union",
        ),
        pytest.param(LOOP, lambda: Paginator(Property.objects.order_by("pk"), 3).page(1), names, id="page"),
        pytest.param(
            "{% for p in ps.object_list %}{{ p.name }}{% endfor %}{{ ps.number }}",
            lambda: Paginator(names(), 3).page(1),
            names,
            id="page-of-dicts",
        ),
        pytest.param("{{ ps.0.name }}", properties, names, id="index"),
        pytest.param("{{ ps.first.name }}", properties, names, id="first"),
        pytest.param('{% for p in ps|slice:":2" %}{{ p.name }}{% endfor %}', properties, names, id="slice"),
        pytest.param("{{ ps }}", properties, wholes, id="printed"),
        pytest.param('{{ ps|json_script:"x" }}', properties, wholes, id="escapes"),
        pytest.param(LOOP, lambda: list(properties()), names, id="list"),
        pytest.param("{{ ps }}", lambda: list(properties()), wholes, id="list-printed"),
        pytest.param(LOOP, lambda: [*properties()[:2], *names()[2:]], names, id="mixed"),
        pytest.param("{% for p in ps.all %}{{ p.name }}{% endfor %}", properties, names, id="all"),
    ],
)
def test_every_value_is_json(source, make, expected):
    assert json_of(source, ps=make(), unread=object()) == {"ps": expected()}


@pytest.mark.parametrize("kind", [lambda rows: rows, list, tuple], ids=["queryset", "list", "tuple"])
def test_a_collection_that_is_used_whole_and_entered_gives_both(kind):
    (first, *_) = json_of(LOOP + "{{ ps }}", ps=kind(properties()))["ps"]
    assert first == wholes()[0] | names()[0]


def test_a_dict_of_a_model_and_a_date():
    lease = Lease.objects.select_related("property").first()
    values = {"lease": lease, "day": date(2025, 1, 2), "unread": object(), "deep": {"a": 1, "b": 2}}
    assert json_of("{{ d.lease.property.name }}{{ d.day }}{{ d.deep.a }}", d=values) == {
        "d": {"lease": {"property": {"name": lease.property.name}}, "day": "2025-01-02", "deep": {"a": 1}}
    }


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_unread_keys_stay(kind):
    rows = [kind(a=1, b=2)]
    assert json_of("{{ d.a }}{% for r in rows %}{{ r.a }}{% endfor %}", d=rows[0], rows=rows) == {
        "d": {"a": 1},
        "rows": [{"a": 1}],
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("{% for k, v in d.items %}{{ v }}{% endfor %}", {"a": 1, "b": {"c": 2}}, id="items"),
        pytest.param("{{ d }}", {"a": 1, "b": {"c": 2}}, id="printed"),
    ],
)
def test_a_dict_that_is_used_whole_is_whole(source, expected):
    assert json_of(source, d={"a": 1, "b": {"c": 2, "password": "x"}}) == {"d": expected}


@pytest.mark.parametrize(
    "source",
    [
        '{% for r in rows|dictsort:"b" %}{{ r.a }}{% endfor %}',
        "{% regroup rows by b as groups %}{% for g in groups %}{{ g.grouper }}{% for r in g.list %}{{ r.a }}{% endfor %}{% endfor %}",
        "{% for r in rows %}{% for k, v in r.items %}{{ k }}{{ v }}{% endfor %}{% endfor %}",
        "{% for r in rows %}{% with x=r.c %}{{ x.d }}{% endwith %}{% endfor %}",
        "{% for a, c in pairs %}{{ a }}{{ c.d }}{% endfor %}{{ pairs.1.1.e }}",
        "{% for r in rows %}{% ifchanged r.b %}{{ r.a }}{% endifchanged %}{% endfor %}{{ rows|length }}",
    ],
)
def test_plain_data_renders_the_same_page(source):
    rows = [{"a": i, "b": -i, "c": {"d": f"d{i}", "e": "e"}} for i in range(3)]
    values = {"rows": rows, "pairs": [(row["a"], row["c"]) for row in rows]}
    template = Template(source)
    assert template.render(Context(json_of(source, **values))) == template.render(Context(values))


class TestSecrets:
    """Names in ``SENSITIVE_FIELDS`` are dropped wherever they are."""

    @pytest.fixture(autouse=True)
    def _user(self, agency):
        User.objects.all().delete()
        User.objects.create(username="ada", password="secret")

    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda: User.objects.values("username", "password"), id="values"),
            pytest.param(lambda: User.objects.values_list("username", "password"), id="values_list"),
            pytest.param(lambda: User.objects.values_list("username", "password", named=True), id="named"),
            pytest.param(lambda: User.objects.values_list("password", flat=True), id="flat"),
            pytest.param(lambda: list(User.objects.values_list("password", named=True)), id="named-rows"),
            pytest.param(lambda: User.objects.values_list(), id="all-columns"),
            pytest.param(
                lambda: Paginator(User.objects.order_by("pk").values_list("username", "password"), 1).page(1),
                id="page",
            ),
            pytest.param(lambda: {"password": "secret", "deep": [{"password": "secret"}]}, id="dict"),
            pytest.param(lambda: {"user__password": "secret"}, id="lookup"),
        ],
    )
    @pytest.mark.parametrize("source", ["{{ v }}", "{% for x in v %}{{ x.password }}{{ x }}{% endfor %}"])
    def test_they_stay(self, make, source):
        assert "secret" not in json.dumps(json_of(source, v=make()))

    def test_a_name_of_the_context(self):
        assert json_of("{{ password }}{{ a }}", password="secret", a=1) == {"a": 1}

    def test_the_setting_says_which(self, settings):
        settings.DJUST_AST = {"SENSITIVE_FIELDS": ["pin"]}
        assert json_of("{{ d }}", d={"pin": 1, "password": 2}) == {"d": {"password": 2}}


class TestNothingLeavesThatIsNotRead:
    """There is no plain Django to fall back to: JSON is made all the same, or is empty."""

    @pytest.mark.parametrize(
        "setting",
        [
            pytest.param({"ENABLED": False}, id="disabled"),
            pytest.param({"EXCLUDE_TEMPLATES": ["*"]}, id="excluded"),
        ],
    )
    def test_without_us(self, setting):
        with override_settings(DJUST_AST=setting):
            assert json_of(LOOP, ps=properties(), unread=object()) == {"ps": names()}

    @override_settings(DJUST_AST={"MAX_TEMPLATE_BYTES": 3})
    def test_a_template_that_cannot_be_read(self):
        assert json_of(LOOP, ps=properties()) == {}

    def test_a_plan_that_is_refused(self, monkeypatch):
        def refuse(queryset, plan):
            from djust_ast.errors import PlanError

            raise PlanError("no plan today")

        monkeypatch.setattr("djust_ast.serializer.prove", refuse)
        assert json_of(LOOP, ps=properties(), unread=1) == {"ps": wholes()}


class TestModes:
    def test_an_unknown_mode_is_an_error(self):
        with pytest.raises(ValueError, match="expected mode 'template' or 'json', got 'jsn'"):
            serialize_context(Template(LOOP), {}, mode="jsn")
        with pytest.raises(ValueError, match="'jsn'"):
            compile_paths(Lease, ["rent"], mode="jsn")

    def test_json_of_any_objects(self):
        class House:
            built = date(1900, 1, 1)
            password = "secret"

            def __str__(self):
                return "house"

        people = compile_paths(None, ["house", "house.built", "house.password", "name"], mode="json")
        expected = {"house": {"__str__": "house", "built": "1900-01-01"}, "name": "Ada"}
        assert people.one({"house": House(), "name": "Ada"}) == expected
        assert people.many([{"house": House(), "name": "Ada"}]) == [expected]


@override_settings(DJUST_AST={"EXCLUDE_TEMPLATES": ["N*"]})
def test_a_template_without_a_name_is_not_called_none():
    assert serialize_context(Template(LOOP), {"ps": properties()})["ps"] == names()


def test_a_fresh_queryset_after_an_evaluated_one_is_planned(django_assert_num_queries):
    source = "{% for p in ps.all %}{{ p.name }}{% for t in p.tags.all %}{{ t.name }}{% endfor %}{% endfor %}"
    template = Template(source)
    evaluated = Property.objects.order_by("pk").filter(pk__lt=4)
    assert len(evaluated)
    template.render(Context(serialize_context(template, {"ps": evaluated})))
    with django_assert_num_queries(2):
        template.render(Context(serialize_context(template, {"ps": Property.objects.order_by("pk")})))


def test_the_names_that_models_are_asked_for_are_bounded():
    assert member.cache_info().maxsize


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: iter(properties()), id="iterator"),
        pytest.param(
            lambda: Property.objects.raw("SELECT * FROM rentals_property ORDER BY id LIMIT 3"), id="raw"
        ),
        pytest.param(lambda: SimpleLazyObject(properties), id="lazy"),
        pytest.param(lambda: SimpleLazyObject(lambda: list(properties())), id="lazy-list"),
    ],
)
def test_what_hides_rows_is_opened(make):
    assert json_of(LOOP, ps=make()) == {"ps": names()}


def test_related_rows_whose_manager_is_asked_more():
    source = (
        "{% for p in ps %}{% for l in p.leases.all %}{{ l.pk }}{% endfor %}{{ p.leases.count }}{% endfor %}"
    )
    assert json_of(source, ps=properties()) == {
        "ps": [
            {"leases": {"all": [{"pk": lease.pk} for lease in p.leases.all()], "count": p.leases.count()}}
            for p in properties()
        ]
    }


@pytest.mark.parametrize(
    "source", ["{{ p.leases.all|length }}", "{% if p.leases.all %}{{ p.leases.count }}{% endif %}"]
)
def test_rows_that_are_only_counted_are_there(source):
    data = json_of("{% for p in ps %}" + source + "{% endfor %}", ps=properties())
    assert [len(p["leases"]["all"]) for p in data["ps"]] == [p.leases.count() for p in properties()]

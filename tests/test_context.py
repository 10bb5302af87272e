"""``serialize_context``, ``compile_template`` and ``explain``: caching, fallback, settings."""

import gc
import linecache
import logging
import weakref

import pytest
from django.core.checks import run_checks
from django.core.exceptions import FieldError
from django.db import transaction
from django.template import Context, Engine, Template, TemplateSyntaxError, engines
from django.template.backends.django import DjangoTemplates
from django.test import override_settings

from djust_ast import bodies, compile_template, explain, members, serialize_context
from djust_ast.conf import settings as in_force
from djust_ast.demo.rentals.models import Lease, Owner, Property, Tenant
from djust_ast.errors import DjustAstError, SettingsError, TemplateError
from djust_ast.integrations import context as context_module

pytestmark = pytest.mark.usefixtures("agency")

LEASES = "{% for lease in leases %}{{ lease.property.name }}{% endfor %}"


def both(source, **values):
    """The page of live objects and that of our context."""
    template = Template(source)
    live = template.render(Context(values))
    return live, template.render(Context(serialize_context(template, values)))


class TestWhatMayBeMissing:
    def test_a_variable_that_is_not_in_the_context(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert serialize_context(Template(LEASES), {"other": 1}) == {"other": 1}

    def test_a_path_that_the_model_does_not_have(self):
        live, ours = both(
            "{% for l in leases %}[{{ l.adress }}{{ l.rent }}]{% endfor %}", leases=Lease.objects.all()[:3]
        )
        assert ours == live
        assert "[" in ours

    def test_an_empty_queryset(self, django_assert_num_queries):
        source = LEASES + "{% for lease in leases %}{% empty %}none{% endfor %}"
        with django_assert_num_queries(0):
            live, ours = both(source, leases=Lease.objects.none())
        assert ours == live == "none"

    def test_a_relation_that_is_none(self):
        leases = Lease.objects.filter(co_signer=None).order_by("pk")[:2]
        live, ours = both(
            "{% for l in leases %}{{ l.co_signer }}|{{ l.co_signer.phone }};{% endfor %}", leases=leases
        )
        assert ours == live == "None|;None|;"

    def test_an_unknown_tag_library_is_djangos_own_error(self):
        with pytest.raises(TemplateSyntaxError, match="nosuch"):
            Template("{% load nosuch %}")

    def test_an_empty_template(self):
        assert serialize_context(Template(""), {"leases": (leases := Lease.objects.all())}) == {
            "leases": leases
        }


class TestSideEffects:
    def test_alters_data_deletes_nothing(self):
        source = "{% for l in leases %}{{ l.delete }}{{ l.rent }}{% endfor %}{{ lease.delete }}"
        before = Lease.objects.count()
        live, ours = both(source, leases=Lease.objects.all(), lease=Lease.objects.first())
        assert ours == live
        assert Lease.objects.count() == before

    def test_a_queryset_of_the_user_stays_as_it_was(self):
        leases = Lease.objects.all()[:3]
        sql = str(leases.query)
        both("{% for l in leases %}{{ l }}{{ l.property.name }}{% endfor %}{{ leases.query }}", leases=leases)
        serialize_context(Template(LEASES), {"leases": Lease.objects.all()})
        assert str(leases.query) == sql


class TestCache:
    def test_a_template_is_compiled_once(self):
        template = Template(LEASES)
        assert compile_template(template) is compile_template(template)

    def test_an_include_that_changes_is_read_again(self):
        sources = {"page": "{% include 'row' %}", "row": "{{ lease.rent }}"}
        loaders = [("django.template.loaders.locmem.Loader", sources)]
        page = Engine(loaders=loaders).get_template("page")
        assert compile_template(page).tree.dotted() == {"lease": ["rent"]}
        sources["row"] = "{{ lease.deposit }}"
        assert compile_template(page).tree.dotted() == {"lease": ["deposit"]}

    def test_names_are_not_shared_between_templates(self):
        values = {"leases": Lease.objects.all()[:1]}
        first = serialize_context(Template("{% for l in leases %}{{ l.rent }}{% endfor %}"), values)
        second = serialize_context(Template("{% for l in leases %}{{ l.deposit }}{% endfor %}"), values)
        assert first["leases"][0].keys() == {"rent"}
        assert second["leases"][0].keys() == {"deposit"}

    def test_no_rows_are_kept(self):
        template = Template("{{ owner.phone }}")
        owner = Owner.objects.first()
        assert serialize_context(template, {"owner": owner})["owner"] == {"phone": owner.phone}
        owner.phone = "changed"
        assert serialize_context(template, {"owner": owner})["owner"] == {"phone": "changed"}


class TestFallback:
    """What cannot be planned is left to plain Django, and that is said once."""

    @pytest.fixture
    def refused(self, monkeypatch):
        def refuse(queryset, plan):
            raise context_module.DjustAstError("no plan today", "page.html", 3, 1)

        monkeypatch.setattr("djust_ast.serializer.prove", refuse)
        context_module._said.clear()

    def test_it_is_said_once_with_the_place(self, refused, caplog):
        leases = Lease.objects.all()[:2]
        template = Template(LEASES, name="rentals/x.html")
        with caplog.at_level(logging.WARNING, "djust_ast"):
            assert serialize_context(template, {"leases": leases})["leases"] is leases
            serialize_context(template, {"leases": leases})
        assert [record.message for record in caplog.records] == [
            "rentals/x.html is served by plain Django: page.html:3:1: no plan today"
        ]

    @override_settings(DJUST_AST={"STRICT": True})
    def test_strict_raises_it(self, refused):
        with pytest.raises(DjustAstError, match="no plan today"):
            serialize_context(Template(LEASES), {"leases": Lease.objects.all()})

    def test_a_plan_that_django_refuses_runs_no_query(self, monkeypatch, django_assert_num_queries):
        def refuse(queryset, plan):
            raise FieldError("no such field")

        monkeypatch.setattr("djust_ast.fetch.sql.planned_sql", refuse)
        leases = Lease.objects.all()
        with django_assert_num_queries(0):
            assert serialize_context(Template(LEASES), {"leases": leases})["leases"] is leases

    def test_a_template_over_the_limit_is_left_alone(self, caplog):
        leases = Lease.objects.all()
        with override_settings(DJUST_AST={"MAX_TEMPLATE_BYTES": 10}):
            assert serialize_context(Template(LEASES), {"leases": leases})["leases"] is leases
        assert "MAX_TEMPLATE_BYTES" in caplog.text

    def test_a_template_of_another_engine_is_an_error(self):
        with pytest.raises(TemplateError, match="expected a template of Django's own engine, got object"):
            serialize_context(object(), {})


class TestSettings:
    @override_settings(DJUST_AST={"ENABLED": False})
    def test_disabled_is_plain_django(self):
        leases = Lease.objects.all()
        assert serialize_context(Template(LEASES), {"leases": leases})["leases"] is leases

    @override_settings(DJUST_AST={"EXCLUDE_TEMPLATES": ["rentals/*"]})
    def test_excluded_templates(self):
        leases = Lease.objects.all()
        assert (
            serialize_context(Template(LEASES, name="rentals/a.html"), {"leases": leases})["leases"] is leases
        )
        assert (
            serialize_context(Template(LEASES, name="other.html"), {"leases": leases})["leases"] is not leases
        )

    @override_settings(DJUST_AST={"ROUTE": "instances"})
    def test_route_instances_forbids_rows(self):
        plan = explain(Template(LEASES), {"leases": Lease}).plan
        assert 'instances, since the setting ROUTE is "instances"' in plan

    @override_settings(DJUST_AST={"DEBUG": True})
    def test_debug_gives_the_generated_source_to_the_debugger(self):
        record = explain(Template("{% for l in leases %}{{ l.terms }}{% endfor %}"), {"leases": Lease}).roots[
            0
        ]
        file = record.compiled.function.__code__.co_filename
        assert linecache.getline(file, 1) == f"def {record.compiled.emitted.name}(rows):\n"

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            pytest.param(
                {"NO_SUCH": 1}, [("djust_ast.E001", "DJUST_AST['NO_SUCH']: unknown key")], id="unknown"
            ),
            pytest.param(
                {"STRICT": "yes"},
                [("djust_ast.E002", "DJUST_AST['STRICT']: expected bool, got 'yes'")],
                id="type",
            ),
            pytest.param(
                {"ROUTE": "cows"},
                [("djust_ast.E002", "DJUST_AST['ROUTE']: expected one of auto, instances, got 'cows'")],
                id="choice",
            ),
            pytest.param(
                {"EXCLUDE_TEMPLATES": "admin/*"},
                [
                    (
                        "djust_ast.E002",
                        "DJUST_AST['EXCLUDE_TEMPLATES']: expected a list of strings, got 'admin/*'",
                    )
                ],
                id="string-for-list",
            ),
            pytest.param({}, [], id="empty"),
        ],
    )
    def test_checks(self, given, expected):
        with override_settings(DJUST_AST=given):
            assert [(m.id, m.msg) for m in run_checks(tags=["djust_ast"])] == expected

    @override_settings(DJUST_AST={"NO_SUCH": 1})
    def test_a_wrong_key_is_an_error_at_use(self):
        with pytest.raises(SettingsError, match="NO_SUCH"):
            in_force()

    def test_the_older_names_are_aliases_and_ours_win(self):
        older = {"JIT_SERIALIZATION": False, "JIT_DEBUG": True, "JIT_CACHE_BACKEND": "filesystem"}
        with override_settings(DJUST_CONFIG=older):
            assert (in_force().ENABLED, in_force().DEBUG, in_force().CACHE) == (False, True, "memory")
            with override_settings(DJUST_AST={"ENABLED": True}):
                assert in_force().ENABLED


class TestExplain:
    def test_it_runs_no_query(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            text = str(explain(Template(LEASES), {"leases": Lease, "nothing": 1}))
        assert "rows of property__name" in text

    def test_its_promise_is_kept(self, django_assert_num_queries):
        template = Template(
            "{% for p in properties %}{{ p.name }}{% for t in p.tags.all %}{{ t.name }}{% endfor %}{% endfor %}"
        )
        values = {"properties": Property.objects.all()}
        low, high = explain(template, values).queries
        assert low == high == 2
        with django_assert_num_queries(low):
            template.render(Context(serialize_context(template, values)))

    def test_a_branch_widens_the_promise(self):
        template = Template(
            "{% for p in properties %}{{ p.name }}{% if x %}{% for t in p.tags.all %}{{ t.name }}{% endfor %}{% endif %}{% endfor %}"
        )
        assert explain(template, {"properties": Property}).queries == (1, 2)

    def test_every_part_is_text(self):
        explanation = explain(Template(LEASES), {"leases": Lease.objects.filter(status="active")})
        assert "leases  [iter len]" in explanation.paths
        assert explanation.sql.count("WHERE") == 2
        assert "def serialize_lease_" in explanation.source
        assert explanation.ast.startswith("Module(")
        assert "UNPACK_SEQUENCE" in explanation.bytecode


def test_template_name_backend_template_and_template_are_the_same():
    backend = next(engine for engine in engines.all() if isinstance(engine, DjangoTemplates))
    template = backend.get_template("rentals/lease_list.html")
    roots = {compile_template(t).roots for t in ("rentals/lease_list.html", template, template.template)}
    assert len(roots) == 1


def test_a_value_under_two_names_is_fetched_once_and_stays_one(django_assert_num_queries):
    leases = Lease.objects.all()[:3]
    source = "{% for l in a %}{{ l.rent }}{% endfor %}{% for l in b %}{{ l.property.name }}{% endfor %}"
    with django_assert_num_queries(1):
        context = serialize_context(Template(source), {"a": leases, "b": leases})
    assert context["a"] is context["b"]
    assert context["a"][0].keys() == {"rent", "property"}


def test_json_mode_is_plain_data_of_what_is_read():
    import json

    template = Template(
        "{{ title }}{% for l in leases %}{{ l.rent }}{{ l.start }}{{ l.tenant.user.password }}{{ l.days_left }}"
        "{% if x %}{{ l.property }}{% endif %}{% endfor %}"
    )
    lease = Lease.objects.first()
    values = {"title": "t", "leases": [lease], "unread": object()}
    data = serialize_context(template, values, mode="json")
    assert json.loads(json.dumps(data)) == {
        "title": "t",
        "leases": [
            {
                "rent": str(lease.rent),
                "start": lease.start.isoformat(),
                "tenant": {"user": {}},
                "days_left": lease.days_left,
                "property": {
                    "pk": lease.property_id,
                    "__str__": str(lease.property),
                    "__model__": "rentals.Property",
                },
            }
        ],
    }


class TestPartsOfCollections:
    """A filter that takes some rows of a queryset asks the database for just those."""

    def test_a_slice_of_a_queryset_is_a_query_of_its_own(self, django_assert_num_queries):
        template = Template('{% for l in leases|slice:":3" %}{{ l.rent }}{{ l.property.name }}{% endfor %}')
        values = {"leases": Lease.objects.all()}
        with django_assert_num_queries(1) as queries:
            ours = template.render(Context(serialize_context(template, values)))
        assert "LIMIT 3" in queries[0]["sql"]
        assert ours == template.render(Context(values))

    def test_a_slice_of_related_rows_is_planned_where_their_order_is_total(self, django_assert_num_queries):
        source = '{% for p in properties %}{% for l in p.leases.all|slice:":2" %}{{ l.pk }} {% endfor %};{% endfor %}'
        template = Template(source)
        values = {"properties": Property.objects.all()[:9]}
        with django_assert_num_queries(2):
            ours = template.render(Context(serialize_context(template, values)))
        assert ours == template.render(Context(values))


class TestManyParents:
    """More parents than one query takes: each chunk is fetched when one of its parents is touched."""

    @pytest.fixture
    def owner(self):
        owner = Owner.objects.first()
        Property.objects.bulk_create(
            Property(owner=owner, name=f"p{i}", rent=1, size=1, rooms=1, listed_at="2025-01-01T00:00Z")
            for i in range(1_100)
        )
        return owner

    SOURCE = "{% for p in properties %}{{ p.name }}{% if p.name in asked %}{% for l in p.leases.all %}{{ l.rent }}{% endfor %}{% endif %}{% endfor %}"

    @pytest.mark.parametrize("route", ["auto", "instances"])
    @pytest.mark.parametrize(
        ("asked", "queries"),
        [((), 1), (("p3",), 2), (("p3", "p4"), 2)],
        ids=["none", "one", "two-of-a-chunk"],
    )
    def test_only_the_touched_chunk_is_fetched(self, owner, route, asked, queries, django_assert_num_queries):
        template = Template(self.SOURCE)
        values = {"properties": Property.objects.order_by("-pk"), "asked": asked}
        with override_settings(DJUST_AST={"ROUTE": route}), django_assert_num_queries(queries):
            ours = template.render(Context(serialize_context(template, values)))
        assert ours == template.render(Context(values))

    def test_forward_keys_by_the_thousand(self, owner):
        source = "{% for p in properties %}{{ p }}{{ p.owner.company }}{% for t in p.tags.all %}{{ t.name }}{% endfor %}{% endfor %}"
        live, ours = both(source, properties=list(Property.objects.all()))
        assert ours == live


class TestMembersThatChangeTheirObject:
    """Nothing is read ahead of an object whose members change what it holds."""

    @pytest.fixture
    def bumping(self, monkeypatch):
        def bump(self):
            self.company += "!"
            return ""

        def reload(self):
            Owner.objects.filter(pk=self.pk).update(company="reloaded")
            self.refresh_from_db()
            return ""

        def indirect(self):
            return self.bump()

        for method in (bump, reload, indirect):
            monkeypatch.setattr(Owner, method.__name__, method, raising=False)
        caches = (members.member, bodies.body)
        for cached in caches:
            cached.cache_clear()
        yield
        for cached in caches:
            cached.cache_clear()

    @pytest.mark.parametrize("name", ["bump", "reload", "indirect"])
    @pytest.mark.parametrize(
        "source",
        [
            "{{ owner.NAME }}{{ owner.company }}{{ owner.phone }}",
            "{% for owner in owners %}{{ owner.company }}{{ owner.NAME }}{{ owner.company }}{% endfor %}",
            "{% for p in properties %}{{ p.owner.NAME }}{{ p.owner.company }}{% endfor %}",
        ],
        ids=["object", "rows", "relation"],
    )
    def test_the_page_shows_the_change(self, bumping, source, name):
        pages = []
        for serve in (lambda _, context: context, serialize_context):
            with transaction.atomic():
                template = Template(source.replace("NAME", name))
                values = {
                    "owner": Owner.objects.first(),
                    "owners": Owner.objects.all(),
                    "properties": Property.objects.all()[:5],
                }
                pages.append(template.render(Context(serve(template, values))))
                transaction.set_rollback(True)
        assert pages[0] == pages[1]
        assert "!" in pages[0] or "reloaded" in pages[0]


class TestTheUsersOwnObjects:
    """An object that the view keeps is asked for its related rows anew, as Django asks."""

    LOOP = "{% for l in tenant.leases.all %}{{ l.rent }};{% endfor %}"
    SOURCES = {
        "records": LOOP,
        "branch": "{% if yes %}" + LOOP + "{% endif %}",
        "method": LOOP + "{{ tenant.full_name }}",
        "live": LOOP + "{{ tenant|pprint }}",
        "list": "{% for tenant in tenants %}" + LOOP + "{% endfor %}",
        "evaluated": "{% for tenant in evaluated %}" + LOOP + "{% endfor %}",
    }

    @pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
    def test_rows_are_fresh_at_each_page(self, source):
        tenant = Tenant.objects.filter(leases__isnull=False).first()
        evaluated = Tenant.objects.filter(pk=tenant.pk)
        list(evaluated)
        values = {"tenant": tenant, "tenants": [tenant], "evaluated": evaluated, "yes": True}
        template = Template(source)

        def page():
            return template.render(Context(serialize_context(template, values)))

        before = page()
        lease = Lease.objects.filter(tenant=tenant).first()
        lease.pk, lease.rent = None, 77
        lease.save()
        assert page() != before
        assert page() == template.render(Context({**values, "tenant": Tenant.objects.get(pk=tenant.pk)}))

    def test_records_leave_nothing_behind(self):
        tenant = Tenant.objects.filter(leases__isnull=False).first()
        serialize_context(Template(self.LOOP), {"tenant": tenant})
        count = tenant.leases.count()
        lease = Lease.objects.filter(tenant=tenant).first()
        lease.pk = None
        lease.save()
        assert tenant.leases.count() == count + 1

    def test_what_the_view_prefetched_stays(self, django_assert_num_queries):
        tenant = Tenant.objects.prefetch_related("leases").filter(leases__isnull=False).first()
        with django_assert_num_queries(0):
            serialize_context(Template(self.LOOP), {"tenant": tenant})
            list(tenant.leases.all())


@pytest.mark.parametrize("source", ["{{ a.b }}", "{% include a %}", "{{ a.b }}" + "{{ x }}" * 9])
def test_what_is_known_of_a_template_is_forgotten_with_it(source, settings):
    settings.DJUST_AST = {"MAX_TEMPLATE_BYTES": 40}
    template = Template(source)
    gone = weakref.ref(template)
    serialize_context(template, {"a": {"b": 1}})
    del template
    gc.collect()
    assert gone() is None


def test_a_template_that_was_declined_is_not_read_again(settings, monkeypatch, caplog):
    settings.DJUST_AST = {"MAX_TEMPLATE_BYTES": 5}
    template = Template("{{ a.b }}")
    read, reads = context_module.read, []
    monkeypatch.setattr(context_module, "read", lambda sources: reads.append(sources) or read(sources))
    for _ in range(3):
        assert serialize_context(template, {"a": 1}) == {"a": 1}
    assert len(reads) == 1
    settings.DJUST_AST = {}
    assert compile_template(template).roots == ("a",)
    assert len(reads) == 2

"""What the assertions for tests of pages see, and what they say when they fail."""

import re
import threading
from types import SimpleNamespace

import pytest
from django.db import connection
from django.http import HttpResponse
from django.template import Context, Engine, Library
from django.test import TestCase
from django.utils.functional import SimpleLazyObject

from djust_ast import learner, serialize_context
from djust_ast.testing import PlannedAssertions, Report, assert_no_missed_paths, assert_planned, recording
from tests.test_demo import PAGES
from tests.test_equality import _filled, each, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

pytest_plugins = ["pytester"]
register = Library()


@register.simple_tag
def fed(animal):
    """A tag that asks the database by itself."""
    return zoo.Feeding.objects.filter(animal_id=animal.pk).count()


ENGINE = Engine(
    loaders=[("django.template.loaders.locmem.Loader", sources := {})],
    libraries={"asking": __name__},
)


def render(source, *, serialized=True, **context):
    """The page ``zoo/list.html`` over animals, or over ``context``."""
    sources["zoo/list.html"] = source
    template = ENGINE.get_template("zoo/list.html")
    values = context or {"animals": zoo.Animal.objects.all()}
    return template.render(Context(serialize_context(template, values) if serialized else values))


def refused(assertion, page):
    """What the assertion says of the page."""
    with pytest.raises(AssertionError) as info, assertion:
        page()
    return str(info.value)


@pytest.mark.parametrize("page", [pytest.param(page, id=name) for name, page in PAGES.items()])
def test_pages_of_the_demo_are_planned(agency, client, page):
    with assert_planned(page.planned) as report, assert_no_missed_paths():
        response = client.get(f"{page.url}{'&' if '?' in page.url else '?'}panel=0")
    assert response.status_code == 200
    assert (len(report.queries), report.unplanned, report.declined) == (page.planned, [], [])


@pytest.mark.parametrize("page", [pytest.param(page, id=name) for name, page in PAGES.items() if page.plain])
def test_the_same_pages_without_plans_are_refused(agency, client, settings, page):
    settings.DJUST_AST = {"ENABLED": False}
    said = refused(
        assert_planned(), lambda: client.get(f"{page.url}{'&' if '?' in page.url else '?'}panel=0")
    )
    assert said.startswith(f"{page.plain} quer")
    assert "of which plans asked for 0\nrentals/" in said
    assert "pass its context through serialize_context()" in said


def test_one_query_too_many_is_refused_with_all_of_them(agency, client):
    said = refused(assert_planned(max_queries=1), lambda: client.get("/leases/?panel=0"))
    assert "2 queries, more than 1:" in said
    assert said.count('1 x planned: SELECT "rentals_') == 2


def test_what_a_template_loads_row_by_row_is_named(rows):  # noqa: F811
    for assertion in (assert_planned(), assert_no_missed_paths()):
        said = refused(
            assertion, lambda: render("<ul>\n" + each("{{ a.habitat.zone.title }}"), serialized=False)
        )
        lines = said.splitlines()
        at = lines.index("zoo/list.html:2: a.habitat.zone.title")
        assert lines[at + 1] == "    Animal.habitat is read: 6 queries"
        assert re.match(r' {6}6 x SELECT .*FROM "zoo_habitat" WHERE "zoo_habitat"."id" = %s', lines[at + 2])
        assert lines[at + 3].startswith("    help: no plan knows this template")
        assert "    Habitat.zone is read: 6 queries" in lines


def test_what_a_body_loads_row_by_row_is_named_with_a_hint(rows):  # noqa: F811
    said = refused(assert_no_missed_paths(), lambda: render("\n\n" + each("{{ a.unseen }}")))
    assert "zoo/list.html:3: a.unseen\n    Animal.unseen reads Animal.habitat: " in said
    assert 'help: @reads("habitat") on Animal.unseen' in said
    assert 'help: @reads("...__zone") on Animal.unseen, with the way that leads to Habitat' in said


@pytest.mark.parametrize(
    ("body", "said_of_it"),
    [
        ("{{ a.passport.number }}", "Animal.passport is read: 6 queries"),
        ("{% for f in a.feedings.all %}{% endfor %}", "Animal.feedings.all() is read: 6 queries"),
        ("{{ a.feedings.count }}", "Animal.feedings.count() is read: 6 queries"),
        ("{% if a.feedings.exists %}{% endif %}", "Animal.feedings.exists() is read: 6 queries"),
        ("{% for k in a.keepers.all %}{% endfor %}", "Animal.keepers.all() is read: 6 queries"),
        ("{% for c in a.children.all %}{% endfor %}", "Animal.children.all() is read: 6 queries"),
        ("{% for c in a.labels.all %}{% endfor %}", "Label.all() is read: 6 queries"),
        ("{% if a.mother.name == 1 %}{% endif %}", "Animal.mother is read: 3 queries"),
        ("{% if a.passport.number and a.loud %}{% endif %}", "Animal.passport is read: 6 queries"),
    ],
)
def test_every_kind_of_lazy_load_is_named(rows, body, said_of_it):  # noqa: F811
    assert said_of_it in refused(assert_no_missed_paths(), lambda: render(each(body), serialized=False))


def test_querysets_that_are_fetched_row_by_row_are_named(rows, monkeypatch):  # noqa: F811
    def meals_asked_for(self):
        return zoo.Feeding.objects.filter(animal_id=self.pk)

    monkeypatch.setattr(zoo.Animal, "meals_asked_for", meals_asked_for, raising=False)
    page = each("{% for f in a.meals_asked_for %}{{ f.grams }}{% endfor %}")
    for assertion in (assert_planned(), assert_no_missed_paths()):
        said = refused(assertion, lambda: render(page))
        assert "zoo/list.html:1: for f in a.meals_asked_for\n    Feeding.all() is read: 6 queries" in said
        assert "help: prefetch it in the view" in said
    with assert_planned(allow=["Feeding.all()"]):
        render(page)


def test_deferred_columns_and_generic_keys_are_named(rows):  # noqa: F811
    deferred = {"animals": zoo.Animal.objects.only("name"), "labels": zoo.Label.objects.all()}
    page = each("{{ a.kind }}") + "{% for l in labels %}{{ l.target }}{% endfor %}"
    said = refused(assert_planned(), lambda: render(page, serialized=False, **deferred))
    assert "Animal.kind is read: 6 queries" in said
    assert re.search(r"Label.target is read: \d quer", said)


def test_what_a_body_asks_by_itself_is_refused_unless_it_is_allowed(rows):  # noqa: F811
    page = each("{{ a.heavy }}")
    said = refused(assert_planned(), lambda: render(page))
    assert "zoo/list.html:1: a.heavy\n    Animal.heavy reads Animal.feedings.filter(): 6 queries" in said
    assert "or allow it: allow=['Animal.heavy']" in said
    with assert_no_missed_paths(), assert_planned(allow=["Animal.heavy"]):
        render(page)
    with assert_planned(allow=["Animal.feedings.filter()"]):
        render(page)
    refused(assert_planned(allow=["Animal.light"]), lambda: render(page))


def test_what_a_tag_asks_by_itself_is_named_by_its_function(rows):  # noqa: F811
    page = "{% load asking %}" + each("{% fed a %}")
    assert "    fed reads Feeding.count(): 6 queries" in refused(assert_planned(), lambda: render(page))
    with assert_planned(allow=["fed"]):
        render(page)


def test_a_user_that_is_asked_for_late_is_no_lazy_load(rows):  # noqa: F811
    page = "{% if user.name %}{{ user.name }}{% endif %}" + each("{{ a.name }}")
    lazy = SimpleLazyObject(lambda: zoo.Keeper.objects.get(name="Ann"))
    with assert_planned(max_queries=2) as report:
        assert render(page, user=lazy, animals=zoo.Animal.objects.all()).startswith("Ann[")
    assert [query.origin.kind for query in report.queries] == ["planned", "late"]


def test_a_queryset_that_passes_as_it_is_is_let_pass(rows):  # noqa: F811
    page = "{{ animals|length }}{{ names|join:',' }}"
    values = {"animals": zoo.Animal.objects.all(), "names": zoo.Keeper.objects.values_list("name", flat=True)}
    with assert_planned(max_queries=2) as report:
        render(page, **values)
    assert {query.origin.kind for query in report.queries} <= {"fetched", "planned"}
    assert "no plan knows" in refused(assert_planned(), lambda: render(page, serialized=False, **values))


def test_prefetches_of_the_view_are_no_lazy_loads(rows):  # noqa: F811
    page = each("{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}")
    with assert_no_missed_paths() as report:
        prefetched = zoo.Animal.objects.prefetch_related("feedings__food")
        render(page, serialized=False, animals=prefetched)
    assert [query.origin.kind for query in report.queries] == ["fetched"] * 3


def test_queries_of_the_view_only_count(rows):  # noqa: F811
    def view():
        assert zoo.Animal.objects.first().habitat.zone.title
        return HttpResponse(render(each("{{ a.name }}")))

    with assert_planned(max_queries=4):
        view()
    assert "4 queries, more than 3:\n    1 x outside: SELECT" in refused(assert_planned(3), view)


def test_what_is_left_to_plain_django_is_refused_with_the_reason(rows, settings):  # noqa: F811
    settings.DJUST_AST = {"MAX_PATHS": 1}
    page = "{{ one }}{{ two }}" + each("{{ a.habitat.name }}")
    said = refused(assert_planned(), lambda: render(page))
    assert "zoo/list.html is served by plain Django: " in said
    assert "MAX_PATHS" in said
    assert "Animal.habitat is read: 6 queries" in said


@pytest.mark.parametrize("assertion", [assert_planned, assert_no_missed_paths])
def test_what_json_loads_row_by_row_is_named(rows, assertion):  # noqa: F811
    sources["zoo/list.html"] = each("{{ a.unseen }}")
    template = ENGINE.get_template("zoo/list.html")
    values = {"animals": zoo.Animal.objects.all()}
    said = refused(assertion(), lambda: serialize_context(template, values, mode="json"))
    assert "zoo/list.html\n    Animal.unseen reads Animal.habitat: " in said


def test_a_page_that_fails_fails_for_its_own_reason(rows):  # noqa: F811
    for assertion in (assert_planned(), assert_no_missed_paths()):
        with pytest.raises(ValueError, match="loud"), assertion:
            render(each("{{ a.habitat.name }}{{ a.loud }}"), serialized=False)
    assert not [wrapper for wrapper in connection.execute_wrappers if wrapper.__module__ != "pytest_django"]


def test_recording_changes_no_page_and_leaves_nothing_behind(rows):  # noqa: F811
    page = each("{% if a.passport.number == 'P1' %}{{ a.unseen }}{% else %}{{ a.habitat.name }}{% endif %}")
    before = list(connection.execute_wrappers)
    plain = render(page, serialized=False)
    with recording() as report:
        assert render(page, serialized=False) == plain
    assert connection.execute_wrappers == before
    assert len(report.queries) == 1 + 6 + 2 + 5
    assert str(report).count(" x ") == 4


def test_connections_that_are_made_meanwhile_are_seen(rows):  # noqa: F811
    def ask():
        from django.db import connections

        fresh = connections.create_connection("default")
        with fresh.cursor() as cursor:
            cursor.execute("SELECT 42")
        fresh.close()

    with recording() as report:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert "SELECT 42" in [query.sql for query in report.queries]


class Pages(PlannedAssertions, TestCase):
    """What a ``TestCase`` with the mixin sees."""

    def setUp(self):
        self.lake = zoo.Habitat.objects.create(
            name="Lake", zone=zoo.Zone.objects.create(code="W", title="West")
        )
        for name in ("Ada", "Bea"):
            zoo.Animal.objects.create(name=name, kind="cat", habitat=self.lake)

    def page(self, serialized):
        return render(
            each("{{ a.habitat.name }}"), serialized=serialized, animals=zoo.Animal.objects.filter(kind="cat")
        )

    def test_a_planned_page(self):
        with self.assertPlanned(max_queries=1) as report, self.assertNoMissedPaths():
            self.page(serialized=True)
        assert isinstance(report, Report)

    def test_a_page_that_is_not(self):
        for assertion in (self.assertPlanned, self.assertNoMissedPaths):
            with pytest.raises(AssertionError, match=r"Animal.habitat is read: \d+ quer"), assertion():
                self.page(serialized=False)
        with pytest.raises(AssertionError, match="1 query, more than 0"), self.assertPlanned(0):
            self.page(serialized=True)


def test_fixtures_of_the_plugin(pytester, monkeypatch):
    # The test database of a server is in use by this very process.
    monkeypatch.delenv("DATABASE", raising=False)
    pytester.makeconftest('pytest_plugins = ["djust_ast.pytest_plugin"]')
    pytester.makeini("[pytest]\nDJANGO_SETTINGS_MODULE = tests.settings\n")
    pytester.makepyfile(
        """
        import pytest
        from django.template import Context, Template
        from djust_ast.demo.rentals.models import Lease, Tenant, Property, Owner
        from django.contrib.auth.models import User

        @pytest.fixture
        def keeper(db):
            from tests.zoo.models import Animal, Habitat, Zone
            lake = Habitat.objects.create(name="Lake", zone=Zone.objects.create(code="W"))
            return Animal.objects.create(name="Ada", habitat=lake)

        def page():
            from tests.zoo.models import Animal
            template = Template("{% for a in animals %}{{ a.habitat.name }}{% endfor %}")
            return template.render(Context({"animals": Animal.objects.all()}))

        def test_functions(keeper, assert_planned, assert_no_missed_paths):
            for assertion in (assert_planned, assert_no_missed_paths):
                with pytest.raises(AssertionError, match="Animal.habitat is read"), assertion():
                    page()

        def test_same(keeper, assert_same_page):
            assert len(assert_same_page(page).plain.queries) == 2

        @pytest.mark.usefixtures("no_missed_paths")
        def test_whole(keeper):
            page()
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*<template>:1: a.habitat.name*", "*Animal.habitat is read: 1 query*"])


def test_what_is_not_asked_for_is_not_loaded(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert not [name for name in sys.modules if name.partition(".")[0] == "djust_ast"]
        """
    )
    pytester.runpytest_subprocess("-p", "no:django", "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_log_of_debug_does_not_ask_lazy_objects_for_more(rows, settings):  # noqa: F811
    """``isinstance(lazy, Node)`` would make it anew, which asks the database again, and so on."""
    made = []

    def make():
        made.append(1)
        return zoo.Keeper.objects.get(name="Ann")

    settings.DJUST_AST = {"DEBUG": True}
    with connection.execute_wrapper(learner.report):
        page = render(
            "{{ user.name }}{{ who.user.name }}", user=SimpleLazyObject(make), who=SimpleNamespace()
        )
    assert (page, len(made)) == ("Ann", 1)

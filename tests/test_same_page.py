"""The page beside plain Django's: each way in which a plan can be wrong is seen, and told."""

import uuid

import pytest
from django.db import connection
from django.http import HttpResponse
from django.template import Context, Library
from django.test import TestCase

import djust_ast
from djust_ast import reads, serialize_context, tagspecs
from djust_ast.testing import (
    PlannedAssertions,
    assert_no_missed_paths,
    assert_planned,
    assert_same_page,
    unused_columns,
)
from tests.test_demo import PAGES
from tests.test_equality import _filled, each, rows  # noqa: F401 - fixtures
from tests.test_testing import ENGINE, refused, sources
from tests.zoo import models as zoo

pytestmark = pytest.mark.usefixtures("rows")
register = Library()


@register.simple_tag
def kind_of(animal):
    """A tag that reads more than its spec says."""
    return getattr(animal, "kind", "?")


@register.simple_tag
def no_use_of(anything):
    """A tag that reads less than its spec says."""
    return ""


def page(source, name="zoo/list.html"):
    sources[name] = source
    return ENGINE.get_template(name)


def animals(queryset=None):
    return lambda: {"animals": (zoo.Animal.objects if queryset is None else queryset).all()}


def rename():
    zoo.Animal.objects.update(name="Changed")


def resee():
    zoo.Animal.objects.update(photo="changed.png")


def said(*arguments, **options):
    """What the assertion says of the page."""
    with pytest.raises(AssertionError) as info:
        assert_same_page(*arguments, **options)
    return str(info.value)


@pytest.fixture
def hinted(monkeypatch):
    """Properties whose hints are wrong, and whose bodies nobody can follow."""

    @property
    @reads("habitat__zone")
    def nothing(self):
        return eval("''")  # noqa: S307

    @property
    @reads("name")
    def far(self):
        return eval("self.habitat.zone.title")  # noqa: S307

    @property
    def failing(self):
        raise ValueError(eval("self.habitat.zone.title"))  # noqa: S307

    for name, member in (("nothing", nothing), ("far", far), ("failing", failing)):
        monkeypatch.setattr(zoo.Animal, name, member, raising=False)


@pytest.fixture
def lying(monkeypatch):
    """Tags whose specs say that they only test what they are given, and that they go through it."""
    monkeypatch.setattr(tagspecs, "_tags", {})
    djust_ast.register_tag_spec(kind_of, args=("bool",))
    djust_ast.register_tag_spec(no_use_of, args=("iter",))
    monkeypatch.setitem(ENGINE.template_libraries, "lying", register)
    return "{% load lying %}"


@pytest.mark.parametrize("demo", [pytest.param(page, id=name) for name, page in PAGES.items()])
def test_pages_of_the_demo_are_plain_djangos(agency, client, demo):
    url = f"{demo.url}{'&' if '?' in demo.url else '?'}panel=0"
    same = assert_same_page(lambda: client.get(url))
    assert len(same.planned.queries) == demo.planned
    assert demo.plain is None or len(same.plain.queries) == demo.plain


def test_a_page_that_differs_is_shown_with_the_first_expression_that_does(lying):
    body = "{{ a.name }}\n<b>{% kind_of a %}</b>"
    told = said(page(lying + each(body)), animals()).splitlines()
    assert told[:2] == ["this is not plain Django's page", "zoo/list.html:2: kind_of a"]
    assert told[2].startswith("    plain Django: '[\\n<b></b>][Leo\\n<b>cat</b>]")
    assert told[3].startswith("    planned:      '[\\n<b>?</b>][Leo\\n<b>?</b>]")


def test_another_branch_is_told_by_the_tag_that_takes_it(lying):
    body = (
        "{{ a.name }}\n{% kind_of a as k %}\n{% if k == 'cat' %}{{ a.pk }}{% else %}{{ a.name }}{% endif %}"
    )
    told = said(page(lying + each(body)), animals()).splitlines()
    assert told[1] == "zoo/list.html:3: if k == 'cat'"


def test_a_difference_outside_of_templates_is_shown(settings):
    def made():
        return "planned" if settings.DJUST_AST["ENABLED"] else "plain"

    told = said(made).splitlines()
    assert told[1:] == [
        "outside of a template",
        "    plain Django: 'plain'",
        "    planned:      'planned'",
    ]


def test_a_status_of_its_own_is_a_difference(settings):
    def made():
        return HttpResponse("x", status=200 if settings.DJUST_AST["ENABLED"] else 404)

    assert "    plain Django: '404\\nx'" in said(made)


def test_more_queries_than_plain_djangos_are_refused(lying):
    told = said(page(lying + each("{{ a.pk }}{% no_use_of a.feedings.all %}")), animals())
    assert told.startswith("2 queries, and plain Django needs 1:\n    1 x ")
    assert 'FROM "zoo_feeding"' in told.partition("plain Django's:")[0]
    assert_same_page(page(each("{{ a.pk }}")), animals())


def test_old_data_is_seen_after_a_change():
    kept = {}
    template = page(each("{{ a.name }}"))

    def made():
        """A view that keeps its records, as nobody should."""
        values = serialize_context(template, animals()())
        if isinstance(values["animals"], list):
            values = kept.setdefault("values", values)
        return template.render(Context(values))

    assert_same_page(made)
    kept.clear()
    told = said(made, change=rename).splitlines()
    assert told[:2] == [
        "this is not plain Django's page after the data has changed",
        "zoo/list.html:1: a.name",
    ]


def test_a_change_that_does_not_show_proves_nothing():
    template = page(each("{{ a.kind }}"))
    assert "change() does not show on the page" in said(template, animals(), change=resee)
    same = assert_same_page(template, animals(), change=lambda: zoo.Animal.objects.update(kind="dog"))
    assert (len(same.plain.queries), len(same.planned.queries)) == (1, 1)
    assert zoo.Animal.objects.filter(kind="cat").exists()


def test_columns_that_nobody_reads_are_named(hinted):
    wrong, right = page(each("{{ a.nothing }}"), "wrong"), page(each("{{ a.habitat.name }}"), "right")
    told = said(wrong, animals(), columns="used")
    assert told.startswith("fetched, and not read:\n    Animal: name, kind, ")
    assert "\n    Habitat: name\n    Zone: title\n" in told
    assert unused_columns(wrong, animals())["Habitat"] == ["name"]
    assert_same_page(right, animals(), columns="used")
    assert unused_columns(right, animals()) == {}


def test_columns_of_a_joined_row_in_a_branch_are_read_where_it_is_taken():
    source = each("{% if a.kind == 'KIND' %}{{ a.habitat.zone.title }}{% endif %}")
    assert unused_columns(page(source.replace("KIND", "none")), animals()) == {"Zone": ["title"]}
    assert unused_columns(page(source.replace("KIND", "cat")), animals()) == {}


def test_columns_of_queries_that_found_nothing_are_not_counted():
    source = each("{% for f in a.feedings.all %}{{ f.grams }}{{ f.food.name }}{% endfor %}")
    nobody = zoo.Animal.objects.filter(name="Zed")
    assert unused_columns(page(source), animals(nobody)) == {}


@pytest.mark.parametrize("body", ["{{ a }}", "{{ a.title }}", "{{ a.photo.name }}", "{{ a.born|date:'Y' }}"])
def test_watching_columns_changes_no_page(body):
    assert "kind" not in unused_columns(page(each("{{ a.greet }}{{ a.kind }}" + body)), animals()).get(
        "Animal", []
    )


def test_a_save_and_a_refresh_see_all_columns_while_they_are_watched(monkeypatch):
    def refreshed(self):
        self.refresh_from_db()
        self.save()
        return self.name

    monkeypatch.setattr(zoo.Animal, "refreshed", refreshed, raising=False)
    before = list(zoo.Animal.objects.values())
    assert "name" not in unused_columns(page(each("{{ a.refreshed }}")), animals()).get("Animal", [])
    assert list(zoo.Animal.objects.values()) == before


def test_what_a_page_changes_is_undone():
    def made():
        animal = zoo.Animal.objects.get(name="Leo")
        animal.kind += "x"
        animal.save()
        return animal.kind

    assert_same_page(made)
    assert zoo.Animal.objects.get(name="Leo").kind == "cat"


def test_a_page_that_never_comes_out_twice_the_same_is_told():
    assert "differs from run to run" in said(lambda: uuid.uuid4().hex)


def test_masked_tokens_are_no_difference(rf):
    template = page("{% csrf_token %}")
    values = {"csrf_token": "x"}

    def made():
        values["csrf_token"] = uuid.uuid4().hex * 2
        return template.render(Context(values))

    assert_same_page(made)


def test_a_page_that_fails_in_plain_django_fails_with_its_own_error():
    with pytest.raises(ValueError, match="loud"):
        assert_same_page(page(each("{{ a.loud }}")), animals())


def test_a_template_needs_a_function_for_its_context():
    with pytest.raises(TypeError, match="a template needs its context: a function"):
        assert_same_page(page("{{ x }}"))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{% if a.failing == 1 %}x{% endif %}", "a.failing\n    Animal.failing reads Animal.habitat: "),
        ("{% if a.far == 'North' and a.pk %}x{% endif %}", "a.far\n    Animal.far reads Habitat.zone: "),
        ("{% if not a.failing %}x{% endif %}", "a.failing\n    Animal.failing reads Habitat.zone: "),
    ],
)
def test_queries_inside_a_comparison_are_seen(hinted, source, told):
    """A guard that raises would be swallowed, as the errors of these bodies are, and the page go on."""
    template = page(each(source))

    def made():
        return template.render(Context(serialize_context(template, animals()())))

    assert "zoo/list.html:1: " + told in refused(assert_no_missed_paths(), made)


@pytest.mark.django_db(databases=["default", "other"])
def test_every_database_is_looked_at():
    template = page(each("{{ a.pk }}{% for f in a.feedings.all %}{{ f.pk }}{% endfor %}"))
    zone = zoo.Zone(code="O", title="Other")
    zone.save(using="other")
    lake = zoo.Habitat.objects.using("other").create(name="Lake", zone=zone)
    for name in ("Ada", "Bea"):
        zoo.Animal.objects.using("other").create(name=name, habitat=lake)

    def made(values):
        return lambda: template.render(Context(values))

    told = refused(assert_planned(), made({"animals": zoo.Animal.objects.using("other")}))
    assert "Animal.feedings.all() is read: 2 queries" in told
    same = assert_same_page(
        template,
        animals(zoo.Animal.objects.using("other")),
        change=lambda: zoo.Animal.objects.using("other").filter(name="Ada").delete(),
    )
    assert {query.using for query in same.planned.queries} == {"other"}
    assert zoo.Animal.objects.using("other").count() == 2


@pytest.mark.django_db(transaction=True)
def test_both_pages_see_one_state_of_the_data():
    levels = []

    def made():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SHOW transaction_isolation")
                levels.append(cursor.fetchone()[0])
        return str(connection.in_atomic_block)

    same = assert_same_page(made)
    assert len(same.planned.queries) == len(levels) // 2
    assert set(levels) <= {"repeatable read"}
    assert not connection.in_atomic_block


class SamePages(PlannedAssertions, TestCase):
    """What a ``TestCase`` with the mixin sees."""

    def test_same(self):
        zoo.Keeper.objects.create(name="New", badge="new")
        template = page("{% for k in keepers %}{{ k.name }}{{ k.boss.name }}{% endfor %}")
        values = {"keepers": zoo.Keeper.objects}
        same = self.assertSamePage(
            template,
            lambda: {name: manager.all() for name, manager in values.items()},
            change=lambda: zoo.Keeper.objects.update(name="Changed"),
            columns="used",
        )
        assert len(same.planned.queries) == 1

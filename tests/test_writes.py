"""Pages whose own properties and methods write to the database: they show what was written, as in plain Django."""

import pytest
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat

from djust_ast import explain, serialize_context
from tests.test_equality import ENGINES, _filled, context_for, each, one, outcome, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

pytestmark = pytest.mark.usefixtures("rows", "members")
LOUDER = Concat(F("name"), Value("!"))


class Members:
    def updates(self):
        zoo.Habitat.objects.filter(pk=self.habitat_id).update(name=LOUDER)
        return "u"

    def updates_all(self):
        type(self).objects.update(name=LOUDER)
        return "U"

    def saves(self):
        habitat = zoo.Habitat.objects.get(pk=self.habitat_id)
        habitat.name += "?"
        habitat.save()
        return "s"

    def calls_another(self):
        return self.updates() + "c"

    @property
    def creates(self):
        self.feedings.create(food=zoo.Food.objects.first(), grams=8)
        return "c"

    def gets_or_creates(self):
        return self.feedings.get_or_create(food=zoo.Food.objects.first(), grams=7)[0].grams

    def deletes(self):
        self.feedings.all().delete()
        return "d"

    def clears(self):
        self.keepers.clear()
        return "k"


@pytest.fixture
def members(monkeypatch):
    for name, member in vars(Members).items():
        if not name.startswith("__"):
            monkeypatch.setattr(zoo.Animal, name, member, raising=False)


PAGES = {
    "update": "{{ a.habitat.name }}{{ a.updates }}{{ a.habitat.name }}",
    "update-of-all": "{{ a.updates_all }}{{ a.name }}{{ a.mother.name }}",
    "save": "{{ a.saves }}{{ a.habitat.name }}",
    "through-another": "{{ a.calls_another }}{{ a.habitat.name }}",
    "create": "{{ a.creates }}{{ a.feedings.count }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}",
    "get-or-create": "{{ a.gets_or_creates }}{{ a.feedings.count }}",
    "delete": "{{ a.feedings.count }}{{ a.deletes }}{{ a.feedings.count }}{% for f in a.feedings.all %}x{% endfor %}",
    "clear": "{{ a.clears }}{% for k in a.keepers.all %}{{ k.name }}{% endfor %}",
    "below": "{{ a.mother.updates }}{{ a.habitat.name }}",
    "of-rows": "{% for c in a.children.all %}{{ c.updates }}{{ c.habitat.name }}{% endfor %}{{ a.habitat.name }}",
    "in-a-branch": "{% if a.kind == 'dog' %}{{ a.updates }}{% endif %}{{ a.habitat.name }}",
}


def undone(*arguments):
    """The outcome, and nothing is left of it."""
    before = transaction.savepoint()
    try:
        return outcome(*arguments)
    finally:
        transaction.savepoint_rollback(before)


def check(source, context):
    template = ENGINES[""].from_string(source)
    plain, before, _ = undone(template, context, lambda _, found: found)
    text, after, _ = undone(template, context, serialize_context)
    assert text == plain, source
    assert isinstance(plain, str)
    assert len(after) <= len(before)


@pytest.mark.parametrize("body", PAGES.values(), ids=PAGES.keys())
def test_what_is_written_shows(body):
    check(each(body), context_for("animals"))
    check(each(body), lambda: {"animals": list(zoo.Animal.objects.all())})
    check(body.replace("a.", "leo."), lambda: {"leo": one("Leo")})


def test_what_is_written_shows_in_other_values_of_the_page():
    check("{{ leo.updates }}" + each("{{ a.habitat.name }}"), context_for("leo animals"))
    check(each("{{ a.name }}{{ mia.habitat.name }}{{ a.updates }}"), context_for("mia animals"))


def test_the_reason_is_told():
    told = str(explain(ENGINES[""].from_string(each("{{ a.updates }}")), {"animals": zoo.Animal}))
    assert "a property or method of the page writes to the database" in told

"""What code that cannot be followed loads of one row is fetched for all of them; pages stay what they are."""

import pickle
import threading

import pytest
from django.db import connection, models
from django.db.models.signals import post_init
from django.template import Context
from django.test.utils import CaptureQueriesContext

from djust_ast import explain, seen, serialize_context
from djust_ast.bodies import body
from djust_ast.members import member
from tests.test_equality import ENGINES, _filled, check, each, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

PEERS = hasattr(models, "FETCH_PEERS")  # which does it from Django 6.1 on, but for reverse one-to-ones


@pytest.fixture
def hidden():
    """A function that gives animals a member whose source is not there."""
    given = []

    def give(name, expression, model=zoo.Animal):
        namespace = {"zoo": zoo}
        exec(f"def {name}(self):\n    {expression}\n", namespace)  # noqa: S102
        setattr(model, name, namespace[name])
        given.append((model, name))
        member.cache_clear()
        body.cache_clear()

    yield give
    for model, name in given:
        delattr(model, name)
    member.cache_clear()
    body.cache_clear()


def counted(source, animals=zoo.Animal.objects.all):
    """The queries of plain Django, and ours, which show the same."""
    check(source)
    template = ENGINES[""].from_string(source)
    counts = []
    for convert in (lambda _, context: context, serialize_context):
        with CaptureQueriesContext(connection) as queries:
            template.render(Context(convert(template, {"animals": animals()})))
        counts.append(len(queries))
    return tuple(counts)


LOADED = {
    "one-to-many": ("return self.habitat.name", "{{ a.secret }}", (7, 2)),
    "chain": ("return self.habitat.zone.title", "{{ a.secret }}", (13, 3)),
    "nullable": ("return self.mother and self.mother.name", "{{ a.secret }}", (4, 2)),
    "nullable-chain": ("return self.mother and self.mother.habitat.name", "{{ a.secret }}", (7, 3)),
    "joined-already": ("return self.habitat.zone.title", "{{ a.secret }}{{ a.habitat.name }}", (13, 2)),
    "below-a-relation": ("return self.habitat.zone.title", "{{ a.mother.secret }}", (10, 3)),
    "of-rows": (
        "return [f.food.name for f in self.feedings.all()]",
        "{{ a.secret }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}",
        (17, 3),
    ),
    "never-reached": ("return self.kind == 'yak' and self.habitat.name", "{{ a.secret }}", (1, 1)),
    "not-rendered": ("return self.habitat.name", "{% if no %}{{ a.secret }}{% endif %}{{ a.name }}", (1, 1)),
    "reached-by-one": ("return self.kind == 'emu' and self.habitat.name", "{{ a.secret }}", (2, 2)),
}


@pytest.mark.parametrize(("statement", "shown", "counts"), LOADED.values(), ids=LOADED)
def test_one_query_for_all_rows(rows, hidden, statement, shown, counts):  # noqa: F811
    hidden("secret", statement)
    assert counted(each(shown)) == counts


def test_it_is_told_by_explain_and_can_be_turned_off(rows, hidden, settings):  # noqa: F811
    hidden("secret", "return self.habitat.name")
    template = ENGINES[""].from_string(each("{{ a.secret }}"))
    assert counted(each("{{ a.secret }}")) == (7, 2)
    plan = explain(template, {"animals": zoo.Animal}).plan
    assert "what else code loads of to-one relations: one query for all rows, when first touched" in plan
    assert "seen so far of Animal: " in plan
    assert "habitat" in plan.partition("seen so far of Animal: ")[2]
    settings.DJUST_AST = {"LEARN": False}
    assert counted(each("{{ a.secret }}")) == (7, 7)
    assert "what else code loads" not in explain(template, {"animals": zoo.Animal}).plan


def test_what_can_be_followed_is_not_watched(rows):  # noqa: F811
    template = ENGINES[""].from_string(each("{{ a.chain }}{{ a.listed }}{{ a }}"))
    assert "what else code loads" not in explain(template, {"animals": zoo.Animal}).plan


NOT_LOADED = {
    "assigned": ("self.mother = None", "{{ a.secret }}{{ a.mother_id }}"),
    "assigned-another": (
        "self.habitat = zoo.Habitat(name='tent')\n    return self.habitat.name",
        "{{ a.secret }}",
    ),
    "deferred": ("return self.habitat.name", "{{ a.secret }}"),
    "refreshed": ("self.refresh_from_db()\n    return self.habitat.name", "{{ a.secret }}{{ a.secret }}"),
    "another-key": (
        "self.habitat_id = zoo.Habitat.objects.get(name='Void').pk\n    return self.habitat.name",
        "{{ a.secret }}{{ a.habitat.name }}",
    ),
    "changed-below": (
        "self.habitat.name += '!'\n    return self.habitat.name",
        "{{ a.secret }}{{ a.secret }}",
    ),
    "noted-below": (
        "self.habitat.note = getattr(self.habitat, 'note', 0) + 1\n    return self.habitat.note",
        "{{ a.secret }}{{ a.mother.secret }}",
    ),
    "identity": ("return self.habitat is self.habitat", "{{ a.secret }}"),
    "identity-of-peers": (
        "zoo.CALLS.append(self.habitat)\n    return len({id(x) for x in zoo.CALLS})",
        "{{ a.secret }}",
    ),
    "hidden-by-the-base-manager": ("return [t.animal for t in self.tickets.all()]", "{{ a.secret }}"),
    "dangling": ("return [r.about for r in self.rumors.all()]", "{{ a.secret }}"),
    "filtered": ("return self.feedings.filter(grams__gt=2).count()", "{{ a.secret }}"),
    "parent": ("return [f.animal is self for f in self.feedings.all()]", "{{ a.secret }}"),
    "copied": (
        "import copy\n    return copy.copy(self).habitat.name + copy.deepcopy(self).habitat.zone.title",
        "{{ a.secret }}",
    ),
    "pickled": ("import pickle\n    return pickle.loads(pickle.dumps(self)).habitat.name", "{{ a.secret }}"),
    "raises": ("return self.habitat.keeper.boss.name", "{{ a.secret }}"),
    "missing": ("return self.passport.issuer.name", "{{ a.secret }}"),
    "missing-tested": ("return hasattr(self, 'passport') and self.passport.number", "{{ a.secret }}"),
}
STATES = ["animals", "tied", "only", "defer", "selected", "prepared", "evaluated", "listed", "wild", "page"]


@pytest.mark.parametrize(("statement", "shown"), NOT_LOADED.values(), ids=NOT_LOADED)
def test_the_page_stays_what_it_is_and_asks_no_more(rows, hidden, statement, shown):  # noqa: F811
    hidden("secret", statement)
    for state in STATES:
        check(each(shown, state))
        check(each(f"{shown}{{{{ a.habitat.name }}}}{{{{ a.name }}}}", state))


def test_nothing_is_loaded_for_code_that_asks_whether_it_is(rows, hidden):  # noqa: F811
    hidden("secret", "return type(self).habitat.is_cached(self)")
    for state in STATES:
        check(each("{{ a.secret }}", state))


def test_a_reverse_one_to_one_is_fetched_once_before_6_1(rows, hidden):  # noqa: F811
    hidden("secret", "return self.passport.number if hasattr(self, 'passport') else '-'")
    assert counted(each("{{ a.secret }}")) == (7, 7 if PEERS else 2)


def test_rows_that_a_signal_receiver_sees_are_made_one_by_one(rows, hidden):  # noqa: F811
    hidden("secret", "return self.habitat.name")
    made = []

    def receive(sender, instance, **_):
        made.append(instance)

    post_init.connect(receive, sender=zoo.Habitat)
    try:
        counts = counted(each("{{ a.secret }}"))
    finally:
        post_init.disconnect(receive, sender=zoo.Habitat)
    assert counts[0] == 7
    assert PEERS or counts[1] == 7


def test_models_with_a_hand_in_their_making_are_loaded_one_by_one(rows, hidden):  # noqa: F811
    hidden("secret", "return [c.animal.name for c in zoo.Counted.objects.all()]")
    check(each("{{ a.secret }}{% for c in a.counted.all %}{{ c.name }}{{ c.animal.secret }}{% endfor %}"))


def test_what_is_served_can_be_pickled(rows, hidden):  # noqa: F811
    hidden("secret", "return self.habitat.name")
    template = ENGINES[""].from_string(each("{{ a.secret }}"))
    records = serialize_context(template, {"animals": zoo.Animal.objects.all()})["animals"]
    again = pickle.loads(pickle.dumps(records))  # noqa: S301
    assert [record["secret"] for record in again] == [record["secret"] for record in records]


def test_what_was_seen_is_bounded_and_safe_to_write_from_threads(monkeypatch):
    monkeypatch.setattr(seen, "_seen", {})
    monkeypatch.setattr(seen, "MAX_MODELS", 2)
    names = [f"relation{number}" for number in range(200)]
    threads = [
        threading.Thread(target=lambda model=model: [seen.note(model, name) for name in names])
        for model in (zoo.Animal, zoo.Keeper, zoo.Animal, zoo.Keeper)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen.note(zoo.Zone, "late")
    assert seen.seen(zoo.Animal) == seen.seen(zoo.Keeper) == sorted(names)
    assert seen.seen(zoo.Zone) == []

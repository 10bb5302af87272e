"""Random bodies: none reads more than is told of it, and pages stay what they are, whether they are followed or not."""

import os

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from djust_ast.bodies import body
from tests.corpus.bodies import run
from tests.generated_bodies import installed, modules
from tests.test_equality import QUERYSETS, _filled, check, each, route, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

GENERATED = settings(
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "60")),
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=list(HealthCheck),
)
FEWER = settings(GENERATED, max_examples=max(GENERATED.max_examples // 4, 1))  # each of them is a few pages
NAMES = ("g0", "g1", "g2")


@GENERATED
@given(source=modules())
def test_a_closed_body_reads_no_more_than_is_told(rows, source):  # noqa: F811
    with installed(source):
        for name in NAMES:
            found = body(zoo.Animal, name)
            assert found is not None
            event("closed" if found.closed else "open")
            if not found.closed:
                continue
            for animal in zoo.Animal.objects.all():
                del zoo.CALLS[:]
                ran, wrong = run(animal, name, found)
                event(f"ran: {ran}")
                assert not wrong, f"{wrong}\n{found}\n{source}"
                assert shown(animal, name) == shown(zoo.Animal.objects.get(pk=animal.pk), name), source


def shown(animal, name):
    """What the member gives, as text, or the class of what it raises."""
    del zoo.CALLS[:]  # some members count them
    try:
        value = getattr(animal, name)
        return repr(value() if callable(value) else value)
    except Exception as error:  # noqa: BLE001 - what a body raises is its own
        return type(error)


PAGES = [
    "{{ a.g2 }}",
    "{{ a.g0 }}{{ a.g1 }}{{ a.g2 }}",
    "{{ a.habitat.name }}{{ a.g1 }}{{ a.mother.g2 }}{{ a.habitat.zone.title }}",
    "{% if a.kind == 'dog' %}{{ a.g2 }}{% endif %}{% for f in a.feedings.all %}{{ f.food.name }}{{ f.animal.g0 }}{% endfor %}",
    "{% for x in a.g2 %}{{ x }}{% endfor %}{% for k in a.keepers.all %}{{ k.boss.name }}{% endfor %}{{ a.g2 }}",
    "{% for c in a.children.all %}{{ c.g1 }}{{ c.habitat.name }}{% endfor %}{{ a.title }}{{ a.g0 }}",
]
STATES = sorted(
    set(QUERYSETS) - {"mixed", "plain", "values", "tuples", "generator", "iterator", "union", "raw"}
)


@pytest.mark.parametrize("hidden", [False, True], ids=["followed", "without-source"])
@pytest.mark.parametrize("route", ["auto", "instances"], indirect=True)
@FEWER
@given(
    source=modules(),
    pages=st.lists(st.tuples(st.sampled_from(PAGES), st.sampled_from(STATES)), min_size=1, max_size=3),
)
def test_pages_stay_what_they_are_in_any_order(rows, route, hidden, source, pages):  # noqa: F811
    if hidden:  # rows of a prefetch are the same each time, so that what counts its objects is another matter
        source = source.replace(".ticket", ".name").replace(".letter", ".title")
    with installed(source, hidden=hidden):
        for page, state in pages:
            check(f"{{% for a in {state} %}}[{page}]{{% endfor %}}")

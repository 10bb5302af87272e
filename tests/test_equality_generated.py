"""Random templates over the zoo: the page over records is the page over live objects."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.test_equality import OBJECTS, QUERYSETS, _filled, check, route, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

ONES = {
    zoo.Animal: {"habitat": zoo.Habitat, "mother": zoo.Animal, "passport": zoo.Passport, "chip": zoo.Chip},
    zoo.Habitat: {"zone": zoo.Zone, "keeper": zoo.Keeper},
    zoo.Keeper: {"boss": zoo.Keeper},
    zoo.Passport: {"animal": zoo.Animal, "issuer": zoo.Keeper},
    zoo.Chip: {"animal": zoo.Animal},
    zoo.Feeding: {"animal": zoo.Animal, "food": zoo.Food},
    zoo.Ticket: {"animal": zoo.Animal},
    zoo.Rumor: {"about": zoo.Animal},
    zoo.Visit: {"ticket": zoo.Ticket},
    zoo.Building: {"aviary": zoo.Aviary, "habitat": zoo.Habitat},
    zoo.Aviary: {"building_ptr": zoo.Building, "habitat": zoo.Habitat},
    zoo.Perch: {"aviary": zoo.Aviary, "animal": zoo.Animal},
    zoo.Label: {"target": zoo.Animal},
}
MANY = {
    zoo.Animal: {
        "feedings": zoo.Feeding, "keepers": zoo.Keeper, "children": zoo.Animal, "diet": zoo.Food,
        "friends": zoo.Animal, "tickets": zoo.Ticket, "rumors": zoo.Rumor, "tricks": zoo.Trick,
        "labels": zoo.Label, "perches": zoo.Perch,
    },
    zoo.Habitat: {"animal_set": zoo.Animal, "buildings": zoo.Building},
    zoo.Keeper: {
        "team": zoo.Keeper, "animals": zoo.Animal, "homes": zoo.Habitat, "rivals": zoo.Keeper,
        "envious": zoo.Keeper,
    },
    zoo.Zone: {"habitats": zoo.Habitat},
    zoo.Food: {"eaters": zoo.Animal},
    zoo.Ticket: {"visits": zoo.Visit},
    zoo.Aviary: {"perches": zoo.Perch},
}  # fmt: skip
LEAVES = {
    zoo.Animal: [
        "name", "pk", "weight", "born", "get_kind_display", "title", "home", "greet", "gone", "nope", "wipe",
        "mother_id", "items", "loud", "broken", "slow", "facts.a", "photo",
    ],
    zoo.Habitat: ["name", "zone_id", "keeper_id", "nope", "keys"],
    zoo.Keeper: ["name", "badge", "pk"],
    zoo.Zone: ["title", "code"],
    zoo.Passport: ["number", "animal_id"],
    zoo.Chip: ["serial", "pk"],
    zoo.Feeding: ["grams", "food_id"],
    zoo.Food: ["name"],
    zoo.Ticket: ["title"],
    zoo.Rumor: ["text", "about_id"],
    zoo.Trick: ["name"],
    zoo.Visit: ["day", "ticket_id", "ticket.pk"],
    zoo.Building: ["name", "pk"],
    zoo.Aviary: ["name", "height", "pk", "building_ptr_id"],
    zoo.Perch: ["aviary_id", "animal.size", "aviary.pk"],
    zoo.Label: ["text", "object_id", "content_type.model", "target", "target.name"],
}  # fmt: skip
FILTERS = [
    "",
    "",
    "",
    "|default:'d'",
    "|default_if_none:'n'",
    "|length",
    "|upper",
    "|yesno",
    "|first",
    "|add:1",
]
TESTS = [
    "{a}",
    "not {a}",
    "{a} is None",
    "{a} == {b}",
    "{a} and {b}",
    "{a} or {b}",
    "{a} in {b}",
    "{a} < {b}",
]


@st.composite
def templates(draw, scope, depth=3):
    """A few statements over the names of ``scope``, ``((name, model), ...)``."""

    def path(whole=True):
        name, model = draw(st.sampled_from(scope))
        for _ in range(draw(st.integers(0, 2))):
            if model not in ONES:
                break
            step, model = draw(st.sampled_from(sorted(ONES[model].items())))
            name = f"{name}.{step}"
        if whole and draw(st.integers(0, 5)) == 0:
            return name, model
        return f"{name}.{draw(st.sampled_from(LEAVES[model]))}", None

    def inner(*bound):
        return draw(templates((*scope, *bound), depth - 1)) if depth else ""

    parts = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(
            st.sampled_from(["out", "out", "out", "if", "for", "for", "with", "ifchanged", "manager"])
        )
        if kind == "out" or not depth:
            parts.append(f"{{{{ {path()[0]}{draw(st.sampled_from(FILTERS))} }}}}")
        elif kind == "if":
            test = draw(st.sampled_from(TESTS)).format(a=path()[0], b=path()[0])
            parts.append(f"{{% if {test} %}}{inner()}{{% else %}}{inner()}{{% endif %}}")
        elif kind == "with":
            name, model = path()
            bound = [(f"w{depth}", model)] if model else []
            parts.append(f"{{% with w{depth}={name} %}}{inner(*bound)}{{% endwith %}}")
        elif kind == "ifchanged":
            parts.append(f"{{% ifchanged {path()[0]} %}}{inner()}{{% endifchanged %}}")
        else:
            owners = [(name, model) for name, model in scope if model in MANY]
            if not owners:
                continue
            name, model = draw(st.sampled_from(owners))
            step, model = draw(st.sampled_from(sorted(MANY[model].items(), key=str)))
            if kind == "manager":
                call = draw(
                    st.sampled_from(
                        ["count", "exists", "first", "last", "all.count", "all|length", "all.0", "all|first"]
                    )
                )
                parts.append(f"{{{{ {name}.{step}.{call} }}}}")
            else:
                parts.append(
                    f"{{% for f{depth} in {name}.{step}.all %}}{inner((f'f{depth}', model))}{{% empty %}}-{{% endfor %}}"
                )
    return "".join(parts)


ROOTS = sorted(set(QUERYSETS) - {"mixed", "plain", "values", "tuples", "generator", "iterator", "union"})
ONE = sorted(set(OBJECTS) - {"also", "lazy"})
QUICKLY = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@QUICKLY
@given(name=st.sampled_from(ROOTS), body=templates((("a", zoo.Animal),)))
def test_loops(rows, name, body):  # noqa: F811
    check(f"{{% for a in {name} %}}[{body}]{{% endfor %}}")


@QUICKLY
@given(name=st.sampled_from(ONE), data=st.data())
def test_objects(rows, name, data):  # noqa: F811
    check(data.draw(templates(((name, zoo.Animal),))))


@pytest.mark.parametrize("route", ["instances"], indirect=True)
@QUICKLY
@given(body=templates((("a", zoo.Animal),)))
def test_instances(rows, route, body):  # noqa: F811
    check(f"{{% for a in animals %}}[{body}]{{% endfor %}}")

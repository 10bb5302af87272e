"""Objects inside lists of lists, dicts, tuples, dataclasses and lazy objects: planned, and left as they are."""

import pickle
from collections import OrderedDict, defaultdict, deque, namedtuple
from copy import deepcopy
from dataclasses import dataclass
from itertools import groupby
from types import SimpleNamespace

import pytest
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.query import RawQuerySet
from django.template import Context, Engine, Library
from django.utils.functional import SimpleLazyObject

from djust_ast import explain, serialize_context
from tests.test_catalogue import Case, as_if_written_by_hand, counted
from tests.test_equality import ENGINES, _filled, changed, check, each, one, outcome, rows  # noqa: F401
from tests.zoo import models as zoo

pytestmark = pytest.mark.usefixtures("rows")
Animal, Habitat = zoo.Animal, zoo.Habitat
Pair = namedtuple("Pair", "animal number")


@dataclass
class Row:
    animal: Animal
    number: int


@dataclass(slots=True)
class Slots:
    animal: Animal
    number: int


class Lazily:
    """A view, or whatever else holds an object under a name."""

    def __init__(self, animal):
        self.object = animal


def animals():
    return list(Animal.objects.all())


def by_kind(make=dict):
    found = make()
    for kind, group in groupby(Animal.objects.order_by("kind", "pk"), key=lambda animal: animal.kind):
        found[kind] = list(group)
    return found


def habitats(**lookups):
    return lambda: list(Habitat.objects.filter(**lookups))


def joined(*names):
    return lambda: [list(Animal.objects.filter(kind=kind).select_related(*names)) for kind in ("cat", "dog")]


def queried():
    return {kind: Animal.objects.filter(kind=kind) for kind in ("cat", "dog")}


GROUPS = "{% for kind, group in x.items %}{{ kind }}{% for a in group %}{{ a.name }}{{ a.habitat.name }}{% endfor %}{% endfor %}"
EACH = "{% for a in x %}[{{ a.name }}{{ a.habitat.name }}]{% endfor %}"
NESTED = "{% for group in x %}{% for a in group %}[{{ a.name }}{{ a.habitat.name }}]{% endfor %}{% endfor %}"
PAIRS = "{% for a, n in x %}[{{ a.habitat.name }}{{ n }}]{% endfor %}"
NAMED = "{% for p in x %}[{{ p.animal.habitat.name }}{{ p.number }}]{% endfor %}"
CASES = {
    "dict-of-lists": (GROUPS, by_kind, habitats()),
    "ordered-dict-of-lists": (GROUPS, lambda: by_kind(OrderedDict), habitats()),
    "defaultdict-of-lists": (
        GROUPS.replace("x.items", "x.cat").replace("kind, group", "a"),
        lambda: by_kind(lambda: defaultdict(list)),
        habitats,
    ),
    "dict-of-lists-by-name": ("{{ x.cat.0.habitat.name }}{{ x.dog.0.name }}", by_kind, habitats()),
    "values-of-a-dict": ("{% for a in x.values %}{{ a.habitat.name }}{% endfor %}", lambda: dict(enumerate(animals())), habitats()),
    "keys-of-a-dict": (PAIRS.replace("in x", "in x.items"), lambda: dict.fromkeys(animals(), 1), habitats()),
    "a-loop-over-a-dict": (EACH, lambda: dict.fromkeys(animals(), 1), habitats()),
    "numbers-of-a-dict": (
        "{% for b in x.2020 %}{{ b.habitat.name }}{% endfor %}{{ x.2021.habitat.name }}",
        lambda: {2020: animals(), "2021": one("Leo"), 2021: None},
        habitats(),
    ),
    "lists-of-lists": (NESTED, lambda: [animals()[:2], tuple(animals()[2:]), []], habitats()),
    "lists-in-lists-in-dicts": (
        "{% for k, v in x.items %}" + NESTED.replace("in x", "in v") + "{% endfor %}",
        lambda: {"a": [animals()[:3], animals()[3:]], "b": ((one("Leo"),),)},
        habitats(),
    ),
    "pairs": (PAIRS, lambda: [(animal, 1) for animal in animals()], habitats()),
    "pairs-by-index": (
        "{% for p in x %}{{ p.0.habitat.name }}{{ p.1 }}{% endfor %}",
        lambda: [[animal, 1] for animal in animals()],
        habitats(),
    ),
    "enumerated": (
        "{% for n, p in x %}{{ n }}{% for a, m in p %}{{ a.habitat.name }}{% endfor %}{% endfor %}",
        lambda: list(enumerate([[(animal, 1)] for animal in animals()])),
        habitats(),
    ),
    "dicts": (NAMED, lambda: [{"animal": animal, "number": 1} for animal in animals()], habitats()),
    "many-dicts": (
        NAMED,
        lambda: [{"animal": animal, "number": n} for n in range(200) for animal in [one("Leo")]][:150],
        habitats(),
    ),
    "namedtuples": (NAMED, lambda: [Pair(animal, 1) for animal in animals()], habitats()),
    "dataclasses": (NAMED, lambda: [Row(animal, 1) for animal in animals()], habitats()),
    "dataclasses-with-slots": (NAMED, lambda: [Slots(animal, 1) for animal in animals()], habitats()),
    "namespaces": (NAMED, lambda: [SimpleNamespace(animal=animal, number=1) for animal in animals()], habitats()),
    "a-view": (
        "{{ x.object.habitat.zone.title }}{{ x.object.habitat.keeper.boss.name }}",
        lambda: Lazily(one("Leo")),
        lambda: list(Habitat.objects.select_related("zone", "keeper__boss")),
    ),
    "a-deque": (EACH, lambda: deque(animals()), habitats()),
    "a-view-of-a-dict": (PAIRS, lambda: dict.fromkeys(animals(), 1).items(), habitats()),
    "to-many": (
        "{% for a, n in x %}{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}{% endfor %}",
        lambda: [(animal, 1) for animal in animals()],
        lambda: list(zoo.Feeding.objects.select_related("food")),
    ),
    "counts": (
        "{% for a, n in x %}{{ a.feedings.count }}{% if a.feedings.exists %}+{% endif %}{{ a.keepers.count }}{% endfor %}",
        lambda: [(animal, 1) for animal in animals()],
        lambda: [counted(zoo.Feeding, "animal"), counted(zoo.Keeper, "animals")],
    ),
    "counts-above": (
        "{% for a, n in x %}{{ a.habitat.animal_set.count }}{{ a.habitat.animal_set.count }}{% endfor %}",
        lambda: [(animal, 1) for animal in animals()],
        lambda: [list(Habitat.objects.all()), counted(Animal, "habitat")],
    ),
    "counts-below-what-is-loaded": (
        "{% for a, n in x %}{{ a.habitat.animal_set.count }}{{ a.habitat.zone.title }}{% endfor %}",
        lambda: [(animal, 1) for animal in Animal.objects.select_related("habitat")],
        lambda: [counted(Animal, "habitat"), list(zoo.Zone.objects.all())],
    ),
    "counts-of-what-changes": (
        "{% for a, n in x %}{{ a.habitat.rename }}{{ a.habitat.animal_set.count }}{{ a.habitat.name }}{% endfor %}",
        lambda: [(animal, 1) for animal in animals()],
        lambda: [list(Habitat.objects.all()), counted(Animal, "habitat")],
    ),
    "sizes": (
        "{% for a, n in x %}{% if a.feedings.all %}{{ a.feedings.all|length }}{% endif %}{{ a.keepers.all|length }}{% endfor %}",
        lambda: [(animal, 1) for animal in animals()],
        lambda: [counted(zoo.Feeding, "animal"), counted(zoo.Keeper, "animals")],
    ),
    "sizes-where-code-is-not-known": (
        "{% for a, n in x %}{% if a.feedings.all %}{{ a.feedings.all|length }}{% endif %}{{ n|pprint }}{% endfor %}",
        lambda: [(animal, 1) for animal in animals()],
        lambda: list(zoo.Feeding.objects.all()),
    ),
    "first-and-last": (
        "{% for a, n in x %}{{ a.feedings.first.food.name }}{{ a.feedings.first.animal.name }}{{ a.feedings.last.grams }}"
        "{{ a.tricks.first }}{% endfor %}",
        lambda: [(animal, 1) for animal in animals()],
        lambda: [
            list(zoo.Feeding.objects.select_related("food")),
            list(zoo.Feeding.objects.all()),
            list(zoo.Trick.objects.filter(animal__in=[1])),
        ],
    ),
    "indexes": (
        "{% for a, n in x %}{{ a.feedings.all.0.grams }}{{ a.feedings.all.1.grams }}{{ a.feedings.all.7.grams }}{% endfor %}",
        lambda: [(animal, 1) for animal in animals()],
        lambda: list(zoo.Feeding.objects.all()),
    ),
    "rows-that-the-view-has": (
        "{% for a, n in x %}{{ a.feedings.count }}{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}{% endfor %}",
        lambda: [(animal, 1) for animal in Animal.objects.prefetch_related("feedings")],
        lambda: list(zoo.Food.objects.all()),
    ),
    "evaluated-querysets": (
        NESTED,
        lambda: [changed(found, name="Changed") for found in queried().values()],
        habitats(),
    ),
    "querysets": (NESTED, lambda: list(queried().values()), joined("habitat")),
    "querysets-in-a-dict": (GROUPS, queried, joined("habitat")),
    "querysets-in-pairs": (
        "{% for k, group in x %}{% for a in group %}{{ a.habitat.name }}{% endfor %}{% endfor %}",
        lambda: list(queried().items()),
        joined("habitat"),
    ),
    "querysets-in-objects": (
        "{% for r in x %}{% for a in r.animal %}{{ a.habitat.name }}{% endfor %}{% endfor %}",
        lambda: [Row(found, 1) for found in queried().values()],
        joined("habitat"),
    ),
    "a-page-in-a-list": (
        "{% for p in x %}{{ p.number }}{% for a in p %}{{ a.habitat.name }}{% endfor %}{% endfor %}",
        lambda: [Paginator(Animal.objects.all(), 3).page(1)],
        lambda: list(Animal.objects.select_related("habitat")[:3]),
    ),
    "not-reached": (
        "{% if no %}" + GROUPS + NESTED + "{{ x.cat.0.habitat.name }}{% endif %}",
        by_kind,
        lambda: None,
    ),
    "querysets-not-reached": ("{% if no %}" + GROUPS + "{% endif %}", queried, lambda: None),
    "lazy": (
        "{{ x.mother.habitat.zone.title }}{{ x.mother.name }}",
        lambda: SimpleLazyObject(lambda: one("Mia")),
        lambda: [
            Animal.objects.get(name="Mia"),
            list(Animal.objects.select_related("habitat__zone")),
        ],
    ),
    "lazy-and-to-many": (
        "{% for f in x.user.feedings.all %}{{ f.food.name }}{% endfor %}",
        lambda: SimpleNamespace(user=SimpleLazyObject(lambda: one("Leo"))),
        lambda: [Animal.objects.get(name="Leo"), list(zoo.Feeding.objects.select_related("food"))],
    ),
    "lazy-and-set-up": (
        "{% for f in x.0.feedings.all %}{{ f.food.name }}{% endfor %}",
        lambda: [set_up(SimpleLazyObject(lambda: one("Leo")))],
        lambda: list(zoo.Feeding.objects.select_related("food")),
    ),
    "lazy-not-reached": (
        "{% if no %}{{ x.mother.habitat.name }}{% endif %}",
        lambda: SimpleLazyObject(lambda: one("Leo")),
        lambda: None,
    ),
    "lazy-of-something-else": ("{{ x.name.first }}{{ x.items.0 }}", lambda: SimpleLazyObject(lambda: {"name": "n"}), lambda: None),
}  # fmt: skip


def set_up(lazy):
    str(lazy)
    return lazy


@pytest.mark.parametrize(("source", "make", "reference"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("route", ["auto", "instances"])
def test_as_if_written_by_hand(settings, route, source, make, reference):
    settings.DJUST_AST = {"ROUTE": route, "STRICT": True}
    as_if_written_by_hand(Case(source, reference, lambda: {"x": make()}, live=True))
    check(source, lambda: {"x": make()})
    check(source + "{{ x|length }}", lambda: {"x": make()})


def test_containers_and_objects_stay_what_they_are():
    leo = one("Leo")
    group = [leo, one("Mia")]
    context = {"x": {"cats": group, "best": (leo, 1)}, "same": group, "best": leo}
    template = ENGINES[""].from_string(GROUPS + "{% for a in same %}{{ a.habitat.name }}{% endfor %}")
    served = serialize_context(template, context)
    assert served["x"] is context["x"]
    assert served["x"]["cats"] is group
    assert group[0] is leo is served["best"]


SHARED = {
    "one-queryset-in-two-places": lambda found: {"x": {"rows": found}, "y": found},
    "one-in-a-dict-and-a-list": lambda found: {"x": {"rows": found}, "y": [[found]]},
    "one-in-an-object-of-an-object": lambda found: {"x": {"rows": found}, "y": SimpleNamespace(rows=[found])},
}


@pytest.mark.parametrize("make", SHARED.values(), ids=SHARED.keys())
def test_what_is_in_two_places_is_fetched_once(make):
    loops = [
        GROUPS,
        EACH.replace("in x", "in y"),
        NESTED.replace("in x", "in y"),
        NESTED.replace("in x", "in y.rows"),
        EACH.replace("in x", "in x.rows"),
    ]
    for first in loops:
        for second in loops:
            for source in (first + second, (first + second).replace("{{ a.habitat.name }}", "")):
                check(source, lambda: make(Animal.objects.all()))
                check(source, lambda: make(animals()))


def test_objects_that_change_while_they_are_shown():
    visited = "{% for a, n in x %}{{ a.habitat.visited }}{{ a.habitat.visits }}{% endfor %}"

    def pairs():
        leo = one("Leo")
        return {"x": [(leo, 1), (leo, 2), (one("Mia"), 3)], "leo": leo}

    check(visited + "{{ leo.habitat.visits }}", pairs)
    check("{{ leo.habitat.visited }}" + visited, pairs)


def cyclic():
    found = {"animal": one("Leo")}
    found["again"] = [found]
    found["me"] = found
    return {"x": found}


def deep():
    found = one("Leo")
    for _ in range(40):
        found = [found]
    return {"x": found}


STRANGE = {
    "a-dict-in-itself": (cyclic, "{{ x|length }}{% for k, v in x.items %}{{ v.0.again.0.animal.habitat.name }}{{ v.habitat.name }}{% endfor %}"),
    "as-deep-as-it-gets": (deep, "{{ x" + ".0" * 40 + ".habitat.name }}"),
    "a-hundred-thousand": (lambda: {"x": [(1, 2)] * 100_000 + [(one("Leo"), 1)]}, "{% for a, n in x|slice:'99998:' %}{{ a.habitat.name }}{% endfor %}"),
    "a-generator-in-a-list": (lambda: {"x": [(animal for animal in Animal.objects.all())]}, NESTED),
    "a-manager-in-a-list": (lambda: {"x": [Animal.objects]}, "{% for m in x %}{% for a in m.all %}{{ a.habitat.name }}{% endfor %}{% endfor %}"),
    "values-in-a-list": (lambda: {"x": [Animal.objects.values("name")]}, NESTED),
    "a-list-of-its-own": (lambda: {"x": Reversed([one("Leo"), one("Mia")])}, EACH),
    "a-dict-of-its-own": (lambda: {"x": Loud(a=[one("Leo")])}, GROUPS + "{{ x.nope.habitat }}"),
    "an-object-of-its-own": (lambda: {"x": Answering()}, "{{ x.animal.habitat.name }}{{ x.other.habitat }}"),
    "a-class": (lambda: {"x": Holder}, "{{ x.animal.habitat }}"),
    "not-saved": (lambda: {"x": [[Animal(name="New", habitat=Habitat.objects.first()), Animal()]]}, NESTED),
    "of-many-kinds": (
        lambda: {"x": [[*animals(), *zoo.Keeper.objects.all(), *Habitat.objects.all(), None, "text", 1]]},
        NESTED + "{% for g in x %}{% for a in g %}{{ a.boss.boss.name }}{{ a.zone.title }}{% endfor %}{% endfor %}",
    ),
    "printed": (lambda: {"x": by_kind()}, "{{ x }}{{ x.cat }}" + GROUPS + "{{ x|pprint }}"),
    "compared": (lambda: {"x": [[one("Leo")], [one("Leo")]]}, "{% if x.0 == x.1 %}={% endif %}" + NESTED),
}  # fmt: skip


class Reversed(list):
    def __iter__(self):
        return reversed(list(super().__iter__()))


class Loud(dict):
    def __missing__(self, name):
        zoo.CALLS.append(f"missing {name}")
        return


class Answering:
    def __getattr__(self, name):
        zoo.CALLS.append(f"asked {name}")
        return one("Leo")


class Holder:
    def __init__(self):
        self.animal = one("Leo")


@pytest.mark.parametrize(("make", "source"), STRANGE.values(), ids=STRANGE.keys())
def test_strange_containers(make, source):
    check(source, make)


def test_a_lazy_object_is_set_up_by_the_page_and_once():
    made = []

    def make():
        made.append(1)
        return one("Mia")

    lazy = SimpleLazyObject(make)
    template = ENGINES[""].from_string("{% if yes %}{{ x.mother.name }}{{ x.habitat.zone.title }}{% endif %}")
    for yes in (False, False, True):
        context = serialize_context(template, {"x": lazy, "yes": yes})
        assert context["x"] is lazy
        assert made == []
        template.render(Context(context))
        assert made == [1] * yes


ASKED = {
    "list": lambda: animals(),
    "list-with-rows": lambda: list(Animal.objects.select_related("habitat").prefetch_related("feedings")),
    "deferred": lambda: list(Animal.objects.defer("name")),
    "queryset": lambda: Animal.objects.all(),
    "raw": lambda: Animal.objects.raw("SELECT * FROM zoo_animal ORDER BY id"),
    "mixed": lambda: [*animals(), zoo.Keeper.objects.first(), Animal(name="New")],
    "evaluated": lambda: changed(Animal.objects.all(), name="Changed"),
}
QUESTIONS = {
    "count": "{{ a.feedings.count }}{{ a.name }}",
    "in-a-branch": "{% if a.name %}{{ a.feedings.count }}{{ a.habitat.animal_set.count }}{% endif %}",
    "of-what-may-raise": "{{ a.home }}{{ a.habitat.animal_set.count }}{{ a.habitat.animal_set.last.name }}",
    "first": "{% if a.name %}{{ a.feedings.first.food.name }}{{ a.feedings.last.animal.name }}{% endif %}",
    "index": "{% if a.name %}{{ a.feedings.all.0.grams }}{{ a.feedings.all.1.animal.name }}{% endif %}",
    "size": "{% if a.feedings.all %}{{ a.feedings.all|length }}{{ a.habitat.animal_set.all|length }}{% endif %}{{ a.keepers.all|length }}",
    "size-of-what-changes": "{{ a.habitat.rename }}{% if a.habitat.animal_set.all %}{{ a.habitat.name }}{% endif %}",
    "all-of-it": "{{ a.feedings.all }}{{ a.feedings.count }}",
    "refined": "{{ a.feedings.count }}{{ a.feedings.reverse.first.grams }}{{ a.feedings.all.reverse.count }}",
    "loaded-once": "{{ a.feedings.first.food.eaters.count }}{{ a.mother.feedings.count }}{{ a.mother.feedings.exists }}",
    "stays-live": "{{ a.items }}{{ a.habitat.values }}{{ a.habitat.animal_set.count }}{{ a.feedings.first.grams }}",
    "printed": "{{ a }}{{ a.pk.real }}{{ a.keepers.count }}{{ a.keepers.last }}{{ a.friends.count }}",
}


@pytest.mark.parametrize("make", ASKED.values(), ids=ASKED.keys())
@pytest.mark.parametrize("body", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_what_live_objects_are_asked(make, body):
    check(each(body, "x"), lambda: {"x": make()})
    check("{{ x }}" + each(body, "x"), lambda: {"x": make()})
    if not isinstance(make(), RawQuerySet):
        pairs = f"{{% for a, n in x %}}{body}{{% endfor %}}"
        check(pairs, lambda: {"x": [(obj, 1) for obj in make()]})


class Fed:
    """It changes what is asked of the object that it holds, and says so by no name of Django's."""

    def __init__(self, animal):
        self.animal = animal
        self.fed = False

    def again(self):
        self.animal.feedings.create(food=zoo.Food.objects.first(), grams=9)
        return ""


def test_what_is_written_through_a_manager_is_counted():
    source = "{% for f in x %}{{ f.again }}{{ f.animal.feedings.count }}{{ f.animal.feedings.last.grams }}{% endfor %}"
    template = ENGINES[""].from_string(source)
    with transaction.atomic():
        plain = template.render(Context({"x": [Fed(animal) for animal in animals()]}))
        transaction.set_rollback(True)
    with transaction.atomic():
        context = serialize_context(template, {"x": [Fed(animal) for animal in animals()]})
        assert template.render(Context(context)) == plain
        transaction.set_rollback(True)


def feed(animal):
    """A filter of which nothing is known: it feeds what it is given, and so it may anything."""
    zoo.Feeding.objects.create(animal=animal, food=zoo.Food.objects.first(), grams=9)
    return ""


@pytest.mark.parametrize("handed", ["a", "n"])
def test_nothing_is_known_beforehand_where_code_runs_that_is_not_known(handed):
    library = Library()
    library.filter("feed", lambda value: feed(next(hungry)))
    engine = Engine()
    engine.template_builtins.append(library)
    template = engine.from_string(
        f"{{% for a, n in x %}}{{{{ {handed}|feed }}}}{{{{ a.feedings.count }}}}{{{{ a.habitat.animal_set.count }}}}{{% endfor %}}"
    )
    texts = []
    for convert in (lambda _, found: found, serialize_context):
        with transaction.atomic():
            context = {"x": [(animal, 1) for animal in animals()]}
            hungry = iter(animals())
            texts.append(template.render(Context(convert(template, context))))
            transaction.set_rollback(True)
    assert texts[0] == texts[1]


def test_what_knows_answers_is_a_queryset_as_ever(django_assert_num_queries):
    pairs = [(animal, 1) for animal in animals()]
    serialize_context(
        ENGINES[""].from_string("{% for a, n in x %}{{ a.feedings.count }}{% endfor %}"), {"x": pairs}
    )
    feedings = pairs[1][0].feedings.all()
    assert type(feedings) is not QuerySet
    assert isinstance(feedings, QuerySet)
    with django_assert_num_queries(1):
        assert feedings.count() == 3
        assert pairs[2][0].feedings.count() == 0
    for copy in (feedings.all(), feedings.filter(), pickle.loads(pickle.dumps(feedings)), deepcopy(feedings)):  # noqa: S301
        assert type(copy) is QuerySet
        assert list(copy) == list(feedings)
        assert repr(copy) == repr(feedings)


USERS = {
    "lazy": lambda: SimpleLazyObject(lambda: one("Mia")),
    "there": lambda: one("Mia"),
    "nobody": lambda: None,
}


@pytest.mark.parametrize("user", USERS.values(), ids=USERS.keys())
@pytest.mark.parametrize("name", ["user", "request.user"])
def test_the_user_of_a_request(rf, name, user, django_assert_max_num_queries):
    template = ENGINES[""].from_string(
        "{{ X.name }}{{ X.habitat.keeper.boss.name }}{{ X.mother.name }}".replace("X", name)
    )
    texts = []
    for serialize in (False, True):
        request = rf.get("/")
        request.user = user()
        context = {"request": request, "user": request.user}
        with django_assert_max_num_queries(3 if serialize else 5):
            if serialize:
                assert serialize_context(template, {}, request=request) == {}
            texts.append(template.render(Context(context)))
    assert texts[0] == texts[1]


def test_the_explanation_tells_what_is_inside():
    template = ENGINES[""].from_string(GROUPS)
    said = explain(template, {"x": {"cats": animals(), "dogs": Animal.objects.filter(kind="dog")}})
    assert "x.[Animal]: Animal\n" in said.plan
    assert "x.[queryset of Animal]: queryset of Animal\n" in said.plan
    assert said.queries == (1, 2)

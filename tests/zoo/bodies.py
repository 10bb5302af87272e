"""Properties and methods of animals, in every way that bodies are written."""

import functools
from dataclasses import dataclass
from operator import attrgetter

from django.contrib import admin
from django.core.cache import cache
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as _

from djust_ast import reads


def transparent(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def zone_of(animal, *, upper=False):
    title = animal.habitat.zone.title
    return title.upper() if upper else title


def anything(obj):
    return eval("obj")  # noqa: S307


@dataclass
class Pair:
    left: object
    right: object

    @property
    def names(self):
        return f"{self.left.name}/{self.right.name}"


class Card:
    def __init__(self, animal):
        self.animal = animal

    def text(self):
        return self.animal.passport.number


class Upper:
    """A descriptor of its own."""

    def __init__(self, name):
        self.name = name

    def __get__(self, obj, owner=None):
        return self if obj is None else getattr(obj, self.name).upper()


class Described:
    """A mixin that another one builds on."""

    LABEL = "name"

    def described(self):
        return self.habitat.name

    def __str__(self):
        return "not reached"


class AnimalBodies(Described):
    loud_name = Upper("name")
    _memo = None

    # -- what is read ----------------------------------------------------------------------------------------

    def described(self):
        return super().described() + (self.habitat.keeper.name if self.habitat.keeper else "")

    @property
    def chain(self):
        habitat = here = self.habitat
        return f"{habitat.name} in {here.zone.title}"

    def guarded(self):
        if not self.mother:
            return ""
        return self.mother.habitat.name

    def walrus(self):
        return m.mother.name if (m := self.mother) and m.mother else "-"

    def either_way(self):
        other = self.mother if self.kind == "cat" else self.habitat
        return other.name if other else ""

    def by_name(self):
        return getattr(self, self.LABEL) + getattr(self.habitat, "name", "?")

    def printed(self):
        text = "%s, %s and {}".format(self.habitat)  # noqa: UP032
        return text % (self.mother, self.habitat.zone)

    def escaped(self):
        return format_html("<i>{}</i>{}", self.habitat, _("x"))

    def joined(self):
        return ", ".join([str(part) for part in (self.mother, self.habitat) if part])

    def listed(self):
        return sum(f.grams for f in self.feedings.all() if f.food.name != "fish")

    def sorted_by(self):
        return [k.boss.name if k.boss else k.name for k in sorted(self.keepers.all(), key=lambda k: k.name)]

    def looped(self):
        names = []
        for feeding in self.feedings.all():
            names.append(feeding.food.name)
        return names

    def how_many(self):
        return len(self.feedings.all())

    def tests_rows(self):
        return "fed" if self.feedings.all() else "hungry"

    def one_of(self):
        return self.feedings.all()[0].food.name if self.feedings.all() else ""

    def tied_one(self):
        tricks = self.tricks.all()
        return tricks[0].name if tricks else ""

    def helped(self):
        return zone_of(self, upper=True)

    @transparent
    def wrapped(self):
        return self.habitat.zone.title

    @admin.display(description="where")
    def displayed(self):
        return self.chain

    def nested(self):
        def inner(animal):
            return animal.habitat.name

        return inner(self)

    def mapped(self):
        return list(map(attrgetter_of, [self]))

    def paired(self):
        return Pair(self.habitat, self.habitat.zone).left.name + Card(self).text()

    def other_model(self):
        return self.habitat.homely() if self.habitat_id else None

    def unpacked(self):
        first, (second, _third) = self.habitat, (self.mother, 1)
        return first.name + (second.name if second else "")

    def in_dict(self):
        return {"home": self.habitat, "zone": self.habitat.zone}["home"].name

    def tried(self):
        try:
            return self.passport.number
        except Exception:  # noqa: BLE001
            return "none"

    def generated(self):
        yield self.habitat.name
        yield from (k.name for k in self.keepers.all())

    def addressed(self):
        return reverse("admin:index") + f"?{self.habitat_id}"

    @cached_property
    def remembered(self):
        return self.habitat.zone.title

    @property
    def memo(self):
        if self._memo is None:
            self._memo = self.habitat.zone
        return self._memo.title

    # -- what is given back --------------------------------------------------------------------------------

    @property
    def place(self):
        return self.habitat

    def meals_of(self):
        return self.feedings.all()

    @cached_property
    def big_meals(self):
        return [f for f in self.feedings.all() if f.grams > 2]

    def itself(self):
        return self

    # -- queries of their own ------------------------------------------------------------------------------

    def heavy(self):
        return self.feedings.filter(grams__gt=2).count()

    def first_meal(self):
        meal = self.feedings.first()
        return meal.food.name if meal else ""

    def again(self):
        return [f.grams for f in self.feedings.all().filter(grams__gt=2)]

    def both(self):
        return [f.grams for f in self.feedings.all()] + [self.feedings.filter(grams=1).count()]

    def others(self):
        return type(self).objects.filter(habitat=self.habitat_id).named().count()

    @classmethod
    @functools.cache
    def tree(cls):
        return cls

    def by_tree(self):
        return self.tree().objects.filter(pk=self.pk).exists()

    # -- open ----------------------------------------------------------------------------------------------

    def ancestors(self):
        names, node = [], self
        while node.mother:
            node = node.mother
            names.append(node.name)
        return names

    def line(self):
        return f"{self.mother.line()}>{self.name}" if self.mother else self.name

    def dynamic(self):
        return [getattr(self, name) for name in self.facts.get("names", ["name"])]

    def handed_on(self):
        return anything(self).name

    def unseen(self):
        return eval("self.habitat.zone.title")  # noqa: S307

    def cached(self):
        return cache.get("nothing", "") or self.habitat.name

    def annotated(self):
        return getattr(self, "meals", "-")

    @reads("habitat__zone", "feedings__food")
    def hinted(self):
        return eval("self.habitat.zone.title")  # noqa: S307

    # -- what changes the object ---------------------------------------------------------------------------

    def renames(self):
        self.name = "renamed"
        return ""

    def renames_habitat(self):
        self.habitat.name += "!"
        return ""

    def renames_below(self):
        self.place.rename()
        return ""

    def leaves_a_note(self):
        self._note = getattr(self, "_note", 0) + 1
        return self._note


attrgetter_of = attrgetter("name")

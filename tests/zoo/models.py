"""A zoo of models: every kind of relation and member that a template can meet, oddities included."""

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils.functional import cached_property
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from .bodies import AnimalBodies

CALLS: list[str] = []  # properties and methods that ran, in order


class Keeper(models.Model):
    name = models.CharField(max_length=40)
    badge = models.SlugField(unique=True)
    boss = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="team")
    rivals = models.ManyToManyField(
        "self", through="Rivalry", through_fields=("one", "other"), symmetrical=False, related_name="envious"
    )

    class Meta:
        ordering = ("name", "pk")

    def __str__(self):
        return self.name


class Rivalry(models.Model):
    """Of one keeper with another, perhaps twice."""

    one = models.ForeignKey(Keeper, models.CASCADE, related_name="+")
    other = models.ForeignKey(Keeper, models.CASCADE, related_name="+")
    judge = models.ForeignKey(Keeper, models.CASCADE, null=True, related_name="+")


class Zone(models.Model):
    code = models.CharField(max_length=10, unique=True)
    title = models.CharField(max_length=40)

    class Meta:
        ordering = ("code",)

    def __str__(self):
        return f"<{self.title}>"

    @cached_property
    def letter(self):
        CALLS.append("letter")
        return len(CALLS)


class Habitat(models.Model):
    """Rows of the reverse side have no ``related_name``: templates read ``animal_set``."""

    name = models.CharField(max_length=40)
    zone = models.ForeignKey(Zone, models.CASCADE, to_field="code", related_name="habitats")
    keeper = models.ForeignKey(
        Keeper, models.SET_NULL, null=True, blank=True, to_field="badge", related_name="homes"
    )

    class Meta:
        ordering = ("name", "pk")

    def __str__(self):
        return self.name

    def homely(self):
        return f"{self.name} of {self.keeper}"

    def rename(self):
        self.name += "?"

    def visited(self):
        self.visits = getattr(self, "visits", 0) + 1
        return self.visits

    def itself(self):
        return self

    @cached_property
    def ticket(self):
        CALLS.append("ticket")
        return len(CALLS)


class OddQuerySet(models.QuerySet):
    def _clone(self):
        return super()._clone()


class Food(models.Model):
    name = models.CharField(max_length=40)

    objects = OddQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")

    def __str__(self):
        return self.name


class Trick(models.Model):
    """No order of its own, so that ties decide."""

    name = models.CharField(max_length=40)
    level = models.IntegerField(default=1)

    def __str__(self):
        return self.name


class AnimalQuerySet(models.QuerySet):
    def named(self):
        return self.exclude(name="")


class Animal(AnimalBodies, models.Model):
    class Kind(models.TextChoices):
        CAT = "cat", _("Yes")
        DOG = "dog", "Dog & <co>"

    class Danger(models.IntegerChoices):
        NONE = 0, "Harmless"
        SOME = 1, "Some"

    name = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=5, choices=Kind)
    danger = models.IntegerField(choices=Danger, null=True, blank=True)
    habitat = models.ForeignKey(Habitat, models.CASCADE)
    mother = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
    keepers = models.ManyToManyField(Keeper, related_name="animals", blank=True)
    friends = models.ManyToManyField("self", blank=True)
    diet = models.ManyToManyField(Food, through="Feeding", related_name="eaters")
    tricks = models.ManyToManyField(Trick, blank=True)
    photo = models.FileField(blank=True)
    born = models.DateField(null=True, blank=True)
    seen = models.DateTimeField(null=True, blank=True)
    weight = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    labels = GenericRelation("zoo.Label")

    objects = AnimalQuerySet.as_manager()
    SOUND = "roar"

    class Meta:
        ordering = ("name", "pk")

    def __str__(self):
        return f"{self.name or '?'} & co"

    @property
    def title(self):
        CALLS.append("title")
        return f"{self.name} the {self.get_kind_display()}"

    @property
    def home(self):
        return self.habitat.name

    @cached_property
    def slow(self):
        CALLS.append("slow")
        return self.pk

    def greet(self):
        CALLS.append("greet")
        return mark_safe(f"<b>{self.name}</b>")  # noqa: S308

    def feed(self, what):
        return what

    def wipe(self):
        CALLS.append("wipe")
        self.delete()

    wipe.alters_data = True

    def keep_out(self):
        CALLS.append("keep_out")

    keep_out.do_not_call_in_templates = True

    def shy(self):
        """A callable that gives a callable: Django calls once."""
        return self.greet

    @property
    def loud(self):
        CALLS.append("loud")
        raise ValueError("loud")

    @property
    def broken(self):
        CALLS.append("broken")
        raise AttributeError("broken")

    @property
    def keyless(self):
        raise KeyError("keyless")

    @property
    def gone(self):
        CALLS.append("gone")
        raise ObjectDoesNotExist("gone")

    def typo(self):
        return 1 + "1"

    def nothing(self):
        raise Animal.DoesNotExist("nothing")


class BigAnimal(Animal):
    class Meta:
        proxy = True

    def __str__(self):
        return f"big {self.name}"

    def size(self):
        return "big"


class Feeding(models.Model):
    animal = models.ForeignKey(Animal, models.CASCADE, related_name="feedings")
    food = models.ForeignKey(Food, models.CASCADE)
    grams = models.IntegerField(default=1)

    class Meta:
        ordering = ("grams", "pk")

    def weighs(self):
        return f"{self.grams} g of {self.food.name} for {self.animal.name}"

    def starves(self):
        self.animal.name = "starved"
        return ""


class Passport(models.Model):
    animal = models.OneToOneField(Animal, models.CASCADE, related_name="passport")
    number = models.CharField(max_length=20)
    issuer = models.ForeignKey(Keeper, models.SET_NULL, null=True, blank=True)

    def __str__(self):
        return self.number


class Chip(models.Model):
    """Its key is the animal's."""

    animal = models.OneToOneField(Animal, models.CASCADE, primary_key=True)
    serial = models.CharField(max_length=20)

    def __str__(self):
        return self.serial


class LiveTickets(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(deleted=False)


class Ticket(models.Model):
    """Softly deleted, and the base manager hides it, too."""

    title = models.CharField(max_length=40)
    deleted = models.BooleanField(default=False)
    animal = models.ForeignKey(Animal, models.CASCADE, related_name="tickets", null=True)

    objects = LiveTickets()

    class Meta:
        ordering = ("title", "pk")
        base_manager_name = "objects"

    def __str__(self):
        return self.title


class Visit(models.Model):
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="visits", null=True)
    day = models.DateField(null=True)

    class Meta:
        ordering = ("pk",)


class Rumor(models.Model):
    """Its animals may not exist."""

    text = models.CharField(max_length=40)
    about = models.ForeignKey(
        Animal, models.DO_NOTHING, null=True, db_constraint=False, related_name="rumors"
    )

    class Meta:
        ordering = ("pk",)

    def __str__(self):
        return self.text


class Label(models.Model):
    text = models.CharField(max_length=40)
    content_type = models.ForeignKey(ContentType, models.CASCADE, null=True)
    object_id = models.PositiveIntegerField(null=True)
    target = GenericForeignKey()

    class Meta:
        ordering = ("text", "pk")

    def __str__(self):
        return self.text


class Building(models.Model):
    name = models.CharField(max_length=40)
    habitat = models.ForeignKey(Habitat, models.CASCADE, null=True, related_name="buildings")

    class Meta:
        ordering = ("pk",)

    def __str__(self):
        return self.name


class Aviary(Building):
    height = models.IntegerField(default=1)


class Perch(models.Model):
    aviary = models.ForeignKey(Aviary, models.CASCADE, null=True, related_name="perches")
    animal = models.ForeignKey(BigAnimal, models.CASCADE, null=True, related_name="perches")

    class Meta:
        ordering = ("pk",)


class Drawer(models.Model):
    """Its names are those of a dict's methods."""

    items = models.CharField(max_length=20)
    count = models.IntegerField(default=3)
    instance = models.IntegerField(default=7)

    class Meta:
        ordering = ("pk",)

    def __str__(self):
        return f"drawer {self.items}"

    @property
    def values(self):
        return "my values"

    def keys(self):
        return ["a key"]


class Lock(models.Model):
    drawer = models.OneToOneField(Drawer, models.CASCADE, related_name="copy")
    code = models.CharField(max_length=20)
    shelf = models.ForeignKey(Drawer, models.CASCADE, null=True, related_name="update")


class Counted(models.Model):
    """It has its own way to be made from a row."""

    name = models.CharField(max_length=40)
    animal = models.ForeignKey(Animal, models.CASCADE, null=True, related_name="counted")

    class Meta:
        ordering = ("pk",)

    @classmethod
    def from_db(cls, db, field_names, values, **mode):
        made = super().from_db(db, field_names, values, **mode)
        made.name = made.name.upper()
        return made


class Ranked(models.Model):
    """It has an order of its own, and hides a field behind a property."""

    rank = models.IntegerField(default=0)
    secret = models.CharField(max_length=20, default="x")
    animal = models.ForeignKey(Animal, models.CASCADE, null=True, related_name="ranks")

    class Meta:
        ordering = ("pk",)

    def __str__(self):
        return f"rank {self.rank}"

    def __lt__(self, other):
        return self.rank < other.rank

    def __gt__(self, other):
        return self.rank > other.rank


Ranked.secret = property(lambda self: "hidden", lambda self, value: None)


class Badge(models.Model):
    """Projects may put a model of their own in its place; the tests do (``ZOO_BADGE_MODEL``)."""

    text = models.CharField(max_length=20)

    class Meta:
        swappable = "ZOO_BADGE_MODEL"


class OwnBadge(models.Model):
    """The model in its place, of another shape."""

    text = models.CharField(max_length=20)
    keeper = models.ForeignKey(Keeper, models.CASCADE, related_name="badges")


class Seat(models.Model):
    """Its key has two columns."""

    pk = models.CompositePrimaryKey("block", "number")
    block = models.CharField(max_length=5)
    number = models.IntegerField()
    animal = models.ForeignKey(Animal, models.CASCADE, null=True, related_name="seats")
    badge = models.ForeignKey(settings.ZOO_BADGE_MODEL, models.CASCADE, null=True, related_name="seats")

    class Meta:
        ordering = ("block", "number")

    def __str__(self):
        return f"{self.block}{self.number}"

    def label(self):
        return f"seat {self.number}"


MOODS = {"a": "Angry"}


def moods():
    return list(MOODS.items())


class Mood(models.Model):
    """Choices of every kind."""

    dynamic = models.CharField(max_length=5, choices=moods, default="a")
    json = models.JSONField(choices=[("x", "ex")], default=list)
    flag = models.BooleanField(null=True, choices=[(None, "unknown"), (True, "yes"), (False, "no")])
    grouped = models.CharField(
        max_length=5,
        null=True,
        choices=[("Warm", [("r", "Red"), ("o", "Orange")]), ("b", mark_safe("<i>Blue</i>"))],
    )
    own = models.CharField(max_length=5, choices=[("a", "A")], default="a")
    animal = models.ForeignKey(Animal, models.CASCADE, null=True, related_name="moods")

    class Meta:
        ordering = ("pk",)

    def get_own_display(self):
        return "mine"


class ShownLogs(models.Manager):
    def all(self):
        return super().all().filter(shown=True)


class LogManager(models.Manager):
    def get_queryset(self):
        owner = getattr(self, "instance", None)
        queryset = super().get_queryset()
        return queryset if owner is None else queryset.filter(text__startswith="own")


class Log(models.Model):
    """A manager whose ``all()`` is not ``get_queryset()``."""

    text = models.CharField(max_length=20)
    shown = models.BooleanField(default=True)
    animal = models.ForeignKey(Animal, models.CASCADE, related_name="logs")

    objects = ShownLogs()

    class Meta:
        ordering = ("pk",)


class Diary(models.Model):
    """A manager that asks whose rows it serves."""

    text = models.CharField(max_length=20)
    animal = models.ForeignKey(Animal, models.CASCADE, related_name="diaries")

    objects = LogManager()

    class Meta:
        ordering = ("pk",)


class Cage(models.Model):
    """A primary key of two columns."""

    pk = models.CompositePrimaryKey("house", "number")
    house = models.IntegerField()
    number = models.IntegerField()
    label = models.CharField(max_length=20)
    animal = models.ForeignKey(Animal, models.CASCADE, related_name="cages")

    def __str__(self):
        return f"{self.house}/{self.number}"

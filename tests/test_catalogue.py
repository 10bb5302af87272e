"""Everything that a template can do to a relation, beside the queries that somebody would write for it by hand.

A case has a template and its reference: code that fetches what the page shows, as well as Django can. The page is
plain Django's, cold, warm, and after the data has changed; its queries are as many as the reference's, of the same
tables, and of no more columns.
"""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from djust_ast import serialize_context
from tests.test_equality import BIG, ENGINES, TO_ATTR, _filled, context_for, each, one, outcome, rows  # noqa: F401
from tests.zoo import models as zoo

Animal, Feeding, Habitat = zoo.Animal, zoo.Feeding, zoo.Habitat


@dataclass(frozen=True)
class Case:
    """A page and its reference; ``live``: instances are made, so that columns are not counted."""

    source: str
    reference: Any
    context: Any = None
    live: bool = False


def behind(model, key, **joins):
    """The rows of ``model`` whose ``key`` is one of the animals'."""
    return model.objects.filter(**{f"{key}__in": list(range(1, 9))}, **joins)


def columns(queryset, *names):
    return list(queryset.values_list(*names))


def counted(model, key):
    return list(model.objects.order_by().values_list(key).annotate(n=Count("*")))


ANIMALS = Animal.objects.all


def FRIENDS():
    return Animal.objects.filter(**{"friends_rel_+__in": list(range(1, 9))})


CASES = {
    # 2.1 Relations
    "foreign-key": Case(each("{{ a.habitat.name }}"), lambda: columns(ANIMALS(), "habitat__name")),
    "foreign-key-nullable": Case(
        each("{{ a.mother.name }}|{{ a.mother }}"),
        lambda: list(ANIMALS().select_related("mother")),
        live=True,
    ),
    "foreign-key-deep": Case(
        each("{{ a.habitat.zone.title }}{{ a.habitat.keeper.boss.name }}"),
        lambda: columns(
            ANIMALS(),
            "habitat__zone__title",
            "habitat__keeper_id",
            "habitat__keeper__boss_id",
            "habitat__keeper__boss__name",
        ),
    ),
    "foreign-key-to-field": Case(
        each("{{ a.habitat.zone.code }}{{ a.habitat.keeper.badge }}"),
        lambda: columns(ANIMALS(), "habitat__zone_id", "habitat__keeper_id"),
    ),
    "foreign-key-to-self": Case(
        each("{{ a.mother.mother.mother.name }}"),
        lambda: columns(
            ANIMALS(),
            "mother_id",
            "mother__mother_id",
            "mother__mother__mother_id",
            "mother__mother__mother__name",
        ),
    ),
    "foreign-key-that-dangles": Case(
        "{% for r in rumors %}{{ r.text }}{% if r.about_id %}{{ r.about_id }}{% endif %}{% endfor %}",
        lambda: columns(zoo.Rumor.objects.all(), "text", "about_id"),
    ),
    "key-only": Case(
        each("{{ a.habitat_id }}{{ a.habitat.pk }}{{ a.mother.pk }}"),
        lambda: columns(ANIMALS(), "habitat_id", "mother_id"),
    ),
    "one-to-one": Case(
        "{% for p in passports %}{{ p.animal.name }}{% endfor %}",
        lambda: columns(zoo.Passport.objects.order_by("pk"), "animal__name"),
        lambda: {"passports": zoo.Passport.objects.order_by("pk")},
    ),
    "one-to-one-reverse": Case(
        each("{{ a.passport.number }}{{ a.chip.serial }}"),
        lambda: columns(ANIMALS(), "pk", "passport__pk", "passport__number", "chip__pk", "chip__serial"),
    ),
    "reverse-foreign-key": Case(
        each("{% for f in a.feedings.all %}{{ f.grams }}{{ f.food.name }}{% endfor %}"),
        lambda: [
            columns(ANIMALS(), "pk"),
            columns(behind(Feeding, "animal"), "grams", "food__name", "animal_id"),
        ],
    ),
    "reverse-by-accessor": Case(
        "{% for h in habitats %}{% for a in h.animal_set.all %}{{ a.name }}{% endfor %}{% endfor %}",
        lambda: [
            columns(Habitat.objects.all(), "pk"),
            columns(behind(Animal, "habitat"), "name", "habitat_id"),
        ],
    ),
    "parent-of-a-child": Case(
        each("{% for f in a.feedings.all %}{{ f.animal.name }}{{ f.grams }}{% endfor %}"),
        lambda: list(ANIMALS().prefetch_related("feedings")),
        live=True,
    ),
    "many-to-many": Case(
        each("{% for k in a.keepers.all %}{{ k.name }}{% endfor %}"),
        lambda: [columns(ANIMALS(), "pk"), columns(behind(zoo.Keeper, "animals"), "name", "animals__pk")],
    ),
    "many-to-many-through": Case(
        each("{% for d in a.diet.all %}{{ d.name }}{% endfor %}"),
        lambda: list(ANIMALS().prefetch_related("diet")),
        live=True,
    ),
    "many-to-many-symmetrical": Case(
        each("{% for f in a.friends.all %}{{ f.name }}{% endfor %}"),
        lambda: [columns(ANIMALS(), "pk"), columns(FRIENDS(), "name", "friends_rel_+__pk")],
    ),
    "many-to-many-symmetrical-counted": Case(
        each("{{ a.friends.count }}{{ a.friends.first.habitat.name }}"),
        lambda: [
            columns(ANIMALS(), "pk"),
            list(FRIENDS().order_by().values_list("friends_rel_+").annotate(n=Count("*"))),
            columns(FRIENDS(), "habitat__name", "friends_rel_+__pk", "name", "pk"),
        ],
    ),
    "many-to-many-symmetrical-of-instances": Case(
        each("{{ a.title }}{% for f in a.friends.all %}{{ f.title }}{% endfor %}"),
        lambda: list(ANIMALS().prefetch_related("friends")),
        live=True,
    ),
    "many-to-many-to-itself": Case(
        "{% for k in keepers %}[{% for r in k.rivals.all %}{{ r.name }}{% for e in r.envious.all %}{{ e.name }}"
        "{% endfor %}{% endfor %}{{ k.envious.count }}{{ k.rivals.last.boss.name }}{{ k.envious.first }}]{% endfor %}",
        lambda: [
            list(zoo.Keeper.objects.prefetch_related("rivals__envious")),
            list(zoo.Keeper.objects.filter(rivals__in=[1, 2, 3])),
            list(
                zoo.Keeper.objects.filter(rivals__in=[1, 2, 3]).values_list("rivals").annotate(n=Count("*"))
            ),
        ],
        live=True,
    ),
    "rows-of-a-through-model": Case(
        each("{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}"),
        lambda: [columns(ANIMALS(), "pk"), columns(behind(Feeding, "animal"), "food__name", "animal_id")],
    ),
    "generic-foreign-key": Case(
        "{% for l in labels %}{{ l.text }}{{ l.target.name }}{% endfor %}",
        lambda: list(zoo.Label.objects.prefetch_related("target")),
        live=True,
    ),
    "generic-foreign-key-and-below": Case(
        "{% for l in labels %}{{ l.target.habitat.name }}{{ l.target.zone.title }}{% endfor %}",
        lambda: [
            list(zoo.Label.objects.all()),
            list(Animal.objects.select_related("habitat")),
            list(Habitat.objects.select_related("zone")),
        ],
        live=True,
    ),
    "content-type": Case(
        "{% for l in labels %}{{ l.text }}{{ l.content_type.model }}{% endfor %}",
        lambda: columns(zoo.Label.objects.all(), "text", "content_type_id", "content_type__model"),
    ),
    "generic-relation": Case(
        each("{% for l in a.labels.all %}{{ l.text }}{% endfor %}"),
        lambda: [
            columns(ANIMALS(), "pk"),
            columns(behind(zoo.Label, "object_id", content_type_id=1), "text", "object_id"),
        ],
    ),
    "generic-relation-of-instances": Case(
        each("{{ a.title }}{% for l in a.labels.all %}{{ l.text }}{% endfor %}"),
        lambda: list(ANIMALS().prefetch_related("labels")),
        live=True,
    ),
    "generic-relation-counted": Case(
        each("{{ a.labels.count }}"),
        lambda: [
            columns(ANIMALS(), "pk"),
            counted(zoo.Label, "object_id"),
        ],
    ),
    # 2.2 Managers and querysets as values
    "count": Case(
        each("{{ a.feedings.count }}{% if a.feedings.exists %}+{% endif %}"),
        lambda: [columns(ANIMALS(), "pk"), counted(Feeding, "animal_id")],
    ),
    "count-beside-a-property": Case(
        each("{{ a.title }}{{ a.feedings.count }}"),
        lambda: [list(ANIMALS()), counted(Feeding, "animal_id")],
        live=True,
    ),
    "count-and-loop": Case(
        each("{{ a.feedings.count }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}"),
        lambda: [columns(ANIMALS(), "pk"), columns(behind(Feeding, "animal"), "grams", "animal_id")],
    ),
    "test-and-length": Case(
        each("{% if a.feedings.all %}{{ a.feedings.all|length }}{% endif %}"),
        lambda: [columns(ANIMALS(), "pk"), counted(Feeding, "animal_id")],
    ),
    "sizes-of-all-kinds": Case(
        each(
            "{{ a.feedings.all|length }}{{ a.feedings.count }}{% if not a.feedings.all.exists %}0{% endif %}"
            "{% if a.keepers.all and a.friends.all|length > 1 %}{{ a.habitat.animal_set.all|length }}{% endif %}"
        ),
        lambda: [
            columns(ANIMALS(), "pk", "habitat_id"),
            counted(Feeding, "animal_id"),
            counted(zoo.Keeper, "animals"),
            list(FRIENDS().order_by().values_list("friends_rel_+").annotate(n=Count("*"))),
            counted(Animal, "habitat_id"),
        ],
    ),
    "sizes-beside-a-property": Case(
        each("{{ a.title }}{% if a.feedings.all %}{{ a.labels.all|length }}{% endif %}"),
        lambda: [list(ANIMALS()), counted(Feeding, "animal_id"), counted(zoo.Label, "object_id")],
        live=True,
    ),
    "size-and-loop": Case(
        each(
            "{% if a.feedings.all %}{{ a.feedings.all|length }}{% endif %}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}"
        ),
        lambda: [columns(ANIMALS(), "pk"), columns(behind(Feeding, "animal"), "grams", "animal_id")],
    ),
    "size-of-a-part": Case(
        each("{{ a.feedings.all|slice:':2'|length }}"),
        lambda: [columns(ANIMALS(), "pk"), columns(behind(Feeding, "animal"), "pk", "animal_id")],
    ),
    "size-in-a-branch": Case(
        each("{% if a.kind == 'none' and a.feedings.all %}{{ a.name }}{{ a.keepers.all|length }}{% endif %}"),
        lambda: columns(ANIMALS(), "pk", "kind", "name"),
    ),
    "first": Case(
        each("{{ a.feedings.first.grams }}{{ a.feedings.first.food.name }}"),
        lambda: [
            columns(ANIMALS(), "pk"),
            columns(behind(Feeding, "animal"), "grams", "food__name", "animal_id", "pk"),
        ],
    ),
    "first-and-last-beside-a-property": Case(
        each(
            "{{ a.title }}{{ a.feedings.first.grams }}{{ a.keepers.last.name }}{{ a.feedings.last.animal.name }}"
        ),
        lambda: [
            list(ANIMALS()),
            list(behind(Feeding, "animal")),
            list(behind(Feeding, "animal")),
            columns(behind(zoo.Keeper, "animals"), "name", "animals__pk"),
        ],
        live=True,
    ),
    "first-and-back": Case(
        each("{{ a.feedings.first.animal.feedings.count }}{{ a.feedings.first.animal.name }}"),
        lambda: [
            columns(ANIMALS(), "pk"),
            columns(behind(Feeding, "animal"), "pk", "grams", "animal_id", "animal__name"),
            counted(Feeding, "animal_id"),
        ],
    ),
    "first-in-a-branch": Case(
        each(
            "{% if a.kind == 'none' %}{{ a.feedings.first.grams }}{{ a.keepers.count }}{% endif %}{{ a.name }}"
        ),
        lambda: columns(ANIMALS(), "pk", "name", "kind"),
    ),
    "first-without-an-order": Case(
        each("{{ a.tricks.first.name }}"),
        lambda: [columns(ANIMALS(), "pk"), columns(behind(zoo.Trick, "animal"), "name", "pk", "animal__pk")],
    ),
    "index": Case(
        each("{{ a.feedings.all.0.grams }}{{ a.feedings.all.1.grams }}{% if a.feedings.all %}+{% endif %}"),
        lambda: [columns(ANIMALS(), "pk"), columns(behind(Feeding, "animal"), "grams", "animal_id", "pk")],
    ),
    "first-by-a-filter": Case(
        each("{% with f=a.feedings.all|first %}{{ f.grams }}{{ f.food.name }}{% endwith %}"),
        lambda: [
            columns(ANIMALS(), "pk"),
            columns(behind(Feeding, "animal"), "grams", "food__name", "animal_id", "pk"),
        ],
    ),
    "first-last-and-loop": Case(
        each(
            "{{ a.feedings.first.grams }}{{ a.feedings.last.food.name }}{% for f in a.feedings.all %}{{ f.grams }}{% endfor %}"
        ),
        lambda: [
            columns(ANIMALS(), "pk"),
            columns(behind(Feeding, "animal"), "grams", "food__name", "animal_id"),
        ],
    ),
    "slice": Case(
        each("{% for f in a.feedings.all|slice:':2' %}{{ f.grams }}{% endfor %}"),
        lambda: [columns(ANIMALS(), "pk"), columns(behind(Feeding, "animal"), "grams", "animal_id")],
    ),
    "sorted-joined-reversed": Case(
        each(
            "{% for f in a.feedings.all|dictsort:'food.name' %}{{ f.grams }}{% endfor %}"
            "{% for f in a.feedings.all reversed %}{{ f.grams }}{% endfor %}"
        ),
        lambda: [
            columns(ANIMALS(), "pk"),
            columns(behind(Feeding, "animal"), "grams", "food__name", "animal_id"),
        ],
    ),
    "paginator": Case(
        "{{ page.paginator.num_pages }}{% for a in page %}{{ a.habitat.name }}{% endfor %}{{ page.object_list|length }}",
        lambda: columns(ANIMALS()[:4], "habitat__name"),
    ),
    "single-rows-of-a-queryset": Case(
        "{{ animals.0.name }}{{ animals.0.habitat.name }}{{ animals.first.kind }}{{ animals.last.habitat.zone.title }}",
        lambda: [
            columns(ANIMALS()[:1], "name", "kind", "habitat__name", "habitat__zone__title"),
            columns(ANIMALS().reverse()[:1], "name", "kind", "habitat__name", "habitat__zone__title"),
        ],
    ),
    "numbers-of-a-queryset": Case(
        "{{ animals.count }}{% if animals.exists %}{{ animals.count }}{{ animals.first.name }}{% endif %}{{ animals.exists }}",
        lambda: [ANIMALS().count(), ANIMALS().exists(), columns(ANIMALS()[:1], "name")],
    ),
    "single-rows-that-are-not-reached": Case(
        "{% if no %}{{ animals.0.name }}{{ animals.last.name }}{% endif %}", lambda: None
    ),
    "single-rows-and-a-loop": Case(
        "{{ animals.first.name }}{{ animals.1.kind }}{{ animals.99.kind }}{{ animals.count }}"
        + each("{{ a.habitat.name }}")
        + "{{ animals.last.mother.name }}",
        lambda: columns(ANIMALS(), "name", "kind", "habitat__name", "mother_id", "mother__name"),
    ),
    "a-part-of-a-queryset": Case(
        "{% for a in animals|slice:':2' %}{{ a.name }}{{ a.habitat.name }}{% endfor %}",
        lambda: list(ANIMALS().select_related("habitat")[:2]),
        live=True,
    ),
    "single-rows-of-a-page": Case(
        "{{ page.0.name }}{{ page.1.name }}{{ page.0.habitat.name }}",
        lambda: list(ANIMALS().select_related("habitat")[:4]),
        live=True,
    ),
    "sorted-joined-regrouped": Case(
        "{% for a in animals|dictsort:'habitat.name' %}{{ a.name }}{% endfor %}{% for a in animals reversed %}{{ a.pk }}"
        "{% endfor %}{% regroup animals by habitat.zone.title as zones %}{% for zone in zones %}{{ zone.grouper }}"
        "{% for a in zone.list %}{{ a.kind }}{% endfor %}{% endfor %}{{ animals|length }}",
        lambda: columns(ANIMALS(), "name", "kind", "pk", "habitat__name", "habitat__zone__title"),
    ),
    "all-of-a-queryset-twice": Case(
        "{% for a in animals.all %}{{ a.name }}{% endfor %}{% for a in animals.all %}{{ a.habitat.name }}{% endfor %}"
        "{{ animals.count }}{% if animals %}+{% endif %}",
        lambda: columns(ANIMALS(), "name", "habitat__name"),
    ),
    "branch-not-taken": Case(
        each(
            "{% if no %}{{ a.title }}{% for f in a.feedings.all %}{{ f.food.name }}{% endfor %}{% endif %}{{ a.name }}"
        ),
        lambda: list(ANIMALS()),
        live=True,
    ),
    "one-queryset-under-two-names": Case(
        "{% for a in animals %}{{ a.name }}{% endfor %}{% for a in same %}{{ a.habitat.name }}{% endfor %}",
        lambda: columns(ANIMALS(), "name", "habitat__name"),
    ),
}


def queries_of(run):
    with CaptureQueriesContext(connection) as queries:
        run()
    return [query["sql"] for query in queries]


def tables(statements):
    return {name for sql in statements for name in re.findall(r'(?:FROM|JOIN) "(\w+)"', sql)}


def selected(statements):
    heads = [sql.partition(" FROM ")[0] for sql in statements]
    found = {match for head in heads for match in re.findall(r'(?:T\d+|"(\w+)")\."(\w+)"', head)}
    return {("" if re.fullmatch(r"T\d+", table) else table, column) for table, column in found}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_as_if_written_by_hand(rows, case):  # noqa: F811
    as_if_written_by_hand(case)


def as_if_written_by_hand(case):
    """The page is plain Django's each time; what it asks of the database is what the reference asks."""
    ContentType.objects.get_for_models(
        *(zoo.Animal, zoo.Habitat)
    )  # they are known for as long as a process lives
    make = case.context or context_for(case.source)
    template = ENGINES[""].from_string(case.source)
    wanted = queries_of(case.reference)
    for when in ("cold", "warm", "changed"):
        if when == "changed":
            Animal.objects.update(habitat=Habitat.objects.order_by("-pk").first())
            Animal.objects.exclude(name="Leo").update(name="changed")
            zoo.Label.objects.update(text="changed")
            Feeding.objects.filter(grams=1).delete()
        plain, before, _ = outcome(template, make, lambda _, found: found)
        text, after, _ = outcome(template, make, serialize_context)
        assert isinstance(plain, str)
        assert text == plain, when
        assert len(after) <= len(before), when
        if when != "changed":
            assert len(after) == len(wanted), (when, after)
            assert tables(after) == tables(wanted), (when, after)
            assert case.live or selected(after) <= selected(wanted), (when, after)

"""Random rows for the zoo: any key that may be NULL or dangle sometimes is, any set is sometimes empty."""

import datetime as dt

from django.contrib.contenttypes.models import ContentType
from django.db import connection

from . import models as zoo

# Children before their parents, so that nothing points at what is gone.
TABLES = (
    zoo.Label, zoo.Perch, zoo.Aviary, zoo.Building, zoo.Visit, zoo.Ticket, zoo.Rumor, zoo.Chip, zoo.Passport,
    zoo.Feeding, zoo.Counted, zoo.Ranked, zoo.Mood, zoo.Log, zoo.Diary, zoo.Animal.keepers.through,
    zoo.Animal.friends.through, zoo.Animal.tricks.through, zoo.Animal, zoo.Trick, zoo.Food, zoo.Habitat,
    zoo.Zone, zoo.Rivalry, zoo.Keeper,
)  # fmt: skip


def empty():
    """Delete all rows, without Django's collector; deferred constraints see the end of it only."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE zoo_animal SET mother_id = NULL")
        cursor.execute("UPDATE zoo_keeper SET boss_id = NULL")
        for model in TABLES:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")


def scatter(random, *, dense):
    """Fill the zoo at ``random``; ``dense``: nothing is NULL, missing or empty."""

    def some(objects, least=0):
        most = min(len(objects), 3)
        return random.sample(objects, most if dense else random.randint(min(least, most), most))

    def maybe(objects):
        return random.choice(objects) if objects and (dense or random.randint(0, 3)) else None

    def many(least, most):
        return range(1, (most if dense else random.randint(least, most)) + 1)

    def made(model, objects):
        return model._default_manager.bulk_create(objects)

    keepers = []
    for n in many(0, 3):
        boss = maybe(keepers)
        keeper = zoo.Keeper(pk=n, name=random.choice("kl"), badge=f"b{n}", boss=boss)
        keepers.append(keeper)
    made(zoo.Keeper, keepers)
    if dense:
        zoo.Keeper.objects.update(boss=keepers[0])
    for one in keepers:
        made(zoo.Rivalry, [zoo.Rivalry(one=one, other=other) for other in [*some(keepers), *some(keepers)]])
    zones = made(zoo.Zone, [zoo.Zone(pk=n, code=f"z{n}", title=f"zone {n % 2}") for n in many(1, 2)])
    habitats = made(
        zoo.Habitat,
        [
            zoo.Habitat(pk=n, name=random.choice("hi"), zone=random.choice(zones), keeper=maybe(keepers))
            for n in many(1, 3)
        ],
    )
    animals = []
    for n in many(0, 4):
        animals.append(
            zoo.Animal(
                pk=n,
                name=random.choice(["", "a", "b<"]),
                kind=random.choice(["cat", "dog", "emu"]),
                danger=random.choice([None, 0, 1, 7]),
                habitat=random.choice(habitats),
                mother=maybe(animals),
                weight=random.choice([None, "1.50", "1000"]),
                born=random.choice([None, dt.date(2020, 1, 2)]),
                facts=random.choice([{}, {"a": 1}, {"items": [1]}, {"name": None}]),
            )
        )
    made(zoo.Animal, animals)
    if dense:
        zoo.Animal.objects.update(mother=animals[0])
    foods = made(zoo.Food, [zoo.Food(pk=n, name=random.choice("fg")) for n in many(1, 2)])
    tricks = made(zoo.Trick, [zoo.Trick(pk=n, name=random.choice("tu")) for n in many(0, 3)])
    for animal in animals:
        for name, found in (("keepers", keepers), ("friends", animals), ("tricks", tricks)):
            getattr(animal, name).set(some(found))
    owners = some(animals)
    made(zoo.Passport, [zoo.Passport(animal=a, number=f"p{a.pk}", issuer=maybe(keepers)) for a in owners])
    made(zoo.Chip, [zoo.Chip(animal=a, serial=f"c{a.pk}") for a in some(animals)])
    if animals:
        pairs = [(random.choice(animals), random.choice(foods)) for _ in many(0, 6)]
        pairs += [(animal, foods[0]) for animal in animals] if dense else []
        made(zoo.Feeding, [zoo.Feeding(animal=a, food=f, grams=random.randint(1, 3)) for a, f in pairs])
    tickets = [
        zoo.Ticket(pk=n, title=random.choice("st"), deleted=not dense and n % 2 == 0, animal=maybe(animals))
        for n in many(0, 4)
    ]
    made(zoo.Ticket, tickets)
    made(zoo.Visit, [zoo.Visit(pk=n, ticket=maybe(tickets)) for n in many(0, 3)])
    dangling = [None] if dense else [None, 999]
    about = [*(animal.pk for animal in animals), *(() if dense else dangling)]
    made(zoo.Rumor, [zoo.Rumor(pk=n, text="r", about_id=random.choice(about)) for n in many(0, 3) if about])
    types = [ContentType.objects.get_for_model(model) for model in (zoo.Animal, zoo.Habitat, zoo.Keeper)]
    made(
        zoo.Label,
        [
            zoo.Label(
                pk=n, text=random.choice("lm"), content_type=maybe(types), object_id=random.randint(1, 3)
            )
            for n in many(0, 5)
        ],
    )
    for n in many(0, 2):
        zoo.Building.objects.create(name=f"barn {n}", habitat=maybe(habitats))
    aviaries = [zoo.Aviary.objects.create(name=f"cage {n}", habitat=maybe(habitats)) for n in many(0, 2)]
    big = list(zoo.BigAnimal.objects.all())
    made(zoo.Perch, [zoo.Perch(pk=n, aviary=maybe(aviaries), animal=maybe(big)) for n in many(0, 3)])

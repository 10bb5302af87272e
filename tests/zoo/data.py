"""Rows for the zoo: NULLs, holes, empty sets, a dangling key, ties."""

import datetime as dt
from decimal import Decimal

from .models import (
    Animal,
    Aviary,
    BigAnimal,
    Building,
    Chip,
    Counted,
    Diary,
    Drawer,
    Feeding,
    Food,
    Habitat,
    Keeper,
    Label,
    Lock,
    Log,
    Mood,
    Passport,
    Perch,
    Ranked,
    Rivalry,
    Rumor,
    Ticket,
    Trick,
    Visit,
    Zone,
)


def fill():
    """Make the rows; six animals, of which the last has nothing at all."""
    ann = Keeper.objects.create(name="Ann", badge="ann")
    bob = Keeper.objects.create(name="Bob <b>", badge="bob", boss=ann)
    cid = Keeper.objects.create(name="Cid", badge="cid", boss=bob)
    for one, other in ((ann, bob), (ann, bob), (bob, ann), (bob, cid), (cid, cid)):
        Rivalry.objects.create(one=one, other=other, judge=cid)
    north = Zone.objects.create(code="N", title="North")
    south = Zone.objects.create(code="S", title="South")
    Zone.objects.create(code="E", title="Empty")
    cave = Habitat.objects.create(name="Cave", zone=north, keeper=bob)
    lake = Habitat.objects.create(name="Lake", zone=south)
    Habitat.objects.create(name="Void", zone=south, keeper=cid)
    utc = dt.UTC
    leo = Animal.objects.create(
        name="Leo",
        kind="cat",
        danger=1,
        habitat=cave,
        born=dt.date(2020, 2, 1),
        weight=Decimal("190.50"),
        seen=dt.datetime(2024, 5, 1, 12, tzinfo=utc),
        facts={"items": [1, 2], "a": {"b": "c"}},
        photo="leo.png",
    )
    mia = Animal.objects.create(name="Mia", kind="cat", danger=0, habitat=cave, mother=leo)
    rex = Animal.objects.create(name="Rex", kind="dog", habitat=lake, mother=mia, weight=Decimal("30"))
    rex2 = Animal.objects.create(name="Rex", kind="emu", danger=9, habitat=lake, mother=leo)
    anon = Animal.objects.create(name="", kind="", habitat=lake)
    lone = Animal.objects.create(name="Zed", kind="dog", habitat=cave)
    leo.keepers.set([ann, bob])
    mia.keepers.set([bob])
    rex.keepers.set([bob, cid])
    leo.friends.set([mia, rex])
    meat, fish = Food.objects.create(name="meat"), Food.objects.create(name="fish")
    for animal, food, grams in ((leo, meat, 5), (leo, meat, 3), (leo, fish, 1), (rex, fish, 2)):
        Feeding.objects.create(animal=animal, food=food, grams=grams)
    tricks = [Trick.objects.create(name=name, level=1) for name in ("sit", "roll", "jump")]
    rex.tricks.set(tricks)
    rex2.tricks.set(tricks[:1])
    Passport.objects.create(animal=leo, number="P1", issuer=ann)
    Passport.objects.create(animal=rex, number="P2")
    Chip.objects.create(animal=mia, serial="C1")
    tickets = [
        Ticket.objects.create(title="open", animal=leo),
        Ticket.objects.create(title="shut", animal=leo, deleted=True),
        Ticket.objects.create(title="free"),
    ]
    for ticket in (*tickets, None):
        Visit.objects.create(ticket=ticket, day=dt.date(2024, 1, 1))
    for text, about in (("true", leo.pk), ("false", 99_999), ("void", None)):
        Rumor.objects.create(text=text, about_id=about)
    for text, target in (("big", leo), ("dark", cave), ("small", mia), ("none", None)):
        Label.objects.create(text=text, target=target)
    Building.objects.create(name="Barn", habitat=cave)
    aviary = Aviary.objects.create(name="Cage", habitat=cave, height=4)
    Perch.objects.create(aviary=aviary, animal=BigAnimal.objects.get(pk=leo.pk))
    Perch.objects.create()
    for name in ("one", "two"):
        Drawer.objects.create(items=name)
    Lock.objects.create(drawer=Drawer.objects.get(items="one"), code="123")
    Counted.objects.create(name="quiet", animal=leo)
    Ranked.objects.create(rank=2, animal=leo)
    Ranked.objects.create(rank=1, animal=mia)
    Mood.objects.create(json=[1, 2], flag=True, grouped="r", animal=leo)
    Mood.objects.create(json={"x": 1}, flag=None, grouped="b", own="z", animal=mia)
    Mood.objects.create(json="x", dynamic="z")
    for animal in (leo, mia):
        Log.objects.create(text="seen", animal=animal)
        Log.objects.create(text="hidden", shown=False, animal=animal)
        Diary.objects.create(text="own", animal=animal)
        Diary.objects.create(text="other", animal=animal)
    return {"leo": leo, "mia": mia, "rex": rex, "rex2": rex2, "anon": anon, "lone": lone}

"""Random bodies of properties and methods, as source text over the zoo."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from djust_ast import members
from djust_ast.bodies import body
from djust_ast.bodies.changing import changes
from djust_ast.bodies.pure import expression
from tests.zoo import models as zoo

Scope = tuple[tuple[str, type], ...]

COLUMNS = {
    zoo.Animal: ["name", "kind", "weight", "pk", "habitat_id", "mother_id", "born", "photo"],
    zoo.Habitat: ["name", "zone_id", "pk"],
    zoo.Keeper: ["name", "badge", "boss_id"],
    zoo.Zone: ["title", "code"],
    zoo.Passport: ["number", "animal_id"],
    zoo.Feeding: ["grams", "food_id"],
    zoo.Food: ["name"],
    zoo.Ticket: ["title", "deleted"],
    zoo.Rumor: ["text"],
    zoo.Trick: ["name", "level"],
}
ONES = {
    zoo.Animal: {"habitat": zoo.Habitat, "mother": zoo.Animal},
    zoo.Habitat: {"zone": zoo.Zone, "keeper": zoo.Keeper},
    zoo.Keeper: {"boss": zoo.Keeper},
    zoo.Passport: {"animal": zoo.Animal, "issuer": zoo.Keeper},
    zoo.Feeding: {"animal": zoo.Animal, "food": zoo.Food},
    zoo.Ticket: {"animal": zoo.Animal},
}
MANY = {
    zoo.Animal: {
        "feedings": zoo.Feeding,
        "keepers": zoo.Keeper,
        "children": zoo.Animal,
        "diet": zoo.Food,
        "tickets": zoo.Ticket,
        "rumors": zoo.Rumor,
        "tricks": zoo.Trick,
    },
    zoo.Habitat: {"animal_set": zoo.Animal},
    zoo.Keeper: {"team": zoo.Keeper, "animals": zoo.Animal},
    zoo.Zone: {"habitats": zoo.Habitat},
    zoo.Food: {"eaters": zoo.Animal},
}
MEMBERS = {
    zoo.Animal: ["home", "chain", "get_kind_display()", "described()", "helped()", "place", "memo", "title"],
    zoo.Habitat: ["homely()", "ticket"],
    zoo.Zone: ["letter"],
    zoo.Feeding: ["weighs()"],
}
# Templates of one value of an object ``{o}``: ``{c}`` a column, ``{r}`` a to-one relation and ``{d}`` a column
# behind it, ``{m}`` a to-many relation and ``{e}`` a column of its rows, ``{a}`` any other member.
VALUES = [
    "{o}.{c}",
    "{o}.{c}",
    "str({o})",
    "f'{{{o}.{c}!s:>3}}:{{{o}}}'",
    "'%s' % {o}.{c}",
    "{o}.{a}",
    "{o}.{a}",
    "({o}.{r}.{d} if {o}.{r} else '-')",
    "(w.{d} if (w := {o}.{r}) is not None else '-')",
    "{o}.{r} and {o}.{r}.{d}",
    "getattr({o}.{r}, '{d}', '?')",
    "getattr({o}, '{c}')",
    "f'{{{o}.{r}}}'",
    "'{{}}'.format({o}.{r})",
    "[str(x) for x in ({o}.{r}, {o}) if x]",
    "{{'k': {o}.{r}}}['k']",
    "(lambda x: x.{d} if x else None)({o}.{r})",
    "shown({o}.{r})",
    "shown({o}, {c!r})",
    "isinstance({o}.{r}, str) or {o}.{c}",
    "[r.{e} for r in {o}.{m}.all()]",
    "[r.{e} for r in {o}.{m}.all() if r.{e}]",
    "len({o}.{m}.all())",
    "sorted(str(r.{e}) for r in {o}.{m}.all())",
    "', '.join(str(r) for r in {o}.{m}.all())",
    "{{str(r.{e}): r.{e} for r in {o}.{m}.all()}}",
    "any(r.{e} for r in {o}.{m}.all())",
    "next((r.{e} for r in {o}.{m}.all()), 'none')",
    "list(map(lambda r: r.{e}, {o}.{m}.all()))",
    "max([str(r.{e}) for r in {o}.{m}.all()], default='')",
    "({o}.{m}.all() or [None])[0]",
    "bool({o}.{m}.all())",
    "{o}.{m}.count()",
    "{o}.{m}.filter(pk__gt=0).exists()",
    "[r.{e} for r in {o}.{m}.order_by('pk')]",
    "{o}.{m}.first() and {o}.{m}.first().{e}",
]


@st.composite
def values(draw: Any, scope: Scope) -> str:
    """An expression over the objects of ``scope``, none of which is ``None``."""
    templates = list(VALUES)
    name, model = draw(st.sampled_from(scope))
    if model not in ONES:
        templates = [text for text in templates if "{r}" not in text]
    if model not in MANY:
        templates = [text for text in templates if "{m}" not in text]
    if model not in MEMBERS:
        templates = [text for text in templates if "{a}" not in text]
    parts = {"o": name, "c": draw(st.sampled_from(COLUMNS[model]))}
    if model in ONES:
        parts["r"], behind = draw(st.sampled_from(sorted(ONES[model].items(), key=str)))
        parts["d"] = draw(st.sampled_from(COLUMNS[behind] + MEMBERS.get(behind, [])))
    if model in MANY:
        parts["m"], row = draw(st.sampled_from(sorted(MANY[model].items(), key=str)))
        inner = [f"{one}.{column}" for one, other in ONES.get(row, {}).items() for column in COLUMNS[other]]
        safe = [
            path for path in inner if not path.startswith(("mother", "keeper", "boss", "issuer", "animal"))
        ]
        parts["e"] = draw(st.sampled_from(COLUMNS[row] + safe))
    parts["a"] = draw(st.sampled_from(MEMBERS.get(model, ["pk"])))
    return draw(st.sampled_from(templates)).format(**parts)


@st.composite
def statements(draw: Any, scope: Scope, depth: int, indent: str, serial: Iterator[int]) -> list[str]:
    """Lines that append to ``out`` what they find."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        kinds = ["value", "value", "value", "guard", "bound", "super", "tried"]
        kind = draw(st.sampled_from([*kinds, "loop", "loop", "branch"] if depth else kinds))
        name, model = draw(st.sampled_from(scope))
        number = next(serial)
        if kind == "value":
            lines.append(f"{indent}out.append({draw(values(scope))})")
        elif kind == "super":
            lines.append(f"{indent}out.append(super().described())")
        elif kind == "tried":
            lines += [
                f"{indent}try:",
                f"{indent}    out.append(self.passport.{draw(st.sampled_from(['number', 'issuer', 'animal']))})",
                f"{indent}except (ObjectDoesNotExist, AttributeError):",
                f"{indent}    out.append({draw(values(scope))})",
            ]
        elif kind in ("guard", "bound") and model in ONES:
            relation, other = draw(st.sampled_from(sorted(ONES[model].items(), key=str)))
            lines.append(f"{indent}o{number} = {name}.{relation}")
            test = draw(st.sampled_from([f"not o{number}", f"o{number} is None"]))
            if kind == "guard":
                leaving = draw(st.sampled_from(["return out", "return 'left'"]))
                lines += [f"{indent}if {test}:", f"{indent}    {leaving}"]
                scope = (*scope, (f"o{number}", other))
            else:
                inner = draw(statements((*scope, (f"o{number}", other)), 0, f"{indent}    ", serial))
                lines += [f"{indent}if not ({test}):", *inner]
        elif kind == "loop" and model in MANY:
            relation, row = draw(st.sampled_from(sorted(MANY[model].items(), key=str)))
            inner = draw(statements((*scope, (f"r{number}", row)), depth - 1, f"{indent}    ", serial))
            lines += [f"{indent}for r{number} in {name}.{relation}.all():", *inner]
            if draw(st.booleans()):
                lines.append(f"{indent}    {draw(st.sampled_from(['break', 'continue']))}")
        elif kind == "branch":
            test = draw(values(scope))
            inner = draw(statements(scope, depth - 1, f"{indent}    ", serial))
            other = draw(statements(scope, depth - 1, f"{indent}    ", serial))
            lines += [f"{indent}if {test}:", *inner, f"{indent}else:", *other]
    return lines or [f"{indent}pass"]


@st.composite
def modules(draw: Any) -> str:
    """The source of a function that gives three members of animals, each of which may use those before it."""
    serial = itertools.count()
    lines = [
        "from django.core.exceptions import ObjectDoesNotExist",
        "from django.utils.functional import cached_property",
        "",
        "def shown(obj, name='pk'):",
        "    return getattr(obj, 'name', '?') if obj is not None and name else '-'",
        "",
        "def made(__class__):",
    ]
    scope: Scope = (("self", zoo.Animal),)
    for position in range(3):
        decorator = draw(st.sampled_from(["property", "cached_property", ""]))
        lines += [f"    @{decorator}"] if decorator else []
        lines += [f"    def g{position}(self):", "        out = []"]
        lines += draw(statements(scope, 2, "        ", serial))
        if position and draw(st.booleans()):
            lines.append(f"        out.append(self.g{position - 1})")
        lines.append("        return out")
    lines.append("    return g0, g1, g2")
    return "\n".join(lines) + "\n"


_files = itertools.count()


@contextmanager
def installed(source: str, *, hidden: bool = False) -> Iterator[None]:
    """Animals have the members of ``source``; ``hidden``: without source, as compiled files are deployed."""
    file = f"<generated {next(_files)}>"
    if not hidden:
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": "tests.generated"}
    exec(compile(source, file, "exec"), namespace)  # noqa: S102
    try:
        for position, member in enumerate(namespace["made"](zoo.Animal)):
            setattr(zoo.Animal, f"g{position}", member)
            if isinstance(member, cached_property):
                member.__set_name__(zoo.Animal, f"g{position}")
        _forget()
        yield
    finally:
        for position in range(3):
            delattr(zoo.Animal, f"g{position}")
        linecache.cache.pop(file, None)
        _forget()


def _forget() -> None:
    for cached in (members.member, body, changes, expression):
        cached.cache_clear()

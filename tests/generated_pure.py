"""Random bodies over columns: many are total, some may raise."""

from typing import Any

from hypothesis import strategies as st

TEXTS = [
    "self.name",
    "self.kind",
    "self.SOUND",
    "''",
    "'x'",
    "' Ab '",
    "'100%'",
    "str(self.danger)",
    "self.kind",
]
INTS = [
    "self.danger",
    "self.pk",
    "self.id",
    "len(self.name)",
    "0",
    "3",
    "-7",
    "self.name.count('a')",
    "(self.danger or 2)",
]
COLUMNS = [
    "self.born",
    "self.seen",
    "self.weight",
    "self.habitat_id",
    "self.mother_id",
    "None",
    "True",
    "self.danger",
]
PLAIN = ["self.name", "self.danger", "self.born", "self.seen", "self.weight", "self.pk", "self.kind"]
NULLABLE = ["self.danger", "self.born", "self.seen", "self.weight", "self.mother_id", "self.name"]
TESTS = [
    *(
        "{c} is None",
        "{c} is not None",
        "not {c}",
        "{c}",
        "{t} == {t}",
        "{n} == {n}",
        "{t} < {t}",
        "{n} < {n}",
    ),
    *("{n} <= {n} < {n}", "self.kind in ('cat', 'dog')", "self.kind == self.Kind.CAT", "{t} in {t}"),
    *("self.danger in (self.Danger.SOME, 0)", "self.danger == self.Danger.NONE", "{n} not in [1, None, 2]"),
    *(
        "self.kind in KINDS",
        "{t}.startswith({t})",
        "{t}.isdigit()",
        "self.born == self.born",
        "bool(self.born)",
    ),
    *("self.danger == self.name", "self.mother_id is None", "{t} != self.danger", "self.name is not None"),
]
# What may raise, or is more than columns.
OTHERS = [
    *(
        "self.facts",
        "Later",
        "self.photo",
        "shown(self)",
        "self.missing",
        "self.sound()",
        "self.habitat.name",
    ),
    *(
        "self.Kind.CAT",
        "self.Danger.SOME",
        "self.danger + 1",
        "self.name[0]",
        "self.born.year",
        "self.name * 2",
    ),
    *(
        "self.pk / 2",
        "3 // self.danger",
        "self.pk ** 2",
        "f'{self.name!r}'",
        "f'{self.pk:>4}'",
        "'%5s' % self.pk",
    ),
    *(
        "self.born < self.born",
        "self.weight < 3",
        "self.danger < 2",
        "self.name.zfill(3)",
    ),
    *(
        "', '.join([self.danger])",
        "'%d' % self.danger",
        "self.danger in ('x', 1) == self.name",
        "local.upper()",
    ),
    *(
        "self.name.replace('a', self.kind)",
        "-self.danger",
        "self.g2",
        "len(self.danger)",
        "self.weight + 1",
        "min(1, 2)",
    ),
]


def rarely(draw: Any) -> bool:
    """Once in many times."""
    return bool(draw(st.integers(0, 24)) == 24)


@st.composite
def tests(draw: Any, depth: int) -> str:
    """A test, of columns, text and numbers."""
    if depth and draw(st.integers(0, 2)) == 0:
        kind = draw(st.sampled_from(["and", "or"]))
        return f"({draw(tests(depth - 1))} {kind} {draw(tests(depth - 1))})"
    text = draw(st.sampled_from(OTHERS if rarely(draw) else TESTS))
    for name, strategy in (("t", texts(0)), ("n", numbers(0)), ("c", st.sampled_from(NULLABLE))):
        while f"{{{name}}}" in text:
            text = text.replace(f"{{{name}}}", draw(strategy), 1)
    return f"({text})"


@st.composite
def texts(draw: Any, depth: int) -> str:
    """An expression that is text, nearly always."""
    if not depth or rarely(draw):
        return f"({draw(st.sampled_from(OTHERS))})" if rarely(draw) else draw(st.sampled_from(TEXTS))
    a, b = draw(texts(depth - 1)), draw(texts(depth - 1))
    value = draw(st.one_of(texts(depth - 1), numbers(depth - 1), st.sampled_from(PLAIN)))
    one, two = draw(st.sampled_from(PLAIN)), draw(st.sampled_from(PLAIN))
    tested = draw(st.sampled_from(["danger", "born", "mother_id"]))
    forms = [
        *(
            f"({a} + {b})",
            f"{a}.strip()",
            f"{a}.upper()",
            f"{a}.title().strip({b})",
            f"{a}.replace('a', 'bb')",
        ),
        *(
            f"{a}[:3]",
            f"{a}[-2:]",
            f"({a} or {b})",
            f"(str({value}) or {b})",
            f"({a} and {b})",
            f"str({value})",
        ),
        *(f"({a} if {draw(tests(1))} else {b})", f"f'{{{one}}}-{{{two}!s}}'", f"('%s, %s' % ({a}, {value}))"),
        *(
            f"('%s%%' % {value})",
            f"('%d' % {draw(numbers(0))})",
            f"', '.join([{a}, {b}])",
            f"{a}.removesuffix({b})",
        ),
        *(f"', '.join(({a}, str({value})))", f"(str(self.{tested}) if self.{tested} is not None else {a})"),
        *(
            "('' if self.danger is None else str(self.danger + 1))",
            "('' if not self.danger else '%d' % self.danger)",
        ),
    ]
    return draw(st.sampled_from(forms))


@st.composite
def numbers(draw: Any, depth: int) -> str:
    """An expression that is a number, nearly always."""
    if not depth or rarely(draw):
        return f"({draw(st.sampled_from(OTHERS))})" if rarely(draw) else draw(st.sampled_from(INTS))
    a, b = draw(numbers(depth - 1)), draw(numbers(depth - 1))
    forms = [f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} // 7)", f"({a} % 3)", f"(-{a})"]
    forms += [f"({a} or {b})", f"({a} if {draw(tests(1))} else {b})", f"len({draw(texts(1))})"]
    return draw(st.sampled_from(forms))


@st.composite
def blocks(draw: Any, depth: int, indent: str) -> list[str]:
    """The statements of a body."""
    value = st.one_of(texts(2), texts(1), numbers(2), tests(2), st.sampled_from([*COLUMNS, "local"]))
    lines: list[str] = []
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(
            st.sampled_from(["local", "local", "add", "guard", "branch"] if depth else ["local", "add"])
        )
        if kind == "local":
            lines.append(f"{indent}local = {draw(value)}")
        elif kind == "add":
            lines.append(f"{indent}local = str(local) + {draw(texts(1))}")
        elif kind == "guard":
            lines += [f"{indent}if {draw(tests(1))}:", f"{indent}    return {draw(value)}"]
        else:
            inner, other = draw(blocks(depth - 1, f"{indent}    ")), draw(blocks(depth - 1, f"{indent}    "))
            lines += [f"{indent}if {draw(tests(1))}:", *inner, f"{indent}else:", *other]
    last = draw(st.sampled_from(["return", "return", "return", "fall"]))
    if indent != "        " and last == "fall":
        return lines or [f"{indent}pass"]
    return [*lines, f"{indent}return {draw(value)}"]


@st.composite
def pure_modules(draw: Any) -> str:
    """The source of a function that gives three members of animals, each of which may use those before it."""
    lines = [
        "from django.utils.functional import cached_property",
        "",
        "KINDS = ('cat', 'dog')",
        "Later = []",
        "",
    ]
    lines += ["def shown(obj):", "    return getattr(obj, 'name', '?')", "", "def made(__class__):"]
    kinds = []
    for position in range(3):
        kinds.append(draw(st.sampled_from(["property", "cached_property", ""])))
        lines += [f"    @{kinds[-1]}"] if kinds[-1] else []
        lines += [f"    def g{position}(self):"]
        start = draw(st.sampled_from(["self.name", "self.born", "''", "self.danger", "1"]))
        if position and draw(st.booleans()):
            start = f"self.g{position - 1}" + ("" if kinds[position - 1] else "()")
        lines.append(f"        local = {start}")
        lines += draw(blocks(2, "        "))
    lines.append("    return g0, g1, g2")
    return "\n".join(lines) + "\n"

"""Writes ``extractor/src/unicode/tables.rs``: which characters each Python takes for words and digits.

    for version in 15.0.0 15.1.0 16.0.0 17.0.0; do
        pip install --target unicode/$version unicodedata2==$version
    done
    python3.11 -m tests.unicode_tables unicode/* > extractor/src/unicode/tables.rs

Python 3.11 has the first version itself. ``tests/test_unicode.py`` compares the table with the Python that runs it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

LETTERS = {"Ll", "Lm", "Lo", "Lt", "Lu"}
SURROGATES = range(0xD800, 0xE000)
WIDE = [code for code in range(0x80, sys.maxunicode + 1) if code not in SURROGATES]
"""What is no ASCII, for which there is no table."""

Ages = dict[int, int]
"""The row of the first version in which a character is of a kind."""


def words(data: Any) -> set[int]:
    """Return what ``str.isalnum``, and so ``\\w``, accepts by the tables of a version of ``unicodedata``."""
    return {
        code
        for code in WIDE
        if data.category(chr(code)) in LETTERS or data.numeric(chr(code), None) is not None
    }


def zeros(data: Any) -> set[int]:
    """Return the digits that ``int`` takes for 0; those for 1 to 9 follow."""
    found = {code for code in WIDE if data.decimal(chr(code), None) == 0}
    for zero in found:
        assert [data.decimal(chr(zero + more)) for more in range(10)] == list(range(10))
    assert len(found) * 10 == sum(data.decimal(chr(code), None) is not None for code in WIDE)
    return found


def tables() -> str:
    """Return the version of this process's tables, and what they say, as JSON."""
    data: Any = unicodedata
    if len(sys.argv) == 3:
        sys.path.insert(0, sys.argv[2])
        import unicodedata2 as data  # type: ignore[import-not-found, no-redef]
    found = {"words": sorted(words(data)), "zeros": sorted(zeros(data))}
    return json.dumps([[int(part) for part in data.unidata_version.split(".")[:2]], found])


def ages(by_version: Iterable[Iterable[int]]) -> Ages:
    """Return when each character came; none ever went."""
    found: Ages = {}
    for row, codes in enumerate(by_version):
        assert not found.keys() - codes
        found |= {code: row for code in codes if code not in found}
    return found


def runs(codes: Ages) -> Iterator[tuple[int, int, int]]:
    """Yield the first and the last of neighbours of one age, and that."""
    first = last = None
    for code in sorted(codes):
        if first is not None and last is not None and (code != last + 1 or codes[code] != codes[first]):
            yield first, last, codes[first]
            first = code
        first, last = code if first is None else first, code
    if first is not None and last is not None:
        yield first, last, codes[first]


def static(comment: str, name: str, kind: str, items: list[str], row: int) -> str:
    """Return a table in Rust, so many items in a line."""
    lines = [", ".join(items[at : at + row]) for at in range(0, len(items), row)]
    body = "".join(f"    {line},\n" for line in lines)
    return (
        f"\n/// {comment}\n#[rustfmt::skip]\n#[allow(clippy::unreadable_literal)]\n"
        f"pub(super) static {name}: [{kind}; {len(items)}] = [\n{body}];\n"
    )


def module(versions: list[list[int]], word_ages: Ages, zero_ages: Ages) -> str:
    """Return the text of ``tables.rs``."""
    word_runs = list(runs(word_ages))
    return (
        "//! Which characters Python takes for words and digits: written by `python -m tests.unicode_tables`.\n"
        + static(
            "The versions of Unicode that differ here.",
            "VERSIONS",
            "(u8, u8)",
            [f"({major}, {minor})" for major, minor in versions],
            10,
        )
        + static(
            "The letters and numbers of the first version, from and to.",
            "WORD",
            "(u32, u32)",
            [f"({first:#x}, {last:#x})" for first, last, age in word_runs if not age],
            6,
        )
        + static(
            "Those of later ones, and the row of the version.",
            "LATER_WORD",
            "(u32, u32, u8)",
            [f"({first:#x}, {last:#x}, {age})" for first, last, age in word_runs if age],
            6,
        )
        + static(
            "The digits 0 of the first version.",
            "ZEROS",
            "u32",
            [f"{code:#x}" for code, age in sorted(zero_ages.items()) if not age],
            12,
        )
        + static(
            "Those of later ones, and the row of the version.",
            "LATER_ZEROS",
            "(u32, u8)",
            [f"({code:#x}, {age})" for code, age in sorted(zero_ages.items()) if age],
            6,
        )
    )


def main() -> None:
    """Print the module, from this Python's tables and those of each folder."""
    command = [sys.executable, "-m", "tests.unicode_tables", "--one"]
    runs_ = [
        json.loads(subprocess.check_output([*command, *folder]))
        for folder in ([], *([path] for path in sys.argv[1:]))
    ]
    found = sorted(runs_, key=lambda one: one[0])
    versions = [version for version, _ in found]
    words_, zeros_ = (ages(set(one[kind]) for _, one in found) for kind in ("words", "zeros"))
    sys.stdout.write(module(versions, words_, zeros_))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        sys.stdout.write(tables())
    else:
        main()

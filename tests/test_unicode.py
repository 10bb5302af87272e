"""Which characters are words, digits and spaces is for the Python that runs to say: each version knows more."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest

from djust_ast._extractor import ExtractError, lex, parse_expression
from djust_ast.registry import stock_registry, stock_spec
from tests.unicode_tables import WIDE, words

REGISTRY = stock_registry()
TABLES = (Path(__file__).parent.parent / "extractor" / "src" / "unicode" / "tables.rs").read_text()


def lookups(text):
    """Return the steps of a variable; ``None`` for what is a number or cannot be read."""
    try:
        return parse_expression(text, REGISTRY)["lookups"]
    except ExtractError:
        return None


def test_words_are_those_of_the_running_python():
    ours = {code for code in range(sys.maxunicode + 1) if is_char(code) and lookups(f"a{chr(code)}b")}
    theirs = {code for code in range(sys.maxunicode + 1) if is_char(code) and re.match(r"[\w.]", chr(code))}
    assert ours == theirs


def is_char(code):
    return not 0xD800 <= code < 0xE000


def test_digits_are_those_of_the_running_python():
    ours = {code for code in words(unicodedata) if lookups(chr(code)) is None}
    assert ours == {code for code in WIDE if re.match(r"\d", chr(code))}
    for code in ours:
        text = f"-{chr(code)}{chr(code)}.5e{chr(code)}"
        assert parse_expression(text, REGISTRY)["literal"] == float(text)


def test_spaces_are_those_of_the_running_python():
    for code in filter(is_char, range(sys.maxunicode + 1)):
        text = chr(code)
        if text not in "{}\n":
            ((_, contents, _),) = lex(f"{{{{{text}a{text}}}}}")
            assert contents == f"{text}a{text}".strip()


@pytest.mark.parametrize("count", [4299, 4300, 4301, 4400])
@pytest.mark.parametrize("digit", ["1", "٣", "1_"])
def test_long_numbers_are_numbers_where_python_reads_them(digit, count):
    text = (digit * count).rstrip("_")
    try:
        expected = int(text)
    except ValueError:
        assert lookups(text) == (text,)
    else:
        assert parse_expression(text, REGISTRY)["literal"] == expected


def test_tables_are_those_of_the_script():
    """For the version of this Python; those of the others are compared under them."""
    text = re.search(r"VERSIONS: .*\n(.*)", TABLES)
    assert text is not None
    versions = [tuple(map(int, version)) for version in re.findall(r"\((\d+), (\d+)\)", text[1])]
    version = tuple(map(int, unicodedata.unidata_version.split(".")[:2]))
    row = max(row for row, known in enumerate(versions) if known <= version)
    assert versions[row] == version, "run tests.unicode_tables with this version, too"
    runs = re.findall(r"\((0x[0-9a-f]+), (0x[0-9a-f]+)(?:, (\d))?\)", TABLES.partition("ZEROS")[0])
    table = {
        code
        for first, last, since in runs
        for code in range(int(first, 16), int(last, 16) + 1)
        if int(since or 0) <= row
    }
    assert table == words(unicodedata)


def test_registry_is_of_this_version():
    assert json.loads(json.dumps(stock_spec()))["unicode"] == unicodedata.unidata_version

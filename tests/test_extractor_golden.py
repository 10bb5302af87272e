"""What Django answers to lexer, expression and parser puzzles, and what the extractor answers."""

import ast
import json
import re
from pathlib import Path

import pytest

from djust_ast import _extractor
from djust_ast.registry import stock_spec

DATA = Path(__file__).parent / "data"
VERSIONS = {"edges52.txt": (5, 2), "edges61.txt": (6, 1)}
PATTERN = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s+(.*)""", re.DOTALL)


def cases(section):
    for file in VERSIONS:
        text = (DATA / file).read_bytes().decode()
        block = text.split(f"--- {section}\n")[1].split("\n---")[0]
        # Answers hold raw control characters, so only a newline ends a line.
        for line in block.split("\n"):
            if line:
                source, answer = PATTERN.fullmatch(line).groups()
                yield pytest.param(file, ast.literal_eval(source), answer, id=f"{file[5:7]}-{source}")


@pytest.fixture(scope="module")
def registries():
    return {file: registry(version) for file, version in VERSIONS.items()}


def registry(version):
    spec = stock_spec()
    spec["django"] = list(version)
    tags = spec["builtins"]["tags"]
    tags.pop("partial", None)
    tags.pop("partialdef", None)
    if version >= (6, 0):
        tags["partial"] = tags["partialdef"] = "native"
    return _extractor.Registry(json.dumps(spec).encode())


def attempt(call):
    try:
        return call()
    except _extractor.ExtractError as error:
        return f"TemplateSyntaxError: {error.args[1]}"


@pytest.mark.parametrize(("file", "source", "answer"), list(cases("lexer")))
def test_lexes_as_django(file, source, answer):
    tokens = " ".join(f"{kind}<{contents}>" for kind, contents, _line in _extractor.lex(source))
    assert tokens.replace("\n", "\\n") == answer


@pytest.mark.parametrize(("file", "source", "answer"), list(cases("expressions")))
def test_parses_expressions_as_django(file, source, answer, registries):
    def describe():
        parts = _extractor.parse_expression(source, registries[file])
        filters = " ".join(
            f"{name}({'' if kind is None else f'{kind}:{argument}'})"
            for name, kind, argument in parts["filters"]
        )
        if "const" in parts:
            return f"const={parts['const']!r} filters={filters}"
        return f"lookups={parts['lookups']!r} literal={parts['literal']!r} filters={filters}"

    assert attempt(describe) == answer


@pytest.mark.parametrize(("file", "source", "answer"), list(cases("parse quirks")))
def test_accepts_and_refuses_as_django(file, source, answer, registries):
    result = attempt(lambda: _extractor.extract(source, None, registries[file]) and "ok")
    if answer.startswith("ok"):
        assert result == "ok"
    else:
        # The file keeps the first 120 characters of a message.
        assert result.startswith(answer[:110])


def test_lines_of_tokens_are_djangos():
    from django.template.base import Lexer

    source = "a\n{{ b }}\n\n{% if c %}\nd{# e #}{% verbatim %}\n{{ f\n}}{% x %}\n{% endverbatim %}"
    letters = {"TEXT": "T", "VAR": "V", "BLOCK": "B", "COMMENT": "C"}
    expected = [
        (letters[token.token_type.name], token.contents, token.lineno) for token in Lexer(source).tokenize()
    ]
    assert _extractor.lex(source) == expected

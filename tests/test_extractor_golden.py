"""What Django answers to lexer, expression and parser puzzles, and what the extractor answers."""

import ast
import json
import re
from pathlib import Path

import django
import pytest
from django.template import Engine, TemplateSyntaxError
from django.template.base import FilterExpression, Lexer, Parser, Variable

from djust_ast import _extractor
from djust_ast.registry import stock_registry, stock_spec

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


# What became of the language after 5.2, or may: asked of the Django that is here.
LATER = {
    "lexer": ["{%\u00a0a\u2028%}", "{{ a }}{%verbatim%}{{ b }}{% endverbatim %}"],
    "expressions": [
        *(
            "+1",
            "-1",
            "--1",
            "+.5",
            "1e+5",
            "1E-2",
            "1e",
            "1+1",
            "1-",
            "1.5.-",
            "-a",
            "a.b-c",
            "-",
            "+",
            "a-",
        ),
        *(
            "a|add:1e-2",
            "a|add:-1",
            "a|add:+1.5e+3",
            "a|add:b-c",
            "a|add:-b",
            "a|add:--1",
            "a|add:1+",
            "a|add:-",
        ),
        *("a..b", "..", "a|add:b..c", "-inf", "+nan", "-_a", "a|add:_b", "-0x1", "-1_0", "1_", "-١"),
    ],
    "parse quirks": [
        "{% partialdef a %}{{ forloop.length }}{% endpartialdef a %}{% for b in c %}{% partial a %}{% endfor %}",
        "{% partialdef a %}{% endpartialdef b %}",
        "{% partialdef a b %}{% endpartialdef %}",
        "{% partialdef a inline b %}{% endpartialdef %}",
        "{% partialdef %}{% endpartialdef %}",
        "{% partialdef a %}",
        "{% partialdef a %}{% endpartialdef %}{% partialdef a %}{% endpartialdef %}",
        "{% partial %}",
        "{% partial a b %}",
        '{% include "a.html#b" %}',
        "{% querystring %}",
        "{% querystring a b c=d e.f=1 %}",
        "{% querystring a=1 b %}",
        "{% querystring a a=1 as b %}",
        "{% csp_nonce_attr %}",
        "{% csp_nonce_attr media=a %}",
        "{% if a -1 %}{% endif %}",
        "{% if a == -b %}{% endif %}",
        "{% for a in b-c %}{% endfor %}",
        "{% with a=-1 b=1e+5 %}{% endwith %}",
        "{% with a=b-c %}{% endwith %}",
        "{% cycle a-b c %}",
        "{% firstof a -b %}",
        "{{ a..b }}",
    ],
}


def puzzles(section):
    answered = {case.values[1]: None for case in cases(section)}
    return [pytest.param(source, id=repr(source)) for source in [*answered, *LATER[section]]]


def django_attempt(call):
    try:
        return call()
    except TemplateSyntaxError as error:
        return f"TemplateSyntaxError: {error}"


@pytest.mark.parametrize("source", puzzles("lexer"))
def test_lexes_as_the_django_at_hand(source):
    found = [(kind, contents) for kind, contents, _line in _extractor.lex(source)]
    assert found == [(token.token_type.name[0], token.contents) for token in Lexer(source).tokenize()]


@pytest.mark.parametrize("source", puzzles("expressions"))
def test_parses_expressions_as_the_django_at_hand(source):
    def ours():
        parts = _extractor.parse_expression(source, stock_registry())
        value = parts.get("const", "var"), parts.get("lookups"), repr(parts.get("literal"))
        return value, [(name, kind, argument) for name, kind, argument in parts["filters"]]

    def djangos():
        parser = Parser([], builtins=Engine().template_builtins)
        found = FilterExpression(source, parser)
        value = (found.var, None, "None")
        if isinstance(found.var, Variable):
            value = "var", found.var.lookups, repr(found.var.literal)
        return value, [
            (function._filter_name, *described(arguments)) for function, arguments in found.filters
        ]

    def described(arguments):
        for is_variable, argument in arguments:
            return ("var", argument.var) if is_variable else ("lit", argument)
        return None, None

    assert attempt(ours) == django_attempt(djangos)


@pytest.mark.parametrize("source", puzzles("parse quirks"))
def test_accepts_and_refuses_as_the_django_at_hand(source):
    ours = attempt(lambda: _extractor.extract(source, None, stock_registry()) and "ok")
    engine = Engine(libraries={"i18n": "django.templatetags.i18n"})
    assert ours == django_attempt(lambda: engine.from_string(source) and "ok")


def test_the_answers_on_file_are_those_of_its_version():
    """The tests above ask the Django at hand anew; 6.0 answers each puzzle as 6.1 does."""
    assert django.VERSION[:2] in {*VERSIONS.values(), (6, 0)}


def test_lines_of_tokens_are_djangos():
    from django.template.base import Lexer

    source = "a\n{{ b }}\n\n{% if c %}\nd{# e #}{% verbatim %}\n{{ f\n}}{% x %}\n{% endverbatim %}"
    letters = {"TEXT": "T", "VAR": "V", "BLOCK": "B", "COMMENT": "C"}
    expected = [
        (letters[token.token_type.name], token.contents, token.lineno) for token in Lexer(source).tokenize()
    ]
    assert _extractor.lex(source) == expected

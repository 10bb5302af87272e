"""Django's lexer, its parser of expressions and its splitter of tags judge the extractor's, on random text."""

import json
import os
import re

import pytest
from django.template import Engine, TemplateSyntaxError, base
from django.template.base import FilterExpression, Lexer, Parser, Variable
from hypothesis import example, given, settings
from hypothesis import strategies as st

from djust_ast._extractor import ExtractError, Registry, extract, lex, parse_expression
from djust_ast.registry import stock_registry, stock_spec

LETTERS = {"TEXT": "T", "VAR": "V", "BLOCK": "B", "COMMENT": "C"}
# What only Python, only Rust or only one of `\s`, `str.split` and `str.strip` might take for a space.
SPACES = (
    "\t\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2003\u200b\u2028\u2029\u202f\u205f\u3000\ufeff\x00\u180e"
)
WORDS = ["a", "É", "ß", "ª", "²", "Ⅷ", "½", "٣", "ⅷ", "ु", "क", "_", "名", "😀", "\u0301", "\u202e", "ﬁ", "İ"]
DOTALL = re.compile(base.tag_re.pattern, re.DOTALL)
EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
MANY = settings(
    max_examples=EXAMPLES or 400, deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True
)


def joined(pieces, size):
    return st.lists(pieces, max_size=size).map("".join)


SOURCES = joined(
    st.sampled_from(["{", "}", "%", "#", "{{", "}}", "{%", "%}", "{#", "#}", "\n", "if a", "verbatim", "end"])
    | st.sampled_from(
        ["{% verbatim %}", "{% endverbatim %}", "{%verbatim x%}", "{% endverbatim x %}", "verbatim\t"]
    )
    | st.sampled_from([*SPACES, *WORDS, "comment", "{% comment %}", "{% endcomment %}"]),
    30,
)


def tokens(source):
    return [
        (LETTERS[token.token_type.name], token.contents, token.lineno) for token in Lexer(source).tokenize()
    ]


class TestLexer:
    @MANY
    @given(SOURCES)
    @example("{{{ a }}}{{% if x %}{{ a {% b %} }}{#{{ a }}#}")
    @example("{%verbatim\t%}{{ a }}{%endverbatim\t%}{% verbatim  %}{{ a }}{%\x1cendverbatim\x85%}")
    def test_tokens_are_djangos(self, source):
        assert lex(source) == tokens(source)

    @MANY
    @given(source=SOURCES)
    @example(source="{{ a\n}}{%\nif\n%}{# \n #}{{ \n")
    def test_tokens_are_djangos_where_tags_may_span_lines(self, source):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(base, "tag_re", DOTALL)
            assert lex(source, dotall=True) == tokens(source)


class NamingParser(Parser):
    """A parser whose filters are their names and have any number of arguments."""

    def find_filter(self, filter_name):
        return super().find_filter(filter_name) and filter_name


def django_says(text):
    parser = NamingParser([], {}, Engine().template_builtins)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FilterExpression, "args_check", staticmethod(lambda name, func, provided: True))
        try:
            expression = FilterExpression(text, parser)
        except TemplateSyntaxError as error:
            return str(error)
    filters = [(name, *map(argument, args)) for name, args in expression.filters]
    if isinstance(expression.var, Variable):
        return (expression.var.lookups, repr(expression.var.literal), filters)
    return (unbroken(expression.var), filters)


def argument(pair):
    is_variable, value = pair
    return ("var", value.var) if is_variable else ("lit", unbroken(value))


def unbroken(text):
    """A constant, of which Django may have translated the line breaks."""
    return text and text.replace("\r\n", "\n").replace("\r", "\n")


def we_say(text):
    try:
        parts = parse_expression(text, stock_registry())
    except ExtractError as error:
        return error.args[1]
    filters = [
        (name,) if kind is None else (name, (kind, unbroken(value) if kind == "lit" else value))
        for name, kind, value in parts["filters"]
    ]
    if "const" in parts:
        return (unbroken(parts["const"]), filters)
    return (parts["lookups"], repr(parts["literal"]), filters)


EXPRESSIONS = joined(
    st.sampled_from(
        ["|", ":", ".", "+", "-", '"', "'", "\\", "_(", ")", "|cut:", "|default:", "|title", "\n"]
    )
    | st.sampled_from(
        ['"x y"', "'x'", '_("x")', r'"\""', "a.b", "a._b", "__", "1", ".5", "1e5", "2.", "1_0", "e"]
    )
    | st.sampled_from(
        [*SPACES, *WORDS, "|nosuch", " | upper", "True", "inf", "nan", "0x1", "a1", "[0]", "()"]
    ),
    8,
)


@settings(MANY, max_examples=EXAMPLES or 1000)
@given(EXPRESSIONS)
@example("a|cut:'x':'y'")
@example("1" * 4301)
@example("_('a\r\nb')|default:_(\"\")")
def test_expressions_are_djangos(text):
    assert arity_apart(we_say(text), text) == django_says(text)


def arity_apart(found, text):
    """Django's answer without its check of arity is not known where we say that the arity is wrong."""
    if isinstance(found, str) and re.fullmatch(r"\w+ requires \d arguments, \d provided", found):
        return django_says(text)
    return found


ARGUMENTS = joined(
    st.sampled_from(['"', "'", "\\", '_("', "_('", '")', "')", '"x y"', "'x y'", "=", "k=", "|cut:", "\n"])
    | st.sampled_from([*SPACES, "a", "b.c", "and", "É", "ु"]),
    12,
)


@MANY
@given(ARGUMENTS)
@example("\"a\"b'c d' _('x  y') k=_(\"z \t w\")")
@example('_("never closed')
def test_arguments_are_split_as_by_django(text):
    token = base.Token(base.TokenType.BLOCK, f"get_language_info 1 {text}".strip(), lineno=1)
    try:
        bits = ", ".join(f"'{bit}'" for bit in token.split_contents()[1:])
        expected = f"'get_language_info' requires 'for string as variable' (got [{bits}])"
    except StopIteration:
        expected = "Unclosed translated string: "
    with pytest.raises(ExtractError) as caught:
        extract("{% load i18n %}{% get_language_info 1 " + text + " %}", None, SPANNING)
    assert caught.value.args[1].startswith(expected)


SPANNING = Registry(json.dumps(stock_spec(dotall=True)).encode())

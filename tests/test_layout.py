"""Generated source is broken into lines without a change of its meaning."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from djust_ast.emitters.layout import WIDTH, laid_out

names = st.sampled_from(["obj", "values_1", "c0", "a_rather_long_name_for_a_relation"])
constants = st.one_of(st.text(max_size=30), st.integers(), st.none(), st.booleans()).map(repr)
expressions = st.recursive(
    st.one_of(names, constants),
    lambda inner: st.one_of(
        st.lists(st.tuples(constants, inner), max_size=5).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"
        ),
        st.tuples(names, st.lists(inner, max_size=4)).map(lambda call: f"{call[0]}({', '.join(call[1])})"),
        st.tuples(inner, names, inner).map(lambda t: f"(None if ({t[1]}_2 := {t[0]}) is None else {t[2]})"),
        st.tuples(inner, names).map(lambda t: f"[{t[0]} for {t[1]}, other in rows]"),
        st.tuples(names, constants).map(lambda t: f"{t[0]}.__dict__[{t[1]}]"),
    ),
    max_leaves=25,
)


@settings(deadline=None)
@given(expressions)
def test_meaning_stays(expression):
    source = ast.unparse(ast.parse(f"def f(rows):\n    return {expression}"))
    assert ast.dump(ast.parse(laid_out(source))) == ast.dump(ast.parse(source))


@pytest.mark.parametrize(
    "text", ["'(' * 3", "f(')', \"[\")", "{'a,b': 'for x in y'}"], ids=["open", "close", "comma"]
)
def test_brackets_in_strings_are_no_brackets(text):
    source = f"value = f({', '.join([text] * 12)})"
    broken = laid_out(source)
    assert ast.dump(ast.parse(broken)) == ast.dump(ast.parse(source))
    assert max(map(len, broken.splitlines())) <= WIDTH


def test_short_lines_stay():
    assert laid_out("a = [1, 2]\nb = {}\n") == "a = [1, 2]\nb = {}\n"

"""Bodies that are pure expressions over columns: rows say them, with the values and types that they have in Django."""

import ast
import datetime as dt
import linecache
import os
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.db.models import Value
from django.template import Context, Template
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from djust_ast import explain, serialize_context
from djust_ast.bodies.pure import expression
from djust_ast.compiler import compile_node
from djust_ast.demo.rentals.models import Insurance, Lease, Payment, Photo, Property
from djust_ast.paths import PathNode
from tests.generated_bodies import installed
from tests.generated_pure import pure_modules
from tests.test_equality import QUERYSETS, _filled, check, rows  # noqa: F401 - fixtures
from tests.zoo import models as zoo

GENERATED = settings(
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "60")),
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=list(HealthCheck),
)
FEWER = settings(GENERATED, max_examples=max(GENERATED.max_examples // 3, 1))
NAMES = ("g0", "g1", "g2")
TEXT = st.sampled_from(["", " ", "a", "Ab c", "%", "ß", "12", "cat", "x" * 50])
VALUES = {
    "id": st.integers(-(2**63), 2**63 - 1),
    "name": TEXT,
    "kind": TEXT,
    "danger": st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1), st.sampled_from([0, 1, 7])),
    "born": st.one_of(st.none(), st.dates()),
    "seen": st.one_of(st.none(), st.datetimes(timezones=st.just(dt.UTC))),
    "weight": st.one_of(st.none(), st.sampled_from([Decimal("NaN"), Decimal("0.00"), Decimal("12.50")])),
    "habitat_id": st.integers(1, 9),
    "mother_id": st.one_of(st.none(), st.integers(1, 9)),
}


def used(animal, name):
    value = getattr(animal, name)
    return value() if callable(value) else value


def same(one, other):
    return type(one) is type(other) and repr(one) == repr(other)


@settings(GENERATED, max_examples=GENERATED.max_examples * 2)
@given(source=pure_modules(), values=st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=8))
def test_what_is_told_of_a_body_is_what_it_gives_for_any_columns(source, values):
    with installed(source):
        for name in NAMES:
            told = expression(zoo.Animal, name)
            event("total" if told else "not total")
            if told is None:
                continue
            for columns in values:
                animal = zoo.Animal(**columns)
                ours = evaluated(told, columns)
                assert same(ours, used(animal, name)), f"{ours!r} {columns}\n{source}"


def evaluated(told, columns):
    code = compile(ast.fix_missing_locations(ast.Expression(told.node)), "<told>", "eval")
    return eval(code, {"row": SimpleNamespace(**{name: columns[name] for name in told.columns})})  # noqa: S307


def node_of(*names):
    return PathNode(attrs={name: PathNode(uses=frozenset({"out"})) for name in names})


@FEWER
@given(source=pure_modules())
def test_rows_have_the_values_and_types_of_instances(rows, source):  # noqa: F811
    with installed(source):
        told = [name for name in NAMES if expression(zoo.Animal, name)]
        event(f"total: {len(told)}")
        if not told:
            return
        serializer = compile_node(node_of(*told), zoo.Animal)
        queryset = zoo.Animal.objects.order_by("pk")
        assert serializer.plan.route == "rows"
        for record, animal in zip(serializer.many(queryset), queryset.all(), strict=True):
            for name in told:
                assert same(record[name], used(animal, name)), source


PAGES = [
    "{{ a.g0 }}|{{ a.g1 }}|{{ a.g2 }}",
    "{{ a.g2.upper }}{{ a.g0|length }}{% if a.g1 %}{{ a.g1 }}{% endif %}",
    "{{ a.mother.g0 }}{% for c in a.children.all %}{{ c.g1 }}{{ c.habitat.name }}{% endfor %}",
]
STATES = sorted(
    set(QUERYSETS) - {"mixed", "plain", "values", "tuples", "generator", "iterator", "union", "raw"}
)


@FEWER
@given(
    source=pure_modules(),
    pages=st.lists(st.tuples(st.sampled_from(PAGES), st.sampled_from(STATES)), min_size=1, max_size=3),
)
def test_pages_with_inlined_members_stay_what_they_are(rows, source, pages):  # noqa: F811
    with installed(source):
        for page, state in pages:
            check(f"{{% for a in {state} %}}[{page}]{{% endfor %}}")


# -- what is inlined ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "name", "columns"),
    [
        pytest.param(get_user_model(), "get_full_name", ("first_name", "last_name"), id="full-name"),
        pytest.param(Property, "address", ("street", "postcode", "city"), id="f-string"),
        pytest.param(Photo, "__str__", ("caption", "path"), id="or"),
        pytest.param(Payment, "is_settled", ("status",), id="comparison"),
        pytest.param(Insurance, "__str__", ("company", "policy"), id="text"),
        pytest.param(Lease, "days_left", None, id="dates-are-not-proved"),
        pytest.param(Lease, "total_paid", None, id="relations"),
        pytest.param(Property, "get_absolute_url", None, id="functions"),
        pytest.param(Property, "rent_per_square_metre", None, id="divisions"),
    ],
)
def test_bodies_are_told_from_their_source(model, name, columns):
    told = expression(model, name)
    assert (told.columns if told else None) == columns


TOTAL = [
    "return self.danger + 1 if self.danger is not None else 0",
    "return 0 if self.danger is None else self.danger + 1",
    "if self.danger is None:\n    return ''\nreturn '%d' % self.danger",
    "if not self.danger:\n    return ''\nreturn '%d' % self.danger",
    "danger = self.danger\nif danger is None or danger < 3:\n    return self.name.upper()\nreturn self.danger - 1",
    "return self.danger is not None and self.danger < 3",
    "return (self.danger or 0) * 2",
    "shown = self.name\nif self.kind == self.Kind.CAT:\n    shown += '!'\nreturn shown",
    "return f'{self.born} {self.weight} {self.seen} {self.danger!s}'",
    "return self.kind in (self.Kind.CAT, 'dog')",
    "return self.mother_id",
    "pass",
    "return 'always'",
]
NOT_TOTAL = {
    "null": "return self.danger + 1",
    "null-tested-the-wrong-way": "return self.danger + 1 if self.danger is None else 0",
    "null-tested-in-the-other-branch": "if self.danger is None:\n    return self.danger + 1\nreturn 1",
    "null-that-one-of-two-tests-excludes": "return 0 if self.danger is None and self.name else self.danger + 1",
    "null-that-may-be": "return self.danger + 1 if self.danger is not None or self.name else 0",
    "null-before-its-test": "return self.danger < 3 and self.danger is not None",
    "null-in-another-name": "d = self.danger\nif self.pk:\n    d = d + 1\nreturn d",
    "two-types": "return self.name + self.pk",
    "text-or-nothing": "return ('' if self.pk else None).strip()",
    "division": "return self.pk / 2",
    "division-by-a-column": "return 3 // self.pk",
    "division-by-nothing": "return self.pk % 0",
    "power": "return self.pk ** self.pk",
    "item": "return self.name[0]",
    "dates": "return self.born and self.born < self.born",
    "decimals": "return (self.weight or 0) < 3",
    "datetimes": "return self.seen == self.born",
    "format": "return f'{self.pk:>9}'",
    "format-of-a-number": "return '%d' % self.name",
    "too-few": "return '%s %s' % (self.name,)",
    "too-many": "return '%s' % (self.name, self.kind)",
    "relation": "return self.habitat.name",
    "file": "return self.photo",
    "json": "return self.facts",
    "choice-itself": "return self.Kind.CAT",
    "label": "return self.get_kind_display()",
    "function": "return len([1])",
    "missing": "return self.nothing",
    "unset": "if self.pk:\n    d = 1\nreturn d",
    "argument": "self = None\nreturn self.name",
    "set": "self.note = 1\nreturn self.name",
    "loop": "for x in self.name:\n    return x",
    "itself": "return self.g0",
    "identity": "return self.name is ''",
    "a-list-compared": "return self.kind in ['a'] == self.name",
    "a-tuple-joined": "return ', '.join(self.name)",
    "other-text": "return self.name.encode()",
    "error": "raise ValueError",
}


def with_body(body):
    lines = "\n".join(f"        {line}" for line in body.split("\n"))
    members = "    def g1(self): pass\n    def g2(self): pass\n    return g0, g1, g2\n"
    return installed(f"def made(__class__):\n    @property\n    def g0(self):\n{lines}\n{members}")


@pytest.mark.parametrize("body", TOTAL)
def test_total_bodies_are_inlined(rows, body):  # noqa: F811
    with with_body(body):
        told = expression(zoo.Animal, "g0")
        assert told is not None
        for danger in (None, 0, 1, 7):
            columns = dict.fromkeys(VALUES) | {"id": 3, "name": "Leo", "kind": "cat", "danger": danger}
            assert same(evaluated(told, columns), zoo.Animal(**columns).g0)
        check("{% for a in animals %}{{ a.g0 }}{% endfor %}")
        check(
            "{% for a in animals %}{{ a.g0 }}{{ a.mother.g0 }}{% for c in a.children.all %}{{ c.g0 }}{% endfor %}{% endfor %}"
        )


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in NOT_TOTAL.items()])
def test_what_may_raise_or_is_more_than_columns_is_not_inlined(body):
    with with_body(body):
        assert expression(zoo.Animal, "g0") is None


PAGE = """{% for lease in leases %}{{ lease.tenant.user.get_full_name }}{{ lease.co_signer.user.get_full_name }}
{{ lease.property.address }}{{ lease.property.get_kind_display }}
{% for payment in lease.payments.all %}{{ payment.is_settled }}{% endfor %}{% endfor %}"""


def leases():
    return Lease.objects.order_by("pk")


def test_rows_stand_for_instances_whose_members_are_inlined(agency, django_assert_num_queries):
    template = Template(PAGE)
    plain = template.render(Context({"leases": leases()}))
    with django_assert_num_queries(2):
        context = serialize_context(template, {"leases": leases()})
    assert template.render(Context(context)) == plain
    assert type(context["leases"][0]["property"]) is dict
    plan = explain(template, {"leases": Lease}).plan
    assert (
        "inlined: co_signer.user.get_full_name, property.address, property.get_kind_display, tenant" in plan
    )
    assert "inlined: is_settled" in plan
    assert "instances" not in plan


def test_loaded_objects_answer_for_themselves(agency):
    template = Template("{% for lease in leases %}{{ lease.property.address }}{% endfor %}")
    found = list(leases()[:3])
    found[1].property.city = None
    assert template.render(Context(serialize_context(template, {"leases": found}))) == template.render(
        Context({"leases": found})
    )


@pytest.mark.parametrize("change", ["function", "code", "subclass-of-str"])
def test_replaced_members_are_not_inlined(agency, monkeypatch, change):
    template = Template("{% for lease in leases %}{{ lease.tenant.user.get_full_name }};{% endfor %}")
    user = get_user_model()
    before = template.render(Context(serialize_context(template, {"leases": leases()})))
    if change == "function":
        monkeypatch.setattr(user, "get_full_name", lambda self: f"<{self.pk}>")
    elif change == "code":
        own = next(vars(cls)["get_full_name"] for cls in user.__mro__ if "get_full_name" in vars(cls))
        monkeypatch.setattr(own, "__code__", (lambda self: f"<{self.pk}>").__code__)
    else:
        monkeypatch.setattr(user, "get_full_name", property(lambda self: "same for all"))
    plain = template.render(Context({"leases": leases()}))
    assert plain != before
    assert template.render(Context(serialize_context(template, {"leases": leases()}))) == plain
    assert "a method or property has been replaced" in explain(template, {"leases": leases()}).plan


def test_constants_that_change_are_noticed(rows, monkeypatch):  # noqa: F811
    with installed(
        "def made(__class__):\n"
        "    def g0(self):\n        return self.SOUND + self.name\n"
        "    def g1(self): pass\n    def g2(self): pass\n"
        "    return g0, g1, g2\n"
    ):
        assert expression(zoo.Animal, "g0")
        page = "{% for a in animals %}{{ a.g0 }}{% endfor %}"
        check(page)
        monkeypatch.setattr(zoo.Animal, "SOUND", "meow")
        check(page)


def test_a_newer_file_is_not_believed(rows):  # noqa: F811
    body = "def made(__class__):\n    def g0(self):\n        return self.{}\n    g1 = g2 = g0\n    return g0, g1, g2\n"
    with installed(body.format("name")):
        file = zoo.Animal.g0.__code__.co_filename
        newer = body.format("kind")
        linecache.cache[file] = (len(newer), None, newer.splitlines(keepends=True), file)
        assert expression(zoo.Animal, "g0") is None
        template = Template("{% for a in animals %}{{ a.g0 }},{% endfor %}")
        plain = template.render(Context({"animals": zoo.Animal.objects.all()}))
        served = serialize_context(template, {"animals": zoo.Animal.objects.all()})
        assert template.render(Context(served)) == plain


@pytest.mark.parametrize("name", ["get_kind_display", "g0"])
def test_annotations_hide_members(rows, name):  # noqa: F811
    source = (
        "def made(__class__):\n    def g0(self):\n        return self.name\n"
        "    def g1(self):\n        return self.g0() + '!'\n    g2 = g1\n    return g0, g1, g2\n"
    )
    with installed(source):
        check(
            f"{{% for a in animals %}}{{{{ a.{name} }}}}{{{{ a.g1 }}}}{{% endfor %}}",
            lambda: {"animals": zoo.Animal.objects.annotate(**{name: Value("annotated")})},
        )


def test_a_method_that_a_template_refuses_is_not_inlined(rows):  # noqa: F811
    source = (
        "def made(__class__):\n    def g0(self):\n        return self.name\n    g0.alters_data = True\n"
        "    def g1(self):\n        return self.kind\n    g1.do_not_call_in_templates = True\n"
        "    def g2(self, more='x'):\n        return self.kind\n    return g0, g1, g2\n"
    )
    with installed(source):
        assert [expression(zoo.Animal, name) for name in NAMES] == [None, None, None]
        check("{% for a in animals %}{{ a.g0 }}{% if a.g1 %}{{ a.g2 }}{% endif %}{% endfor %}")

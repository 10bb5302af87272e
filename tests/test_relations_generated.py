"""Random trees over every kind of relation, random states of querysets, random rows: the page is plain Django's."""

import os

import pytest
from django.core.exceptions import FieldError
from django.core.paginator import Paginator
from django.db import NotSupportedError, connection, transaction
from django.db.models import Count, F, Prefetch
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from djust_ast import explain, serialize_context
from tests.test_equality import ENGINES, assert_ran, outcome
from tests.test_equality_generated import MANY, templates
from tests.zoo import models as zoo
from tests.zoo.random_data import empty, scatter

ROOTS = {
    "animals": zoo.Animal, "keepers": zoo.Keeper, "habitats": zoo.Habitat, "feedings": zoo.Feeding,
    "labels": zoo.Label, "rumors": zoo.Rumor, "visits": zoo.Visit, "buildings": zoo.Building,
    "aviaries": zoo.Aviary, "perches": zoo.Perch, "tickets": zoo.Ticket, "passports": zoo.Passport,
}  # fmt: skip


def some_order(model):
    names = [field.name for field in model._meta.concrete_fields if field.name != "facts"]
    return st.sampled_from([(), ("pk",), ("-pk",), (names[1],), (f"-{names[1]}", "pk"), ("?",)][:5])


def evaluated(queryset):
    len(queryset)
    return queryset


@st.composite
def states(draw, model):
    """What a view may have done to a queryset of ``model``: steps, each a name and a function."""
    fields = [field for field in model._meta.concrete_fields if not field.is_relation]
    ones = [
        field.name
        for field in model._meta.get_fields()
        if (field.many_to_one or field.one_to_one)
        and field.concrete
        and hasattr(field, "m2m_field_name") is False
    ]
    many = sorted(set(MANY.get(model, ())) - {"labels"})
    steps = []

    def maybe(name, change, one_in=4):
        if draw(st.integers(0, one_in)) == 0:
            steps.append((name, change))

    maybe("filter", lambda qs: qs.filter(pk__gt=1))
    if ones:
        one = draw(st.sampled_from(ones))
        maybe("across", lambda qs: qs.exclude(**{f"{one}__isnull": True}), 8)
        maybe("select_related", lambda qs: qs.select_related(one))
        maybe("noted", lambda qs: qs.annotate(note=F(f"{one}__pk")), 6)
    if many:
        name = draw(st.sampled_from(many))
        related = MANY[model][name]
        maybe("prefetch_related", lambda qs: qs.prefetch_related(name), 6)
        maybe(
            "Prefetch",
            lambda qs: qs.prefetch_related(Prefetch(name, related._default_manager.filter(pk__gt=1))),
            6,
        )
        maybe(
            "to_attr",
            lambda qs: qs.prefetch_related(Prefetch(name, related._default_manager.all(), to_attr="big")),
            6,
        )
        maybe("annotate", lambda qs: qs.annotate(meals=Count(name)), 6)
        maybe("joined", lambda qs: qs.filter(**{f"{name}__isnull": False}), 8)
        maybe("distinct", lambda qs: qs.distinct(), 5)
    only = draw(st.sampled_from(fields)).name
    maybe("only", lambda qs: qs.only(only), 6)
    maybe("defer", lambda qs: qs.defer(only), 6)
    maybe("extra", lambda qs: qs.extra(select={"one": "1"}), 12)
    maybe("using", lambda qs: qs.using("default"), 12)
    order = draw(some_order(model))
    maybe("order_by", lambda qs: qs.order_by(*order), 2)
    maybe("reverse", lambda qs: qs.reverse(), 8)
    start, stop = draw(st.sampled_from([(None, 2), (1, None), (1, 3), (0, 0)]))
    maybe("slice", lambda qs: qs[start:stop], 4)
    ends = {
        "": lambda qs: qs,
        "evaluated": evaluated,
        "list": list,
        "tuple": tuple,
        "page": lambda qs: Paginator(qs, 2).get_page(1),
        "union": lambda qs: qs.order_by().union(qs.order_by().filter(pk=1)),
        "get": lambda qs: qs.first(),
        "for_update": lambda qs: (
            qs.select_for_update(of=("self",))
            if connection.features.has_select_for_update_of
            else qs.select_for_update()
        ),
        "raw": lambda qs: model._default_manager.raw(f"SELECT * FROM {model._meta.db_table}"),
    }
    ends |= {
        "pairs": lambda qs: [(obj, row) for row, obj in enumerate(qs)],
        "groups": lambda qs: {"odd": qs[1::2], "even": list(qs)},
        "keys": lambda qs: dict.fromkeys(qs, 1),
        "lists": lambda qs: [list(qs), (*qs,)],
        "querysets": lambda qs: [qs, {"again": qs}],
    }
    end = draw(st.sampled_from([*[""] * 12, *ends]))
    steps.append((end, ends[end]))
    return steps


def built(model, steps):
    value = model._default_manager.all()
    for _, change in steps:
        value = change(value)
    return value


# Loops over what some of them end in.
LOOPS = {
    "get": "{body}",
    "pairs": "{{% for a, row in {name} %}}[{body}{{{{ row }}}}]{{% endfor %}}",
    "groups": "{{% for key, group in {name}.items %}}{{{{ key }}}}{{% for a in group %}}[{body}]{{% endfor %}}{{% endfor %}}",
    "keys": "{{% for a, row in {name}.items %}}[{body}{{{{ row }}}}]{{% endfor %}}",
    "lists": "{{% for group in {name} %}}{{% for a in group %}}[{body}]{{% endfor %}}{{% endfor %}}",
    "querysets": "{{% for a in {name}.0 %}}[{body}]{{% endfor %}}{{% for a in {name}.1.again %}}{{{{ a.pk }}}}{{% endfor %}}",
}
LOOP = "{{% for a in {name} %}}[{body}]{{% endfor %}}"


# Steps after which there may be no rows at all, and so no queries below them.
EMPTYING = {"filter", "across", "joined", "slice", "get"}


def judge(source, context, described, *, dense):
    """Cold, warm, and after the data has changed: the same text, no more queries, and as many as promised."""
    template = ENGINES[""].from_string(source)
    promised = explain(template, context())
    low, high = promised.queries
    plans = [root.compiled.plan for root in promised.roots if root.compiled]
    rows = len(plans) == len(promised.roots) and all(plan.instanceless for plan in plans)
    for when in ("cold", "warm", "changed"):
        if when == "changed":
            zoo.Animal.objects.update(name=F("kind"))
            zoo.Feeding.objects.filter(grams=1).delete()
            zoo.Habitat.objects.update(name="elsewhere")
        plain, before, ran = outcome(template, context, lambda _, found: found)
        text, after, ran_too = outcome(template, context, serialize_context)
        assert text == plain, (when, described, source, before, after)
        assert_ran(ran_too, ran, (when, described, source))
        if rows:
            assert len(after) <= high, (when, described, source, promised.plan, after)
        if rows and low == high and dense and when != "changed" and EMPTYING.isdisjoint(described):
            assert len(after) == high, (when, described, source, promised.plan, after)
        if isinstance(plain, str):
            assert len(after) <= len(before), (when, described, source, before, after)


def in_the_zoo(random, dense, test):
    with transaction.atomic():
        empty()
        scatter(random, dense=dense)
        test()
        transaction.set_rollback(True)


EXAMPLES = settings(
    max_examples=int(os.environ.get("EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
randoms = st.randoms(use_true_random=False)


@pytest.mark.django_db
@pytest.mark.parametrize("route", ["auto", "instances"])
@EXAMPLES
@given(data=st.data(), random=randoms, dense=st.booleans(), name=st.sampled_from(sorted(ROOTS)))
def test_any_tree_over_any_rows_in_any_state(route, data, random, dense, name):
    model = ROOTS[name]
    steps = data.draw(states(model))
    body = data.draw(templates((("a", model),)))
    source = LOOPS.get(steps[-1][0], LOOP).format(name=name, body=body)
    root = name if steps[-1][0] != "get" else "a"
    described = [step for step, _ in steps]

    def test():
        try:
            with transaction.atomic():
                value = built(model, steps)
                if steps[-1][0] != "get":
                    list(value)
        except (FieldError, NotSupportedError, TypeError, ValueError):
            return  # what Django refuses is no state
        with override_settings(DJUST_AST={"STRICT": True, "ROUTE": route}):
            judge(source, lambda: {root: built(model, steps)}, described, dense=dense)

    in_the_zoo(random, dense, test)

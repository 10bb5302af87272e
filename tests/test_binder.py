"""What paths mean for a model."""

import pytest

from djust_ast.binder import bind
from djust_ast.elements import rows_node
from djust_ast.errors import BindError
from djust_ast.paths import PathNode, from_paths
from djust_ast.specs import Column, Computed, Counted, Inlined, Many, Missing, Related
from tests.zoo import models as zoo


def use(*uses, **attrs):
    return PathNode(frozenset(uses), attrs)


LEAF = use("out")


def kinds(spec):
    return {m.name: type(m) for m in spec.members}


def test_every_kind_of_member():
    names = ["name", "get_danger_display", "habitat.name", "title", "nope", "photo"]
    assert kinds(bind(from_paths(names), zoo.Animal)) == {
        "name": Column,
        "get_danger_display": Inlined,
        "habitat": Related,
        "title": Computed,
        "nope": Missing,
        "photo": Computed,
    }


def test_rows_are_those_of_all():
    loop = use(feedings=use(all=PathNode(frozenset({"iter"}), element=use(grams=LEAF))))
    (many,) = bind(loop, zoo.Animal).members
    assert isinstance(many, Many)
    assert (many.via, many.lazy, kinds(many.spec)) == ("all", False, {"grams": Column})


@pytest.mark.parametrize(
    "node",
    [
        use("out", all=PathNode(frozenset({"iter"}), element=use(grams=LEAF))),
        use(count=LEAF, latest=LEAF),
        use(all=use("out")),
        use(all=PathNode(frozenset({"len"}), indexes={"0": use(grams=LEAF)})),
        use(all=use(first=use(grams=LEAF))),
        use(reverse=PathNode(frozenset({"iter"}), element=use(grams=LEAF))),
    ],
    ids=["printed", "count", "all-printed", "index", "first", "another-method"],
)
def test_a_manager_that_is_seen_stays_a_manager(node):
    (found,) = bind(use(feedings=node), zoo.Animal).members
    assert isinstance(found, Computed)


def test_a_manager_whose_rows_are_only_counted():
    (found,) = bind(use(feedings=use(count=LEAF, exists=LEAF)), zoo.Animal).members
    assert isinstance(found, Counted)
    assert (found.asks, found.lazy) == (("count", "exists"), False)


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (use("esc"), "handed to code that is not known"),
        (use("arg"), "used as a whole (arg)"),
        (use("len"), "used as a whole (len)"),
        (use("num"), "used as a whole (num)"),
        (PathNode(element=use(name=LEAF)), "looped over or indexed"),
        (PathNode(indexes={"0": LEAF}), "looped over or indexed"),
        (use(items=LEAF), "a dict would answer 'items'"),
        (use(pop=LEAF), "a dict would answer 'pop'"),
        (use("out", name=LEAF), None),
        (use("cmp", name=LEAF), None),
        (use("bool", name=LEAF), None),
    ],
)
def test_objects_that_stay_live(node, reason):
    assert bind(node, zoo.Animal).live == reason


@pytest.mark.parametrize(
    ("model", "name", "live"),
    [
        (zoo.Drawer, "items", False),
        (zoo.Drawer, "values", True),
        (zoo.Drawer, "keys", True),
        (zoo.Drawer, "copy", True),
    ],
)
def test_names_of_a_dict(model, name, live):
    assert (bind(from_paths([name]), model).live is not None) is live


def test_the_object_that_we_came_from():
    def back(paths):
        spec = bind(from_paths(paths), zoo.Animal, explicit=True)
        (first,) = spec.members
        (second,) = first.spec.members
        return getattr(second, "known", type(second))

    assert back(["feedings.all.animal.name"]) is True
    assert back(["passport.animal.name"]) is True
    assert back(["children.all.mother.name"]) is True
    assert back(["mother.children.all.name"]) is Many
    assert back(["keepers.all.boss.name"]) is False
    assert back(["perches.all.animal.name"]) is Computed


@pytest.mark.parametrize(
    ("node", "lazy"),
    [
        (PathNode(frozenset({"iter"}), element=use(name=LEAF)), False),
        (PathNode(frozenset({"iter"}), element=use(name=LEAF), conditional=True), False),
        (PathNode(frozenset({"iter"}), element=PathNode(conditional=True), conditional=True), True),
        (use("len"), False),
        (PathNode(frozenset({"len"}), conditional=True), True),
        (PathNode(frozenset({"bool"}), {"count": LEAF}), True),
    ],
)
def test_rows_that_a_branch_decides_about_are_lazy(node, lazy):
    assert rows_node(node)[1] is lazy


def test_what_a_dictsort_reads_is_not_called():
    rows = PathNode(
        frozenset({"iter"}), element=use(greet=use("cmp"), name=use("cmp")), filters=("dictsort:'greet'",)
    )
    element, _ = rows_node(rows)
    assert bind(element, zoo.Animal).live == "sorted by 'greet', which a template would call"
    by_name = PathNode(frozenset({"iter"}), element=use(name=use("cmp")), filters=("dictsort:'name'",))
    assert bind(rows_node(by_name)[0], zoo.Animal).live is None


def test_explicit_paths_must_exist():
    with pytest.raises(BindError, match="did you mean 'habitat'"):
        bind(from_paths(["habitt.name"]), zoo.Animal, explicit=True)


def test_paths_end_somewhere():
    with pytest.raises(BindError, match="more than 64 names"):
        bind(from_paths(["mother." * 70 + "name"]), zoo.Animal, explicit=True)

"""What stands in the place of live objects behaves as they do."""

import copy
import pickle

import pytest
from django.template import Context, Engine

from djust_ast.records import Called, Hole, LazyRecords, Record, Records, called
from tests.zoo import models as zoo


def render(source, **context):
    return Engine().from_string(source).render(Context(context))


class Member:
    """An object with a member of every temper."""

    name = "attribute"
    runs = 0

    def __str__(self):
        return "member"

    @property
    def counted(self):
        self.runs += 1
        return self.runs

    @property
    def wrong(self):
        self.runs += 1
        raise ValueError("wrong")

    @property
    def lacking(self):
        self.runs += 1
        raise AttributeError("lacking")

    def method(self):
        return "called"

    def callable(self):
        return self.method

    def wants(self, argument):
        raise AssertionError

    def wrong_type(self):
        self.runs += 1
        return 1 + ""

    def save(self):
        raise AssertionError

    save.alters_data = True


@pytest.mark.parametrize(
    "path",
    [
        "name",
        "method",
        "callable",
        "wants",
        "save",
        "nope",
        "instance",
        "nope.deep",
        "method.upper",
        "callable.x",
    ],
)
def test_a_record_shows_what_its_object_shows(path):
    member = Member()
    source = f"{{{{ x.{path} }}}}{{% if x.{path} is None %}}N{{% endif %}}"
    assert render(source, x=Record(member, {})) == render(source, x=member)


@pytest.mark.parametrize(
    ("path", "error"), [("wrong", ValueError), ("lacking", AttributeError), ("wrong_type", TypeError)]
)
def test_what_raises_runs_once(path, error):
    member = Member()
    with pytest.raises(error):
        render(f"{{{{ x.{path} }}}}", x=Record(member, {}))
    assert member.runs == 1


def test_members_run_each_time_that_they_are_asked():
    member = Member()
    assert render("{{ x.counted }}{{ x.counted }}{{ x.counted }}", x=Record(member, {})) == "123"


def test_what_was_read_ahead_wins():
    assert render("{{ x.name }}{{ x }}", x=Record(Member(), {"name": "read"})) == "readmember"


def test_equality_and_hash_are_those_of_the_objects():
    one, other = zoo.Animal(pk=1), zoo.Animal(pk=2)
    record = Record(one, {"name": "a"})
    assert record == Record(zoo.Animal(pk=1), {}) == one
    assert one == record
    assert record != Record(other, {"name": "a"})
    assert record != other
    assert record != {"name": "a"}
    assert len({record, Record(one, {}), one}) == 1
    assert record in [one]
    assert one in [record]
    assert Record(zoo.Animal(), {}) != Record(zoo.Animal(), {})
    assert bool(Record(one, {}))


def test_records_can_be_copied_and_pickled():
    record = Record(zoo.Animal(pk=1, name="Leo"), {"name": "Leo"})
    for found in (copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record))):  # noqa: S301
        assert (found == record, dict(found), str(found)) == (True, {"name": "Leo"}, "Leo & co")
    rows = pickle.loads(pickle.dumps(Records([record])))  # noqa: S301
    assert (type(rows), rows) == (Records, [record])


def test_lazy_rows_can_be_copied_and_pickled():
    runs = []
    rows = LazyRecords(lambda: runs.append(1) or [1, 2])
    for found in (copy.copy(rows), copy.deepcopy(rows), pickle.loads(pickle.dumps(rows))):  # noqa: S301
        assert (type(found), found) == (Records, [1, 2])
    assert runs == [1]


def test_holes_can_be_copied_and_pickled():
    absent = {"passport": zoo.Animal.passport.RelatedObjectDoesNotExist}
    hole = type("Hole", (Hole,), {"__slots__": (), "absent": absent})(name="Leo")
    for found in (copy.copy(hole), copy.deepcopy(hole), pickle.loads(pickle.dumps(hole))):  # noqa: S301
        assert found == {"name": "Leo"}
        with pytest.raises(zoo.Passport.DoesNotExist):
            getattr(found, "passport")  # noqa: B009


def test_a_hole_is_silent_where_django_is():
    class Absent(Hole):
        absent = {"passport": zoo.Animal.passport.RelatedObjectDoesNotExist}

    hole = Absent(name="Leo")
    with pytest.raises(zoo.Passport.DoesNotExist):
        getattr(hole, "passport")  # noqa: B009
    with pytest.raises(AttributeError):
        getattr(hole, "nope")  # noqa: B009
    assert (
        render(
            "{{ x.passport }}{{ x.passport.number }}{{ x.name }}{{ x.passport|default_if_none:'n' }}", x=hole
        )
        == "Leo"
    )


@pytest.mark.parametrize("rows", [[], ["a"], ["a", "b", "c"]], ids=len)
@pytest.mark.parametrize("make", [Records, lambda rows: LazyRecords(lambda: rows)], ids=["filled", "lazy"])
def test_rows_answer_as_a_queryset_does(make, rows):
    found = make(rows)
    ends = (rows[0], rows[-1]) if rows else (None, None)
    assert (found.count(), found.exists(), found.first(), found.last()) == (len(rows), bool(rows), *ends)
    assert list(found.all()) == list(found) == rows
    assert (len(found), bool(found), list(found[:2]), "a" in found) == (
        len(rows),
        bool(rows),
        rows[:2],
        "a" in rows,
    )
    source = "{% for r in x %}{{ r }}{{ forloop.revcounter }}{% empty %}-{% endfor %}{{ x|length }}{{ x.count }}{{ x.0 }}{{ x|join:'+' }}{{ x|first }}"
    assert render(source, x=found) == render(source.replace("x.count", "x|length"), x=rows)
    with pytest.raises(AttributeError):
        getattr(found, "nope")  # noqa: B009


def test_lazy_rows_are_fetched_once_when_touched():
    runs = []
    rows = LazyRecords(lambda: runs.append(1) or [1, 2])
    assert runs == []
    assert repr(rows) == "<LazyRecords, not fetched>"
    assert render("{% if no %}{% for r in x %}{{ r }}{% endfor %}{% endif %}", x=rows) == ""
    assert runs == []
    assert (
        render("{% for r in x %}{{ r }}{% endfor %}{{ x|length }}{{ x.count }}{% if x %}T{% endif %}", x=rows)
        == "1222T"
    )
    assert runs == [1]
    with pytest.raises(TypeError):
        rows["name"]


def test_rows_can_be_refined():
    queryset = zoo.Animal.objects.all()
    for rows in (Records([], queryset), LazyRecords(list, queryset)):
        assert str(rows.filter(name="x").query) == str(queryset.filter(name="x").query)
        assert rows.model is zoo.Animal


def test_called_follows_djangos_rules():
    assert called(3) == 3
    assert called(Member().method) == "called"
    assert called(Member().save).alters_data
    assert called(zoo.Animal.Kind) is zoo.Animal.Kind
    result = called(Member().callable)
    assert isinstance(result, Called)
    assert result()() == "called"
    with pytest.raises(TypeError):
        called(Member().wrong_type)

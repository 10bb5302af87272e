"""What is measured does the same work as what it is measured against, and is faster by a safe margin.

No clock decides here: a gate compares the quickest rounds of both in one process.
"""

import json
import os
import subprocess
import sys

import pytest

from djust_ast.bench import compilation, dashboard, extraction, fetched, instructions, loaded
from djust_ast.bench.report import FORMATS, Report
from djust_ast.bench.rivals import M, S
from djust_ast.bench.timing import (
    CANARY,
    Case,
    Contestant,
    DifferentResultError,
    Outcome,
    Stage,
    Target,
    agree,
    difference,
    measure,
)

ROUNDS = 9


class TestTiming:
    @pytest.mark.parametrize(
        ("expected", "found", "where"),
        [
            pytest.param([{"a": 1}], [{"a": 1}], None, id="equal"),
            pytest.param([{"a": 1}], [{"a": 2}], "result[0]['a']: 1, 2", id="value"),
            pytest.param([{"a": 1}], [{"a": 1.0}], "result[0]['a']: int, float", id="type"),
            pytest.param([{"a": 1}], [{"a": True}], "result[0]['a']: int, bool", id="bool"),
            pytest.param([{"a": None}], [{}], "result[0]: keys ['a'], []", id="missing"),
            pytest.param(
                {"a": 1, "b": 2}, {"b": 2, "a": 1}, "result: keys ['a', 'b'], ['b', 'a']", id="order"
            ),
            pytest.param([1], [1, 2], "result: 1 items, 2 items", id="length"),
            pytest.param({}, type("Record", (dict,), {})(), "result: dict, Record", id="subclass"),
            pytest.param([1], type("Records", (list,), {})([1]), None, id="list-subclass"),
        ],
    )
    def test_differences_are_found(self, expected, found, where):
        assert difference(expected, found) == where

    def test_nothing_is_timed_that_differs(self):
        with pytest.raises(DifferentResultError, match="b differs from a at result: 1, 2"):
            agree([Contestant("a", lambda _: 1), Contestant("b", lambda _: 2)])

    def test_contestants_take_turns_with_fresh_arguments(self):
        made, seen = [], []

        def prepare():
            made.append(object())
            return made[-1]

        case = measure("turns", [Contestant("a", seen.append, prepare)], 3, unit="µs", units=2, repeat=2)
        assert [outcome.name for outcome in case.outcomes] == ["a", CANARY]
        assert len(made) == 8  # two contestants, one run to warm up and three rounds
        assert seen == [thing for thing in made for _ in range(2)]
        assert case["a"].ratio == case["a"].least == case["a"].most == 1


class TestReport:
    REPORT = Report(
        3,
        (
            Stage(
                "Stage",
                (
                    Case(
                        "quiet",
                        "µs",
                        (
                            Outcome("a", 1, 1, 1, 1, 1, 1, None),
                            Outcome(CANARY, 1, 1, 1, 1, 1, 1, None),
                            Outcome("b", 0.5, 0.5, 1234, 0.5, 0.4, 0.6, 2),
                        ),
                    ),
                    Case("loud", "µs", (Outcome(CANARY, 1, 1, 1, 1.2, 1, 2, None),)),
                ),
                (Target("kept", 2, 1, "ms"), Target("broken", 1, 2, "ms")),
            ),
        ),
    )

    def test_table(self):
        lines = FORMATS["table"](self.REPORT).splitlines()
        assert any(
            line.split() == ["b", "0.50", "0.50", "1,234", "0.50", "0.40", "0.60", "2"] for line in lines
        )
        assert any("kept" in line and line.endswith("met") for line in lines)
        assert any("broken" in line and line.endswith("MISSED") for line in lines)
        assert lines[-1] == "NOISY, measure again: Stage: loud"

    def test_markdown(self):
        assert "| kept | ≤ 2.00 ms | 1.00 ms | met |" in FORMATS["md"](self.REPORT).splitlines()

    def test_json(self):
        document = json.loads(FORMATS["json"](self.REPORT))
        assert [target["met"] for target in document["targets"]] == [True, False]
        assert document["noisy"] == ["Stage: loud"]
        assert {"python", "django", "cpu", "date"} <= document["machine"].keys()


def test_the_program_measures_every_stage_without_a_project(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "djust_ast", "bench", "--rounds", "1", "--rows", "5", "--format", "json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [stage["title"] for stage in json.loads(done.stdout)["stages"]] == [
        "Extraction",
        "Compilation",
        "Loaded instances",
        "From queryset to dicts",
        "Dashboard",
    ]
    assert list(tmp_path.iterdir()) == []


class TestExtraction:
    @pytest.mark.parametrize("size", [1_024, 5_120])
    def test_templates_have_their_size(self, size):
        assert len(extraction.template(size).encode()) == size

    def test_beats_djangos_own_compilation(self):
        small, large, real, typical, *hostile = extraction.stage(ROUNDS).cases
        for case in (small, large):
            assert case[extraction.JSON].best <= 0.3 * case.outcomes[0].best
            assert case[extraction.TREE].best <= 0.8 * case.outcomes[0].best
        for case in (real, typical):
            assert case[extraction.JSON].best <= 0.1 * case.outcomes[0].best
        # About as much work as the hundred and more templates, if nothing is searched twice.
        units = len(extraction.real_sources())
        assert all(case[extraction.JSON].best <= 3 * units * real[extraction.JSON].best for case in hostile)

    def test_instructions_are_counted_or_it_is_said_why_not(self, monkeypatch):
        assert instructions.count(["{{ a }}"]).startswith("instructions")
        monkeypatch.setenv("PATH", "")
        assert instructions.count(["{{ a }}"]) == "instructions: not counted, since there is no valgrind"


class TestCompilation:
    def test_the_paths_are_twenty(self):
        assert len(set(compilation.PATHS)) == 20
        assert (len(S), len(M)) == (7, 16)

    def test_measures_both_routes(self):
        (case,) = compilation.stage(2).cases
        assert [outcome.name for outcome in case.outcomes] == ["over rows", CANARY, "over instances"]


@pytest.mark.usefixtures("agency")
class TestRows:
    @pytest.mark.parametrize("index", [0, 1, 2], ids=["S", "M", "N"])
    def test_loaded_instances_give_the_same(self, index):
        agree(loaded.contestants(index))

    @pytest.mark.parametrize("count", [0, 1, 100])
    @pytest.mark.parametrize("index", [0, 1, 2], ids=["S", "M", "F"])
    def test_querysets_give_the_same_in_one_query(self, index, count):
        contestants = fetched.contestants(index, count)
        agree(contestants)
        assert {contestant.queries for contestant in contestants} == {min(count, 1)}

    def test_plain_columns_of_loaded_instances(self):
        case = measure("S", loaded.contestants(0), ROUNDS, unit="µs", units=loaded.COUNT)
        assert case[loaded.GENERATED].best <= 0.8 * case[loaded.NAIVE].best

    def test_labels_of_loaded_instances(self):
        case = measure("M", loaded.contestants(1), ROUNDS, unit="µs", units=loaded.COUNT)
        assert case[loaded.GENERATED].best <= 0.45 * case[loaded.NAIVE].best

    def test_a_hundred_rows(self):
        stage = fetched.stage(ROUNDS, [100])
        for case in stage.cases:
            joined, _, by_values, ours = (outcome.best for outcome in case.outcomes)
            assert ours <= 0.75 * joined
            assert ours <= 2.0 * by_values

    def test_the_dashboard(self):
        stage = dashboard.stage(3)
        contexts, warm, cold = stage.cases
        assert {outcome.queries for outcome in contexts.outcomes} == {4}
        for page in (warm, cold):
            plain, _, served = page.outcomes
            assert plain.queries > 100
            assert served.queries == 4
            assert served.best <= 0.8 * plain.best

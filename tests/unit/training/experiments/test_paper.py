"""Tests of the benchmark of the paper: it writes its results, resumes an interrupted run, and reports every result."""

import json
import sys
from dataclasses import replace

import pytest

from enn_training.__main__ import main
from enn_training.errors import DataError, OptionError
from enn_training.experiments.paper import claims, document
from enn_training.experiments.paper.results import Budget, Result, Results, thin_curve
from enn_training.experiments.paper.spread import Spread, best_contender, format_score

pytestmark = pytest.mark.slow

TINY = ("--samples", "64", "--judged", "50", "--passes", "2", "--seeds", "2")


@pytest.fixture
def benchmark(monkeypatch, capsys, tmp_path):
    """Run `benchmark paper` with tiny settings into tmp_path; return status, standard output and standard error."""

    def run(*arguments):
        command = ["enn-train", "benchmark", "paper", "--output", str(tmp_path), *TINY, *arguments]
        monkeypatch.setattr(sys, "argv", command)
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        return status, *capsys.readouterr()

    return run


def test_page_and_pictures_are_written_and_results_resume(benchmark, tmp_path):
    status, out, err = benchmark("--problems", "high-frequency-sine,sum")
    assert (status, err) == (0, "")
    text = (tmp_path / "benchmarks" / "paper.md").read_text()
    assert out == text + "\n"
    assert "| high-frequency-sine, M = 12 |" in text
    for name in ("high-frequency-sine", "sum"):
        assert (tmp_path / "pictures" / f"paper-{name}.png").read_bytes().startswith(b"\x89PNG")
    path = tmp_path / "benchmarks" / "paper" / "sum.json"
    first = json.loads(path.read_text())
    forgotten = first["results"]["kan-3"].pop("1")
    marked = {**first["results"]["enn-6"]["0"], "seconds": -1.0}
    first["results"]["enn-6"]["0"] = marked
    path.write_text(json.dumps(first))
    assert benchmark("--problems", "sum")[0] == 0
    second = json.loads(path.read_text())["results"]
    assert second["kan-3"]["1"]["score"] == pytest.approx(forgotten["score"])
    assert second["enn-6"]["0"] == marked
    assert benchmark("--problems", "sum", "--again", "enn-6")[0] == 0
    assert json.loads(path.read_text())["results"]["enn-6"]["0"]["seconds"] >= 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--problems", "square"), "problem 'square': expected one of"),
        (("--problems", "sum,sum"), "--problems sum,sum: one is named twice"),
        (("--problems", "sum", "--again", "forest"), "--again forest: expected some of constant, enn-6"),
    ],
)
def test_a_refusal_is_one_line_and_exit_status_2(benchmark, arguments, words):
    status, _, err = benchmark(*arguments)
    assert status == 2
    assert words in err


def test_results_of_another_budget_or_of_another_hand_are_refused(tmp_path):
    results = Results(tmp_path, Budget())
    results.add("ring", "enn-6", 3, Result(0.99, 1.0, tried=(0.5, 0.99), curve=((1, 0.1), (2, 0.05))))
    assert results.read("ring")["enn-6"][3].curve == ((1, 0.1), (2, 0.05))
    with pytest.raises(OptionError, match="choose another --output"):
        Results(tmp_path, Budget(passes=5)).read("ring")
    (tmp_path / "ring.json").write_text('{"budget": 3}')
    with pytest.raises(DataError, match="not a file of results"):
        results.read("ring")


def test_a_learning_curve_keeps_its_first_and_last_pass():
    curve = thin_curve([1 / number for number in range(1, 201)])
    assert (curve[0], curve[-1], len(curve) <= 20) == ((1, 1.0), (200, 0.005), True)


def test_a_high_accuracy_is_better_and_a_high_error_worse():
    maps = Spread("classification", (0.9, 0.95, 0.7))
    assert (maps.median, maps.worst, str(maps)) == (0.9, 0.7, "0.9000 / 0.7000")
    values = Spread("regression", (2e-6, 1e-6, 5e-6))
    assert (values.median, values.worst, str(values)) == (2e-6, 5e-6, "2.0e-06 / 5.0e-06")
    assert values.reaches(5e-6)
    assert not maps.reaches(0.8)
    assert best_contender({"a": values, "b": Spread("regression", (1e-6,))}) == "b"
    assert best_contender({"a": maps, "b": Spread("classification", (0.8,)), "c": maps}) == "a"
    assert format_score("regression", 1e-17) == "0"


def outcome(scores):
    return {name: {0: Result(score, 2.0)} for name, score in scores.items()}


def test_gap_counts_as_reproduced_above_40_points():
    plain, tuned = dict.fromkeys(claims.UNTUNED, 0.58), dict.fromkeys(claims.SAME_SIZE, 0.999)
    found = {"stripes": outcome({"enn-6": 0.99} | plain | tuned | {"sine-6-plain": 0.5})}
    gaps = str(claims.claim_fields(found)["gaps"]).splitlines()
    assert "49.0 points (stripes: 0.9900, sine-6-plain 0.5000): **reproduced**" in gaps[0]
    assert "41.0 points" in gaps[1]
    assert "**reproduced**" in gaps[1]
    assert "-0.9 points" in gaps[3]
    assert "**not reproduced**" in gaps[3]


def test_missed_target_is_reported():
    found = {"ring": outcome({"enn-6": 0.989}), "sum": outcome({"enn-6": 1e-6})}
    assert claims.claim_fields(found)["promises_met"] == "1 of 2"
    slow = {"sum": {"enn-6": {0: replace(found["sum"]["enn-6"][0], seconds=11.0)}}}
    assert claims.claim_fields(slow)["promises_met"] == "0 of 1"
    assert "ring (0.9890 / 0.9890; target ≥ 0.99)" in str(claims.claim_fields(found)["reached"])


def test_contenders_ahead_are_listed_best_first():
    scores = {"ENN": 0.9, "a": 0.95, "b": 0.99, "c": 0.1}
    spreads = {name: Spread("classification", (score,)) for name, score in scores.items()}
    assert document._names_ahead(spreads) == "b, a"

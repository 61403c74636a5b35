"""The benchmark of the learners writes its page and picture, goes on where it stopped, and judges by its targets."""

import json
import sys

import pytest

from enn_training.__main__ import main
from enn_training.experiments.learners import document, experiment, picture
from enn_training.experiments.paper.results import Budget, Result

TINY = ("--samples", "64", "--judged", "50", "--seeds", "2", "--curve-seeds", "1", "--problems", "ring,sum")


@pytest.fixture
def benchmark(monkeypatch, capsys, tmp_path):
    """Run `benchmark learners` with little effort into tmp_path; return standard output and standard error."""
    efforts = tuple(experiment.Run(run.learner, 1, run.create, run.default) for run in experiment.RUNS if run.default)
    others = tuple(experiment.Run(run.learner, 2, run.create) for run in efforts)
    monkeypatch.setattr(experiment, "RUNS", efforts + others)
    for module in (document, picture):
        monkeypatch.setattr(module, "RUNS", efforts + others)
    monkeypatch.setattr(document, "LM", efforts[0])
    monkeypatch.setattr(document, "DEFAULT_LMS", efforts[1])

    def run():
        monkeypatch.setattr(sys, "argv", ["enn-train", "benchmark", "learners", "--output", str(tmp_path), *TINY])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        return capsys.readouterr()

    return run


def test_page_and_picture_are_written_and_only_missing_runs_repeated(benchmark, tmp_path):
    out, err = benchmark()
    assert err == ""
    assert out == (tmp_path / "benchmarks" / "learners.md").read_text() + "\n"
    assert (tmp_path / "pictures" / "learners.png").read_bytes().startswith(b"\x89PNG")
    path = tmp_path / "benchmarks" / "learners" / "ring.json"
    first = json.loads(path.read_text())
    assert {name: list(seeds) for name, seeds in first["results"].items()} == {
        "lm-1": ["0", "1"],
        "lm-2": ["0"],
        "lms-1": ["0", "1"],
        "lms-2": ["0"],
    }
    forgotten = first["results"]["lm-1"].pop("1")
    first["results"]["lm-2"]["0"]["score"] = 0.125
    path.write_text(json.dumps(first))
    benchmark()
    second = json.loads(path.read_text())["results"]
    assert second["lm-1"]["1"]["score"] == forgotten["score"]
    assert second["lm-2"]["0"]["score"] == 0.125


@pytest.mark.parametrize(
    ("score", "seconds", "verdict"), [(0.999, 4.0, "met"), (0.99, 4.0, "not"), (0.999, 6.0, "not")]
)
def test_target_is_met_by_score_and_time(score, seconds, verdict):
    outcome = {run.name: {0: Result(score, seconds), 1: Result(1.0, 1.0)} for run in experiment.RUNS}
    text = document.render({"ring": outcome}, Budget())
    row = next(line for line in text.splitlines() if line.startswith("| ring"))
    assert (" met " in row) == (verdict == "met")
    assert f"{int(verdict == 'met')} of 1 targets are met" in text

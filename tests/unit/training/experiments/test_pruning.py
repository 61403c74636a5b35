"""The benchmark of pruning writes what it found, goes on where it stopped, and calls free what is."""

import json
import sys

import pytest

from enn_training.__main__ import main
from enn_training.data.problems import problem
from enn_training.experiments.paper.results import Budget, Result, Results
from enn_training.experiments.pruning import document, experiment

TINY = ("--samples", "64", "--judged", "50", "--passes", "2", "--seeds", "2")


@pytest.fixture
def benchmark(monkeypatch, capsys, tmp_path):
    """Run `benchmark pruning` with tiny settings into tmp_path; return standard output and standard error."""

    def run(*arguments):
        command = ["enn-train", "benchmark", "pruning", "--output", str(tmp_path), *TINY, *arguments]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        return capsys.readouterr()

    return run


def test_only_missing_results_are_measured(benchmark, tmp_path):
    out, err = benchmark("--problems", "high-frequency-sine,sum")
    assert err == ""
    assert out == (tmp_path / "benchmarks" / "pruning.md").read_text() + "\n"
    path = tmp_path / "benchmarks" / "pruning" / "sum.json"
    first = json.loads(path.read_text())
    forgotten = first["results"]["share-40-tuned"].pop("1")
    first["results"]["whole"]["0"]["score"] = -1.0
    path.write_text(json.dumps(first))
    benchmark("--problems", "sum")
    second = json.loads(path.read_text())["results"]
    assert second["share-40-tuned"]["1"]["score"] == pytest.approx(forgotten["score"])
    assert second["whole"]["0"]["score"] == -1.0


def test_networks_of_the_paper_benchmark_are_reused(tmp_path):
    budget, one = Budget(64, 50, 2), problem("ring")
    paper, results = Results(tmp_path / "paper", budget), Results(tmp_path / "pruning", budget)
    ((_, found),) = experiment.pruned_contender(one).learn(one, (7,), budget, lambda: None)
    paper.add("ring", "enn-6", 0, found)  # of another seed, so that it can be told
    experiment.run(results, paper, (one,), 1)
    network = experiment.pruned_contender(one).network(one, found)
    truth = one.dataset(64, 0, 50).test
    whole = ((network.respond(truth.x).output[:, 0] > 0) == truth.y).mean()
    assert results.read("ring")["whole"][0].score == whole


def outcome(**scores):
    """Return results of two seeds; what is not named is as good as the whole network."""
    whole = {name: {0: Result(1.0, 1.0), 1: Result(1.0, 1.0)} for name in experiment.result_names()}
    return whole | {
        name.replace("_", "-"): {0: Result(1.0, 1.0), 1: Result(score, 1.0)} for name, score in scores.items()
    }


def test_cut_is_free_only_if_every_seed_is_within_limits():
    found = {"ring": outcome(magnitude_40=0.99, share_40=0.994), "sum": outcome(magnitude_40=5.0, share_40=1.9)}
    text = document.render(found, Budget())
    assert "- 40 % as cut: free on 1 of 2 problems; not on ring" in text
    assert "- 40 % after fine-tuning: free on 2 of 2 problems" in text
    assert "| ring | **not free:** 0.60 points | 0.00 points |" in text
    assert "| sum | 1.9 times the error | 1.0 times the error |" in text

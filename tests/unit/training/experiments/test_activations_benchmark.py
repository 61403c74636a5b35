"""The benchmark of activations searches every family alike, goes on where it stopped, and prints its verdicts."""

import json
import sys

import numpy as np
import pytest

from enn_training.__main__ import main
from enn_training.data.problems import problem
from enn_training.experiments.activations import document, experiment
from enn_training.experiments.activations.families import FAMILIES, OURS
from enn_training.experiments.paper.results import Budget, Result
from enn_training.kernels import jacobian


@pytest.fixture
def benchmark(monkeypatch, capsys, tmp_path):
    """Run `benchmark activations` with few starts into tmp_path; return standard output and standard error."""
    monkeypatch.setattr(experiment, "learn", lambda *run, learn=experiment.learn: learn(*run[:3], 2))

    def run():
        tiny = ("--samples", "64", "--judged", "50", "--seeds", "1", "--problems", "ring,sum")
        monkeypatch.setattr(sys, "argv", ["enn-train", "benchmark", "activations", "--output", str(tmp_path), *tiny])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        return capsys.readouterr()

    return run


def test_page_is_written_and_only_missing_runs_repeated(benchmark, tmp_path):
    out, err = benchmark()
    assert err == ""
    assert out == (tmp_path / "benchmarks" / "activations.md").read_text() + "\n"
    path = tmp_path / "benchmarks" / "activations" / "ring.json"
    first = json.loads(path.read_text())
    assert sorted(first["results"]) == sorted(family.name for family in FAMILIES)
    forgotten = first["results"]["kan"].pop("0")
    first["results"]["sine"]["0"]["score"] = 0.125
    path.write_text(json.dumps(first))
    benchmark()
    second = json.loads(path.read_text())["results"]
    assert second["kan"]["0"]["score"] == forgotten["score"]
    assert second["sine"]["0"]["score"] == 0.125


def test_families_have_about_as_many_parameters_as_the_enn():
    sizes = {family.name: family.parameters.size for family in FAMILIES}
    assert sizes["enn-dct"] == 67 - 6  # the output weights are absorbed
    assert all(67 <= size <= 69 for name, size in sizes.items() if name != "enn-dct")


def test_kan_receives_chebyshev_polynomials_of_its_inputs():
    (kan,) = (family for family in FAMILIES if family.name == "kan")
    x = np.array([[0.5, -0.25]])
    expected = [np.polynomial.chebyshev.Chebyshev.basis(n)(x[0]) for n in range(1, 8)]
    np.testing.assert_allclose(kan.enter(x)[:, 0], np.concatenate(expected), atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_initial_networks_of_every_family_vary_within_the_square(family):
    parameters, rng = family.parameters, np.random.default_rng(0)
    x = np.ascontiguousarray(family.enter(rng.uniform(-1, 1, (256, 2))))
    one, two = (family.draw(parameters, family.gains[0], rng) for _ in range(2))
    assert not np.array_equal(one, two)
    one[parameters.linear : parameters.head] = rng.normal(size=parameters.head - parameters.linear)
    work = jacobian.workspace(parameters.layout, parameters.size)
    assert np.ptp(jacobian.respond(parameters.layout, work, one, x)) > 0.01


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ((0.9, 0.9), "median is at least that of the best of them on 1 (ring)"),
        ((0.95, 0.85), "within the seeds of the best on 1 (ring)"),
        ((0.95, 0.93), "behind every seed of the best on 1 (ring)"),
    ],
)
def test_verdict_compares_medians_with_seeds_of_the_best(scores, words):
    ours, rival = Result(0.9, 1.0), tuple(Result(score, 1.0) for score in scores)
    outcome = {family.name: {0: ours, 1: ours, 2: ours} for family in FAMILIES}
    outcome["sine"] = {0: rival[0], 1: rival[0], 2: rival[1]}
    lines = [line for line in document.render({"ring": outcome}, Budget()).splitlines() if "the median is at" in line]
    assert len(lines) == len(OURS)
    assert all(words in line for line in lines)


def test_sine_network_learns_the_ring():
    (sine,) = (family for family in FAMILIES if family.name == "sine")
    assert experiment.learn(sine, problem("ring").dataset(4_000, 0, 2_000), 0, 12).score > 0.98

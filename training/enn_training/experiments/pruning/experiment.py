"""Runs what is missing: the ENN of every problem and seed, whole and with some of its coefficients cut."""

import time
from itertools import product

from tqdm import tqdm

from enn_models.network import Network
from enn_training.data.dataset import Dataset
from enn_training.data.problems import Problem
from enn_training.evaluation.metrics import score
from enn_training.experiments.paper.contenders import HARD, Enn
from enn_training.experiments.paper.results import Result, Results
from enn_training.pruning import cuts
from enn_training.pruning.fine_tuning import tune
from enn_training.pruning.scaled import ScaledData
from enn_training.pruning.search import CRITERIA

PERCENT = (20, 40, 60)
WHOLE = "whole"
TUNED = "tuned"


def names() -> tuple[str, ...]:
    """Return what results call what is measured: "whole", "magnitude-20", "magnitude-20-tuned", ..."""
    cut = [f"{criterion}-{percent}" for criterion, percent in product(CRITERIA, PERCENT)]
    return (WHOLE, f"{WHOLE}-{TUNED}", *cut, *(f"{name}-{TUNED}" for name in cut))


def missing(results: Results, problems: tuple[Problem, ...], seeds: int) -> list[tuple[Problem, int]]:
    """Return each problem with each seed, of 0 to seeds - 1, of which something has not been measured yet."""
    known = {problem.name: results.read(problem.name) for problem in problems}
    return [
        (problem, seed)
        for problem, seed in product(problems, range(seeds))
        if not all(seed in known[problem.name].get(name, {}) for name in names())
    ]


def run(results: Results, paper: Results, problems: tuple[Problem, ...], seeds: int) -> None:
    """Measure and keep what is missing, with a bar where standard error is a terminal.

    Args:
        results: What there is.
        paper: Results of `benchmark paper`; a network that it learned is not learned again.
        problems: Problems asked for.
        seeds: Seeds asked for.
    """
    with tqdm(missing(results, problems, seeds), unit="network", disable=None) as bar:
        for problem, seed in bar:
            bar.set_description(f"{problem.name}, seed {seed}")
            network = _network(paper, problem, seed)
            data = problem.dataset(results.budget.samples, seed, results.budget.judged)
            for name, result in _measured(network, data, seed).items():
                results.add(problem.name, name, seed, result)


def contender(problem: Problem) -> Enn:
    """Return the ENN that is cut: 2-6-1, and on the hard problem 2-12-1 with g = 2."""
    return Enn(12, 2.0) if problem.name == HARD else Enn()


def _network(paper: Results, problem: Problem, seed: int) -> Network:
    enn = contender(problem)
    found = paper.read(problem.name).get(enn.name, {}).get(seed)
    if found is None:
        found = dict(enn.learn(problem, (seed,), paper.budget, lambda: None))[seed]
    return enn.network(problem, found)


def _measured(network: Network, dataset: Dataset, seed: int) -> dict[str, Result]:
    """Return name -> score on the test part, as in `names`; the seconds of learning on are those of all together."""
    data = ScaledData.of(dataset, network.head)
    whole = data.enter(network)
    cut = {WHOLE: whole} | {
        f"{criterion}-{percent}": cuts.without_harmonics(whole, percent / 100, criterion)
        for criterion, percent in product(CRITERIA, PERCENT)
    }
    began = time.process_time()
    tuned = tune(list(cut.values()), data.training, seed)
    seconds = round(time.process_time() - began, 2)
    scores = {name: Result(_score(data, one), 0.0) for name, one in cut.items()}
    learned = zip(cut, tuned, strict=True)
    return scores | {f"{name}-{TUNED}": Result(_score(data, one), seconds) for name, one in learned}


def _score(data: ScaledData, network: Network) -> float:
    scores = score(data.leave(network), data.dataset.test)
    return scores["accuracy" if data.dataset.classes is not None else "mean_squared_error"]

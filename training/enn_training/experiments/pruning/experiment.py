"""Run the missing measurements: the ENN of every problem and seed, complete and with coefficients removed."""

import time
from itertools import product

from tqdm import tqdm

from enn_models.network import Network
from enn_training.data.dataset import Dataset
from enn_training.data.problems import Problem
from enn_training.evaluation.metrics import score
from enn_training.experiments.paper.contenders import HARD_PROBLEM, ENNContender
from enn_training.experiments.paper.results import Result, Results
from enn_training.pruning import cuts
from enn_training.pruning.fine_tuning import fine_tune
from enn_training.pruning.search import CRITERIA
from enn_training.pruning.training_data import ScaledData

PERCENTAGES = (20, 40, 60)
WHOLE = "whole"
TUNED = "tuned"


def result_names() -> tuple[str, ...]:
    """Return the names of the networks in the results: "whole", "magnitude-20", "magnitude-20-tuned", ..."""
    cut = [f"{criterion}-{percent}" for criterion, percent in product(CRITERIA, PERCENTAGES)]
    return (WHOLE, f"{WHOLE}-{TUNED}", *cut, *(f"{name}-{TUNED}" for name in cut))


def missing_runs(results: Results, problems: tuple[Problem, ...], seeds: int) -> list[tuple[Problem, int]]:
    """Return each problem and seed, counted from 0, that has an incomplete result."""
    known = {problem.name: results.read(problem.name) for problem in problems}
    return [
        (problem, seed)
        for problem, seed in product(problems, range(seeds))
        if not all(seed in known[problem.name].get(name, {}) for name in result_names())
    ]


def run(results: Results, paper: Results, problems: tuple[Problem, ...], seeds: int) -> None:
    """Measure and store the missing results, with a progress bar on a terminal.

    Args:
        results: Stored results.
        paper: Results of `benchmark paper`, whose networks are reused.
        problems: Requested problems.
        seeds: Number of requested seeds.
    """
    with tqdm(missing_runs(results, problems, seeds), unit="network", disable=None) as bar:
        for problem, seed in bar:
            bar.set_description(f"{problem.name}, seed {seed}")
            network = _load_or_train(paper, problem, seed)
            data = problem.dataset(results.budget.samples, seed, results.budget.judged)
            for name, result in _measure(network, data, seed).items():
                results.add(problem.name, name, seed, result)


def pruned_contender(problem: Problem) -> ENNContender:
    """Return the ENN to prune: 2-6-1, and 2-12-1 with g = 2 on the hard problem."""
    return ENNContender(12, 2.0) if problem.name == HARD_PROBLEM else ENNContender()


def _load_or_train(paper: Results, problem: Problem, seed: int) -> Network:
    """Return the network of a problem and seed from the paper's results, or train it."""
    enn = pruned_contender(problem)
    result = paper.read(problem.name).get(enn.name, {}).get(seed)
    if result is None:
        result = dict(enn.learn(problem, (seed,), paper.budget, lambda: None))[seed]
    return enn.network(problem, result)


def _measure(network: Network, dataset: Dataset, seed: int) -> dict[str, Result]:
    """Return name -> score on the test rows; the seconds are those of fine-tuning all networks together."""
    data = ScaledData.of(dataset, network.head)
    whole = data.to_scaled_units(network)
    cut = {WHOLE: whole} | {
        f"{criterion}-{percent}": cuts.remove_harmonics(whole, percent / 100, criterion)
        for criterion, percent in product(CRITERIA, PERCENTAGES)
    }
    began = time.process_time()
    tuned = fine_tune(list(cut.values()), data.training, seed)
    seconds = round(time.process_time() - began, 2)
    scores = {name: Result(_score(data, each), 0.0) for name, each in cut.items()}
    tuned_by_name = zip(cut, tuned, strict=True)
    return scores | {f"{name}-{TUNED}": Result(_score(data, each), seconds) for name, each in tuned_by_name}


def _score(data: ScaledData, network: Network) -> float:
    """Return the accuracy, or the mean squared error of a regression, on the test rows."""
    scores = score(data.to_raw_units(network), data.dataset.test)
    return scores["accuracy" if data.dataset.classes is not None else "mean_squared_error"]

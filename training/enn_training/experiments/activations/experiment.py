"""Run the missing combinations of family, problem and seed, and store each result immediately."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from enn_training.data.dataset import Dataset, Split
from enn_training.data.float32_range import to_float32
from enn_training.data.problems import Problem
from enn_training.data.problems import problem as named
from enn_training.data.targets import Targets
from enn_training.errors import DivergenceError
from enn_training.experiments.activations.families import FAMILIES, Family
from enn_training.experiments.paper.results import Result, Results
from enn_training.kernels import losses
from enn_training.learners.levenberg_marquardt import choice
from enn_training.learners.levenberg_marquardt.objective import Objective
from enn_training.learners.levenberg_marquardt.parameters import Parameters
from enn_training.learners.levenberg_marquardt.search import Schedule, Search

Floats = NDArray[np.float64]
STARTS = 64


def learn(family: Family, data: Dataset, seed: int, starts: int = STARTS) -> Result:
    """Return the score of the best network of a family, with float32 parameters, and the processor seconds."""
    began = time.process_time()
    parameters = family.parameters
    targets = Targets.fit(data.training.y, "dct" if family.head else "linear", data.class_count)
    taught, judged, test = (
        _objective(family, parameters, targets, part) for part in (data.training, data.validation, data.test)
    )
    plan = replace(Schedule.of(taught.loss, starts, 1.0), gains=family.gains)
    search = Search(parameters, taught, judged, partial(family.draw, parameters), plan)
    finished = [each for each in search.run(np.random.default_rng(seed)) if each.finished]
    rounded = [to_float32(each.theta) for each in finished]
    theta = choice.best(rounded, taught, judged)
    if theta is None:
        raise DivergenceError(f"no network of {family.label} has a finite loss")
    seconds = round(time.process_time() - began, 2)
    gain = next(each.gain for each, own in zip(finished, rounded, strict=True) if own is theta)
    outputs = test.outputs(theta)
    if targets.scaling is None:
        return Result(float(((outputs > 0.0) == (test.y > 0.5)).mean()), seconds, f"gain {gain:.3g}")
    unit = float(targets.scaling.scale[0]) ** 2
    return Result(float(np.square(outputs - test.y).mean()) * unit, seconds, f"gain {gain:.3g}")


def _objective(family: Family, parameters: Parameters, targets: Targets, rows: Split) -> Objective:
    """Return the objective over some rows; classes are 0 and 1."""
    y, loss = targets.encode(rows.y), losses.SQUARED
    if targets.scaling is None:
        y, loss = (y > 0.0).astype(np.float64), losses.LOGISTIC
    x, y = (np.ascontiguousarray(part) for part in (family.enter(rows.x), y.T))
    return Objective(parameters.layout, parameters.size, x, y, loss)


def missing_runs(results: Results, problems: tuple[Problem, ...], seeds: int) -> Iterator[tuple[Problem, Family, int]]:
    """Yield each problem, family and seed without a result."""
    for problem in problems:
        known = results.read(problem.name)
        for seed in range(seeds):
            for family in FAMILIES:
                if seed not in known.get(family.name, {}):
                    yield problem, family, seed


def run(results: Results, problems: tuple[Problem, ...], seeds: int) -> None:
    """Train and store the missing runs, with a progress bar on a terminal; arguments as in `missing_runs`."""
    if todo := list(missing_runs(results, problems, seeds)):
        learn(FAMILIES[0], named("ring").dataset(16, 0, 16), 0, 1)  # so that compilation is no part of a time
    with tqdm(todo, unit="network", disable=None) as bar:
        for problem, family, seed in bar:
            bar.set_description(f"{problem.name}, {family.name}")
            data = problem.dataset(results.budget.samples, seed, results.budget.judged)
            results.add(problem.name, family.name, seed, learn(family, data, seed))

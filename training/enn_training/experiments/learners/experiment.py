"""Run the missing combinations of learner, effort, problem and seed, and store each result immediately."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tqdm import tqdm

from enn_training.data.dataset import Dataset
from enn_training.data.problems import Problem
from enn_training.data.problems import problem as named
from enn_training.experiments.paper.results import Result, Results
from enn_training.learners.base import Learner
from enn_training.learners.levenberg_marquardt.learner import LevenbergMarquardt
from enn_training.learners.lms import LMS
from enn_training.learners.trainer import train

HIDDEN, HARMONICS = (6,), 6


@dataclass(frozen=True)
class Run:
    """Learner with the effort of a run.

    Attributes:
        learner: Name of the learner.
        effort: Number of initial networks (lm) or of passes (lms).
        create: Function that returns the learner for an effort.
        default: True for the learner's own default effort, which is run with more seeds.
    """

    learner: str
    effort: int
    create: Callable[[int], Learner]
    default: bool = False

    @property
    def name(self) -> str:
        """Name in the results."""
        return f"{self.learner}-{self.effort}"

    def learn(self, data: Dataset, seed: int) -> Result:
        """Return the score of a network with the defaults of `enn-train problem`, and the processor seconds."""
        began = time.process_time()
        model = train(data, self.create(self.effort), hidden=HIDDEN, harmonics=HARMONICS, head="dct", seed=seed)
        seconds = round(time.process_time() - began, 2)
        return Result(model.scores["accuracy" if data.classes is not None else "mean_squared_error"], seconds)


def _lm(starts: int) -> Learner:
    return LevenbergMarquardt(starts=starts)


def _lms(passes: int) -> Learner:
    return LMS(passes=passes)


LM, DEFAULT_LMS = Run("lm", 64, _lm, default=True), Run("lms", 200, _lms, default=True)
RUNS = (*(Run("lm", starts, _lm) for starts in (1, 4, 16)), LM, *(Run("lms", n, _lms) for n in (10, 50)), DEFAULT_LMS)


def missing_runs(
    results: Results, problems: tuple[Problem, ...], seeds: int, curve_seeds: int
) -> Iterator[tuple[Problem, Run, int]]:
    """Yield each problem, run and seed without a result; the default efforts have more seeds than the others."""
    for problem in problems:
        known = results.read(problem.name)
        for run in RUNS:
            for seed in range(seeds if run.default else min(seeds, curve_seeds)):
                if seed not in known.get(run.name, {}):
                    yield problem, run, seed


def run(results: Results, problems: tuple[Problem, ...], seeds: int, curve_seeds: int) -> None:
    """Train and store the missing runs, with a progress bar on a terminal; arguments as in `missing_runs`."""
    todo = list(missing_runs(results, problems, seeds, curve_seeds))
    if todo:
        for learner in (_lm(1), _lms(1)):  # so that compilation is no part of a time
            train(named("ring").dataset(16, 0, 16), learner, hidden=HIDDEN, harmonics=HARMONICS, head="dct", seed=0)
    with tqdm(todo, unit="network", disable=None) as bar:
        for problem, one, seed in bar:
            bar.set_description(f"{problem.name}, {one.name}")
            data = problem.dataset(results.budget.samples, seed, results.budget.judged)
            results.add(problem.name, one.name, seed, one.learn(data, seed))

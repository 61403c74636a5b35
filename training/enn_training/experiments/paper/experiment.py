"""Runs what is missing: every contender on every problem with every seed, each result kept as soon as it is there."""

from collections.abc import Iterator

from tqdm import tqdm

from enn_training.data.problems import Problem
from enn_training.errors import OptionError
from enn_training.experiments.paper.contenders import Contender, contenders
from enn_training.experiments.paper.results import Results
from enn_training.experiments.paper.spread import Outcome

Missing = tuple[Problem, Contender, tuple[int, ...]]


def missing(
    results: Results, problems: tuple[Problem, ...], seeds: int, again: tuple[str, ...] = ()
) -> Iterator[Missing]:
    """Yield each problem and contender with the seeds, of 0 to seeds - 1, that have no result yet.

    Args:
        results: What there is.
        problems: Problems asked for.
        seeds: Seeds asked for.
        again: Names of contenders whose results do not count.
    """
    for problem in problems:
        known = results.read(problem.name)
        for contender in contenders(problem):
            made = {} if contender.name in again else known.get(contender.name, {})
            left = tuple(seed for seed in range(seeds) if seed not in made)
            if left:
                yield problem, contender, left


def complete(results: Results, problems: tuple[Problem, ...]) -> dict[str, Outcome]:
    """Return the results of those problems on which every contender has some."""
    whole = (problem.name for problem in problems if not any(missing(results, (problem,), 1)))
    return {name: results.read(name) for name in whole}


def run(results: Results, problems: tuple[Problem, ...], seeds: int, again: tuple[str, ...] = ()) -> None:
    """Learn and keep what is missing, with a bar where standard error is a terminal; see missing.

    Raises:
        OptionError: A contender that is to be learned again takes part in none of the problems.
    """
    names = {contender.name for problem in problems for contender in contenders(problem)}
    if strangers := sorted(set(again) - names):
        raise OptionError(f"--again {','.join(strangers)}: expected some of {', '.join(sorted(names))}")
    todo = list(missing(results, problems, seeds, again))
    total = results.budget.passes * sum(len(left) for *_, left in todo)
    with tqdm(total=total, unit="pass", disable=None) as bar:

        def watch() -> None:
            bar.update()

        for problem, contender, left in todo:
            bar.set_description(f"{problem.name}, {contender.name}")
            for seed, result in contender.learn(problem, left, results.budget, watch):
                results.add(problem.name, contender.name, seed, result)

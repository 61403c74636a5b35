"""Run the missing combinations of contender, problem and seed, and store each result immediately."""

from collections.abc import Iterator

from tqdm import tqdm

from enn_training.data.problems import Problem
from enn_training.errors import OptionError
from enn_training.experiments.paper.contenders import Contender, contenders
from enn_training.experiments.paper.results import Results
from enn_training.experiments.paper.spread import Outcome

MissingRun = tuple[Problem, Contender, tuple[int, ...]]


def missing_runs(
    results: Results, problems: tuple[Problem, ...], seeds: int, again: tuple[str, ...] = ()
) -> Iterator[MissingRun]:
    """Yield each problem and contender with the seeds that have no result yet.

    Args:
        results: Stored results.
        problems: Requested problems.
        seeds: Number of requested seeds, counted from 0.
        again: Names of contenders whose results are ignored.
    """
    for problem in problems:
        known = results.read(problem.name)
        for contender in contenders(problem):
            stored = {} if contender.name in again else known.get(contender.name, {})
            remaining = tuple(seed for seed in range(seeds) if seed not in stored)
            if remaining:
                yield problem, contender, remaining


def complete_results(results: Results, problems: tuple[Problem, ...]) -> dict[str, Outcome]:
    """Return the results of the problems that have results of every contender."""
    complete = (problem.name for problem in problems if not any(missing_runs(results, (problem,), 1)))
    return {name: results.read(name) for name in complete}


def run(results: Results, problems: tuple[Problem, ...], seeds: int, again: tuple[str, ...] = ()) -> None:
    """Train and store the missing runs, with a progress bar on a terminal; arguments as in `missing_runs`.

    Raises:
        OptionError: A name in `again` is not a contender of any problem.
    """
    names = {contender.name for problem in problems for contender in contenders(problem)}
    if unknown := sorted(set(again) - names):
        raise OptionError(f"--again {','.join(unknown)}: expected some of {', '.join(sorted(names))}")
    todo = list(missing_runs(results, problems, seeds, again))
    total = results.budget.passes * sum(len(remaining) for *_, remaining in todo)
    with tqdm(total=total, unit="pass", disable=None) as bar:

        def watch() -> None:
            bar.update()

        for problem, contender, remaining in todo:
            bar.set_description(f"{problem.name}, {contender.name}")
            for seed, result in contender.learn(problem, remaining, results.budget, watch):
                results.add(problem.name, contender.name, seed, result)

"""What is claimed, by the paper and by this project, and whether the results bear it out."""

from collections.abc import Iterator

from enn_training.data.problems import Problem, problems
from enn_training.experiments.paper import peers
from enn_training.experiments.paper.contenders import HARD
from enn_training.experiments.paper.spread import Outcome, Spread, best, shown, spreads, table

PROMISES = {
    "line-1": 0.998,
    "line-2": 0.998,
    "line-3": 0.998,
    "line-4": 0.998,
    "ring": 0.99,
    "quadratic": 0.998,
    "cubic": 0.998,
    "stripes": 0.995,
    "sine": 0.99,
    "circle-ellipse": 0.993,
    "face": 0.98,
    HARD: 0.995,
    "sum": 5e-6,
    "norm": 3e-5,
    "product": 5e-5,
}
"""Least accuracy, or greatest mean squared error, of the worst seed; the high-frequency sine at M = 12."""
SECONDS = 10.0
"""Most processor seconds of a fit."""
GAP = 0.4
"""The gap in accuracy that the paper claims for some scenarios."""
OWN = "enn-6"
SAME_SIZE = tuple(peer.name for peer in peers.tuned(6))
PLAIN = tuple(peer.name for peer in peers.plain(6))
EQUAL = tuple(peer.name for peer in (*peers.tuned(17), peers.kan(3)))


def fields(found: dict[str, Outcome]) -> dict[str, object]:
    """Return what the document says about claims, by the names of its template.

    Args:
        found: Problem -> contender -> seed -> result; of each problem all contenders, or no problem.
    """
    promised = list(_promises(found))
    header = ("problem", "promised", "worst seed", "slowest fit, s", "")
    return {
        "gaps": "\n".join(_gaps(found)),
        "same_size_wins": _wins(found, SAME_SIZE),
        "equal_wins": _wins(found, EQUAL),
        "reached": _reached(found),
        "most_seconds": SECONDS,
        "promises_met": f"{sum(row[-1] == 'met' for row in promised)} of {len(promised)}",
        "promises": table(header, promised),
    }


def _promises(found: dict[str, Outcome]) -> Iterator[tuple[str, ...]]:
    """Yield, of each problem, what is promised, the worst seed, the slowest fit and whether the promise is met."""
    for problem in problems():
        name = "enn-12" if problem.name == HARD else OWN
        outcome = found.get(problem.name, {})
        if spread := spreads(problem.task, outcome, (name,)).get(name):
            slowest = max(result.seconds for result in outcome[name].values())
            met = spread.reaches(PROMISES[problem.name]) and slowest <= SECONDS
            label = f"{problem.name}, M = 12" if problem.name == HARD else problem.name
            verdict = "met" if met else "**not met**"
            yield label, _promise(problem), shown(problem.task, spread.worst), f"{slowest:.1f}", verdict


def _promise(problem: Problem) -> str:
    value = PROMISES[problem.name]
    return f"≥ {value:g}" if problem.task == "classification" else f"≤ {value:.0e}"


def _gaps(found: dict[str, Outcome]) -> Iterator[str]:
    groups = (
        ("the weakest network of the same size that nobody tuned", PLAIN, False),
        ("the best network of the same size that nobody tuned", PLAIN, True),
        ("the weakest tuned network of the same size", SAME_SIZE, False),
        ("the best tuned network of the same size", SAME_SIZE, True),
        ("the best tuned network of as many parameters", EQUAL, True),
    )
    for label, names, strongest in groups:
        gaps = _gap(found, names, strongest=strongest)
        gap, told = max(gaps, default=(0.0, "no results"))
        yield f"- {label}: {100 * gap:.1f} points ({told}): **{'reproduced' if gap > GAP else 'not reproduced'}**"


def _gap(found: dict[str, Outcome], names: tuple[str, ...], *, strongest: bool) -> Iterator[tuple[float, str]]:
    """Yield, of each map, the gap to the strongest or weakest rival, and what it is between."""
    for problem, own, rivals in _matches(found, names):
        if problem.task == "classification":
            rival = best(rivals) if strongest else min(rivals, key=lambda name: rivals[name].median)
            theirs = rivals[rival].median
            yield own.median - theirs, f"{problem.name}: {own.median:.4f}, {rival} {theirs:.4f}"


def _wins(found: dict[str, Outcome], names: tuple[str, ...]) -> str:
    matches = list(_matches(found, names))
    won = [problem.name for problem, own, rivals in matches if own.better(rivals[best(rivals)])]
    return f"{len(won)} of {len(matches)} problems" + (f" ({', '.join(won)})" if won else "")


def _matches(found: dict[str, Outcome], names: tuple[str, ...]) -> Iterator[tuple[Problem, Spread, dict[str, Spread]]]:
    """Yield each problem on which there are results of the ENN of 2-6-1 and of a rival."""
    for problem in problems():
        rivals = spreads(problem.task, found.get(problem.name, {}), (OWN, *names))
        own = rivals.pop(OWN, None)
        if own and rivals:
            yield problem, own, rivals


def _reached(found: dict[str, Outcome]) -> str:
    """Return on how many problems 2-6-1 alone keeps the promise, and what it does on the others."""
    short: list[str] = []
    known = 0
    for problem in problems():
        if spread := spreads(problem.task, found.get(problem.name, {}), (OWN,)).get(OWN):
            known += 1
            if not spread.reaches(PROMISES[problem.name]):
                short.append(f"{problem.name} ({spread}; promised {_promise(problem)})")
    reached = f"{known - len(short)} of {known} problems"
    return f"{reached}; it falls short on {', '.join(short)}" if short else reached

"""Alternating measurements of two targets, so that a disturbance of the machine affects both alike."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.serving.load import Load, Target, load

Measure = Callable[[], Load]


@dataclass(frozen=True)
class Plan:
    """Duration of each run of the generator in seconds, number of rounds, and folder of its scripts."""

    seconds: int
    rounds: int
    folder: Path


@dataclass(frozen=True)
class Comparison:
    """Medians of both loads over the rounds, and median, minimum and maximum of the ratios within a round."""

    this: Load
    other: Load
    ratio: float
    lowest: float
    highest: float


def measure(target: Target, plan: Plan) -> Measure:
    """Return the function that runs the generator against a target."""
    return lambda: load(target, plan.seconds, plan.folder)


def rate(load: Load) -> float:
    """Return responses per second."""
    return load.rate


def compare(this: Measure, other: Measure, rounds: int, by: Callable[[Load], float] = rate) -> Comparison:
    """Measure both alternately, this first, and compare a figure of their loads; one warm-up round does not count."""
    pairs = [(this(), other()) for _ in range(rounds + 1)][1:]
    ratios = [by(ours) / by(theirs) for ours, theirs in pairs]
    sides = [_median([pair[side] for pair in pairs]) for side in (0, 1)]
    return Comparison(sides[0], sides[1], median(ratios), min(ratios), max(ratios))


def _median(loads: list[Load]) -> Load:
    """Return the medians of the figures of several loads."""
    rate, p50, p99 = (median(getattr(load, name) for load in loads) for name in ("rate", "p50", "p99"))
    return Load(rate, p50, p99, sum(load.requests for load in loads))

"""Rounds: two things measured in turn, again and again, so that what disturbs the machine meets both alike."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.serving.load import Load

Measure = Callable[[], Load]


@dataclass(frozen=True)
class Plan:
    """How long each run of the generator is, how many rounds there are, and where its scripts lie."""

    seconds: int
    rounds: int
    folder: Path


@dataclass(frozen=True)
class Comparison:
    """Medians of both sides over the rounds, and of the ratios within each, with the smallest and the largest."""

    this: Load
    other: Load
    ratio: float
    lowest: float
    highest: float


def rate(load: Load) -> float:
    """Return answers a second."""
    return load.rate


def compare(this: Measure, other: Measure, rounds: int, by: Callable[[Load], float] = rate) -> Comparison:
    """Measure both in turn, this first, and compare a figure of their loads; one round before that does not count."""
    pairs = [(this(), other()) for _ in range(rounds + 1)][1:]
    ratios = [by(ours) / by(theirs) for ours, theirs in pairs]
    sides = [_median([pair[side] for pair in pairs]) for side in (0, 1)]
    return Comparison(sides[0], sides[1], median(ratios), min(ratios), max(ratios))


def _median(loads: list[Load]) -> Load:
    return Load(*(median(getattr(load, name) for load in loads) for name in ("rate", "p50", "p99")))

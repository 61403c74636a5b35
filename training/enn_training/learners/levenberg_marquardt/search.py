"""Search for a network: many short starts on few rows, fewer and longer minimizations on more, the best on all."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enn_training.kernels import losses
from enn_training.kernels.basis import IDENTITY
from enn_training.learners.levenberg_marquardt import initialization
from enn_training.learners.levenberg_marquardt.objective import Objective
from enn_training.learners.levenberg_marquardt.parameters import Parameters
from enn_training.learners.levenberg_marquardt.solver import minimize

Floats = NDArray[np.float64]
Draw = Callable[[float, np.random.Generator], Floats]
"""Function that draws initial parameters with a gain."""

VALUES = (losses.SQUARED, losses.QUANTILE)
"""Losses of a regression."""
NEIGHBOURS = 5
"""Number of best starts near whose gains the second half of the starts is drawn."""
RANGE = math.sqrt(10.0)
"""Ratio of the greatest gain of an initial network to the typical one, and of the typical one to the least."""
CLOSENESS = 0.25
"""Standard deviation of the logarithm of the gain of such a start."""


@dataclass(frozen=True)
class Stage:
    """Describe the minimization of a candidate in one stage of a search.

    Attributes:
        steps: Most steps.
        tolerance: Relative decrease below which a step is small.
        patience: Number of consecutive small steps after which to stop.
        rows: Number of rows to train on; None for all.
    """

    steps: int
    tolerance: float
    patience: int = 8
    rows: int | None = None


@dataclass(frozen=True)
class Schedule:
    """Hold the numbers of candidates and the stages of a search.

    Attributes:
        starts: Number of initial networks.
        gains: Least and greatest gain of an initial network.
        kept: Number of candidates that enter the second and the last stage.
        first: Stage of the initial networks.
        second: Stage of the best of them.
        last: Stage of the best of those, for each of the penalties.
        penalties: Penalties of the last stage, one after the other; the first one is that of the other stages.
    """

    starts: int = 64
    gains: tuple[float, float] = (0.3, 3.0)
    kept: tuple[int, int] = (8, 3)
    first: Stage = Stage(12, 1e-5, rows=2_000)
    second: Stage = Stage(40, 1e-6, rows=6_000)
    last: Stage = Stage(60, 1e-4, patience=3)
    penalties: tuple[float, ...] = (1e-5, 1e-7, 1e-9)

    @classmethod
    def of(cls, loss: int, starts: int, spread: float) -> "Schedule":
        """Return the schedule for a loss, a number of initial networks and their typical gain.

        The penalties of classes are a margin that shrinks; values can have almost none.
        """
        plan = cls(starts=starts, gains=(spread / RANGE, spread * RANGE))
        return replace(plan, penalties=(1e-14,), last=Stage(100, 1e-7)) if loss in VALUES else plan


@dataclass(frozen=True, eq=False)
class Candidate:
    """Hold a network of a search.

    Attributes:
        theta: Parameters.
        loss: Mean loss over the held-out rows; infinite if it is not a number.
        damping: Damping with which to continue.
        gain: Gain of its initial network.
        finished: True if the network was trained on all rows, and can be chosen.
    """

    theta: Floats
    loss: float
    damping: float
    gain: float
    finished: bool = False


@dataclass(frozen=True, eq=False)
class Search:
    """Search for the parameters with the least loss.

    Attributes:
        parameters: Places of the parameters.
        training: Objective over the rows to train on, in random order: the first stages use the first rows.
        held_out: Objective over the rows to choose by.
        draw: Function that draws initial parameters.
        plan: Numbers of candidates, and the stages.
    """

    parameters: Parameters
    training: Objective
    held_out: Objective
    draw: Draw
    plan: Schedule

    @property
    def length(self) -> int:
        """Number of candidates that `run` yields, if every start can be solved."""
        second = min(self.plan.starts, self.plan.kept[0])
        return self.plan.starts + second + min(second, self.plan.kept[1]) * len(self.plan.penalties)

    @property
    def _projected(self) -> int | None:
        """Place of the first parameter that the outputs are linear in, for variable projection; None without it."""
        # A dct head is linear in its own coefficients alone: projecting them gained nothing (measured, two functions).
        projected = self.training.loss == losses.SQUARED and self.parameters.layout.kinds[-1] == IDENTITY
        return self.parameters.linear if projected else None

    def run(self, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield every candidate of every stage as soon as it is trained."""
        first: list[Candidate] = []
        for candidate in self._first(rng):
            first.append(candidate)
            yield candidate
        second: list[Candidate] = []
        for candidate in self._second(first):
            second.append(candidate)
            yield candidate
        yield from self.finish(_best(second, self.plan.kept[1]))

    def _first(self, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield the initial networks after a few steps on few rows."""
        rows = self.training.subset(slice(self.plan.first.rows))
        low, high = np.log(self.plan.gains)
        pool: list[Candidate] = []
        for number in range(self.plan.starts):
            if number < max(self.plan.starts / 2, NEIGHBOURS) or not pool:
                gain = float(np.exp(rng.uniform(low, high)))
            else:
                near = _best(pool, NEIGHBOURS)
                gain = near[int(rng.integers(len(near)))].gain * float(np.exp(rng.normal(0.0, CLOSENESS)))
            theta = initialization.solve_linear(self.parameters, rows, self.draw(gain, rng))
            if theta is not None:
                start = Candidate(theta, np.inf, 1e-2, gain)
                pool.append(self._improve(start, self.plan.first, rows, self.plan.penalties[0]))
                yield pool[-1]

    def _second(self, found: list[Candidate]) -> Iterator[Candidate]:
        """Yield the best initial networks after more steps on more rows."""
        rows = self.training.subset(slice(self.plan.second.rows))
        for candidate in _best(found, self.plan.kept[0]):
            yield self._improve(candidate, self.plan.second, rows, self.plan.penalties[0])

    def finish(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        """Yield networks after the last stage, on all rows, for each of the penalties."""
        for candidate in candidates:
            current = candidate
            for penalty in self.plan.penalties:
                current = self._improve(current, self.plan.last, self.training, penalty)
                yield replace(current, finished=True)

    def _improve(self, candidate: Candidate, stage: Stage, rows: Objective, penalty: float) -> Candidate:
        """Return a candidate after the steps of a stage."""
        found = minimize(
            rows.penalized(penalty),
            candidate.theta,
            steps=stage.steps,
            damping=min(candidate.damping, 1.0),
            tolerance=stage.tolerance,
            patience=stage.patience,
            linear=self._projected,
        )
        loss, _ = self.held_out.evaluate(found.theta)
        return replace(candidate, theta=found.theta, loss=loss if np.isfinite(loss) else np.inf, damping=found.damping)


def _best(candidates: list[Candidate], count: int) -> list[Candidate]:
    """Return the candidates with the least losses, the best first."""
    return sorted(candidates, key=lambda candidate: candidate.loss)[:count]

"""Adam for an unknown table: cross-validated loss chooses size, penalties and steps; then all rows are learned from."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from enn_training.data.preprocessing import Samples
from enn_training.data.splits import Folds, folds
from enn_training.errors import DivergenceError, OptionError
from enn_training.learners.base import LearningResult, PassResult, ProgressCallback
from enn_training.learners.one_cycle import OneCycle
from enn_training.nn.architecture import Architecture
from enn_training.nn.batched import BatchedNetworks
from enn_training.nn.initialization import initial_network

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# Not chosen, since held-out loss chose it wrongly more often than not (measured on a fold of each of 11 tables): three
# times the rate on Boston, fgl and concrete, where the loss on fresh rows went from 3.53 to 3.81, from .711 to .786 and
# from 5.32 to 5.04. Nor is the head: only a linear one has probabilities, and of seven regressions a dct head had the
# least held-out loss on concrete alone, where it was worse, 5.56.
RATE = 1e-2
# From free to nearly linear: (decay, smoothing).
PENALTIES = ((0.03, 0.03), (0.1, 0.1), (0.3, 0.3), (0.3, 3.0), (1.0, 0.3), (1.0, 3.0), (3.0, 1.0), (10.0, 0.0))
SMALL, LARGE = (16,), (48,)
SPREADS = (0.25, 0.5, 1.0)
# How many times as many steps a long cycle has (measured on 30 folds of 11 tables: chosen on seven, where the loss on
# fresh rows changed by -10 %, -2 %, 0, 1 %, 3 %, 4 % and, from .025 to .034, 36 %).
LONGER = 3
# A larger network has to be better by this share of the loss: each neuron is one more bump to look at. So has a longer
# cycle, which takes more time.
WORTH = 0.01
# Shares of the time by which penalties, size and steps have to be chosen.
DEADLINES = (0.35, 0.55, 0.75)


@dataclass(frozen=True)
class Hyperparameters:
    """What is chosen.

    Attributes:
        hidden: Neurons of each hidden layer.
        spread: g of the start.
        decay: Weight decay.
        smoothing: Decay of the DCT coefficients to those of a line.
        passes: Times that every row is seen, in one cycle of the rate.
    """

    hidden: tuple[int, ...]
    spread: float
    decay: float
    smoothing: float
    passes: int


@dataclass(frozen=True)
class AutoAdam:
    """AdamW whose size, dynamic range, decay, smoothing and number of steps come from the data.

    Eight pairs of penalties learn side by side on every fold of a small network; with the best of them a larger one
    with three dynamic ranges; the best of all once more with three times as many steps. What did best then learns from
    all rows, the held-out ones too.

    Attributes:
        max_time: Seconds that choosing and learning may take together; a limit that is reached gives up equal results.
        hidden: Neurons of each hidden layer; None to choose between 16 and 48.
        passes: Times that every row is seen at most, before the longer cycle; many rows are seen less often.

    Raises:
        OptionError: max_time or passes is not positive.
    """

    max_time: float = 60.0
    hidden: tuple[int, ...] | None = None
    passes: int = 200

    def __post_init__(self) -> None:
        """Check the range."""
        if not (math.isfinite(self.max_time) and self.max_time > 0):
            raise OptionError(f"max_time {self.max_time}: expected a positive number of seconds")
        if self.passes < 1:
            raise OptionError(f"passes {self.passes}: expected a positive number")

    def learn(
        self,
        architecture: Architecture,
        training: Samples,
        validation: Samples,
        seed: int,
        watch: ProgressCallback | None = None,
    ) -> LearningResult:
        """Return what was learned from all rows, training and held out, with what cross-validation chose.

        The loss is that of the choice, mean over the folds. See Learner.learn.
        """
        samples = Samples(np.concatenate([training.x, validation.x]), np.concatenate([training.y, validation.y]))
        return _Search(self, architecture, samples, seed, watch).run()


class _Search:
    """One run of a TunedAdam: its rows, its clock and what it has seen."""

    def __init__(
        self, tuned: AutoAdam, architecture: Architecture, samples: Samples, seed: int, watch: ProgressCallback | None
    ) -> None:
        self._tuned, self._architecture, self._samples = tuned, architecture, samples
        self._seed, self._watch = seed, watch
        self._folds = folds(samples.y, seed)
        self._cycle = _cycle(len(samples.x), tuned.passes)
        self._began = time.monotonic()
        self._history: list[PassResult] = []
        # Passes that are still to come at most: a choice or two, and two long cycles.
        self._ahead = ((1 if tuned.hidden else 2) + 2 * LONGER) * self._cycle.passes

    def run(self) -> LearningResult:
        """Choose, then learn from all rows."""
        hidden, passes = self._tuned.hidden or SMALL, self._cycle.passes
        loss, chosen = self._best(
            [Hyperparameters(hidden, SPREADS[0], *pair, passes) for pair in PENALTIES], DEADLINES[0]
        )
        if self._tuned.hidden is None:
            larger = [replace(chosen, hidden=LARGE, spread=spread) for spread in SPREADS]
            loss, chosen = self._better(loss, chosen, larger, DEADLINES[1])
        loss, chosen = self._better(loss, chosen, [replace(chosen, passes=LONGER * passes)], DEADLINES[2])
        if not math.isfinite(loss):
            raise DivergenceError("no candidate has a finite loss; scale or check the table")
        every = np.arange(len(self._samples.x))[None]
        stack, _ = self._learn([chosen], Folds(every, self._folds.validation[:1]), 1.0)
        network = stack.network(0)
        if not all(torch.isfinite(part).all() for part in stack.parameters()):
            raise DivergenceError(f"the last pass left the finite numbers with {chosen}; scale or check the table")
        settings = {"name": "tuned-adam", **asdict(self._tuned), **asdict(chosen), "folds": len(self._folds.validation)}
        return LearningResult(
            network, loss, tuple(self._history), settings | {"rate": RATE, "batch": self._cycle.batch}
        )

    def _better(
        self, loss: float, chosen: Hyperparameters, others: Sequence[Hyperparameters], deadline: float
    ) -> tuple[float, Hyperparameters]:
        """Return the best of others where it is worth its size or time, else what was chosen, each with its loss."""
        other_loss, other = self._best(others, deadline)
        return (other_loss, other) if other_loss < loss * (1.0 - WORTH) else (loss, chosen)

    def _best(self, candidates: Sequence[Hyperparameters], deadline: float) -> tuple[float, Hyperparameters]:
        """Return the least mean loss over the folds, infinite where none is a number, and whose it is."""
        _, losses = self._learn(candidates, self._folds, deadline)
        finite = np.where(np.isfinite(losses), losses, np.inf)
        return float(finite.min()), candidates[int(finite.argmin())]

    def _learn(
        self, candidates: Sequence[Hyperparameters], folds: Folds, deadline: float
    ) -> tuple[BatchedNetworks, Floats]:
        """Return the lanes of all candidates and folds after a whole cycle, and each candidate's loss."""
        count = len(folds.train)
        each = [candidate for candidate in candidates for _ in range(count)]
        architecture = replace(self._architecture, hidden=each[0].hidden)
        stack = BatchedNetworks(architecture, [initial_network(architecture, one.spread) for one in each])
        taught, judged = (np.tile(rows, (len(candidates), 1)) for rows in (folds.train, folds.validation))
        left = max(1e-3, deadline * self._tuned.max_time - (time.monotonic() - self._began))
        run = replace(self._cycle, passes=each[0].passes, max_time=left).run(
            stack,
            self._samples,
            taught,
            decay=np.array([one.decay for one in each]),
            smoothing=np.array([one.smoothing for one in each]),
            seed=self._seed,
        )
        losses = np.full(len(candidates), np.inf)
        made = len(self._history)
        self._ahead -= each[0].passes
        for total in run:
            losses = self._losses(stack, judged).reshape(-1, count).mean(axis=1)
            self._tell(losses, made + total + self._ahead)
        return stack, losses

    @torch.no_grad()
    def _losses(self, stack: BatchedNetworks, judged: Indices) -> Floats:
        x, y = (torch.from_numpy(part[judged]).float() for part in (self._samples.x, self._samples.y))
        return stack.losses(x, y).numpy().astype(np.float64)

    def _tell(self, losses: Floats, total: int) -> None:
        loss = float(losses[np.isfinite(losses)].min(initial=np.inf))
        self._history.append(PassResult(len(self._history) + 1, total, loss))
        if self._watch:
            self._watch(self._history[-1])


def _cycle(rows: int, most: int) -> OneCycle:
    """Return the cycle for a number of rows: more rows, more steps and larger ones, and no more than so many passes."""
    steps, batch = (2_000, 64) if rows < 2_000 else (4_000, 128) if rows < 20_000 else (6_000, 256)
    passes = min(most, max(2, -(-steps * batch // rows)))
    return OneCycle(passes, RATE, batch)

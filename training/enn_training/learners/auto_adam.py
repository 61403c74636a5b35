"""AutoAdam: AdamW that chooses size, penalties and number of steps by cross-validation, then trains on all rows."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from enn_training.data.preprocessing import Samples
from enn_training.data.sampling.splits import Folds, folds
from enn_training.errors import DivergenceError
from enn_training.learners.base import LearningResult, PassResult, ProgressCallback, stops
from enn_training.learners.one_cycle import OneCycle
from enn_training.nn.architecture import Architecture
from enn_training.nn.batched import BatchedNetworks
from enn_training.nn.initialization import initial_network
from enn_training.nn.option_values import check_options, positive_number, positive_whole_number, whole_number

if TYPE_CHECKING:
    from enn_models.network import Network

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# The learning rate is not chosen, since the validation loss chose it wrongly more often than not (measured on a fold
# of each of 11 tables): three times the rate on Boston, fgl and concrete, where the loss on fresh rows changed from
# 3.53 to 3.81, from .711 to .786 and from 5.32 to 5.04. The head is not chosen either: only a linear one has
# probabilities, and of seven regressions a dct head had the least validation loss on concrete alone, where it was worse
# on fresh rows, 5.56.
RATE = 1e-2
# Pairs of decay and smoothing, from a free to a nearly linear network.
PENALTIES = ((0.03, 0.03), (0.1, 0.1), (0.3, 0.3), (0.3, 3.0), (1.0, 0.3), (1.0, 3.0), (3.0, 1.0), (10.0, 0.0))
SMALL, LARGE = (16,), (48,)
SPREADS = (0.25, 0.5, 1.0)
# Factor of the number of steps in a long cycle (measured on 30 folds of 11 tables: chosen on seven, where the loss on
# fresh rows changed by -10 %, -2 %, 0, 1 %, 3 %, 4 % and, from .025 to .034, 36 %).
LONGER = 3
# Smallest relative improvement of the loss for a larger network, whose additional bumps have to be read, or for a
# longer cycle, which takes more time.
WORTH = 0.01
# Shares of the time limit by which penalties, size and steps have to be chosen.
DEADLINES = (0.35, 0.55, 0.75)


@dataclass(frozen=True)
class Hyperparameters:
    """Hold the values that cross-validation chooses.

    Attributes:
        hidden: Number of neurons of each hidden layer.
        spread: Length g of the initial weights.
        decay: Weight decay.
        smoothing: Decay of the DCT coefficients to those of a line.
        passes: Number of passes over the rows, in one cycle of the learning rate.
    """

    hidden: tuple[int, ...]
    spread: float
    decay: float
    smoothing: float
    passes: int


@dataclass(frozen=True)
class AutoAdam:
    """Choose size, spread, decay, smoothing and number of steps by cross-validation, then train on all rows.

    First a small network is trained with eight pairs of penalties on every fold, then a larger one with the best pair
    and three spreads, then the best of all with three times as many steps. The best choice is trained on all rows,
    validation rows included.

    Attributes:
        max_time: Time limit in seconds for choice and training together; if it is reached, equal seeds no longer give
            equal networks.
        hidden: Number of neurons of each hidden layer; None to choose between 16 and 48.
        passes: Most passes over the rows in the short cycle; many rows are passed less often.

    Raises:
        OptionError: max_time or passes is not positive.
    """

    learns_quantiles: ClassVar[bool] = True
    max_time: float = 60.0
    hidden: tuple[int, ...] | None = None
    passes: int = 200

    def __post_init__(self) -> None:
        """Check the range of every setting."""
        check_options(self, positive_whole_number, required=("passes",))
        check_options(self, positive_number, required=("max_time",))
        if self.hidden is not None:
            object.__setattr__(self, "hidden", tuple(whole_number("hidden", neurons) for neurons in self.hidden))

    def learn(
        self,
        architecture: Architecture,
        training: Samples,
        validation: Samples,
        seed: int,
        watch: ProgressCallback | None = None,
    ) -> LearningResult:
        """Return the network trained on all rows with the values that cross-validation chose.

        Its loss is the mean validation loss over the folds. A callback that asks to stop ends the choice, and a second
        request ends the training on all rows. See `Learner.learn`.
        """
        return _Search(self, architecture, training.join(validation), seed, watch).run()


class _Search:
    """Run an AutoAdam once: hold its samples, folds, start time and history."""

    def __init__(
        self, tuned: AutoAdam, architecture: Architecture, samples: Samples, seed: int, watch: ProgressCallback | None
    ) -> None:
        self._tuned, self._architecture, self._samples = tuned, architecture, samples
        self._seed, self._watch = seed, watch
        self._folds = folds(samples.y, seed)
        self._cycle = _cycle(len(samples.x), tuned.passes)
        self._began = time.monotonic()
        self._history: list[PassResult] = []
        self._cut_short = self._stopped = False
        self._fold_networks: dict[Hyperparameters, list[Network]] = {}
        # Most passes still to come: one or two choices, and two long cycles.
        self._ahead = ((1 if tuned.hidden else 2) + 2 * LONGER) * self._cycle.passes

    def run(self) -> LearningResult:
        """Choose the hyperparameters, then train on all rows."""
        hidden, passes = self._tuned.hidden or SMALL, self._cycle.passes
        loss, chosen = self._best(
            [Hyperparameters(hidden, SPREADS[0], *pair, passes) for pair in PENALTIES], DEADLINES[0]
        )
        if self._tuned.hidden is None and not self._stopped:
            larger = [replace(chosen, hidden=LARGE, spread=spread) for spread in SPREADS]
            loss, chosen = self._better(loss, chosen, larger, DEADLINES[1])
        if not self._stopped:
            loss, chosen = self._better(loss, chosen, [replace(chosen, passes=LONGER * passes)], DEADLINES[2])
        if not math.isfinite(loss):
            raise DivergenceError("no candidate has a finite loss; scale or check the table")
        every = np.arange(len(self._samples.x))[None]
        stack, _ = self._learn([chosen], Folds(every, self._folds.validation[:1]), 1.0)
        network = stack.network(0)
        if not all(torch.isfinite(part).all() for part in stack.parameters()):
            raise DivergenceError(f"the last pass left the finite numbers with {chosen}; scale or check the table")
        settings = {"name": "tuned-adam", **asdict(self._tuned), **asdict(chosen), "folds": len(self._folds.validation)}
        folds = tuple(zip(self._fold_networks[chosen], self._folds.validation, strict=True))
        settings |= {"rate": RATE, "batch": self._cycle.batch}
        return LearningResult(network, loss, tuple(self._history), settings, self._cut_short, self._stopped, folds)

    def _better(
        self, loss: float, chosen: Hyperparameters, others: Sequence[Hyperparameters], deadline: float
    ) -> tuple[float, Hyperparameters]:
        """Return the best of the others if it is worth its size or time, else the chosen one, each with its loss."""
        other_loss, other = self._best(others, deadline)
        return (other_loss, other) if other_loss < loss * (1.0 - WORTH) else (loss, chosen)

    def _best(self, candidates: Sequence[Hyperparameters], deadline: float) -> tuple[float, Hyperparameters]:
        """Return the least mean loss over the folds and its candidate; the loss is infinite if none is finite."""
        stack, losses = self._learn(candidates, self._folds, deadline)
        finite = np.where(np.isfinite(losses), losses, np.inf)
        best, count = int(finite.argmin()), len(self._folds.train)
        self._fold_networks[candidates[best]] = [stack.network(best * count + fold) for fold in range(count)]
        return float(finite[best]), candidates[best]

    def _learn(
        self, candidates: Sequence[Hyperparameters], folds: Folds, deadline: float
    ) -> tuple[BatchedNetworks, Floats]:
        """Return the networks of all candidates and folds after a whole cycle, and the loss of each candidate."""
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
        for total, cut_short in run:
            self._cut_short |= cut_short
            losses = self._losses(stack, judged).reshape(-1, count).mean(axis=1)
            if self._report(losses, made + total + self._ahead):
                break
        return stack, losses

    @torch.no_grad()
    def _losses(self, stack: BatchedNetworks, judged: Indices) -> Floats:
        weight = self._samples.relative_weight[judged]
        weight /= weight.mean(axis=1, keepdims=True)
        x, y, weight = (
            torch.from_numpy(part).float() for part in (self._samples.x[judged], self._samples.y[judged], weight)
        )
        return stack.losses(x, y, weight).numpy().astype(np.float64)

    def _report(self, losses: Floats, total: int) -> bool:
        """Add a pass to the history; return True if the callback asks to stop."""
        loss = float(losses[np.isfinite(losses)].min(initial=np.inf))
        self._history.append(PassResult(len(self._history) + 1, total, loss))
        asked = stops(self._watch, self._history[-1])
        self._stopped |= asked
        return asked


def _cycle(rows: int, most: int) -> OneCycle:
    """Return the cycle for a number of rows, with at most a number of passes: more rows have more and larger steps."""
    steps, batch = (2_000, 64) if rows < 2_000 else (4_000, 128) if rows < 20_000 else (6_000, 256)
    passes = min(most, max(2, -(-steps * batch // rows)))
    return OneCycle(passes, RATE, batch)

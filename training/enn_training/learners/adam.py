"""Adam: AdamW with one cycle of the learning rate, for tables, many inputs and deep networks."""

import math
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from enn_training.data.preprocessing import Samples
from enn_training.errors import DivergenceError
from enn_training.learners.base import LearningResult, PassResult, ProgressCallback, stops
from enn_training.learners.one_cycle import OneCycle
from enn_training.nn.architecture import Architecture
from enn_training.nn.batched import BatchedNetworks
from enn_training.nn.initialization import initial_network
from enn_training.nn.option_values import check_options, number_from_zero, positive_number, positive_whole_number

# Factors of the spread, one for each initial network.
SPREADS = (1.0, 2.0, 0.5, 1.0, 3.0, 0.7)


@dataclass(frozen=True)
class Adam:
    """Train networks by AdamW in minibatches, with one cycle of the learning rate.

    The result is the network of the pass and the initial network with the least validation loss.

    Attributes:
        passes: Number of passes over the training rows, >= 1.
        spread: Length g of the initial weights, > 0.
        rate: Highest learning rate, > 0.
        batch: Number of rows in a step, >= 1.
        decay: Weight decay of the weights, >= 0; biases and DCT coefficients have none.
        smoothing: Decay of the DCT coefficients to those of a line, >= 0; 2q-1 times as strong for harmonic q.
        starts: Number of networks trained at the same time, with different orders of rows and spreads, >= 1.
        patience: Number of passes without a smaller validation loss after which to stop, >= 1; None for no early stop.
        max_time: Time limit in seconds, > 0; None for no limit. If the passes would take longer, fewer are made over
            the same cycle, and equal seeds no longer give equal networks.

    Raises:
        OptionError: A value is out of its range.
    """

    learns_quantiles: ClassVar[bool] = True
    passes: int = 60
    spread: float = 0.5
    rate: float = 1e-2
    batch: int = 64
    decay: float = 0.1
    smoothing: float = 0.0
    starts: int = 1
    patience: int | None = None
    max_time: float | None = None

    def __post_init__(self) -> None:
        """Check the range of every setting."""
        check_options(self, positive_whole_number, required=("passes", "batch", "starts"), optional=("patience",))
        check_options(self, positive_number, required=("spread", "rate"), optional=("max_time",))
        check_options(self, number_from_zero, required=("decay", "smoothing"))

    def learn(
        self,
        architecture: Architecture,
        training: Samples,
        validation: Samples,
        seed: int,
        watch: ProgressCallback | None = None,
    ) -> LearningResult:
        """Return the network with the least validation loss; see `Learner.learn`."""
        spreads = [self.spread * SPREADS[lane % len(SPREADS)] for lane in range(self.starts)]
        stack = BatchedNetworks(architecture, [initial_network(architecture, spread) for spread in spreads])
        cycle = OneCycle(self.passes, self.rate, self.batch, self.max_time)
        rows = np.tile(np.arange(len(training.x)), (self.starts, 1))
        decay, smoothing = np.full(self.starts, self.decay), np.full(self.starts, self.smoothing)
        best, best_pass, network, lane = math.inf, 0, stack.network(0), 0
        history: list[PassResult] = []
        cut_short = stopped = False
        run = cycle.run(stack, training, rows, decay=decay, smoothing=smoothing, seed=seed)
        for number, progress in enumerate(run, start=1):
            cut_short = progress.cut_short
            losses = self._finite(_validation_losses(stack, validation), number)
            if losses.min() < best:
                best, best_pass, lane = float(losses.min()), number, int(losses.argmin())
                network = stack.network(lane)
            history.append(PassResult(number, progress.passes, float(losses.min())))
            stopped = stops(watch, history[-1])
            if stopped or (self.patience is not None and number - best_pass >= self.patience):
                break
        settings = {**asdict(self), "name": "adam", "start": lane}
        return LearningResult(network, best, tuple(history), settings, cut_short, stopped)

    def _finite(self, losses: NDArray[np.float64], number: int) -> NDArray[np.float64]:
        """Return the losses with infinity in place of NaN."""
        if not np.isfinite(losses).any():
            raise DivergenceError(f"pass {number}: no finite held-out loss with rate {self.rate}; use a smaller rate")
        return np.where(np.isfinite(losses), losses, np.inf)


@torch.no_grad()
def _validation_losses(stack: BatchedNetworks, validation: Samples) -> NDArray[np.float64]:
    """Return the loss of each network over the validation rows, [lanes]."""
    x, y = (torch.from_numpy(part).float().expand(stack.lanes, -1, -1) for part in (validation.x, validation.y))
    weight = torch.from_numpy(validation.relative_weight).float().expand(stack.lanes, -1)
    return stack.losses(x, y, weight).numpy().astype(np.float64)

"""The LMS on a stream: eight networks learn batch after batch, and the one that predicted best lately answers."""

import numpy as np

from enn_models.network import Network
from enn_training.data.preprocessing import Samples
from enn_training.errors import DivergenceError
from enn_training.kernels import lms as lms_kernel
from enn_training.kernels.simd import LANES
from enn_training.learners.lms import SPREADS, begin, steps, to_network
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network

# Times the paper's steps: where its annealed schedule begins.
PACE = 5.0
SPREAD = 0.25
# Rows after which a past loss counts half in the choice of the network that answers.
HALF_LIFE = 1_000


class OnlineLMS:
    """Eight starts of the LMS that go on learning; each row is predicted before it is learned from.

    Args:
        architecture: What is learned.
        network: Over scaled inputs, to go on from at eight paces; None for the eight starts.
    """

    def __init__(self, architecture: Architecture, network: Network | None = None) -> None:
        self._architecture = architecture
        starts = [network or initial_network(architecture, SPREAD * factor) for factor in SPREADS]
        self._state = begin(architecture, starts)
        self._losses = np.zeros(LANES)
        self._weight = 0.0

    @property
    def network(self) -> Network:
        """The network over scaled inputs whose predictions of late had the least loss."""
        return to_network(self._architecture, self._state, int(np.nanargmin(self._losses)))

    def learn(self, samples: Samples) -> float:
        """Learn from every row once, in its order; return the loss of the best network before it saw them.

        Raises:
            DivergenceError: No network is left with finite numbers.
        """
        rows = len(samples.x)
        losses = lms_kernel.losses(self._state, samples.x, samples.y)
        kept = self._weight * 0.5 ** (rows / HALF_LIFE)
        order = np.tile(np.arange(rows)[:, None], LANES)
        moves = steps(len(self._architecture.widths) - 1, PACE)
        lms_kernel.learn(self._state, samples.x, samples.y, order, moves)
        after = lms_kernel.losses(self._state, samples.x, samples.y)
        # Before the first batch no network knows anything: what they make of that batch is all there is to judge by.
        judged = losses if self._weight else after
        self._losses = (kept * self._losses + rows * judged) / (kept + rows)
        self._losses[~np.isfinite(after)] = np.nan
        self._weight = kept + rows
        if np.isnan(self._losses).all():
            raise DivergenceError(f"after {rows} more rows no network has finite numbers; scale the targets or inputs")
        return float(np.nanmin(losses))

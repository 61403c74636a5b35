"""OnlineLMS: least mean squares on a stream of batches; the network with the least recent loss predicts."""

import numpy as np

from enn_models.network import Network
from enn_training.data.preprocessing import Samples
from enn_training.errors import DivergenceError
from enn_training.kernels import lms as lms_kernel
from enn_training.kernels.simd import LANES
from enn_training.learners.lms import SPREADS, begin, steps, to_network
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network

# Factor of the steps of the paper: the one with which the annealed schedule of `LMS` begins.
PACE = 5.0
SPREAD = 0.25
# Number of rows after which a past loss counts half in the choice of the network.
HALF_LIFE = 1_000


class OnlineLMS:
    """Train eight networks by least mean squares, batch after batch.

    Each batch is predicted before it is trained on, so that its loss measures predictions of unseen rows.

    Args:
        architecture: Architecture of the networks.
        network: Network over scaled inputs to train further, at eight paces; None for eight initial networks.
    """

    def __init__(self, architecture: Architecture, network: Network | None = None) -> None:
        self._architecture = architecture
        starts = [network or initial_network(architecture, SPREAD * factor) for factor in SPREADS]
        self._state = begin(architecture, starts)
        self._losses = np.zeros(LANES)
        self._weight = 0.0

    @property
    def network(self) -> Network:
        """Network over scaled inputs with the least recent loss."""
        return to_network(self._architecture, self._state, int(np.nanargmin(self._losses)))

    def learn(self, samples: Samples) -> float:
        """Train once on every row, in order; return the least loss over the rows before training on them.

        Raises:
            DivergenceError: Every network has infinite numbers or NaN.
        """
        rows = len(samples.x)
        weight = samples.relative_weight
        losses = lms_kernel.losses(self._state, samples.x, samples.y, weight)
        kept = self._weight * 0.5 ** (rows / HALF_LIFE)
        order = np.tile(np.arange(rows)[:, None], LANES)
        moves = steps(len(self._architecture.widths) - 1, PACE)
        lms_kernel.learn(self._state, samples.x, samples.y, order, moves)
        after = lms_kernel.losses(self._state, samples.x, samples.y, weight)
        # The networks know nothing before the first batch: they are judged by their losses after it.
        judged = losses if self._weight else after
        self._losses = (kept * self._losses + rows * judged) / (kept + rows)
        self._losses[~np.isfinite(after)] = np.nan
        self._weight = kept + rows
        if np.isnan(self._losses).all():
            raise DivergenceError(f"after {rows} more rows no network has finite numbers; scale the targets or inputs")
        return float(np.nanmin(losses))

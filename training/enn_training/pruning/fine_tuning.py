"""Fine-tune pruned networks with a short run of Adam in which parameters that are 0 stay 0."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from torch import Tensor

from enn_models.network import Network
from enn_training.data.preprocessing import Samples
from enn_training.learners.one_cycle import OneCycle
from enn_training.nn.architecture import Architecture
from enn_training.nn.batched import BatchedNetworks

if TYPE_CHECKING:
    from enn_training.nn.activation import DCTActivation

MAX_ROWS = 40_000
"""Number of rows that each network is trained on: a sample of a large data set, or several passes over a small one."""
MAX_PASSES = 20
"""Maximum number of passes; more passes over few rows overfit."""
LEARNING_RATE, BATCH_SIZE = 3e-3, 64


def pass_count(rows: int) -> int:
    """Return the number of passes over a data set of `rows` rows."""
    return min(MAX_PASSES, max(1, round(MAX_ROWS / rows)))


def fine_tune(
    networks: Sequence[Network], training: Samples, seed: int, watch: Callable[[], object] | None = None
) -> list[Network]:
    """Train networks of one architecture side by side, with zero weights and coefficients kept at 0.

    Args:
        networks: Networks over scaled inputs.
        training: Training rows.
        seed: Seed of the row order.
        watch: Callback after every pass.

    Returns:
        Trained networks, in the same order.
    """
    stack = BatchedNetworks(Architecture.of(networks[0]), networks)
    for parameter in (*stack.weights, *(cast("DCTActivation", each).coefficients for each in stack.activations)):
        _keep_zeros(parameter)
    seen = np.sort(np.random.default_rng(seed).permutation(len(training.x))[:MAX_ROWS])
    rows = np.tile(seen, (len(networks), 1))
    none = np.zeros(len(networks))
    cycle = OneCycle(pass_count(len(training.x)), LEARNING_RATE, BATCH_SIZE)
    for _ in cycle.run(stack, training, rows, decay=none, smoothing=none, seed=seed):
        if watch:
            watch()
    return [stack.network(lane) for lane in range(len(networks))]


def _keep_zeros(parameter: Tensor) -> None:
    """Keep the zeros of a parameter by masking its gradient: Adam does not move a value without a gradient."""
    free = parameter.detach() != 0
    parameter.register_hook(lambda gradient: gradient * free)

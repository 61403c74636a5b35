"""A short run of Adam after a cut: what is 0 stays 0, and the rest makes up for it."""

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

SAMPLES = 40_000
"""Rows that each network sees: some of many, and few of them several times."""
MOST = 20
"""Passes: few rows seen more often are learned by heart."""
RATE, BATCH = 3e-3, 64


def passes(rows: int) -> int:
    """Return how many times so many rows are seen."""
    return min(MOST, max(1, round(SAMPLES / rows)))


def tune(
    networks: Sequence[Network], training: Samples, seed: int, watch: Callable[[], object] | None = None
) -> list[Network]:
    """Return networks of one architecture after learning on, side by side.

    Args:
        networks: Over scaled inputs; weights and coefficients that are 0 stay 0.
        training: Rows to learn from.
        seed: Of their order.
        watch: Called after every pass.
    """
    stack = BatchedNetworks(Architecture.of(networks[0]), networks)
    for parameter in (*stack.weights, *(cast("DCTActivation", each).coefficients for each in stack.activations)):
        _hold(parameter)
    seen = np.sort(np.random.default_rng(seed).permutation(len(training.x))[:SAMPLES])
    rows = np.tile(seen, (len(networks), 1))
    none = np.zeros(len(networks))
    cycle = OneCycle(passes(len(training.x)), RATE, BATCH)
    for _ in cycle.run(stack, training, rows, decay=none, smoothing=none, seed=seed):
        if watch:
            watch()
    return [stack.network(lane) for lane in range(len(networks))]


def _hold(parameter: Tensor) -> None:
    """Keep what is 0 there: without a gradient Adam moves nothing."""
    free = parameter.detach() != 0
    parameter.register_hook(lambda gradient: gradient * free)

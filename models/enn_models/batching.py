"""Batched execution: large inputs are split so that the values of a layer stay in the processor's cache."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Network

Array = NDArray[np.float32]
MAX_LAYER_BYTES = 2**19
"""Bytes of the widest hidden layer in one batch; a layer reads and writes several arrays of this size at once."""
MAX_GRAPH_VALUES = 2**25
"""Values of the whole graph in one batch: 128 MiB in float32."""


def max_batch_rows(network: Network, elements: int = 1, precision: str = "float32") -> int:
    """Return the number of rows that fit in one batch.

    Args:
        network: Network that runs.
        elements: Elements that one row takes in all values of the graph together.
        precision: NumPy data type in which the graph computes.
    """
    widest = max(len(layer.bias) for layer in network.layers[:-1])
    return max(1, min(MAX_LAYER_BYTES // (widest * np.dtype(precision).itemsize), MAX_GRAPH_VALUES // max(1, elements)))


def run_in_batches(run: Callable[[Array], Sequence[Array]], inputs: Array, rows: int) -> list[Array]:
    """Run a model batch by batch and concatenate its outputs.

    Args:
        run: Function from one batch, float32 [rows, features], to the outputs; rows are the first axis of each.
        inputs: Float32 [batch, features].
        rows: Maximum rows of one batch, at least 1.

    Returns:
        Outputs for all inputs.
    """
    if len(inputs) <= rows:
        return list(run(inputs))
    batches = [run(inputs[start : start + rows]) for start in range(0, len(inputs), rows)]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]

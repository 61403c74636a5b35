"""Pieces: a large batch goes through a runtime part by part, so that a layer's values stay in the cache."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Network

Array = NDArray[np.float32]
MAX_LAYER_BYTES = 2**19
"""Bytes of the widest hidden layer at a time; a layer reads and writes several such at once."""
MAX_GRAPH_VALUES = 2**25
"""Values of the whole graph at a time: 128 MiB in float32."""


def max_batch_rows(network: Network, elements: int = 1, precision: str = "float32") -> int:
    """Return the most rows of a piece, where a row takes so many elements in all values of the graph."""
    widest = max(len(layer.bias) for layer in network.layers[:-1])
    return max(1, min(MAX_LAYER_BYTES // (widest * np.dtype(precision).itemsize), MAX_GRAPH_VALUES // max(1, elements)))


def run_in_batches(run: Callable[[Array], Sequence[Array]], inputs: Array, rows: int) -> list[Array]:
    """Return what a runtime gives for all inputs.

    Args:
        run: Runs a piece, float32 [rows, features]; the first axis of every result is the piece's.
        inputs: Float32 [batch, features].
        rows: The most rows of a piece, at least 1.
    """
    if len(inputs) <= rows:
        return list(run(inputs))
    pieces = [run(inputs[start : start + rows]) for start in range(0, len(inputs), rows)]
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]

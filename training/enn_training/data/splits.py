"""Functions that split rows into training, validation and test parts, or draw some of them."""

import numpy as np
from numpy.typing import NDArray

BACKGROUND_ROWS = 100
"""Number of training rows in a card: enough for Shapley values to a few percent, in a few kilobytes."""


def sample_rows(rows: NDArray[np.float64], count: int, seed: int) -> NDArray[np.float64]:
    """Return a random sample of raw rows [rows, features], each a float32 value, which a request could send."""
    places = np.random.default_rng(seed).permutation(len(rows))[:count]
    return rows[np.sort(places)].astype(np.float32).astype(np.float64)

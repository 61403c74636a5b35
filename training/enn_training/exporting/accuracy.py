"""How far a graph is from the float64 oracle, over the rows that the model was made for."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Network
from enn_training.model import LearnedModel

TOLERANCE = 5e-6
"""Of a value's scale: float32 reaches it unless an activation is steep, float64 always; 1e-5 is accepted elsewhere."""
SAMPLES = 8192
TINY = 1e-30
"""The scale of what is zero everywhere."""


def rows(model: LearnedModel) -> NDArray[np.float32]:
    """Return the rows to compare on, float32 [rows, features]: examples, corners and a sample of the training range."""
    low, high = (np.array([getattr(feature, end) for feature in model.features]) for end in ("minimum", "maximum"))
    sample = np.random.default_rng(0).uniform(low, high, size=(SAMPLES, len(low)))
    return np.concatenate([golden(model), sample]).astype(np.float32)


def golden(model: LearnedModel) -> NDArray[np.float32]:
    """Return the rows of the golden vector, float32 [rows, features]: the examples and two corners of the range."""
    corners = np.array([[getattr(feature, end) for feature in model.features] for end in ("minimum", "maximum")])
    return np.concatenate([model.examples, corners]).astype(np.float32)


def error(network: Network, inputs: NDArray[np.float32], values: Mapping[str, NDArray[np.float32]]) -> float:
    """Return the largest difference from the oracle as a share of the value's scale; infinite if any is not finite.

    Args:
        network: The oracle.
        inputs: Raw inputs, [batch, features].
        values: What a runtime gave, by name: output, bumps, pre_activation.
    """
    response = network.respond(inputs)
    bumps = float(np.abs(response.bumps).max(initial=TINY))
    worst = 0.0
    for name, found in values.items():
        wanted = getattr(response, name)
        # A sum of bumps that cancel is exact to the rounding of the bumps, not of what is left of them.
        cancels = name == "pre_activation" or (network.head == "linear" and network.link == "identity")
        scale = max(float(np.abs(wanted).max()), bumps if cancels else 0.0, TINY)
        share = float(np.abs(found - wanted).max()) / scale
        worst = max(worst, share if np.isfinite(share) else float("inf"))
    return worst

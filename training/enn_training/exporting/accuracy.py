"""How far a graph is from the float64 oracle, over the rows that the model was made for."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Network
from enn_training.model import LearnedModel

TOLERANCE = 7e-6
"""Of a value's scale: what float32 leaves after a steep output step, with room to 1e-5 for other processors."""
SAMPLES = 8192
TINY = 1e-30
"""The scale of what is zero everywhere."""


MISSING_SHARE = 0.1
"""Of the sampled values of a feature that may be missing."""


def rows(model: LearnedModel) -> NDArray[np.float32]:
    """Return the rows to compare on, float32 [rows, features]: the golden ones and a sample of the training range.

    The sample has every category, and rows with and without every value that may be missing.
    """
    low, high = _corners(model)
    random = np.random.default_rng(0)
    sample = random.uniform(low, high, size=(SAMPLES, len(low)))
    for column, feature in enumerate(model.features):
        if feature.kind != "numeric":
            sample[:, column] = random.permutation(np.resize(np.arange(feature.maximum + 1), SAMPLES))
        if feature.missing:
            sample[random.random(SAMPLES) < MISSING_SHARE, column] = np.nan
    return np.concatenate([golden(model), sample]).astype(np.float32)


def golden(model: LearnedModel) -> NDArray[np.float32]:
    """Return the rows of the golden vector, float32 [rows, features]: examples, two corners, and all that may miss."""
    low, high = _corners(model)
    optional = [feature.missing for feature in model.features]
    missing = [np.where(optional, np.nan, low)] if any(optional) else []
    return np.stack([*model.examples, low, high, *missing]).astype(np.float32)


def reach(model: LearnedModel, network: Network) -> tuple[float, ...]:
    """Return the largest magnitude of each column of the network in the training range."""
    corners = np.stack(_corners(model)).astype(np.float32)
    encoding = network.encoding
    if encoding is None:
        return tuple(np.abs(corners).max(axis=0).tolist())
    return tuple(np.where(encoding.number, np.abs(encoding.apply(corners)).max(axis=0), 1.0).tolist())


def _corners(model: LearnedModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and the upper ends of the training range, or of the codes, float64 [features]."""
    low = np.array([feature.minimum for feature in model.features])
    return low, np.array([feature.maximum for feature in model.features])


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

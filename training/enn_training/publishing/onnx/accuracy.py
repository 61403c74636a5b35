"""How far a graph is from the float64 oracle, over the rows that the model was made for."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from enn_models.cosine_series import Floats
from enn_models.network import Network, Response
from enn_training.learned_model import LearnedModel

TOLERANCE = 5e-6
"""Of a value's scale: float32 reaches it unless an activation is steep, float64 always; 1e-5 is accepted elsewhere."""
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


def _corners(model: LearnedModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and the upper ends of the training range, or of the codes, float64 [features]."""
    low = np.array([feature.minimum for feature in model.features])
    return low, np.array([feature.maximum for feature in model.features])


def error(network: Network, response: Response, values: Mapping[str, NDArray[np.float32]]) -> float:
    """Return the largest difference from the oracle as a share of the value's scale; infinite if any is not finite.

    Args:
        network: The oracle.
        response: What it gives for some rows.
        values: What a runtime gave for them, by name: output, bumps, pre_activation.
    """
    bumps = float(np.abs(response.bumps).max(initial=TINY))
    worst = 0.0
    for name, found in values.items():
        wanted = getattr(response, name)
        # A sum of bumps that cancel is exact to the rounding of the bumps, not of what is left of them.
        cancels = name == "pre_activation" or (network.head == "linear" and network.link == "identity")
        worst = max(worst, share(found, wanted, bumps if cancels else TINY))
    return worst


def share(found: NDArray[np.floating], wanted: Floats, least: float = TINY) -> float:
    """Return the largest difference as a share of the largest value wanted, or of `least` if that is more.

    It is infinite if what was found is not finite.
    """
    difference = float(np.abs(found - wanted).max()) / max(float(np.abs(wanted).max()), least)
    return difference if np.isfinite(difference) else float("inf")

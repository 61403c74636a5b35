"""Measure the error of an ONNX graph against the float64 network over rows of the training range."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from enn_models.cosine_series import Floats
from enn_models.network import Network, Response
from enn_training.learned_model import LearnedModel

TOLERANCE = 5e-6
"""Maximum relative error. float32 reaches it unless an activation is steep, float64 always; the service accepts
1e-5.
"""
SAMPLE_ROWS = 8192
"""Number of random rows in a comparison."""
SMALLEST_SCALE = 1e-30
"""Scale used for a value that is zero on all rows."""


MISSING_SHARE = 0.1
"""Share of missing values among the sampled values of a feature that may be missing."""


def comparison_rows(model: LearnedModel) -> NDArray[np.float32]:
    """Return the rows on which graph and network are compared: the golden rows and a sample of the training range.

    Every category of a feature occurs in the sample, and each optional feature is missing in some rows.

    Args:
        model: Learned model, for its examples and features.

    Returns:
        Rows in raw units, float32 [rows, features]; NaN is a missing value.
    """
    low, high = _range_corners(model)
    random = np.random.default_rng(0)
    sample = random.uniform(low, high, size=(SAMPLE_ROWS, len(low)))
    for column, feature in enumerate(model.features):
        if feature.kind != "numeric":
            sample[:, column] = random.permutation(np.resize(np.arange(feature.maximum + 1), SAMPLE_ROWS))
        if feature.missing:
            sample[random.random(SAMPLE_ROWS) < MISSING_SHARE, column] = np.nan
    return np.concatenate([golden_rows(model), sample]).astype(np.float32)


def golden_rows(model: LearnedModel) -> NDArray[np.float32]:
    """Return the rows of the golden vector: examples, corners of the range, and a row without its optional values.

    Returns:
        Rows in raw units, float32 [rows, features].
    """
    low, high = _range_corners(model)
    optional = [feature.missing for feature in model.features]
    missing = [np.where(optional, np.nan, low)] if any(optional) else []
    return np.stack([*model.examples, low, high, *missing]).astype(np.float32)


def _range_corners(model: LearnedModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the minimum and the maximum of every feature, float64 [features]; category codes count as numbers."""
    low = np.array([feature.minimum for feature in model.features])
    return low, np.array([feature.maximum for feature in model.features])


def largest_error(network: Network, response: Response, values: Mapping[str, NDArray[np.float32]]) -> float:
    """Return the largest difference from the network's response, relative to the largest value of each output.

    Args:
        network: Network that gave the response.
        response: Response of the network to some rows.
        values: Outputs of a runtime for these rows by name: output, bumps, pre_activation.

    Returns:
        Relative error; infinite if a value is not finite.
    """
    bumps = float(np.abs(response.bumps).max(initial=SMALLEST_SCALE))
    worst = 0.0
    for name, found in values.items():
        wanted = getattr(response, name)
        # A sum of bumps that cancel is exact to the rounding of the bumps, not of what is left of them.
        cancels = name == "pre_activation" or (network.head == "linear" and network.link == "identity")
        worst = max(worst, relative_error(found, wanted, bumps if cancels else SMALLEST_SCALE))
    return worst


def relative_error(found: NDArray[np.floating], wanted: Floats, least: float = SMALLEST_SCALE) -> float:
    """Return the largest difference relative to the largest expected value, or to `least` if that is larger.

    Returns:
        Relative error; infinite if a value of `found` is not finite.
    """
    difference = float(np.abs(found - wanted).max()) / max(float(np.abs(wanted).max()), least)
    return difference if np.isfinite(difference) else float("inf")

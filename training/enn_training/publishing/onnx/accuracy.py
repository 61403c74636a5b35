"""Measure the error of an ONNX graph against the float64 network over rows of the training range."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

from enn_models.cosine_series import Floats
from enn_models.network import Network
from enn_models.package import OUTPUTS
from enn_training.learned_model import LearnedModel
from enn_training.publishing.onnx.runtime import RuntimeSession

TOLERANCE = 5e-6
"""Maximum relative error. float32 reaches it unless an activation is steep, float64 always; the service accepts
1e-5.
"""
SAMPLE_ROWS = 8192
"""Number of random rows in a comparison."""
SMALLEST_SCALE = 1e-30
"""Scale used for a value that is zero on all rows."""
MAX_COMPARED_VALUES = 2**21
"""Maximum number of values of an array while graphs and network are compared: 16 MiB in float64."""

MISSING_SHARE = 0.1
"""Share of missing values among the sampled values of a feature that may be missing."""


def comparison_rows(model: LearnedModel) -> NDArray[np.float32]:
    """Return the rows on which graph and network are compared: the golden rows and a sample of the training range.

    Every category of a feature occurs in the sample, each optional feature is missing in some rows, and a feature with
    a monotone map has as many values in each segment of the map.

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
        elif feature.knots is not None:
            places = random.uniform(0, len(feature.knots) - 1, SAMPLE_ROWS)
            sample[:, column] = np.interp(places, np.arange(len(feature.knots)), feature.knots)
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


def largest_errors(
    network: Network, graphs: Sequence[onnx.ModelProto], rows: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the largest difference of each graph's outputs from the network, relative to each output's largest value.

    The rows are compared in pieces, so that wide layers need no more memory than narrow ones.

    Args:
        network: Network that all graphs compute.
        graphs: ONNX graphs with the outputs of a package.
        rows: Rows in raw units, float32 [rows, features].

    Returns:
        Relative errors, [graphs]; infinite if a value is not finite.
    """
    sessions = [RuntimeSession(graph, OUTPUTS) for graph in graphs]
    at_once = max(1, MAX_COMPARED_VALUES // _values_of_a_row(network))
    differences, scales = np.zeros((len(sessions), len(OUTPUTS))), np.zeros(len(OUTPUTS))
    for start in range(0, len(rows), at_once):
        piece = rows[start : start + at_once]
        response = network.respond(piece)
        wanted = [getattr(response, name) for name in OUTPUTS]
        scales = np.maximum(scales, [np.abs(values).max() for values in wanted])
        for session, largest in zip(sessions, differences, strict=True):
            found = session.run(piece)
            apart = [np.abs(one - other).max() for one, other in zip(found, wanted, strict=True)]
            np.maximum(largest, apart, out=largest)
    errors = (differences / np.maximum(scales, _least_scales(network, scales))).max(axis=1)
    return np.where(np.isfinite(errors), errors, np.inf)


def _values_of_a_row(network: Network) -> int:
    """Return the number of values of a row in the largest array that a graph or the network computes."""
    harmonics = max(layer.coefficients.size for layer in network.layers if layer.coefficients is not None)
    return max(harmonics, network.layers[-1].weight.size, network.columns)


def _least_scales(network: Network, scales: Floats) -> list[float]:
    """Return the least scale of each output: a sum of bumps that cancel is exact to the rounding of the bumps."""
    bumps = max(scales[OUTPUTS.index("bumps")], SMALLEST_SCALE)
    cancels = {"pre_activation"} | ({"output"} if (network.head, network.link) == ("linear", "identity") else set())
    return [bumps if name in cancels else SMALLEST_SCALE for name in OUTPUTS]


def relative_error(found: NDArray[np.floating], wanted: Floats) -> float:
    """Return the largest difference relative to the largest expected value.

    Returns:
        Relative error; infinite if a value of `found` is not finite.
    """
    difference = float(np.abs(found - wanted).max()) / max(float(np.abs(wanted).max()), SMALLEST_SCALE)
    return difference if np.isfinite(difference) else float("inf")

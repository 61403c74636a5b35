"""Conformal prediction: intervals and label sets that contain the truth in a stated share of new rows.

A score says how badly a value or label fits the prediction for a row. Scores of rows that a network was not trained on
give the threshold of a coverage; what scores at most the threshold is in the interval or set.

Sources: the finite-sample threshold, Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World (2005); scores of
cross-validation, Barber et al., Predictive inference with the jackknife+ (2021); scores scaled to the row, Lei et al.,
Distribution-free predictive inference for regression (2018); adaptive sets, Romano, Sesia, Candes, Classification with
valid and adaptive coverage (2020).
"""

from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

from enn_models.card.calibration import MAX_SCORES, Calibration, LogScale
from enn_models.cosine_series import Floats
from enn_models.network import Head

ROUNDING = 1e-12
"""Relative error of a sum of weights."""
SOFTMAX_SHARE = 1e-3
"""Part of a softmax in the estimated probabilities of a dct head."""
DIGITS = 9
"""Significant digits of a score in a card: more than float32 has, so that scores just below 1 stay apart."""


def keep_scores(scores: ArrayLike, weights: Floats | None = None) -> tuple[float, ...]:
    """Return at most MAX_SCORES order statistics of some scores, ascending; the last one is the largest score.

    Args:
        scores: Scores, [rows].
        weights: Weight of each row, > 0, [rows]; None if all rows count the same.
    """
    values = np.asarray(scores, dtype=np.float64)
    order, count = np.argsort(values, kind="stable"), min(len(values), MAX_SCORES)
    ranks = -(-np.arange(1, count + 1) * len(values) // count)
    if weights is not None:
        shares = np.cumsum(weights[order])
        ranks = np.searchsorted(shares, shares[-1] * (np.arange(1, count + 1) / count) * (1 - ROUNDING)) + 1
    return tuple(float(f"{score:.{DIGITS}g}") for score in values[order[ranks - 1]].tolist())


def largest_coverage(rows: int) -> float:
    """Return the largest coverage that scores of this number of rows have a threshold for."""
    return rows / (rows + 1)


def threshold(scores: tuple[float, ...], rows: int, coverage: float) -> float:
    """Return the score that a new row does not exceed with a probability of at least the coverage.

    It is the score of rank ceil((rows + 1) coverage) or, if that one is not kept, the next larger one that is.

    Args:
        scores: Scores as of `keep_scores`.
        rows: Number of scores that these were kept from.
        coverage: Probability, at most `largest_coverage`.

    Raises:
        ValueError: The coverage is larger.
    """
    # A product such as 20 x 0.95 is 19 and a rounding error, which must not become rank 20.
    rank = int(np.ceil(round((rows + 1) * coverage, 9)))
    if rank > rows:
        raise ValueError(f"coverage {coverage}: {rows} rows allow at most {largest_coverage(rows):.6g}")
    return scores[max(rank - 1, 0) * len(scores) // rows]


def scales(scale: LogScale, bumps: Floats) -> Floats:
    """Return the expected size of the error in each row, float64 [rows].

    Args:
        scale: Model of the size.
        bumps: Bumps of one output, [rows, neurons].
    """
    logarithms = np.full(len(bumps), scale.intercept)
    if scale.weights:
        logarithms += bumps @ np.array(scale.weights)
    return np.exp(np.clip(logarithms, scale.low, scale.high))


def half_widths(calibration: Calibration, bumps: ArrayLike, coverage: float) -> Floats:
    """Return half the width of the interval around each value of a regression, float64 [rows, outputs].

    The coverage is that of each output on its own.

    Args:
        calibration: Calibration of a regression.
        bumps: Bumps, [rows, outputs, neurons].
        coverage: Share of new rows whose value is in its interval.
    """
    values = np.asarray(bumps, dtype=np.float64)
    parts = zip(calibration.scores, calibration.scales, strict=True)
    widths = [
        threshold(scores, calibration.rows, coverage) * scales(scale, values[:, unit])
        for unit, (scores, scale) in enumerate(parts)
    ]
    return np.stack(widths, axis=1)


def label_sets(calibration: Calibration, rows: ArrayLike, probabilities: Floats, coverage: float) -> NDArray[np.bool_]:
    """Return the set of labels of each row, bool [rows, classes]; a set can be empty.

    Args:
        calibration: Calibration of a classification.
        rows: Raw rows, [rows, features].
        probabilities: Probabilities of the classes as of `class_probabilities`, [rows, classes].
        coverage: Share of new rows whose label is in its set.
    """
    limit = threshold(calibration.scores[0], calibration.rows, coverage)
    return adaptive_scores(probabilities, row_fractions(rows)) <= limit


def class_probabilities(output: ArrayLike, head: Head) -> Floats:
    """Return the probabilities of the classes, float64 [rows, classes].

    A dct head learns targets of -1 and 1, so that (1 + score) / 2 estimates a probability. A small share of a softmax
    keeps the order of the classes with scores below -1.

    Args:
        output: Output of a classification, [rows, outputs].
        head: Head of the network.
    """
    values = np.asarray(output, dtype=np.float64)
    if head == "linear":
        return values
    scores = np.concatenate([-values, values], axis=1) if values.shape[1] == 1 else values
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    estimates = np.maximum(0.5 + 0.5 * scores, 0.0) + SOFTMAX_SHARE * powers / powers.sum(axis=1, keepdims=True)
    return estimates / estimates.sum(axis=1, keepdims=True)


def adaptive_scores(probabilities: Floats, fractions: Floats) -> Floats:
    """Return the score of each class: the probability of all more probable ones, and a fraction of its own.

    Args:
        probabilities: Probabilities, [rows, classes].
        fractions: Fraction of each row, in [0, 1), [rows].

    Returns:
        Scores, float64 [rows, classes].
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1)
    scores = np.cumsum(ordered, axis=1) - (1.0 - fractions[:, None]) * ordered
    result = np.empty_like(scores)
    np.put_along_axis(result, order, scores, axis=1)
    return result


def row_fractions(rows: ArrayLike) -> Floats:
    """Return a number in [0, 1) for each raw row [rows, features], from a hash of its float32 values.

    It takes the place of the random number of adaptive sets: equal rows have equal sets, whenever and wherever.
    """
    values = np.asarray(rows, dtype="<f4") + np.float32(0.0)  # no negative zero
    data = memoryview(np.where(np.isnan(values), np.float32(np.nan), values).astype("<f4", copy=False).tobytes())
    size = 4 * values.shape[1]
    digests = [blake2b(data[at : at + size], digest_size=8).digest() for at in range(0, len(data), size)]
    return np.ldexp((np.frombuffer(b"".join(digests), "<u8") >> np.uint64(11)).astype(np.float64), -53)

"""Calibration of a network that learned from all rows, on the predictions of its cross-validation."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import GammaRegressor

from enn_models import conformal
from enn_models.card import Calibration, LogScale
from enn_models.network import Network
from enn_training.data.dataset import Split
from enn_training.data.float32_range import to_float32

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

PENALTIES = (None, 0.01, 0.1, 1.0)
"""Ridge penalties to choose among for the size of the error; None for the same size in every row."""
GROUPS = 5
"""Number of groups of rows, each with the size that is learned from the others, if there is one fold."""
FLOOR = 1e-3
"""Least error relative to the mean: the likelihood of a gamma distribution excludes 0."""
SMALLEST = 1e-300
"""Least error, so that a fold without errors has a logarithm."""


def calibrate(network: Network, data: Split, folds: Sequence[tuple[Network, Indices]]) -> Calibration | None:
    """Return the calibration of a network on all rows that a fold held out; None if no fold held out rows.

    Scores come from networks that were not trained on their rows; the predictions of `network`, trained on all rows,
    are at least as good. The size of the error in a row is learned without the rows of its fold, too.

    Args:
        network: Network over raw rows, trained on all rows.
        data: Raw rows with their targets.
        folds: Networks over raw rows with the same settings, each with the indices of the rows that it was not trained
            on.
    """
    held_out = [(fold, rows) for fold, rows in folds if len(rows) < len(data.x)]
    if not held_out:
        return None
    rows = np.concatenate([indices for _, indices in held_out])
    x, y = to_float32(data.x[rows]), data.y[rows]
    weights = None if data.weight is None else data.weight[rows]
    output = np.concatenate([to_float32(fold.respond(to_float32(data.x[part])).output) for fold, part in held_out])
    if network.task == "classification":
        probabilities = conformal.class_probabilities(output, network.head)
        scores = conformal.adaptive_scores(probabilities, conformal.row_fractions(x))
        own = np.take_along_axis(scores, y.astype(np.int64)[:, None], axis=1)[:, 0]
        return Calibration(rows=len(rows), scores=(conformal.keep_scores(own, weights),))
    groups = np.concatenate([np.full(len(part), number) for number, (_, part) in enumerate(held_out)])
    if len(held_out) == 1:
        groups = np.arange(len(rows)) % GROUPS
    errors, bumps = np.abs(y.reshape(output.shape) - output), network.respond(x).bumps
    units = [_Errors(bumps[:, unit], errors[:, unit], weights) for unit in range(network.units)]
    outputs = [_scaled_scores(unit, groups) for unit in units]
    scores, scales = zip(*outputs, strict=True)
    return Calibration(rows=len(rows), scores=scores, scales=scales)


def _scaled_scores(rows: "_Errors", groups: Indices) -> tuple[tuple[float, ...], LogScale]:
    """Return the scores of an output, each scaled without the rows of its group, and the scale learned from all rows.

    Args:
        rows: Errors of the output.
        groups: Group of each row, [rows].
    """
    if not rows.errors.any():
        return conformal.keep_scores(rows.errors), LogScale(intercept=0.0, low=0.0, high=0.0)

    def scales_of_groups(penalty: float | None) -> Floats:
        scales = np.empty(len(groups))
        for group in np.unique(groups):
            own = groups == group
            scales[own] = conformal.scales(rows.take(~own).scale(penalty), rows.bumps[own])
        return scales

    candidates = [(penalty, scales_of_groups(penalty)) for penalty in PENALTIES]
    penalty, scales = min(candidates, key=lambda candidate: rows.deviance(candidate[1]))
    return conformal.keep_scores(rows.errors / scales, rows.weights), rows.scale(penalty)


@dataclass(frozen=True, eq=False)
class _Errors:
    """Errors of one output.

    Attributes:
        bumps: Bumps of the output, [rows, neurons].
        errors: Absolute errors, [rows].
        weights: Weights of the rows, [rows]; None if all count the same.
    """

    bumps: Floats
    errors: Floats
    weights: Floats | None

    def take(self, rows: NDArray[np.bool_]) -> "_Errors":
        """Return some of the rows."""
        return _Errors(self.bumps[rows], self.errors[rows], None if self.weights is None else self.weights[rows])

    @property
    def positive(self) -> Floats:
        """Errors, each at least a small one."""
        return np.maximum(self.errors, max(FLOOR * float(self.errors.mean()), SMALLEST))

    def deviance(self, scales: Floats) -> float:
        """Return the mean deviance of a gamma distribution of the errors about scales [rows], without its constants."""
        return float(np.average(np.log(scales) + self.positive / scales, weights=self.weights))

    def scale(self, penalty: float | None) -> LogScale:
        """Return the expected error as the exponential of a linear function of the bumps, by a gamma regression.

        Args:
            penalty: Ridge penalty; None for the mean error in every row.
        """
        mean, deviation = self.bumps.mean(axis=0), self.bumps.std(axis=0)
        varying = deviation > np.finfo(np.float32).eps * np.abs(self.bumps).max()
        expected = float(np.average(self.positive, weights=self.weights))
        constant = float(np.log(expected))
        if penalty is None or not varying.any():
            return LogScale(intercept=constant, low=constant, high=constant)
        standard = (self.bumps[:, varying] - mean[varying]) / deviation[varying]
        model = GammaRegressor(alpha=penalty, solver="newton-cholesky")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # any scale has valid thresholds
            model.fit(standard, self.positive / expected, sample_weight=self.weights)
        weights = np.zeros(self.bumps.shape[1])
        weights[varying] = model.coef_ / deviation[varying]
        intercept = constant + float(model.intercept_) - float(mean @ weights)
        logarithms = intercept + self.bumps @ weights
        low, high = float(logarithms.min()), float(logarithms.max())
        return LogScale(intercept=intercept, weights=tuple(weights.tolist()), low=low, high=high)

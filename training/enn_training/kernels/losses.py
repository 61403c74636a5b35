"""Losses of second-order learning: their sums, their derivatives, and a root of their second derivatives."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from enn_training.kernels.compilation import compile_kernel

Floats = NDArray[np.float64]

SQUARED, LOGISTIC, SOFTMAX, QUANTILE = range(4)
"""Kinds of losses: half the squared error, the cross-entropy in nats of one logit or of several, and the loss of a
quantile."""
SMOOTHNESS = 0.01
"""Error below which the loss of a quantile is rounded off, in standard deviations of the target."""


class Loss(NamedTuple):
    """Describe a loss.

    Attributes:
        kind: Kind of the loss.
        level: Level of the quantile, for its loss.
    """

    kind: int
    level: float = 0.5


@compile_kernel
def residuals(loss: Loss, outputs: Floats, targets: Floats, weight: Floats, derivatives: Floats) -> float:
    """Return the weighted sum of the losses over all rows, and store their derivatives by the outputs, unweighted.

    Args:
        loss: Loss.
        outputs: Values or logits, [units, rows].
        targets: Values, or 0 and 1, [units, rows].
        weight: Weight of each row, [rows].
        derivatives: Array to write the derivatives to, [units, rows].
    """
    units, rows = outputs.shape
    sum_ = 0.0
    if loss.kind == SOFTMAX:
        for row in range(rows):
            sum_ += weight[row] * _softmax(outputs[:, row], targets[:, row], derivatives[:, row])
        return sum_
    for unit in range(units):
        for row in range(rows):
            if loss.kind == SQUARED:
                error = outputs[unit, row] - targets[unit, row]
                derivatives[unit, row] = error
                sum_ += weight[row] * (0.5 * error * error)
            elif loss.kind == QUANTILE:
                error = targets[unit, row] - outputs[unit, row]
                size = math.sqrt(error * error + SMOOTHNESS * SMOOTHNESS)
                derivatives[unit, row] = -0.5 * error / size - (loss.level - 0.5)
                sum_ += weight[row] * (0.5 * size + (loss.level - 0.5) * error)
            else:
                sign = 1.0 if targets[unit, row] > 0.5 else -1.0
                margin = sign * outputs[unit, row]
                power = math.exp(-abs(margin))
                derivatives[unit, row] = -sign * (power if margin > 0.0 else 1.0) / (1.0 + power)
                sum_ += weight[row] * (math.log1p(power) + max(-margin, 0.0))
    return sum_


@njit(error_model="numpy")
def _softmax(logits: Floats, targets: Floats, derivatives: Floats) -> float:
    """Return the cross-entropy of one row, and store its derivatives."""
    greatest, total, chosen = logits.max(), 0.0, 0.0
    for unit in range(len(logits)):
        derivatives[unit] = math.exp(logits[unit] - greatest)
        total += derivatives[unit]
        chosen += targets[unit] * (logits[unit] - greatest)
    for unit in range(len(logits)):
        derivatives[unit] = derivatives[unit] / total - targets[unit]
    return math.log(total) - chosen


@njit(error_model="numpy")
def seed(loss: Loss, column: int, derivatives: Floats, targets: Floats, into: Floats) -> None:
    """Store one column of S for each row, where S S' is the second derivative of the loss by the outputs.

    The squared error has the identity, the cross-entropy diag(sqrt p) - p sqrt(p)'; of one logit sqrt(p (1 - p)). A
    quantile has the curvature of the parabola that touches its loss from above, 1 / 2|error|, so that far rows count.

    Args:
        loss: Kind of the loss.
        column: Number of the column, from 0 to units - 1.
        derivatives: Derivatives of the loss by the outputs, [units, BLOCK].
        targets: Values, or 0 and 1, [units, BLOCK].
        into: Array to write to, [units, BLOCK].
    """
    into[:, :] = 0.0
    for row in range(into.shape[1]):
        if loss.kind == SQUARED:
            into[column, row] = 1.0
        elif loss.kind == QUANTILE:
            slope = 2.0 * (derivatives[column, row] + loss.level - 0.5)
            into[column, row] = math.sqrt(0.5 * math.sqrt(max(1.0 - slope * slope, 0.0)) / SMOOTHNESS)
        elif loss.kind == LOGISTIC:
            wrong = abs(derivatives[0, row])
            into[0, row] = math.sqrt(wrong * (1.0 - wrong))
        else:
            own = max(derivatives[column, row] + targets[column, row], 0.0)
            root = math.sqrt(own)
            for unit in range(len(into)):
                into[unit, row] = -(derivatives[unit, row] + targets[unit, row]) * root
            into[column, row] += root

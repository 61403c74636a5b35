"""Losses of second-order learning: their sums, their derivatives, and a root of their second derivatives."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from enn_training.kernels.compilation import compile_kernel

Floats = NDArray[np.float64]

SQUARED, LOGISTIC, SOFTMAX = range(3)
"""Kinds of losses: half the squared error, and the cross-entropy in nats of one logit or of several."""


@compile_kernel
def residuals(loss: int, outputs: Floats, targets: Floats, weight: Floats, derivatives: Floats) -> float:
    """Return the weighted sum of the losses over all rows, and store their derivatives by the outputs, unweighted.

    Args:
        loss: Kind of the loss.
        outputs: Values or logits, [units, rows].
        targets: Values, or 0 and 1, [units, rows].
        weight: Weight of each row, [rows].
        derivatives: Array to write the derivatives to, [units, rows].
    """
    units, rows = outputs.shape
    sum_ = 0.0
    if loss == SOFTMAX:
        for row in range(rows):
            sum_ += weight[row] * _softmax(outputs[:, row], targets[:, row], derivatives[:, row])
        return sum_
    for unit in range(units):
        for row in range(rows):
            if loss == SQUARED:
                error = outputs[unit, row] - targets[unit, row]
                derivatives[unit, row] = error
                sum_ += weight[row] * (0.5 * error * error)
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
def seed(loss: int, column: int, derivatives: Floats, targets: Floats, into: Floats) -> None:
    """Store one column of S for each row, where S S' is the second derivative of the loss by the outputs.

    The squared error has the identity, the cross-entropy diag(sqrt p) - p sqrt(p)'; of one logit sqrt(p (1 - p)).

    Args:
        loss: Kind of the loss.
        column: Number of the column, from 0 to units - 1.
        derivatives: Derivatives of the loss by the outputs, [units, BLOCK].
        targets: Values, or 0 and 1, [units, BLOCK].
        into: Array to write to, [units, BLOCK].
    """
    into[:, :] = 0.0
    for row in range(into.shape[1]):
        if loss == SQUARED:
            into[column, row] = 1.0
        elif loss == LOGISTIC:
            wrong = abs(derivatives[0, row])
            into[0, row] = math.sqrt(wrong * (1.0 - wrong))
        else:
            own = max(derivatives[column, row] + targets[column, row], 0.0)
            root = math.sqrt(own)
            for unit in range(len(into)):
                into[unit, row] = -(derivatives[unit, row] + targets[unit, row]) * root
            into[column, row] += root

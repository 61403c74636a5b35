"""Objective: the mean loss of a network over rows with its derivatives, computed by the compiled kernels."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from enn_training.kernels import jacobian, losses
from enn_training.kernels.jacobian import Layout, Rows, Workspace
from enn_training.kernels.losses import Loss

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-6
"""Derivative of a cross-entropy below which a row does not count: far from a border, most rows soon do not."""


@dataclass(frozen=True, eq=False)
class Objective:
    """Compute the mean loss of a network over rows.

    Attributes:
        layout: Places of the parameters.
        size: Number of parameters.
        x: Inputs, [inputs, rows].
        y: Targets, [units, rows].
        loss: Kind of the loss, as in `kernels.losses`.
        weight: Weight of each row, [rows]; None if all rows count the same.
        level: Level of the quantile, for its loss.
        penalty: Factor of |theta|^2 / 2, added to the mean loss; or a symmetric matrix A, [size, size], of which
            theta' A theta / 2 is added.
    """

    layout: Layout
    size: int
    x: Floats
    y: Floats
    loss: int
    weight: Floats | None = None
    level: float = 0.5
    penalty: float | Floats = 0.0

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.x.shape[1]

    @cached_property
    def weights(self) -> Floats:
        """Weight of each row, 1 without weights, [rows]."""
        return np.ones(self.rows) if self.weight is None else self.weight

    @cached_property
    def total_weight(self) -> float:
        """Sum of the weights of all rows: their number without weights."""
        return float(self.weights.sum())

    @cached_property
    def _work(self) -> Workspace:
        return jacobian.workspace(self.layout, self.size)

    def subset(self, rows: slice | NDArray[np.int64]) -> "Objective":
        """Return the objective over some rows."""
        x, y = (np.ascontiguousarray(part[:, rows]) for part in (self.x, self.y))
        return replace(self, x=x, y=y, weight=None if self.weight is None else self.weight[rows])

    def penalized(self, penalty: float | Floats) -> "Objective":
        """Return the objective with a penalty."""
        return replace(self, penalty=penalty)

    def outputs(self, theta: Floats) -> Floats:
        """Return the outputs, [units, rows]."""
        return jacobian.respond(self.layout, self._work, theta, self.x)

    def evaluate(self, theta: Floats) -> tuple[float, Floats]:
        """Return the penalized mean loss, and the derivatives of each row's loss by its outputs, [units, rows]."""
        derivatives = np.empty_like(self.y)
        total = self.total(self.outputs(theta), derivatives)
        return total / self.total_weight + 0.5 * float(theta @ self._pull(theta)), derivatives

    def total(self, outputs: Floats, derivatives: Floats) -> float:
        """Return the weighted sum of the losses of outputs [units, rows], and store their derivatives."""
        return losses.residuals(Loss(self.loss, self.level), outputs, self.y, self.weights, derivatives)

    def normal_equations(self, theta: Floats, derivatives: Floats, first: int = 0) -> tuple[Floats, Floats]:
        """Return the Gauss-Newton matrix (its lower triangle) and the gradient of the penalized mean loss.

        Args:
            theta: Parameters.
            derivatives: Result of `evaluate`.
            first: Place from which on the parameters are differentiated; entries before it are meaningless.
        """
        chosen = np.arange(self.rows)
        if self.loss in (losses.LOGISTIC, losses.SOFTMAX):
            chosen = np.flatnonzero(np.abs(derivatives).max(axis=0) > NEGLIGIBLE)
        rows = Rows(self.x, self.y, self.weights[None], derivatives, chosen)
        kind = (Loss(self.loss, self.level), first)
        matrix, gradient = jacobian.normal_equations(self.layout, self._work, theta, rows, kind)
        matrix, gradient = (
            part / self.total_weight for part in (matrix[: self.size, : self.size], gradient[: self.size])
        )
        if isinstance(self.penalty, np.ndarray):
            matrix += self.penalty
        else:
            matrix[np.diag_indices(self.size)] += self.penalty
        return matrix, gradient + self._pull(theta)

    def _pull(self, theta: Floats) -> Floats:
        """Return the gradient of the penalty."""
        return self.penalty @ theta if isinstance(self.penalty, np.ndarray) else self.penalty * theta

    def reported(self, loss: float) -> float:
        """Return a mean loss as it is reported: a mean over the units of values, of squared errors without the half."""
        if self.loss == losses.QUANTILE:
            return loss / len(self.y)
        return 2.0 * loss / len(self.y) if self.loss == losses.SQUARED else loss

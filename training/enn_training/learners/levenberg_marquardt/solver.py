"""Levenberg-Marquardt steps with Nielsen's damping.

Source: K. Madsen, H. B. Nielsen, O. Tingleff, Methods for non-linear least squares problems, 2004; the
generalised Gauss-Newton matrix takes the place of J'J for a cross-entropy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_training.kernels import products
from enn_training.learners.levenberg_marquardt.objective import Objective

Floats = NDArray[np.float64]

SMALLEST_DAMPING, LARGEST_DAMPING = 1e-15, 1e12
RIDGE = 1e-12
"""Damping of linear parameters in variable projection, as a share of the mean of the diagonal."""
LEAST_GAIN = 1e-4
"""Least share of the predicted decrease for which a step is accepted."""


@dataclass(frozen=True, eq=False)
class Minimum:
    """Hold the parameters that a minimization reached.

    Attributes:
        theta: Parameters.
        value: Mean loss with the penalty.
        damping: Damping with which to continue.
        steps: Number of steps tried.
    """

    theta: Floats
    value: float
    damping: float
    steps: int


@dataclass
class Damping:
    """Damp the steps: less after a good one, more and more after bad ones.

    Attributes:
        value: Factor of the scale that is added to the diagonal.
        growth: Factor of the value after the next bad step.
    """

    value: float = 1e-2
    growth: float = 2.0

    def accept(self, gain: float) -> None:
        """Lower the damping after a step with this share of its predicted decrease."""
        self.value = max(SMALLEST_DAMPING, self.value * max(0.2, 1.0 - (2.0 * min(gain, 1.0) - 1.0) ** 3))
        self.growth = 2.0

    def reject(self) -> None:
        """Raise the damping."""
        self.value = max(SMALLEST_DAMPING, self.value) * self.growth
        self.growth *= 2.0


def minimize(
    objective: Objective,
    theta: Floats,
    *,
    steps: int,
    damping: float = 1e-2,
    tolerance: float = 1e-5,
    patience: int = 8,
    linear: int | None = None,
) -> Minimum:
    """Return the parameters after Levenberg-Marquardt steps.

    Variable projection: if the outputs are linear in the last parameters and the loss is the squared error, these are
    not damped, and they are solved exactly after each step.

    Args:
        objective: Penalized mean loss to minimize.
        theta: First parameters.
        steps: Most steps to try.
        damping: First damping.
        tolerance: Relative decrease below which a step counts as small.
        patience: Number of consecutive small steps after which to stop.
        linear: Place of the first linear parameter, for variable projection; None without it.
    """
    value, derivatives = objective.evaluate(theta)
    matrix, gradient, moved = np.empty(0), np.empty(0), True
    damped, scale, small, tried = Damping(damping), np.zeros_like(theta), 0, 0
    while tried < steps and small < patience and damped.value < LARGEST_DAMPING:
        tried += 1
        if moved:
            matrix, gradient = objective.normal_equations(theta, derivatives)
        scale = next_scale(scale, matrix)
        added = damped.value * scale
        if linear is not None:
            added[linear:] = RIDGE * scale[linear:].mean()
        step = damped_step(matrix, gradient, added)
        predicted = 0.5 * float((step * (added * step - gradient)).sum())
        new = theta + step if linear is None else solve_linear(objective, theta + step, slice(linear, None))
        new_value, new_derivatives = objective.evaluate(new)
        gain = (value - new_value) / predicted if predicted > 0.0 else -1.0
        if moved := gain > LEAST_GAIN:
            damped.accept(gain)
            small = small + 1 if value - new_value < tolerance * value else 0
            theta, value, derivatives = new, new_value, new_derivatives
        else:
            damped.reject()
    return Minimum(theta, value, damped.value, tried)


def solve_linear(objective: Objective, theta: Floats, linear: slice, ridge: float = RIDGE) -> Floats:
    """Return parameters of which the linear ones have the least penalized squared error, or are NaN.

    Args:
        objective: Squared error of outputs that are linear in these parameters.
        theta: All parameters.
        linear: Places of the linear parameters.
        ridge: Number to add to the diagonal, as a share of its mean.
    """
    _, derivatives = objective.evaluate(theta)
    matrix, gradient = objective.normal_equations(theta, derivatives, linear.start)
    matrix = matrix[linear, linear]
    solved = theta.copy()
    solved[linear] += damped_step(matrix, gradient[linear], np.full(len(matrix), ridge * np.diag(matrix).mean()))
    return solved


def next_scale(scale: Floats, matrix: Floats) -> Floats:
    """Return the scale of the damping: the diagonal, which falls slowly where it was greater."""
    scale = np.maximum(0.9 * scale, np.diag(matrix))
    return np.maximum(scale, 1e-9 * scale.max())


def damped_step(matrix: Floats, gradient: Floats, damping: Floats) -> Floats:
    """Return the solution d of (A + diag(damping)) d = -gradient; NaN if the matrix is not positive definite.

    Args:
        matrix: A, its lower triangle, [n, n].
        gradient: Gradient, [n].
        damping: Numbers to add to the diagonal, [n].
    """
    damped = matrix.copy()
    damped[np.diag_indices_from(damped)] += damping
    found, step = products.solve(damped, -gradient)
    return step if found else np.full_like(step, np.nan)

"""Initial parameters: random directions, lengths and biases, and the exact solution of the linear parameters."""

import numpy as np
from numpy.typing import NDArray

from enn_models import cosine_series
from enn_training.kernels import losses
from enn_training.learners.levenberg_marquardt import solver
from enn_training.learners.levenberg_marquardt.objective import Objective
from enn_training.learners.levenberg_marquardt.parameters import Parameters

Floats = NDArray[np.float64]

SPREAD = 0.4
"""Standard deviation of the logarithm of a neuron's gain around that of its network."""
RIDGE = 1e-6
"""Ridge of the linear solution, as a share of the mean of the diagonal."""


def draw(parameters: Parameters, gain: float, rng: np.random.Generator) -> Floats:
    """Return random initial parameters of an ENN: weights of random direction, and activations that are lines.

    Args:
        parameters: Places of the parameters.
        gain: Typical length of the weights of a neuron.
        rng: Source of randomness.
    """
    theta = np.zeros(parameters.size)
    last = len(parameters.layout.kinds) - 1
    for layer in range(last):
        weight = parameters.weight(theta, layer)
        directions = rng.normal(size=weight.shape)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        weight[:] = directions * (gain * np.exp(rng.normal(0.0, SPREAD, (len(weight), 1))))
        parameters.bias(theta, layer)[:] = rng.uniform(-1.0, 1.0, len(weight))
    for layer in range(last + 1):
        coefficients = parameters.coefficients(theta, layer)
        if coefficients.size:
            coefficients[:] = cosine_series.line(coefficients.shape[1])
    return theta


def solve_linear(parameters: Parameters, objective: Objective, theta: Floats) -> Floats | None:
    """Return the parameters with the linear ones at the least squared error of the output's pre-activation.

    Classes are fitted as -1 and +1. The result is None if the equations cannot be solved.
    """
    targets = objective.y if objective.loss in (losses.SQUARED, losses.QUANTILE) else 2.0 * objective.y - 1.0
    plain = Objective(parameters.without_head, parameters.size, objective.x, targets, losses.SQUARED, objective.weight)
    solved = solver.solve_linear(plain, theta, slice(parameters.linear, parameters.head), RIDGE)
    return solved if np.isfinite(solved).all() else None

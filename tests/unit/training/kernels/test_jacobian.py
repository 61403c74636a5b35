"""The compiled responses are those of the oracle, and the normal equations those of numerical derivatives."""

import numpy as np
import pytest

from enn_models import cosine_series
from enn_training.kernels import jacobian, losses
from enn_training.kernels.basis import CHEBYSHEV, COSINES, IDENTITY, RELU, SIGMOID, SINE, TANH
from enn_training.learners.levenberg_marquardt.parameters import Parameters

# Float64 through recurrences of Q = 6, and central differences of step 1e-6.
EXACT, NUMERICAL = 1e-11, 1e-6
STEP = 1e-6
ROWS = jacobian.BLOCK + 5

CASES = {
    "the paper's": ((2, 6, 1), (COSINES, COSINES), (6, 6), losses.LOGISTIC),
    "one value": ((2, 6, 1), (COSINES, IDENTITY), (7, 0), losses.SQUARED),
    "deep, several logits": ((3, 4, 3, 3), (COSINES, COSINES, IDENTITY), (3, 2, 0), losses.SOFTMAX),
    "deep, one logit": ((2, 3, 3, 1), (COSINES, COSINES, IDENTITY), (3, 3, 0), losses.LOGISTIC),
    "several values": ((3, 4, 2), (COSINES, COSINES), (4, 4), losses.SQUARED),
    "polynomials": ((4, 3, 1), (CHEBYSHEV, IDENTITY), (7, 0), losses.LOGISTIC),
    "fixed activations": ((2, 4, 4, 3, 2), (SINE, SIGMOID, TANH, IDENTITY), (0, 0, 0, 0), losses.SQUARED),
    "rectifiers": ((2, 5, 1), (RELU, IDENTITY), (0, 0), losses.SQUARED),
}
FIXED = {
    IDENTITY: lambda z: z,
    RELU: lambda z: np.maximum(z, 0.0),
    SIGMOID: lambda z: 1.0 / (1.0 + np.exp(-z)),
    SINE: np.sin,
    TANH: np.tanh,
}


def expected_outputs(parameters, kinds, theta, x):
    """Return the outputs [units, rows] by the float64 formulas."""
    s = x.T
    for layer, kind in enumerate(kinds):
        z = s @ parameters.weight(theta, layer).T + parameters.bias(theta, layer)
        coefficients = parameters.coefficients(theta, layer)
        if kind == COSINES:
            s = cosine_series.activation(z, coefficients)
        elif kind == CHEBYSHEV:
            orders = 1 + np.arange(coefficients.shape[1])
            s = (coefficients * np.cos(orders * np.arccos(np.tanh(z))[..., None])).sum(axis=-1)
        else:
            s = FIXED[kind](z)
    return s.T


class Case:
    """A network with random parameters and rows."""

    def __init__(self, widths, kinds, harmonics, loss):
        rng = np.random.default_rng(3)
        self.kinds, self.loss = kinds, loss
        self.parameters = Parameters.of(widths, kinds, harmonics)
        self.theta = 0.7 * rng.normal(size=self.parameters.size)
        self.x = rng.uniform(-1, 1, (widths[0], ROWS))
        self.y = rng.uniform(-1, 1, (widths[-1], ROWS))
        if loss == losses.LOGISTIC:
            self.y = (self.y > 0).astype(float)
        if loss == losses.SOFTMAX:
            self.y = np.eye(widths[-1])[:, rng.integers(widths[-1], size=ROWS)]
        self.work = jacobian.workspace(self.parameters.layout, self.parameters.size)

    def outputs(self, theta):
        return jacobian.respond(self.parameters.layout, self.work, theta, self.x)

    def total(self, theta):
        derivatives = np.empty_like(self.y)
        return losses.residuals(
            losses.Loss(self.loss), self.outputs(theta), self.y, np.ones(ROWS), derivatives
        ), derivatives

    def differences(self, function):
        """Return the derivatives of a function by every parameter."""
        steps = STEP * np.eye(self.parameters.size)
        return np.stack([(function(self.theta + s) - function(self.theta - s)) / (2 * STEP) for s in steps])

    def curvature(self):
        """Return the second derivatives of the loss by the outputs, [units, units, rows]."""
        units, outputs = len(self.y), self.outputs(self.theta)
        if self.loss == losses.SQUARED:
            return np.repeat(np.eye(units)[:, :, None], ROWS, axis=2)
        if self.loss == losses.LOGISTIC:
            p = 1.0 / (1.0 + np.exp(-outputs))
            return (p * (1.0 - p))[None]
        p = np.exp(outputs) / np.exp(outputs).sum(axis=0)
        return np.eye(units)[:, :, None] * p[None] - p[:, None] * p[None]

    def normal_equations(self, chosen, first=0):
        _, derivatives = self.total(self.theta)
        rows = jacobian.Rows(self.x, self.y, np.ones((1, ROWS)), derivatives, chosen)
        found = jacobian.normal_equations(
            self.parameters.layout, self.work, self.theta, rows, (losses.Loss(self.loss), first)
        )
        return tuple(each[..., : self.parameters.size] for each in found)


@pytest.fixture(params=CASES.values(), ids=list(CASES))
def case(request):
    return Case(*request.param)


def test_outputs_are_those_of_the_formulas(case):
    expected = expected_outputs(case.parameters, case.kinds, case.theta, case.x)
    np.testing.assert_allclose(case.outputs(case.theta), expected, atol=EXACT)


def test_normal_equations_are_those_of_numerical_derivatives(case):
    matrix, gradient = case.normal_equations(np.arange(ROWS))
    np.testing.assert_allclose(gradient, case.differences(lambda theta: case.total(theta)[0]), rtol=1e-5, atol=1e-4)
    slopes = case.differences(case.outputs)
    expected = np.einsum("iun,uvn,jvn->ij", slopes, case.curvature(), slopes)
    size = case.parameters.size
    np.testing.assert_allclose(
        np.tril(matrix[:size]), np.tril(expected), rtol=1e-4, atol=NUMERICAL * np.abs(expected).max()
    )


def test_only_chosen_rows_and_parameters_count(case):
    every, none = case.normal_equations(np.arange(ROWS)), case.normal_equations(np.arange(0))
    assert not none[0].any()
    assert not none[1].any()
    halves = [case.normal_equations(np.arange(start, ROWS, 2)) for start in (0, 1)]
    for whole, *parts in zip(every, *halves, strict=True):
        np.testing.assert_allclose(sum(parts), whole, rtol=1e-9, atol=1e-9 * np.abs(whole).max())
    first = case.parameters.linear
    part = case.normal_equations(np.arange(ROWS), first)
    np.testing.assert_array_equal(part[0][first:, first:], every[0][first:, first:])
    np.testing.assert_array_equal(part[1][first:], every[1][first:])

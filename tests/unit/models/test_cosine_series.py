"""Tests of the activation formula: the properties that the paper states."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from enn_models import cosine_series

ROUNDING = 1e-9
"""Rounding error of float64 cosines for arguments up to some thousands."""

finite = st.floats(-50, 50)
pre_activations = arrays(np.float64, (5, 3), elements=finite)
coefficients = arrays(np.float64, (3, 6), elements=st.floats(-3, 3))


@given(z=pre_activations, f=coefficients)
def test_the_activation_is_odd_and_changes_sign_after_two(z: np.ndarray, f: np.ndarray) -> None:
    value = cosine_series.activation(z, f)
    assert cosine_series.activation(-z, f) == pytest.approx(-value, abs=ROUNDING)
    assert cosine_series.activation(z + 2, f) == pytest.approx(-value, abs=ROUNDING)
    assert cosine_series.activation(z + 4, f) == pytest.approx(value, abs=ROUNDING)


@given(z=pre_activations, f=coefficients)
def test_harmonics_sum_to_the_activation(z: np.ndarray, f: np.ndarray) -> None:
    assert cosine_series.harmonics(z, f).sum(axis=-1) == pytest.approx(cosine_series.activation(z, f), abs=ROUNDING)
    q = np.arange(1, 7)
    other = (f * (-1.0) ** q * np.sin((2 * q - 1) * np.pi * z[..., None] / 2)).sum(axis=-1)
    assert cosine_series.activation(z, f) == pytest.approx(other, abs=ROUNDING)


@given(z=pre_activations, f=coefficients)
def test_derivative_equals_difference_quotient(z: np.ndarray, f: np.ndarray) -> None:
    step = 1e-6
    slope = (cosine_series.activation(z + step, f) - cosine_series.activation(z - step, f)) / (2 * step)
    assert cosine_series.derivative(z, f) == pytest.approx(slope, abs=1e-3)


@pytest.mark.parametrize("harmonics", [1, 2, 6, 20])
def test_the_line_is_the_best_approximation_of_z(harmonics: int) -> None:
    z = np.linspace(-1, 1, 20_001)
    best = np.linalg.lstsq(cosine_series.basis(z, harmonics), z, rcond=None)[0]
    assert cosine_series.line(harmonics) == pytest.approx(best, abs=1e-4)


def test_no_harmonics_is_refused() -> None:
    with pytest.raises(ValueError, match="harmonics is 0"):
        cosine_series.line(0)

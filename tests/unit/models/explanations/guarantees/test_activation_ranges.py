"""Tests of ranges of activations: they contain dense samples and exceed them little."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from enn_models.explanations.guarantees.activation_ranges import MAX_PHASE_OF_CELL, ActivationRanges

EXCESS = 2e-3
"""Excess of a range over the sampled one, in units of the sum of the coefficients."""
ROUNDED = 1 + 1e-12
"""Rounding of a sum of a few products in float64."""
SAMPLES = 2001


@given(
    seed=st.integers(0, 99),
    harmonics=st.integers(1, 8),
    start=st.floats(-9, 9),
    width=st.floats(0, 5),
)
def test_ranges_contain_samples_and_are_tight(seed: int, harmonics: int, start: float, width: float) -> None:
    coefficients = np.random.default_rng(seed).normal(size=(3, harmonics)).astype(np.float32)
    ranges = ActivationRanges(coefficients)
    z = np.linspace(start, start + width, SAMPLES)[:, None] + np.zeros(3)
    values, slopes, curvatures = ranges.at(z)
    low, high, least, most = (part[0] for part in ranges.over(z[:1], z[-1:]))
    assert (low <= values.min(axis=0)).all()
    assert (values.max(axis=0) <= high).all()
    assert (least <= curvatures.min(axis=0)).all()
    assert (curvatures.max(axis=0) <= most).all()
    assert (np.abs(slopes) <= ranges.slope * ROUNDED).all()
    # A range extends to the ends of its cells.
    cell = ranges.slope * MAX_PHASE_OF_CELL / ((2 * harmonics - 1) * np.pi / 2)
    assert (high - values.max(axis=0) <= cell + EXCESS * ranges.amplitude).all()
    assert (values.min(axis=0) - low <= cell + EXCESS * ranges.amplitude).all()

"""The lanes' arithmetic is that of eight numbers, and their addresses are those of arrays in C order alone."""

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from enn_training.kernels.simd import address, beside, fill, floor, load, store, whole


@njit
def combined(numbers, places):
    """Write floor(a b - c) / 2 into the first eight numbers, a in reverse order; return the second place."""
    at = address(numbers)
    a = numbers[0]
    reverse = beside(a[7], a[6], a[5], a[4], a[3], a[2], a[1], a[0])
    store(at, 0, floor(reverse * load(at, 1) - load(at, 2)) / fill(2.0))
    return whole(address(places), 1)


def test_lanes_compute_what_numpy_computes():
    numbers = np.random.default_rng(0).normal(scale=3.0, size=(3, 8))
    expected = np.floor(numbers[0, ::-1] * numbers[1] - numbers[2]) / 2.0
    assert combined(numbers, np.array([3, 5])) == 5
    np.testing.assert_array_equal(numbers[0], expected)


def test_an_array_in_another_order_is_refused_before_anything_runs():
    with pytest.raises(TypingError, match="expected an array in C order"):
        combined(np.zeros((8, 3)).T, np.array([3, 5]))

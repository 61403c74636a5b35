"""Compiled kernels of the activation and its gradients over float32 arrays, eight numbers at once.

Source: the recurrences cos((2q+1)t) = 2 cos(2t) cos((2q-1)t) - cos((2q-3)t) and the same of the sine.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from enn_training.kernels.compilation import compile_kernel
from enn_training.kernels.simd import LANES, Lanes, address, fill, load, load_single, store, store_single
from enn_training.kernels.trigonometry import cosine_and_sine

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]
_HALF_PI = math.pi / 2
APART = 8
"""Fewest repetitions of the coefficients: adding to the same sum twice in a row stalls on memory (half the speed)."""


def forward(z: Singles, coefficients: Singles) -> Singles:
    """Return sigma(z), [..., features], of z [..., features] in C order and coefficients [features, Q]."""
    padded = _padded(z)
    _values(padded, _beside(coefficients))
    return padded[: z.size].reshape(z.shape)


def backward(z: Singles, coefficients: Singles, outer: Singles) -> tuple[Singles, Singles]:
    """Return the gradients of z, [..., features], and of the coefficients, [features, Q].

    Args:
        z: Pre-activations, [..., features], in C order.
        coefficients: DCT coefficients, [features, Q].
        outer: Gradient of sigma(z), [..., features], in C order.
    """
    features, harmonics = coefficients.shape
    padded, series = _padded(z), _beside(coefficients)
    sums = np.zeros_like(series)
    _gradients(padded, series, _padded(outer), sums)
    with np.errstate(over="ignore", invalid="ignore"):  # as in PyTorch: learners check their losses
        found = sums.swapaxes(1, 2).reshape(-1, features, harmonics).sum(axis=0).astype(np.float32)
    return padded[: z.size].reshape(z.shape), found


def _padded(numbers: Singles) -> Singles:
    """Return a flat copy, padded with zeros to a multiple of the lanes."""
    padded = np.empty(-(-numbers.size // LANES) * LANES, np.float32)
    padded[: numbers.size] = numbers.ravel()
    padded[numbers.size :] = 0.0
    return padded


def _beside(coefficients: Singles) -> Doubles:
    """Return the coefficients [features, Q] repeated to fill whole lanes, [repetition, Q, LANES].

    Element e of a flat array belongs to feature e modulo features, and so to lane e modulo LANES of a repetition.
    """
    features = len(coefficients)
    times = LANES // math.gcd(LANES, features)
    times *= -(-APART * LANES // (times * features))
    tiled = np.tile(coefficients.astype(np.float64), (times, 1))
    return np.ascontiguousarray(tiled.reshape(-1, LANES, coefficients.shape[1]).swapaxes(1, 2))


@compile_kernel
def _values(z: Singles, series: Doubles) -> None:
    """Overwrite z, flat and padded, with sigma(z); series is [repetition, Q, LANES]."""
    at, first = address(z), address(series)
    repetitions, harmonics, _ = series.shape
    place = 0
    for start in range(0, len(z), LANES):
        store_single(at, start, _series(load_single(at, start), first, place * harmonics, harmonics))
        place = place + 1 if place + 1 < repetitions else 0


@njit(error_model="numpy")
def _series(z: Lanes, first: int, place: int, harmonics: int) -> Lanes:
    """Return the sum over the harmonics; the coefficients begin `place` lanes after the address `first`."""
    c, _ = cosine_and_sine(z + 1.0)
    twice = 4.0 * c * c - 2.0
    before = c
    value = load(first, place) * c
    for q in range(1, harmonics):
        c, before = twice * c - before, c
        value = value + load(first, place + q) * c
    return value


@compile_kernel
def _gradients(z: Singles, series: Doubles, outer: Singles, sums: Doubles) -> None:
    """Overwrite z with its gradient, flat and padded like outer, and add that of the coefficients to sums."""
    at, first, outer_at, sums_at = address(z), address(series), address(outer), address(sums)
    repetitions, harmonics, _ = series.shape
    place = 0
    for start in range(0, len(z), LANES):
        gradient = load_single(outer_at, start)
        c, s = cosine_and_sine(load_single(at, start) + 1.0)
        twice = 4.0 * c * c - 2.0
        c_before, s_before = c, -1.0 * s
        slope = fill(0.0)
        for q in range(harmonics):
            here = place * harmonics + q
            slope = slope + (2.0 * q + 1.0) * load(first, here) * s
            store(sums_at, here, load(sums_at, here) + gradient * c)
            c, c_before = twice * c - c_before, c
            s, s_before = twice * s - s_before, s
        store_single(at, start, -_HALF_PI * gradient * slope)
        place = place + 1 if place + 1 < repetitions else 0

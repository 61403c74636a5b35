"""The activation function, a series of odd cosines in NumPy float64: the reference for every other implementation.

    sigma(z) = sum over q = 1..Q of F_q cos((2q-1) (pi/2) (z+1))

Source: Martinez-Gost, Perez-Neira, Lagunas, "ENN: A Neural Network with DCT Adaptive Activation Functions",
IEEE JSTSP 18(2), 2024 (arXiv 2307.00673), section III; the grid shift of 1/N is left out, since a bias absorbs it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
MAX_TERMS = 2**20
"""Maximum number of terms in memory while series are summed: 8 MiB in float64."""


def frequencies(harmonics: int) -> Floats:
    """Return the angular frequencies (2q-1) pi/2 of the odd harmonics, shape [harmonics], in radians per unit of z."""
    if harmonics < 1:
        raise ValueError(f"harmonics is {harmonics}; an activation needs at least 1")
    return (2.0 * np.arange(1, harmonics + 1, dtype=np.float64) - 1.0) * (np.pi / 2)


def basis(z: ArrayLike, harmonics: int) -> Floats:
    """Evaluate every odd cosine at z.

    Args:
        z: Pre-activations, any shape [...]; neither clipped nor wrapped: the periodic extension belongs to the model.
        harmonics: Q, the number of odd cosines.

    Returns:
        cos((2q-1)(pi/2)(z+1)), shape [..., harmonics].
    """
    z = np.asarray(z, dtype=np.float64)
    return np.cos(frequencies(harmonics) * (z[..., None] + 1.0))


def harmonics(z: ArrayLike, coefficients: ArrayLike) -> Floats:
    """Evaluate the terms of each neuron's series.

    Args:
        z: Pre-activations, shape [..., neurons].
        coefficients: DCT coefficients F, shape [neurons, Q].

    Returns:
        F_q cos((2q-1)(pi/2)(z+1)), shape [..., neurons, Q]; the last axis sums to the activation.
    """
    coefficients = np.asarray(coefficients, dtype=np.float64)
    return coefficients * basis(z, coefficients.shape[-1])


def activation(z: ArrayLike, coefficients: ArrayLike) -> Floats:
    """Return sigma(z), shape [..., neurons], for pre-activations [..., neurons] and DCT coefficients [neurons, Q]."""
    coefficients = np.asarray(coefficients, dtype=np.float64)
    return _in_pieces(lambda piece: harmonics(piece, coefficients).sum(axis=-1), z, coefficients)


def derivative(z: ArrayLike, coefficients: ArrayLike) -> Floats:
    """Return d sigma / d z, shape [..., neurons], for the same arguments as activation."""
    coefficients = np.asarray(coefficients, dtype=np.float64)
    omega = frequencies(coefficients.shape[-1])
    slopes = coefficients * omega
    return _in_pieces(lambda piece: -(slopes * np.sin(omega * (piece[..., None] + 1.0))).sum(axis=-1), z, coefficients)


def _in_pieces(series: Callable[[Floats], Floats], z: ArrayLike, coefficients: Floats) -> Floats:
    """Return a series of z, [..., neurons], computed for as many rows at once as MAX_TERMS allows."""
    z = np.asarray(z, dtype=np.float64)
    if z.ndim < 2 or z.size * coefficients.shape[-1] <= MAX_TERMS:
        return series(z)
    rows = z.reshape(-1, z.shape[-1])
    at_once = max(1, MAX_TERMS // coefficients.size)
    found = np.empty(np.broadcast_shapes(rows.shape, (1, len(coefficients))))
    for start in range(0, len(rows), at_once):
        found[start : start + at_once] = series(rows[start : start + at_once])
    return found.reshape(*z.shape[:-1], -1)


def line(harmonics: int) -> Floats:
    """Return the coefficients, shape [harmonics], of the best odd-harmonic approximation of sigma(z) = z on [-1, 1].

    Source: section III of the paper; F_q = -(8/pi^2)/(2q-1)^2.
    """
    return -2.0 / frequencies(harmonics) ** 2

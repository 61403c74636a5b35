"""Activations of eight numbers at once with their derivatives: the odd cosines of the ENN, and those of its peers.

An activation with coefficients is a sum of basis functions, sigma(z) = sum over q of F_q phi_q(z); phi_q are the odd
cosines, or the Chebyshev polynomials of tanh(z) (a Kolmogorov-Arnold network, arXiv 2405.07200).
"""

import math

from numba import njit

from enn_training.kernels.simd import Lanes, fill, floor, is_positive, larger, number, power_of_two, store
from enn_training.kernels.trigonometry import cosine_and_sine

IDENTITY, COSINES, CHEBYSHEV, TANH, SIGMOID, RELU, SINE = range(7)
"""Kinds of activations; those of COSINES and CHEBYSHEV have coefficients."""

_HALF_PI = math.pi / 2
_LOG_2 = math.log(2.0)
# Taylor coefficients of 2^r: on [-1/2, 1/2] fourteen terms leave errors below 1e-16.
_EXP = tuple(_LOG_2**k / math.factorial(k) for k in range(14))
_LARGEST = 40.0
"""Number from which on tanh is 1 in float64."""


@njit(error_model="numpy")
def exponential(x: Lanes) -> Lanes:
    """Return e^x for |x| up to 700."""
    turns = x * (1.0 / _LOG_2)
    whole = floor(turns + 0.5)
    r = turns - whole
    x2 = r * r
    x4 = x2 * x2
    low = (_EXP[1] * r + _EXP[0]) + (_EXP[3] * r + _EXP[2]) * x2
    middle = (_EXP[5] * r + _EXP[4]) + (_EXP[7] * r + _EXP[6]) * x2
    high = (_EXP[9] * r + _EXP[8]) + (_EXP[11] * r + _EXP[10]) * x2 + (_EXP[13] * r + _EXP[12]) * x4
    return (low + (middle + high * x4) * x4) * power_of_two(whole)


@njit(error_model="numpy")
def hyperbolic_tangent(x: Lanes) -> Lanes:
    """Return tanh(x)."""
    clipped = -1.0 * larger(-1.0 * larger(x, fill(-_LARGEST)), fill(-_LARGEST))
    return 1.0 - fill(2.0) / (exponential(2.0 * clipped) + 1.0)


@njit(error_model="numpy")
def cosine_sum(z: Lanes, coefficients: int, harmonics: int, terms: int, stride: int) -> tuple[Lanes, Lanes]:
    """Return the sum of odd cosines and its derivative, and store the cosines.

    Args:
        z: Pre-activations.
        coefficients: Address of the coefficients of the neuron.
        harmonics: Number of cosines Q.
        terms: Address at which to store the first cosine.
        stride: Distance of the cosines in bytes.
    """
    c, s = cosine_and_sine(z + 1.0)
    twice = 4.0 * c * c - 2.0
    c_before, s_before = c, -1.0 * s
    value, slope = fill(0.0), fill(0.0)
    for q in range(harmonics):
        coefficient = number(coefficients, q)
        store(terms + q * stride, 0, c)
        value = value + coefficient * c
        slope = slope + (2.0 * q + 1.0) * coefficient * s
        c, c_before = twice * c - c_before, c
        s, s_before = twice * s - s_before, s
    return value, -_HALF_PI * slope


@njit(error_model="numpy")
def chebyshev_sum(z: Lanes, coefficients: int, degree: int, terms: int, stride: int) -> tuple[Lanes, Lanes]:
    """Return the sum of Chebyshev polynomials of tanh(z) and its derivative; arguments as in `cosine_sum`."""
    x = hyperbolic_tangent(z)
    polynomial, before = x, fill(1.0)
    second, second_before = fill(1.0), fill(0.0)  # T_n' = n U_(n-1)
    value, slope = fill(0.0), fill(0.0)
    for q in range(degree):
        coefficient = number(coefficients, q)
        store(terms + q * stride, 0, polynomial)
        value = value + coefficient * polynomial
        slope = slope + (q + 1.0) * coefficient * second
        polynomial, before = 2.0 * x * polynomial - before, polynomial
        second, second_before = 2.0 * x * second - second_before, second
    return value, slope * (1.0 - x * x)


@njit(error_model="numpy")
def fixed(z: Lanes, kind: int) -> tuple[Lanes, Lanes]:
    """Return an activation without coefficients and its derivative."""
    if kind == TANH:
        value = hyperbolic_tangent(z)
        return value, 1.0 - value * value
    if kind == SIGMOID:
        value = 0.5 * hyperbolic_tangent(0.5 * z) + 0.5
        return value, value * (1.0 - value)
    if kind == RELU:
        return larger(z, fill(0.0)), is_positive(z)
    if kind == SINE:
        c, s = cosine_and_sine(z * (1.0 / _HALF_PI))
        return s, c
    return z, fill(1.0)

"""Cosine and sine of eight numbers at once, compiled into the kernels that use them."""

import math

from numba import njit

from enn_training.kernels.simd import Lanes, floor

_HALF_PI = math.pi / 2
# Taylor coefficients of cos(pi/2 r) and sin(pi/2 r)/r in r^2: on [-1, 1] ten terms leave errors below 1e-14.
_COS = tuple((-1) ** k * _HALF_PI ** (2 * k) / math.factorial(2 * k) for k in range(10))
_SIN = tuple((-1) ** k * _HALF_PI ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(10))


@njit(error_model="numpy")
def cosine_and_sine(turns: Lanes) -> tuple[Lanes, Lanes]:
    """Return cos and sin of turns * pi/2."""
    half = floor(turns * 0.5 + 0.5)
    r = turns - half * 2.0
    sign = 1.0 - (half - floor(half * 0.5) * 2.0) * 2.0
    x = r * r
    x2 = x * x
    x4 = x2 * x2
    # Estrin's scheme: the latency of this chain is most of the time of a sample.
    cosine = ((_COS[1] * x + _COS[0]) + (_COS[3] * x + _COS[2]) * x2) + (
        ((_COS[5] * x + _COS[4]) + (_COS[7] * x + _COS[6]) * x2) + (_COS[9] * x + _COS[8]) * x4
    ) * x4
    sine = ((_SIN[1] * x + _SIN[0]) + (_SIN[3] * x + _SIN[2]) * x2) + (
        ((_SIN[5] * x + _SIN[4]) + (_SIN[7] * x + _SIN[6]) * x2) + (_SIN[9] * x + _SIN[8]) * x4
    ) * x4
    return sign * cosine, sign * r * sine

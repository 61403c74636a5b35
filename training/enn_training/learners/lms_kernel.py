"""The authors' LMS, one sample at a time, on eight networks side by side; compiled.

Every array's last axis is the lanes: lane i belongs to network i. One cosine and one sine a neuron; the other
harmonics follow from cos((2q+1)t) = 2 cos(2t) cos((2q-1)t) - cos((2q-3)t), and the sines likewise.

Source: arXiv 2307.00673, section IV, and the authors' notebooks.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from enn_training.learners.lanes import LANES, Lanes, fill, floor, load, store

Floats = NDArray[np.float64]
ACTIVATION, IDENTITY, PROBABILITY = 0, 1, 2
_HALF_PI = math.pi / 2
_BETA = 0.999


class State(NamedTuple):
    """Eight networks while they learn; layer l has widths[l] inputs and widths[l+1] neurons, the rest is padding.

    Attributes:
        widths: Sizes (inputs, hidden..., units).
        weight: [layers, neurons, inputs, LANES].
        bias: [layers, neurons, LANES].
        coefficients: [layers, neurons, Q, LANES].
        power: Running mean of |gradient|^2, [layers, neurons, LANES].
        signal: What enters each layer, and the output, [layers + 1, width, LANES].
        cosine: Harmonics at the last sample, [layers, neurons, Q, LANES].
        slope: Derivative of each activation at the last sample, [layers, neurons, LANES].
        error: Error of what enters each layer, and of the output, [layers + 1, width, LANES].
        link: What follows the output's pre-activation: ACTIVATION, IDENTITY or PROBABILITY.
    """

    widths: NDArray[np.int64]
    weight: Floats
    bias: Floats
    coefficients: Floats
    power: Floats
    signal: Floats
    cosine: Floats
    slope: Floats
    error: Floats
    link: int


# Taylor coefficients of cos(pi/2 r) and sin(pi/2 r)/r in r^2: on [-1, 1] ten terms leave errors below 1e-14.
_COS = tuple((-1) ** k * _HALF_PI ** (2 * k) / math.factorial(2 * k) for k in range(10))
_SIN = tuple((-1) ** k * _HALF_PI ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(10))


@njit(error_model="numpy")
def _cosine_and_sine(turns: Lanes) -> tuple[Lanes, Lanes]:
    """Return cos and sin of turns * pi/2."""
    half = floor(turns * 0.5 + 0.5)
    r = turns - half * 2.0
    sign = 1.0 - (half - floor(half * 0.5) * 2.0) * 2.0
    x = r * r
    x2 = x * x
    x4 = x2 * x2
    # Estrin's order: the latency of this chain is most of the time of a sample.
    cosine = ((_COS[1] * x + _COS[0]) + (_COS[3] * x + _COS[2]) * x2) + (
        ((_COS[5] * x + _COS[4]) + (_COS[7] * x + _COS[6]) * x2) + (_COS[9] * x + _COS[8]) * x4
    ) * x4
    sine = ((_SIN[1] * x + _SIN[0]) + (_SIN[3] * x + _SIN[2]) * x2) + (
        ((_SIN[5] * x + _SIN[4]) + (_SIN[7] * x + _SIN[6]) * x2) + (_SIN[9] * x + _SIN[8]) * x4
    ) * x4
    return sign * cosine, sign * r * sine


@njit(error_model="numpy")
def _pre_activation(state: State, layer: int, k: int) -> Lanes:
    """Return z = W s + b of neuron k."""
    z = load(state.bias, (layer, k))
    for i in range(state.widths[layer]):
        z = z + load(state.weight, (layer, k, i)) * load(state.signal, (layer, i))
    return z


@njit(error_model="numpy")
def _activate(state: State, layer: int) -> None:
    """Write a layer's activations, slopes and cosines."""
    for k in range(state.widths[layer + 1]):
        c, s = _cosine_and_sine(_pre_activation(state, layer, k) + 1.0)
        twice = 4.0 * c * c - 2.0
        c_before, s_before = c, -1.0 * s
        coefficient = load(state.coefficients, (layer, k, 0))
        store(state.cosine, (layer, k, 0), c)
        value, slope = coefficient * c, coefficient * s
        for q in range(1, state.coefficients.shape[2]):
            c, c_before = twice * c - c_before, c
            s, s_before = twice * s - s_before, s
            coefficient = load(state.coefficients, (layer, k, q))
            store(state.cosine, (layer, k, q), c)
            value = value + coefficient * c
            slope = slope + (2.0 * q + 1.0) * coefficient * s
        store(state.signal, (layer + 1, k), value)
        store(state.slope, (layer, k), -_HALF_PI * slope)


@njit(error_model="numpy")
def _forward(state: State) -> None:
    """Write the response of every layer to the signal of the first; a linear head gives values or probabilities."""
    last = len(state.widths) - 2
    for layer in range(last):
        _activate(state, layer)
    if state.link == ACTIVATION:
        _activate(state, last)
        return
    for k in range(state.widths[last + 1]):
        store(state.signal, (last + 1, k), _pre_activation(state, last, k))
        store(state.slope, (last, k), fill(1.0))
    if state.link != IDENTITY:
        for lane in range(LANES):
            _to_probabilities(state.signal[last + 1, : state.widths[last + 1], lane])


@njit(error_model="numpy")
def _to_probabilities(logits: Floats) -> None:
    """Turn the logits [units] of one network into probabilities, in place: sigmoid of one, softmax of several."""
    if len(logits) == 1:
        logits[0] = 1.0 / (1.0 + math.exp(-logits[0]))
        return
    greatest = logits.max()
    total = 0.0
    for unit in range(len(logits)):
        logits[unit] = math.exp(logits[unit] - greatest)
        total += logits[unit]
    for unit in range(len(logits)):
        logits[unit] /= total


@njit(error_model="numpy")
def _propagate(state: State, layer: int) -> None:
    """Write the error of what enters a layer: sum over its neurons of error, slope and weight."""
    for i in range(state.widths[layer]):
        error = fill(0.0)
        for k in range(state.widths[layer + 1]):
            out = load(state.error, (layer + 1, k)) * load(state.slope, (layer, k))
            error = error + out * load(state.weight, (layer, k, i))
        store(state.error, (layer, i), error)


@njit(error_model="numpy")
def _update(state: State, layer: int, steps: Floats) -> None:
    """Move a layer's coefficients and weights by one LMS step; steps [2, LANES] are a_F and a_W."""
    inputs, harmonics = state.widths[layer], state.coefficients.shape[2]
    energy = fill(1.0)
    for i in range(inputs):
        energy = energy + load(state.signal, (layer, i)) * load(state.signal, (layer, i))
    step_coefficients = (4.0 / harmonics) * load(steps, (0,))
    step_weights = 2.0 * load(steps, (1,))
    for k in range(state.widths[layer + 1]):
        error, slope = load(state.error, (layer + 1, k)), load(state.slope, (layer, k))
        move = step_coefficients * error
        for q in range(harmonics):
            moved = load(state.coefficients, (layer, k, q)) + move * load(state.cosine, (layer, k, q))
            store(state.coefficients, (layer, k, q), moved)
        power = _BETA * load(state.power, (layer, k)) + (1.0 - _BETA) * (slope * slope * energy)
        store(state.power, (layer, k), power)
        move = step_weights * error * slope / power
        store(state.bias, (layer, k), load(state.bias, (layer, k)) + move)
        for i in range(inputs):
            moved = load(state.weight, (layer, k, i)) + move * load(state.signal, (layer, i))
            store(state.weight, (layer, k, i), moved)


@njit(error_model="numpy")
def _present(state: State, x: Floats, y: Floats, rows: NDArray[np.int64]) -> None:
    """Write inputs and targets of the rows [LANES], one row a network, as first signal and last error."""
    last = len(state.widths) - 1
    for i in range(state.widths[0]):
        for lane in range(LANES):
            state.signal[0, i, lane] = x[rows[lane], i]
    for k in range(state.widths[last]):
        for lane in range(LANES):
            state.error[last, k, lane] = y[rows[lane], k]


@njit(error_model="numpy", nogil=True, cache=True)
def learn(state: State, x: Floats, y: Floats, order: NDArray[np.int64], steps: Floats) -> None:
    """Take one LMS step for every row of order.

    Args:
        state: Changed in place.
        x: Scaled inputs, [rows, inputs].
        y: Targets, [rows, units].
        order: Which row each network sees at each step, [steps, LANES].
        steps: a_F and a_W of each layer and network, [layers, 2, LANES].
    """
    layers = len(state.widths) - 1
    for rows in order:
        _present(state, x, y, rows)
        _forward(state)
        for k in range(state.widths[layers]):
            error = load(state.error, (layers, k)) - load(state.signal, (layers, k))
            store(state.error, (layers, k), error)
        for layer in range(layers - 1, -1, -1):
            if layer > 0:
                _propagate(state, layer)
            _update(state, layer, steps[layer])


@njit(error_model="numpy", nogil=True, cache=True)
def losses(state: State, x: Floats, y: Floats) -> Floats:
    """Return the mean loss of each network over rows, [LANES]: squared error, or cross-entropy in nats."""
    layers = len(state.widths) - 1
    total = np.zeros(LANES)
    for row in range(len(x)):
        _present(state, x, y, np.full(LANES, row))
        _forward(state)
        for k in range(state.widths[layers]):
            for lane in range(LANES):
                output, target = state.signal[layers, k, lane], y[row, k]
                total[lane] += _loss(output, target, state.link, state.widths[layers])
    return total / len(x)


@njit(error_model="numpy")
def _loss(output: float, target: float, link: int, units: int) -> float:
    """Return one unit's part of the loss of a row."""
    if link != PROBABILITY:
        return (target - output) ** 2 / units
    chosen = output if target > 0.5 else 1.0 - output
    if units > 1 and target <= 0.5:
        return 0.0
    # A probability that float64 rounds to 0 costs 690 nats instead of infinity; one that is no number stays none.
    return -math.log(np.maximum(chosen, 1e-300))

"""Compiled kernel of the authors' LMS: one sample at a time, on eight networks at once.

The last axis of every array is the lanes: lane i belongs to network i. A neuron needs one cosine and one sine; the
other harmonics follow from cos((2q+1)t) = 2 cos(2t) cos((2q-1)t) - cos((2q-3)t), and the sines likewise.

Source: arXiv 2307.00673, section IV, and the authors' notebooks.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from enn_training.kernels.compilation import compile_kernel
from enn_training.kernels.simd import LANES, Lanes, address, beside, fill, load, store, whole
from enn_training.kernels.trigonometry import cosine_and_sine

Floats = NDArray[np.float64]
ACTIVATION, IDENTITY, PROBABILITY = 0, 1, 2
_HALF_PI = math.pi / 2
_BETA = 0.999


class State(NamedTuple):
    """Hold eight networks in training; layer l has widths[l] inputs and widths[l+1] neurons, the rest is padding.

    Attributes:
        widths: Layer sizes: (inputs, hidden..., units).
        weight: Weights W, [layers, neurons, inputs, LANES].
        bias: Biases b, [layers, neurons, LANES].
        coefficients: DCT coefficients F, [layers, neurons, Q, LANES].
        power: Running mean of |gradient|^2, [layers, neurons, LANES].
        signal: Input of each layer, and the output, [layers + 1, width, LANES].
        cosine: Harmonics at the last sample, [layers, neurons, Q, LANES].
        slope: Derivative of each activation at the last sample, [layers, neurons, LANES].
        error: Error of the input of each layer, and of the output, [layers + 1, width, LANES].
        link: Function of the output's pre-activation: ACTIVATION, IDENTITY or PROBABILITY.
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


class _Memory(NamedTuple):
    """Hold the addresses of the arrays of a state.

    Arrays as arguments prevent inlining and are reference-counted at every call (measured: half the speed).

    Attributes:
        depth: Number of layers.
        neurons: Number of neurons of a layer, padding included; inputs, width and harmonics likewise.
        widths: Address of the array of the state; likewise for the fields that follow.
        link: Function of the output's pre-activation, as in `State`.
    """

    depth: int
    neurons: int
    inputs: int
    width: int
    harmonics: int
    widths: int
    weight: int
    bias: int
    coefficients: int
    power: int
    signal: int
    cosine: int
    slope: int
    error: int
    link: int


@njit(error_model="numpy")
def _memory(state: State) -> _Memory:
    """Return the addresses of a state, which must outlive them."""
    depth, neurons, inputs, _ = state.weight.shape
    return _Memory(
        depth,
        neurons,
        inputs,
        state.signal.shape[1],
        state.coefficients.shape[2],
        address(state.widths),
        address(state.weight),
        address(state.bias),
        address(state.coefficients),
        address(state.power),
        address(state.signal),
        address(state.cosine),
        address(state.slope),
        address(state.error),
        state.link,
    )


@njit(error_model="numpy")
def _column(table: Floats, r: NDArray[np.int64], i: int) -> Lanes:
    """Return column i of the rows r, [LANES], one row for each network."""
    return beside(
        table[r[0], i], table[r[1], i], table[r[2], i], table[r[3], i],
        table[r[4], i], table[r[5], i], table[r[6], i], table[r[7], i],
    )  # fmt: skip


@njit(error_model="numpy")
def _pre_activation(at: _Memory, layer: int, k: int) -> Lanes:
    """Return z = W s + b of neuron k."""
    neuron = layer * at.neurons + k
    z = load(at.bias, neuron)
    for i in range(whole(at.widths, layer)):
        z = z + load(at.weight, neuron * at.inputs + i) * load(at.signal, layer * at.width + i)
    return z


@njit(error_model="numpy")
def _activate(at: _Memory, layer: int) -> None:
    """Compute the activations, slopes and cosines of a layer."""
    for k in range(whole(at.widths, layer + 1)):
        neuron = layer * at.neurons + k
        first = neuron * at.harmonics
        c, s = cosine_and_sine(_pre_activation(at, layer, k) + 1.0)
        twice = 4.0 * c * c - 2.0
        c_before, s_before = c, -1.0 * s
        coefficient = load(at.coefficients, first)
        store(at.cosine, first, c)
        value, slope = coefficient * c, coefficient * s
        for q in range(1, at.harmonics):
            c, c_before = twice * c - c_before, c
            s, s_before = twice * s - s_before, s
            coefficient = load(at.coefficients, first + q)
            store(at.cosine, first + q, c)
            value = value + coefficient * c
            slope = slope + (2.0 * q + 1.0) * coefficient * s
        store(at.signal, (layer + 1) * at.width + k, value)
        store(at.slope, neuron, -_HALF_PI * slope)


@njit(error_model="numpy")
def _forward(at: _Memory) -> None:
    """Compute the output of every layer; that of a linear head is values or logits."""
    last = at.depth - 1
    for layer in range(last):
        _activate(at, layer)
    if at.link == ACTIVATION:
        _activate(at, last)
        return
    for k in range(whole(at.widths, last + 1)):
        store(at.signal, (last + 1) * at.width + k, _pre_activation(at, last, k))
        store(at.slope, last * at.neurons + k, fill(1.0))


@njit(error_model="numpy")
def _to_probabilities(outputs: Floats) -> None:
    """Replace logits [units, LANES] by probabilities: sigmoid of one unit, softmax of several."""
    units = len(outputs)
    for lane in range(LANES):
        if units == 1:
            outputs[0, lane] = 1.0 / (1.0 + math.exp(-outputs[0, lane]))
            continue
        greatest = outputs[0, lane]
        for unit in range(1, units):
            greatest = max(greatest, outputs[unit, lane])
        total = 0.0
        for unit in range(units):
            outputs[unit, lane] = math.exp(outputs[unit, lane] - greatest)
            total += outputs[unit, lane]
        for unit in range(units):
            outputs[unit, lane] /= total


@njit(error_model="numpy")
def _propagate(at: _Memory, layer: int) -> None:
    """Compute the error of the input of a layer: the sum over its neurons of error x slope x weight."""
    first = layer * at.neurons
    for i in range(whole(at.widths, layer)):
        error = fill(0.0)
        for k in range(whole(at.widths, layer + 1)):
            out = load(at.error, (layer + 1) * at.width + k) * load(at.slope, first + k)
            error = error + out * load(at.weight, (first + k) * at.inputs + i)
        store(at.error, layer * at.width + i, error)


@njit(error_model="numpy")
def _update(at: _Memory, layer: int, steps: int) -> None:
    """Change the coefficients and weights of a layer by one LMS step; steps is the address of all a_F and a_W."""
    inputs, entering = whole(at.widths, layer), layer * at.width
    energy = fill(1.0)
    for i in range(inputs):
        energy = energy + load(at.signal, entering + i) * load(at.signal, entering + i)
    step_coefficients = (4.0 / at.harmonics) * load(steps, 2 * layer)
    step_weights = 2.0 * load(steps, 2 * layer + 1)
    for k in range(whole(at.widths, layer + 1)):
        neuron = layer * at.neurons + k
        error, slope = load(at.error, (layer + 1) * at.width + k), load(at.slope, neuron)
        move = step_coefficients * error
        for place in range(neuron * at.harmonics, (neuron + 1) * at.harmonics):
            store(at.coefficients, place, load(at.coefficients, place) + move * load(at.cosine, place))
        power = _BETA * load(at.power, neuron) + (1.0 - _BETA) * (slope * slope * energy)
        store(at.power, neuron, power)
        move = step_weights * error * slope / power
        store(at.bias, neuron, load(at.bias, neuron) + move)
        for i in range(inputs):
            place = neuron * at.inputs + i
            store(at.weight, place, load(at.weight, place) + move * load(at.signal, entering + i))


@compile_kernel
def learn(state: State, x: Floats, y: Floats, order: NDArray[np.int64], steps: Floats) -> None:
    """Take one LMS step for every row of order.

    Args:
        state: Networks to train, in place.
        x: Scaled inputs, [rows, inputs].
        y: Targets, [rows, units].
        order: Row index for each step and network, [steps, LANES].
        steps: Step sizes a_F and a_W of each layer and network, [layers, 2, LANES].
    """
    at = _memory(state)
    moves = address(steps)
    layers, inputs, units = at.depth, x.shape[1], y.shape[1]
    last = layers * at.width
    for n in range(len(order)):
        rows = order[n]
        for i in range(inputs):
            store(at.signal, i, _column(x, rows, i))
        _forward(at)
        if at.link == PROBABILITY:
            _to_probabilities(state.signal[layers, :units])
        for k in range(units):
            store(at.error, last + k, _column(y, rows, k) - load(at.signal, last + k))
        for layer in range(layers - 1, -1, -1):
            if layer > 0:
                _propagate(at, layer)
            _update(at, layer, moves)


@compile_kernel
def losses(state: State, x: Floats, y: Floats, weight: Floats) -> Floats:
    """Return the mean loss of each network over rows with weights, [LANES]: squared error, or cross-entropy in nats."""
    at = _memory(state)
    layers, units = at.depth, y.shape[1]
    total = np.zeros(LANES)
    for row in range(len(x)):
        for i in range(x.shape[1]):
            store(at.signal, i, fill(x[row, i]))
        _forward(at)
        if at.link == PROBABILITY:
            _to_probabilities(state.signal[layers, :units])
        for k in range(units):
            for lane in range(LANES):
                total[lane] += weight[row] * _loss(state.signal[layers, k, lane], y[row, k], at.link, units)
    return total / weight.sum()


@njit(error_model="numpy")
def _loss(output: float, target: float, link: int, units: int) -> float:
    """Return the contribution of one unit to the loss of a row."""
    if link != PROBABILITY:
        return (target - output) ** 2 / units
    chosen = output if target > 0.5 else 1.0 - output
    if units > 1 and target <= 0.5:
        return 0.0
    # A probability that float64 rounds to 0 costs 690 nats instead of infinity; NaN stays NaN.
    return -math.log(np.maximum(chosen, 1e-300))

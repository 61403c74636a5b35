"""Compiled kernel of second-order learning: responses of a network and the normal equations of all its parameters.

Rows lie in blocks along the last axis, so that eight rows share a vector. All sums are added in one order, whatever
the number of threads or the processor.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from enn_training.kernels.basis import CHEBYSHEV, COSINES, chebyshev_sum, cosine_sum, fixed
from enn_training.kernels.compilation import compile_kernel
from enn_training.kernels.losses import Loss, seed
from enn_training.kernels.products import add_products, add_sums
from enn_training.kernels.simd import LANES, Lanes, address, fill, load, number, store, whole

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

BLOCK = 256
"""Number of rows in a block: the Jacobian of a small network stays in the second-level cache."""
_GROUPS = BLOCK // LANES
_BYTES = 8 * BLOCK


class Layout(NamedTuple):
    """Place the parameters of a network in one vector; layer l has widths[l] inputs and widths[l+1] neurons.

    Attributes:
        widths: Layer sizes: (inputs, hidden..., units).
        kinds: Kind of the activation of each layer, as in `kernels.basis`.
        harmonics: Number of coefficients of each neuron of a layer; 0 for an activation without coefficients.
        weight: Place of the first weight of each layer; -1 if every weight is 1.
        bias: Place of the first bias of each layer; -1 if every bias is 0.
        coefficients: Place of the first coefficient of each layer.
    """

    widths: Indices
    kinds: Indices
    harmonics: Indices
    weight: Indices
    bias: Indices
    coefficients: Indices


class Workspace(NamedTuple):
    """Hold the arrays of a block of rows, which callers keep: compiled functions know their addresses only.

    Attributes:
        signal: Inputs of every layer and the outputs, [neurons, BLOCK].
        slope: Derivative of every activation, [neurons, BLOCK].
        terms: Basis functions of every neuron, [coefficients, BLOCK].
        delta: Derivative of the loss by every signal, [neurons, BLOCK].
        jacobian: Derivative of the loss by every parameter, [parameters rounded up to a multiple of 4, BLOCK].
    """

    signal: Floats
    slope: Floats
    terms: Floats
    delta: Floats
    jacobian: Floats


def workspace(layout: Layout, parameters: int) -> Workspace:
    """Return the arrays for a layout with a number of parameters."""
    neurons = int(layout.widths.sum())
    terms = int((layout.widths[1:] * layout.harmonics).sum())
    sizes = (neurons, neurons, terms, neurons, -(-parameters // 4) * 4)
    return Workspace(*(np.zeros((size, BLOCK)) for size in sizes))


class Rows(NamedTuple):
    """Hold rows with the derivatives of their losses.

    Attributes:
        x: Inputs, [inputs, rows].
        y: Targets, [units, rows].
        weight: Weights, [1, rows].
        derivatives: Derivatives of the loss by the outputs, [units, rows], without the weights.
        chosen: Rows to add up; the others count as 0.
    """

    x: Floats
    y: Floats
    weight: Floats
    derivatives: Floats
    chosen: Indices


class _Memory(NamedTuple):
    """Hold the number of layers, and the addresses of the arrays of layout and workspace, which must outlive them."""

    depth: int
    widths: int
    kinds: int
    harmonics: int
    weight: int
    bias: int
    coefficients: int
    parameters: int
    signal: int
    slope: int
    terms: int
    delta: int
    jacobian: int


@njit(error_model="numpy")
def _memory(layout: Layout, parameters: Floats, work: Workspace) -> _Memory:
    """Return the addresses of a layout, its parameters and a workspace."""
    return _Memory(
        len(layout.kinds),
        address(layout.widths),
        address(layout.kinds),
        address(layout.harmonics),
        address(layout.weight),
        address(layout.bias),
        address(layout.coefficients),
        address(parameters),
        address(work.signal),
        address(work.slope),
        address(work.terms),
        address(work.delta),
        address(work.jacobian),
    )


@njit(error_model="numpy")
def _parameter(at: _Memory, place: int) -> float:
    return number(at.parameters, place)


@njit(error_model="numpy")
def _pre_activation(at: _Memory, layer: int, k: int, entering: int, group: int) -> Lanes:
    """Return z = W s + b of neuron k for a group of rows; entering is the first signal of the layer."""
    weight, bias, inputs = whole(at.weight, layer), whole(at.bias, layer), whole(at.widths, layer)
    z = fill(0.0 if bias < 0 else _parameter(at, bias + k))
    for i in range(inputs):
        s = load(at.signal + (entering + i) * _BYTES, group)
        z = z + s if weight < 0 else z + _parameter(at, weight + k * inputs + i) * s
    return z


@njit(error_model="numpy")
def _respond(at: _Memory) -> int:
    """Compute signals, slopes and basis functions of a block; return the place of the first output."""
    entering, first_term = 0, 0
    for layer in range(at.depth):
        leaving = entering + whole(at.widths, layer)
        kind, harmonics = whole(at.kinds, layer), whole(at.harmonics, layer)
        for k in range(whole(at.widths, layer + 1)):
            coefficients = at.parameters + 8 * (whole(at.coefficients, layer) + k * harmonics)
            for group in range(_GROUPS):
                z = _pre_activation(at, layer, k, entering, group)
                terms = at.terms + first_term * _BYTES + 8 * LANES * group
                if kind == COSINES:
                    value, slope = cosine_sum(z, coefficients, harmonics, terms, _BYTES)
                elif kind == CHEBYSHEV:
                    value, slope = chebyshev_sum(z, coefficients, harmonics, terms, _BYTES)
                else:
                    value, slope = fixed(z, kind)
                store(at.signal + (leaving + k) * _BYTES, group, value)
                store(at.slope + (leaving + k) * _BYTES, group, slope)
            first_term += harmonics
        entering = leaving
    return entering


@njit(error_model="numpy")
def _scale_rows(into: int, left: int, right: int) -> None:
    """Store the products of two rows of a block."""
    for group in range(_GROUPS):
        store(into, group, load(left, group) * load(right, group))


@njit(error_model="numpy")
def _copy_row(into: int, row: int) -> None:
    for group in range(_GROUPS):
        store(into, group, load(row, group))


@njit(error_model="numpy")
def _derive(at: _Memory) -> None:
    """Write the derivatives of a block by every parameter, from the deltas of the outputs, and overwrite the deltas."""
    leaving, term = 0, 0
    for layer in range(at.depth):
        leaving += whole(at.widths, layer)
        term += whole(at.widths, layer + 1) * whole(at.harmonics, layer)
    for layer in range(at.depth - 1, -1, -1):
        inputs, neurons, harmonics = whole(at.widths, layer), whole(at.widths, layer + 1), whole(at.harmonics, layer)
        weight, bias, coefficient = whole(at.weight, layer), whole(at.bias, layer), whole(at.coefficients, layer)
        entering = leaving - inputs
        term -= neurons * harmonics
        for k in range(neurons):
            delta = at.delta + (leaving + k) * _BYTES
            for q in range(harmonics):
                row = at.jacobian + (coefficient + k * harmonics + q) * _BYTES
                _scale_rows(row, delta, at.terms + (term + k * harmonics + q) * _BYTES)
            _scale_rows(delta, delta, at.slope + (leaving + k) * _BYTES)
            if bias >= 0:
                _copy_row(at.jacobian + (bias + k) * _BYTES, delta)
            for i in range(inputs if weight >= 0 else 0):
                row = at.jacobian + (weight + k * inputs + i) * _BYTES
                _scale_rows(row, delta, at.signal + (entering + i) * _BYTES)
        if layer > 0:
            _propagate(at, layer, entering, leaving)
        leaving = entering


@njit(error_model="numpy")
def _propagate(at: _Memory, layer: int, entering: int, leaving: int) -> None:
    """Compute the derivatives by the inputs of a layer from those by its pre-activations."""
    weight, inputs = whole(at.weight, layer), whole(at.widths, layer)
    for i in range(inputs):
        for group in range(_GROUPS):
            sum_ = fill(0.0)
            for k in range(whole(at.widths, layer + 1)):
                delta = load(at.delta + (leaving + k) * _BYTES, group)
                sum_ = sum_ + delta if weight < 0 else sum_ + _parameter(at, weight + k * inputs + i) * delta
            store(at.delta + (entering + i) * _BYTES, group, sum_)


@compile_kernel
def respond(layout: Layout, work: Workspace, parameters: Floats, x: Floats) -> Floats:
    """Return the outputs, [units, rows], of the inputs x, [inputs, rows]."""
    at = _memory(layout, parameters, work)
    inputs, rows = x.shape
    units = layout.widths[-1]
    outputs = np.empty((units, rows))
    signal = work.signal
    for start in range(0, rows, BLOCK):
        size = min(BLOCK, rows - start)
        for i in range(inputs):
            signal[i, :size] = x[i, start : start + size]
        first = _respond(at)
        for unit in range(units):
            outputs[unit, start : start + size] = signal[first + unit, :size]
    return outputs


@compile_kernel
def normal_equations(
    layout: Layout, work: Workspace, parameters: Floats, rows: Rows, kind: tuple[Loss, int]
) -> tuple[Floats, Floats]:
    """Return the generalised Gauss-Newton matrix and the gradient of the summed loss.

    Args:
        layout: Places of the parameters.
        work: Arrays to work in.
        parameters: Parameters, [parameters].
        rows: Rows to add up.
        kind: Loss, and place from which on the parameters are differentiated;
            entries of the results before it are meaningless.

    Returns:
        Lower triangle of the matrix, [n, n], and the gradient, [n]; n is the number of parameters, rounded up to a
        multiple of 4 with zeros.

    Source: N. N. Schraudolph, Fast curvature matrix-vector products for second-order gradient descent, 2002.
    """
    loss, first = kind
    at = _memory(layout, parameters, work)
    signal, delta, jacobian = work.signal, work.delta, work.jacobian
    matrix, gradient = np.zeros((len(jacobian), len(jacobian))), np.zeros(len(jacobian))
    units = len(rows.y)
    derivatives, targets, weight = np.zeros((units, BLOCK)), np.zeros((units, BLOCK)), np.zeros((1, BLOCK))
    for start in range(0, len(rows.chosen), BLOCK):
        chosen = rows.chosen[start : start + BLOCK]
        size = len(chosen)
        _gather(rows.x, chosen, signal)
        _gather(rows.y, chosen, targets)
        _gather(rows.derivatives, chosen, derivatives)
        _gather(rows.weight, chosen, weight)
        weight[:, size:] = 0.0
        first_output = _respond(at)
        outputs = delta[first_output : first_output + units]
        outputs[:] = derivatives * weight
        _derive(at)
        add_sums(gradient, jacobian, first)
        for column in range(units):
            seed(loss, column, derivatives, targets, outputs)
            outputs *= np.sqrt(weight)
            _derive(at)
            add_products(matrix, jacobian, first)
    return matrix, gradient


@njit(error_model="numpy")
def _gather(source: Floats, chosen: Indices, block: Floats) -> None:
    """Copy chosen columns to the beginning of a block."""
    for i in range(len(source)):
        for column in range(len(chosen)):
            block[i, column] = source[i, chosen[column]]

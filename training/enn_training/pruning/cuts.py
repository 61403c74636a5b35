"""Cuts: a network with some of its harmonics or neurons at 0, and the smaller network that says the same.

Source: arXiv 2511.03531, pruning.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Layer, Network

Floats = NDArray[np.float64]
Criterion = Literal["magnitude", "share"]
ROUNDING = 1e-9
"""What a product of float64 may lack of a whole number."""
TINY = 1e-300
"""The sum of sizes that are all 0."""


def without_harmonics(network: Network, portion: float, criterion: Criterion) -> Network:
    """Return a network whose least DCT coefficients are 0.

    Args:
        network: Over scaled inputs and targets, so that the coefficients of all layers have one unit.
        portion: Of all coefficients, zeros included, that are to be 0, from 0 to less than 1; rounded down.
        criterion: What is least: |F|, or F^2 as a share of that of the neuron's own harmonics.
    """
    sizes = [_sizes(layer, criterion) for layer in network.layers]
    every = np.concatenate([size.ravel() for size in sizes])
    cut = np.zeros(len(every), dtype=np.bool_)
    count = int(portion * len(every) + ROUNDING)
    cut[np.argsort(every, kind="stable")[:count]] = True
    masks = np.split(cut, np.cumsum([size.size for size in sizes])[:-1])
    return replace(
        network, layers=tuple(_silenced(layer, mask) for layer, mask in zip(network.layers, masks, strict=True))
    )


def without_neurons(network: Network, count: int, rows: Floats) -> Network:
    """Return a network in which the hidden neurons of the least bumps are replaced by their means.

    The size of a bump is its standard deviation over the rows, all neurons of the next layer together, as a share of
    those of its layer.

    Args:
        network: Over scaled inputs.
        count: Neurons to cut, of all hidden layers; the last one of a layer stays.
        rows: Scaled inputs [rows, columns] over which the bumps are measured.
    """
    layers, ranked = list(network.layers), list[tuple[float, int, int]]()
    left = [len(layer.bias) for layer in layers[:-1]]
    signals = [layer.activation(z) for layer, z in zip(layers[:-1], network.hidden_pre_activations(rows), strict=True)]
    for index, signal in enumerate(signals):
        sizes = signal.std(axis=0) * np.linalg.norm(layers[index + 1].weight, axis=0)
        shares = sizes / max(float(sizes.sum()), TINY)
        ranked += [(share, index, neuron) for neuron, share in enumerate(shares.tolist())]
    for _, index, neuron in sorted(ranked):
        if count > 0 and left[index] > 1:
            mean = float(signals[index][:, neuron].mean())
            layers[index + 1] = _unread(layers[index + 1], neuron, mean)
            left[index], count = left[index] - 1, count - 1
    return replace(network, layers=tuple(layers))


def compact(network: Network) -> Network:
    """Return the smaller network that responds alike: without neurons that say nothing, or that nobody reads.

    Harmonics above the highest one in use go too. A layer keeps a neuron, and a neuron a harmonic, in any case.
    """
    layers = list(network.layers)
    for index in reversed(range(len(layers) - 1)):
        layer, above = layers[index], layers[index + 1]
        alive = np.logical_and(above.weight.any(axis=0), _coefficients(layer).any(axis=1))
        alive[0] = alive[0] or not alive.any()
        layers[index] = Layer(layer.weight[alive], layer.bias[alive], _coefficients(layer)[alive])
        layers[index + 1] = replace(above, weight=above.weight[:, alive])
    activated = [layer for layer in layers if layer.coefficients is not None]
    used = np.concatenate([_coefficients(layer) for layer in activated]).any(axis=0)
    top = int(np.flatnonzero(used)[-1]) + 1 if used.any() else 1
    return replace(network, layers=tuple(_lowered(layer, top) for layer in layers))


def harmonics(network: Network) -> int:
    """Return the number of DCT coefficients that are not 0."""
    return sum(int(np.count_nonzero(_coefficients(layer))) for layer in network.layers)


def neurons(network: Network) -> int:
    """Return the number of hidden neurons."""
    return sum(len(layer.bias) for layer in network.layers[:-1])


def _coefficients(layer: Layer) -> NDArray[np.float32]:
    """Return the coefficients of a layer, [neurons, Q]; [neurons, 0] of a linear one."""
    return np.zeros((len(layer.bias), 0), np.float32) if layer.coefficients is None else layer.coefficients


def _sizes(layer: Layer, criterion: Criterion) -> Floats:
    """Return by what the coefficients of a layer are ranked, float64 [neurons, Q]."""
    coefficients = _coefficients(layer).astype(np.float64)
    if criterion == "magnitude":
        return np.abs(coefficients)
    energy = (coefficients**2).sum(axis=1, keepdims=True)
    return coefficients**2 / np.where(energy > 0, energy, 1.0)


def _silenced(layer: Layer, mask: NDArray[np.bool_]) -> Layer:
    """Return a layer whose masked coefficients, a flat mask, are 0."""
    if layer.coefficients is None:
        return layer
    return replace(
        layer, coefficients=np.where(mask.reshape(layer.coefficients.shape), np.float32(0), layer.coefficients)
    )


def _unread(layer: Layer, neuron: int, mean: float) -> Layer:
    """Return a layer that takes a neuron of the layer below for its mean."""
    weight, bias = layer.weight.copy(), layer.bias + layer.weight[:, neuron] * np.float32(mean)
    weight[:, neuron] = 0
    return replace(layer, weight=weight, bias=bias)


def _lowered(layer: Layer, harmonics: int) -> Layer:
    return layer if layer.coefficients is None else replace(layer, coefficients=layer.coefficients[:, :harmonics])

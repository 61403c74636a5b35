"""Remove harmonics or neurons from a network, and compact it without changing its response.

Source: arXiv 2511.03531, pruning.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Layer, Network

Floats = NDArray[np.float64]
Criterion = Literal["magnitude", "share"]
PRODUCT_ROUNDING = 1e-9
"""Rounding tolerance of a float64 product that should be an integer."""
SMALLEST_SUM = 1e-300
"""Divisor used if all sizes of a layer are 0."""


def remove_harmonics(network: Network, fraction: float, criterion: Criterion) -> Network:
    """Return a network whose smallest DCT coefficients are set to 0.

    Args:
        network: Network over scaled inputs and targets, so that coefficients of all layers are comparable.
        fraction: Fraction of all coefficients, zeros included, to set to 0, in [0, 1); rounded down to whole
            coefficients.
        criterion: Ranking: `"magnitude"` is |F|, `"share"` is F^2 relative to the sum over the neuron's own harmonics.
    """
    sizes = [_coefficient_sizes(layer, criterion) for layer in network.layers]
    every = np.concatenate([size.ravel() for size in sizes])
    cut = np.zeros(len(every), dtype=np.bool_)
    count = int(fraction * len(every) + PRODUCT_ROUNDING)
    cut[np.argsort(every, kind="stable")[:count]] = True
    masks = np.split(cut, np.cumsum([size.size for size in sizes])[:-1])
    return replace(
        network,
        layers=tuple(_zero_coefficients(layer, mask) for layer, mask in zip(network.layers, masks, strict=True)),
    )


def remove_neurons(network: Network, count: int, rows: Floats) -> Network:
    """Return a network in which the hidden neurons with the smallest bumps are replaced by their mean.

    The size of a bump is its standard deviation over the rows, over all neurons of the next layer, relative to the sum
    over its layer.

    Args:
        network: Network over scaled inputs.
        count: Number of neurons to remove from all hidden layers together; each layer keeps at least one.
        rows: Scaled inputs for the standard deviations, [rows, columns].
    """
    layers, ranked = list(network.layers), list[tuple[float, int, int]]()
    left = [len(layer.bias) for layer in layers[:-1]]
    signals = [layer.activation(z) for layer, z in zip(layers[:-1], network.hidden_pre_activations(rows), strict=True)]
    for index, signal in enumerate(signals):
        sizes = signal.std(axis=0) * np.linalg.norm(layers[index + 1].weight, axis=0)
        shares = sizes / max(float(sizes.sum()), SMALLEST_SUM)
        ranked += [(share, index, neuron) for neuron, share in enumerate(shares.tolist())]
    for _, index, neuron in sorted(ranked):
        if count > 0 and left[index] > 1:
            mean = float(signals[index][:, neuron].mean())
            layers[index + 1] = _replace_neuron_by_mean(layers[index + 1], neuron, mean)
            left[index], count = left[index] - 1, count - 1
    return replace(network, layers=tuple(layers))


def compact(network: Network) -> Network:
    """Return the smaller network with the same response, without unused neurons and unused highest harmonics.

    A neuron is unused if all its coefficients are 0, or all weights from it. Each layer keeps at least one neuron, and
    the network at least one harmonic.
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
    return replace(network, layers=tuple(_truncate_harmonics(layer, top) for layer in layers))


def count_harmonics(network: Network) -> int:
    """Return the number of DCT coefficients that are not 0."""
    return sum(int(np.count_nonzero(_coefficients(layer))) for layer in network.layers)


def count_neurons(network: Network) -> int:
    """Return the number of hidden neurons."""
    return sum(len(layer.bias) for layer in network.layers[:-1])


def _coefficients(layer: Layer) -> NDArray[np.float32]:
    """Return the coefficients of a layer, [neurons, Q]; [neurons, 0] for a linear layer."""
    return np.zeros((len(layer.bias), 0), np.float32) if layer.coefficients is None else layer.coefficients


def _coefficient_sizes(layer: Layer, criterion: Criterion) -> Floats:
    """Return the sizes by which the coefficients of a layer are ranked, float64 [neurons, Q]."""
    coefficients = _coefficients(layer).astype(np.float64)
    if criterion == "magnitude":
        return np.abs(coefficients)
    energy = (coefficients**2).sum(axis=1, keepdims=True)
    return coefficients**2 / np.where(energy > 0, energy, 1.0)


def _zero_coefficients(layer: Layer, mask: NDArray[np.bool_]) -> Layer:
    """Return a layer whose masked coefficients are 0; the mask is flat."""
    if layer.coefficients is None:
        return layer
    return replace(
        layer, coefficients=np.where(mask.reshape(layer.coefficients.shape), np.float32(0), layer.coefficients)
    )


def _replace_neuron_by_mean(layer: Layer, neuron: int, mean: float) -> Layer:
    """Return a layer that uses the mean of a neuron of the layer below instead of its activation."""
    weight, bias = layer.weight.copy(), layer.bias + layer.weight[:, neuron] * np.float32(mean)
    weight[:, neuron] = 0
    return replace(layer, weight=weight, bias=bias)


def _truncate_harmonics(layer: Layer, harmonics: int) -> Layer:
    """Return a layer with only its first harmonics."""
    return layer if layer.coefficients is None else replace(layer, coefficients=layer.coefficients[:, :harmonics])

"""Sound bounds of the output pre-activation over regions of rows.

A linear function of the activations of the first hidden layer is bounded from below in two ways, and the larger bound
counts. With p the point of a region, d = W (x - p) and [low, high] the exact range of each activation:

- First order: sum C sigma(p) + the minimum of its linear term over the region - 1/2 sum max(0, -C kappa) d^2, where
  kappa is the end of the exact range of sigma'' over the region that makes C kappa smallest.
- Per neuron: the first-order bound of a neuron if it is above C times the end of the range of its activation, else the
  latter. The linear terms of the neurons of the first kind are still minimised together, so this bound is at least that
  of interval arithmetic with exact ranges.

A further hidden layer is bounded by these bounds of its z, then by the exact ranges of its activations.

All ranges hold for the graph in float32: those of z are widened by its error, and so is the result.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.activation_ranges import ActivationRanges
from enn_models.explanations.guarantees.float32_error import Float32Error, float32_error
from enn_models.explanations.guarantees.regions import Regions
from enn_models.network import Layer, Network

MAX_VALUES = 2**18
"""Maximum values of an array at once: regions x functions x (neurons or columns)."""


def activation_ranges(network: Network) -> list[ActivationRanges]:
    """Return the ranges of each layer with learned activations: tables that take some milliseconds."""
    return [ActivationRanges(layer.coefficients) for layer in network.layers if layer.coefficients is not None]


class _HiddenBounds(NamedTuple):
    """Bounds of the first hidden layer over regions.

    Attributes:
        value: Activations at the points of the regions, [regions, neurons].
        slope: Slopes there, [regions, neurons].
        fall: Smallest change of z from there, [regions, neurons].
        rise: Largest change of z from there, [regions, neurons].
        ranges: Lower and upper bound of the activation and of its curvature, each [regions, neurons].
    """

    value: Floats
    slope: Floats
    fall: Floats
    rise: Floats
    ranges: tuple[Floats, Floats, Floats, Floats]


class Bounds:
    """Bounds of one network.

    Args:
        network: Network of any depth.
        largest: Largest size of each column in any of the regions, float64 [columns].
        errors: Error of each column in float32, float64 [columns]; None if the graph takes the columns as they are.
        ranges: Ranges of the network's activations; None to compute them.

    Attributes:
        error: Error of the graph in float32 for these columns.
        head: Ranges of the output activations of a dct head; None for a linear head.
    """

    def __init__(
        self,
        network: Network,
        largest: Floats,
        errors: Floats | None = None,
        ranges: list[ActivationRanges] | None = None,
    ) -> None:
        self._network = network
        ranges = activation_ranges(network) if ranges is None else ranges
        self._ranges = ranges[: len(network.layers) - 1]
        self.head = ranges[-1] if len(ranges) == len(network.layers) else None
        self.error: Float32Error = float32_error(
            network,
            ranges,
            largest + np.abs(network.input_offset),
            np.zeros_like(largest) if errors is None else errors,
        )
        self._weight = network.layers[0].weight.astype(np.float64)

    def lower(self, regions: Regions, weights: Floats) -> Floats:
        """Return lower bounds of linear functions of the unit pre-activations, without their constant terms.

        Args:
            regions: Regions of encoded rows.
            weights: Weight of each unit in each function, float64 [functions, units].

        Returns:
            Bounds for the graph in float32 of weights @ (pre-activation), float64 [regions, functions].
        """
        last = self._network.layers[-1]
        activations = weights @ last.weight.astype(np.float64)
        constant = weights @ last.bias.astype(np.float64) - np.abs(weights) @ self.error.units
        return constant + self._last_hidden(regions, activations)

    def sensitivity(self) -> Floats:
        """Return the weight of each column in the choice of the next cut, float64 [columns].

        The gap between bounds and values grows with the curvature of the neurons that a column reaches.
        """
        reach = np.abs(self._network.layers[-1].weight).max(axis=0).astype(np.float64)
        for layer, ranges in zip(self._network.layers[-2::-1], self._ranges[::-1], strict=True):
            reach = (reach * ranges.slope) @ np.abs(layer.weight.astype(np.float64))
        return reach

    def _last_hidden(self, regions: Regions, weights: Floats) -> Floats:
        """Return lower bounds of linear functions of the activations of the last hidden layer, [regions, functions]."""
        layers = self._network.layers[:-1]
        at_once = max(
            1, MAX_VALUES // max(len(weights) * max(weights.shape[1], self._weight.shape[1]), self._weight.size)
        )
        parts: list[Floats] = []
        for start in range(0, len(regions), at_once):
            piece = regions[slice(start, start + at_once)]
            first = self._first_hidden(piece)
            if len(layers) == 1:
                parts.append(_lower_of_first(piece, self._weight, first, weights))
                continue
            low, high = self._second_hidden(piece, first, layers[1])
            for index in range(1, len(layers)):
                error = self.error.hidden[index]
                low, high = self._ranges[index].values(low - error, high + error)
                if index + 1 < len(layers):
                    low, high = _affine(layers[index + 1], low, high)
            parts.append(low @ np.maximum(weights, 0.0).T + high @ np.minimum(weights, 0.0).T)
        return np.concatenate(parts)

    def _first_hidden(self, regions: Regions) -> _HiddenBounds:
        points = regions.points()
        z = self._network.layers[0].pre_activation(points - self._network.input_offset)
        rise, fall = regions.support(self._weight), -regions.support(-self._weight)
        error, ranges = self.error.hidden[0], self._ranges[0]
        value, slope, _ = ranges.at(z)
        return _HiddenBounds(value, slope, fall, rise, ranges.over(z + fall - error, z + rise + error))

    def _second_hidden(self, regions: Regions, first: _HiddenBounds, layer: Layer) -> tuple[Floats, Floats]:
        """Return lower and upper bounds of z of the second hidden layer, each [regions, neurons]."""
        weight, bias = layer.weight.astype(np.float64), layer.bias.astype(np.float64)
        at_once = max(1, MAX_VALUES // max(len(regions) * max(weight.shape[1], self._weight.shape[1]), 1))
        both = np.concatenate([weight, -weight])
        low = [
            _lower_of_first(regions, self._weight, first, both[start : start + at_once])
            for start in range(0, len(both), at_once)
        ]
        found = np.concatenate(low, axis=1)
        return bias + found[:, : len(weight)], bias - found[:, len(weight) :]


def _lower_of_first(regions: Regions, weight: Floats, hidden: _HiddenBounds, functions: Floats) -> Floats:
    """Return lower bounds of linear functions of the activations of the first hidden layer, [regions, functions].

    Args:
        regions: Regions of encoded rows.
        weight: Weights of the layer, [neurons, columns].
        hidden: Bounds of the layer.
        functions: Weight of each activation in each function, [functions, neurons].
    """
    low, high, least, most = (part[:, None, :] for part in hidden.ranges)
    reach = np.maximum(hidden.rise, -hidden.fall)[:, None, :]
    positive, negative = np.maximum(functions, 0.0), np.minimum(functions, 0.0)
    by_range = positive * low + negative * high
    curved = np.minimum(positive * np.minimum(least, 0.0) + negative * np.maximum(most, 0.0), 0.0)
    constant = functions * hidden.value[:, None, :] + 0.5 * curved * reach**2
    slopes = functions * hidden.slope[:, None, :]
    linear = np.minimum(slopes * hidden.rise[:, None, :], slopes * hidden.fall[:, None, :])
    tangent = constant + linear >= by_range
    mixed = np.where(tangent, slopes, 0.0) @ weight
    whole = constant.sum(axis=2) - regions.support(-(slopes @ weight))
    parts = np.where(tangent, constant, by_range).sum(axis=2) - regions.support(-mixed)
    return np.maximum(whole, parts)


def _affine(layer: Layer, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the range of z of a layer for ranges of its inputs."""
    weight, bias = layer.weight.astype(np.float64), layer.bias.astype(np.float64)
    rising, falling = np.maximum(weight, 0.0).T, np.minimum(weight, 0.0).T
    return low @ rising + high @ falling + bias, high @ rising + low @ falling + bias


def interval_bounds(network: Network, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return bounds of the unit pre-activations by plain interval arithmetic, for comparison; not widened.

    Each cosine has the range [-1, 1] unless its angle stays within a monotone part.

    Args:
        network: Network of any depth.
        low: Lower ends of the columns, float64 [boxes, columns].
        high: Upper ends of the columns, float64 [boxes, columns].
    """
    low, high = low - network.input_offset, high - network.input_offset
    for layer, following in pairwise(network.layers):
        low, high = _affine(layer, low, high)
        if layer.coefficients is not None:
            low, high = _cosine_intervals(layer.coefficients.astype(np.float64), low, high)
        del following
    return _affine(network.layers[-1], low, high)


def _cosine_intervals(coefficients: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the range of each activation as the sum of the ranges of its harmonics."""
    omega = (2.0 * np.arange(1, coefficients.shape[1] + 1) - 1.0) * (np.pi / 2)
    start, end = omega * (low[..., None] + 1.0), omega * (high[..., None] + 1.0)
    ends = np.cos(start), np.cos(end)
    top = np.where(np.floor(end / (2 * np.pi)) > np.floor(start / (2 * np.pi)), 1.0, np.maximum(*ends))
    turned = (part / (2 * np.pi) - 0.5 for part in (start, end))
    crosses = np.greater(*(np.floor(part) for part in reversed([*turned])))
    bottom = np.where(crosses, -1.0, np.minimum(*ends))
    rising, falling = np.maximum(coefficients, 0.0), np.minimum(coefficients, 0.0)
    return (rising * bottom + falling * top).sum(-1), (rising * top + falling * bottom).sum(-1)

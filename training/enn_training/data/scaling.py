"""Linear scaling of columns, and its exact folding into the weights of a network."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from enn_models.network import Layer, Network

Floats = NDArray[np.float64]

FOLDABLE_RATIO = 8.0
"""Largest |center| / scale to fold into a bias; above it the float32 bias loses more than three bits of the input."""
PERIOD = 4.0
"""Period of the activation sigma(z)."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """Map every column by x -> (x - center) / scale.

    Attributes:
        center: Value mapped to 0, float64 [columns], in the column's unit.
        scale: Divisor, float64 [columns], > 0, in the column's unit; infinite for a column without influence.
    """

    center: Floats
    scale: Floats

    @classmethod
    def identity(cls, columns: int) -> "Scaling":
        """Return the scaling that changes nothing."""
        return cls(np.zeros(columns), np.ones(columns))

    @classmethod
    def min_max(cls, rows: ArrayLike, *, ignore_constant: bool = False) -> "Scaling":
        """Return the scaling of the range of training rows onto [-1, 1].

        Args:
            rows: Training rows, [rows, columns].
            ignore_constant: Map every value of a column that is constant in training to 0, so that the column has no
                influence; False: divide such a column by 1.
        """
        rows = np.asarray(rows, dtype=np.float64)
        low, high = rows.min(axis=0), rows.max(axis=0)
        scale = _replace_zeros(high / 2 - low / 2)
        return cls(low / 2 + high / 2, np.where(low == high, np.inf, scale) if ignore_constant else scale)

    @classmethod
    def standard(cls, rows: ArrayLike, weight: Floats | None = None) -> "Scaling":
        """Return the scaling of training rows [rows, columns] to mean 0 and standard deviation 1.

        Args:
            rows: Training rows, [rows, columns].
            weight: Weight of each row in mean and deviation, [rows]; None if all count the same.
        """
        rows = np.asarray(rows, dtype=np.float64)
        if weight is None:
            return cls(rows.mean(axis=0), _replace_zeros(rows.std(axis=0)))
        mean = np.average(rows, axis=0, weights=weight)
        return cls(mean, _replace_zeros(np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=weight))))

    def transform(self, rows: ArrayLike) -> Floats:
        """Return the scaled rows, float64 [rows, columns], without clipping."""
        return (np.asarray(rows, dtype=np.float64) - self.center) / self.scale


def fold(network: Network, inputs: Scaling, outputs: Scaling | None = None) -> Network:
    """Return the float32 network over raw inputs and targets that equals a network over scaled ones.

    Sums are computed in float64 and rounded once.

    Args:
        network: Network over scaled inputs.
        inputs: Scaling of the inputs.
        outputs: Scaling of the targets of a regression; None without scaling.

    Returns:
        Network over raw rows that computes the same function. A column with |center| > 8 scale (a year, for example)
        keeps its center as `input_offset`, which is subtracted before the first weight.
    """
    first, *middle, last = network.layers
    offset = np.where(np.abs(inputs.center) <= FOLDABLE_RATIO * inputs.scale, 0.0, inputs.center).astype(np.float32)
    weight = first.weight.astype(np.float64) / inputs.scale
    bias = first.bias.astype(np.float64) + weight @ (offset.astype(np.float64) - inputs.center)
    first = replace(first, weight=weight.astype(np.float32), bias=bias)
    output_offset = network.output_offset
    if outputs is not None:
        last, output_offset = _fold_outputs(last, outputs)
    layers = tuple(_wrap_biases(layer) for layer in (first, *middle, last))
    return replace(network, layers=layers, input_offset=offset, output_offset=output_offset)


def unfold(network: Network, inputs: Scaling, outputs: Scaling | None = None) -> Network:
    """Return the network over scaled inputs and targets that equals one over raw inputs: the inverse of `fold`.

    Args:
        network: Network over raw inputs.
        inputs: Scaling of the inputs.
        outputs: Scaling of the targets of a regression, centered on the network's output offset if the head is dct;
            None without scaling.
    """
    first, *middle, last = network.layers
    weight = first.weight.astype(np.float64)
    bias = first.bias + weight @ (inputs.center - network.input_offset)
    first = replace(first, weight=(weight * inputs.scale).astype(np.float32), bias=bias.astype(np.float32))
    if outputs is not None and last.coefficients is not None:
        last = replace(last, coefficients=(last.coefficients / outputs.scale[:, None]).astype(np.float32))
    elif outputs is not None:
        bias = ((last.bias - outputs.center) / outputs.scale).astype(np.float32)
        last = replace(last, weight=(last.weight / outputs.scale[:, None]).astype(np.float32), bias=bias)
    offsets = {
        "input_offset": np.zeros_like(network.input_offset),
        "output_offset": np.zeros_like(network.output_offset),
    }
    return replace(network, layers=(first, *middle, last), **offsets)


def _wrap_biases(layer: Layer) -> Layer:
    """Return an activated layer with its biases moved to [-2, 2] by whole periods, where float32 is more precise."""
    bias = layer.bias if layer.coefficients is None else layer.bias - PERIOD * np.round(layer.bias / PERIOD)
    return replace(layer, bias=bias.astype(np.float32))


def _fold_outputs(last: Layer, outputs: Scaling) -> tuple[Layer, NDArray[np.float32]]:
    """Return the output layer for raw targets, and the offset to add after its activation."""
    scale, center = outputs.scale[:, None], outputs.center
    if last.coefficients is not None:
        return replace(last, coefficients=(last.coefficients * scale).astype(np.float32)), center.astype(np.float32)
    weight, bias = last.weight * scale, last.bias * outputs.scale + center
    return replace(last, weight=weight.astype(np.float32), bias=bias.astype(np.float32)), np.zeros_like(last.bias)


def _replace_zeros(scale: Floats) -> Floats:
    """Return the divisors with 1 for those of constant columns."""
    return np.where(scale > 0, scale, 1.0)

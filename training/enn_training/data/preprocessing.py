"""Scaling: from raw columns to the range the learner works in, and its exact folding into a network."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from enn_models.network import Layer, Network

Floats = NDArray[np.float64]

# Beyond this ratio |center| / half, folding the center into a float32 bias costs more than three bits of the input.
FOLDABLE = 8.0
PERIOD = 4.0


@dataclass(frozen=True, eq=False)
class Scaling:
    """The map x -> (x - center) / half of every column.

    Attributes:
        center: float64 [columns], in the column's unit.
        half: float64 [columns], > 0, in the column's unit; infinite for a column that is to have no say.
    """

    center: Floats
    half: Floats

    @classmethod
    def identity(cls, columns: int) -> "Scaling":
        """Return the map that changes nothing."""
        return cls(np.zeros(columns), np.ones(columns))

    @classmethod
    def of_range(cls, rows: ArrayLike) -> "Scaling":
        """Return the map of the range of training rows [rows, columns] onto [-1, 1]; a constant column goes to 0."""
        rows = np.asarray(rows, dtype=np.float64)
        low, high = rows.min(axis=0), rows.max(axis=0)
        return cls(low / 2 + high / 2, _positive(high / 2 - low / 2))

    @classmethod
    def of_inputs(cls, rows: ArrayLike) -> "Scaling":
        """Return the map of_range; of a column constant in training nothing is learned, so that all of it goes to 0."""
        scaling, rows = cls.of_range(rows), np.asarray(rows)
        constant = rows.min(axis=0) == rows.max(axis=0)
        return cls(scaling.center, np.where(constant, np.inf, scaling.half))

    @classmethod
    def of_spread(cls, rows: ArrayLike) -> "Scaling":
        """Return the map of training rows [rows, columns] to mean 0 and standard deviation 1."""
        rows = np.asarray(rows, dtype=np.float64)
        return cls(rows.mean(axis=0), _positive(rows.std(axis=0)))

    def apply(self, rows: ArrayLike) -> Floats:
        """Return the scaled rows, float64 [rows, columns]; nothing is clipped."""
        return (np.asarray(rows, dtype=np.float64) - self.center) / self.half


def fold(network: Network, inputs: Scaling, outputs: Scaling | None = None) -> Network:
    """Return the float32 network over raw inputs, and raw targets, that equals a network over scaled ones.

    Args:
        network: What was learned, over scaled inputs.
        inputs: How the inputs were scaled.
        outputs: How the targets of a regression were scaled; None where they were not.

    Returns:
        The same function of raw rows. The sums are taken in float64 and rounded once. A column whose center lies more
        than 8 half ranges from 0 (a year) keeps it as input_offset, subtracted before the first weight.
    """
    first, *middle, last = network.layers
    offset = np.where(np.abs(inputs.center) <= FOLDABLE * inputs.half, 0.0, inputs.center).astype(np.float32)
    weight = first.weight.astype(np.float64) / inputs.half
    bias = first.bias.astype(np.float64) + weight @ (offset.astype(np.float64) - inputs.center)
    first = replace(first, weight=weight.astype(np.float32), bias=bias)
    output_offset = network.output_offset
    if outputs is not None:
        last, output_offset = _unscale(last, outputs)
    layers = tuple(_in_first_period(layer) for layer in (first, *middle, last))
    return replace(network, layers=layers, input_offset=offset, output_offset=output_offset)


def unfold(network: Network, inputs: Scaling, outputs: Scaling | None = None) -> Network:
    """Return the network over scaled inputs and targets that equals one over raw inputs: the inverse of fold.

    Args:
        network: What is learned further, over raw inputs.
        inputs: How the inputs are to be scaled.
        outputs: How the targets of a regression are to be scaled, by their own center where the head is dct; None where
            they are not.
    """
    first, *middle, last = network.layers
    weight = first.weight.astype(np.float64)
    bias = first.bias + weight @ (inputs.center - network.input_offset)
    first = replace(first, weight=(weight * inputs.half).astype(np.float32), bias=bias.astype(np.float32))
    if outputs is not None and last.coefficients is not None:
        last = replace(last, coefficients=(last.coefficients / outputs.half[:, None]).astype(np.float32))
    elif outputs is not None:
        bias = ((last.bias - outputs.center) / outputs.half).astype(np.float32)
        last = replace(last, weight=(last.weight / outputs.half[:, None]).astype(np.float32), bias=bias)
    offsets = {
        "input_offset": np.zeros_like(network.input_offset),
        "output_offset": np.zeros_like(network.output_offset),
    }
    return replace(network, layers=(first, *middle, last), **offsets)


def _in_first_period(layer: Layer) -> Layer:
    """Return an activated layer with its biases in [-2, 2]: sigma has period 4, and float32 has more digits there."""
    bias = layer.bias if layer.coefficients is None else layer.bias - PERIOD * np.round(layer.bias / PERIOD)
    return replace(layer, bias=bias.astype(np.float32))


def _unscale(last: Layer, outputs: Scaling) -> tuple[Layer, NDArray[np.float32]]:
    """Return the output layer for raw targets, and what is to be added after its activation."""
    half, center = outputs.half[:, None], outputs.center
    if last.coefficients is not None:
        return replace(last, coefficients=(last.coefficients * half).astype(np.float32)), center.astype(np.float32)
    weight, bias = last.weight * half, last.bias * outputs.half + center
    return replace(last, weight=weight.astype(np.float32), bias=bias.astype(np.float32)), np.zeros_like(last.bias)


def _positive(half: Floats) -> Floats:
    return np.where(half > 0, half, 1.0)

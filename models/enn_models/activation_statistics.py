"""Usage: which part of its activation each neuron uses on the training data, as a histogram that a card can carry."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, model_validator

from enn_models.cosine_series import Floats
from enn_models.features import CardPart
from enn_models.network import Network

HISTOGRAM_BINS = 32
"""Of a histogram: enough to see where the data lie, 100 bytes a neuron in the card."""
MAX_BINS = 256
ROWS_PER_BATCH = 4096
"""Rows looked at together: what they make of a wide layer fits in memory."""
SIGNIFICANT_DIGITS = 6
"""Of the numbers in a card: what a drawing shows, and equal on every machine."""

Count = Annotated[int, Field(ge=0, lt=2**53)]


class NeuronStatistics(CardPart):
    """How the training data use one activation.

    Attributes:
        low: The lowest pre-activation.
        high: The highest one.
        counts: How many rows have their pre-activation in each of as many equal parts of [low, high].
        deviation: The standard deviation of the activation's value over the rows.
    """

    low: FiniteFloat
    high: FiniteFloat
    counts: Annotated[tuple[Count, ...], Field(min_length=1, max_length=MAX_BINS)]
    deviation: Annotated[FiniteFloat, Field(ge=0)]

    @model_validator(mode="after")
    def _is_a_histogram(self) -> "NeuronStatistics":
        if not self.low <= self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        if not sum(self.counts):
            raise ValueError("counts: all are 0")
        return self


ActivationStatistics = tuple[tuple[NeuronStatistics, ...], ...]
"""Of every neuron of every layer with learned activations, in the network's order."""


def measure_activations(network: Network, rows: Floats, bins: int = HISTOGRAM_BINS) -> ActivationStatistics:
    """Return how rows use the activations of a network.

    Args:
        network: Any depth.
        rows: Raw rows, float64 [rows, features], at least one.
        bins: Parts of each histogram.
    """
    layers = [layer for layer in network.layers if layer.coefficients is not None]
    pieces = [rows[start : start + ROWS_PER_BATCH] for start in range(0, len(rows), ROWS_PER_BATCH)]
    found = [
        [
            _batch_summary(z, layer.activation(z))
            for layer, z in zip(layers, network.activation_inputs(piece), strict=True)
        ]
        for piece in pieces
    ]
    totals = [_merge_summaries(np.stack(parts), len(rows)) for parts in zip(*found, strict=True)]
    counted = [
        [
            _histograms(z, low, high, bins)
            for z, (low, high, _) in zip(network.activation_inputs(piece), totals, strict=True)
        ]
        for piece in pieces
    ]
    return tuple(
        _to_statistics(total, np.sum(counts, axis=0))
        for total, counts in zip(totals, zip(*counted, strict=True), strict=True)
    )


def _batch_summary(z: Floats, values: Floats) -> Floats:
    """Return lowest and highest z, and sum and sum of squares of the activations, float64 [4, neurons]."""
    return np.stack([z.min(axis=0), z.max(axis=0), values.sum(axis=0), np.square(values).sum(axis=0)])


def _merge_summaries(parts: Floats, rows: int) -> Floats:
    """Return lowest and highest z, and deviation of the activations, float64 [3, neurons], of summaries of pieces."""
    mean, square = parts[:, 2].sum(axis=0) / rows, parts[:, 3].sum(axis=0) / rows
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
    return np.stack([parts[:, 0].min(axis=0), parts[:, 1].max(axis=0), deviation])


def _histograms(z: Floats, low: Floats, high: Floats, bins: int) -> NDArray[np.int64]:
    """Return the histograms of pre-activations z [rows, neurons], int64 [neurons, bins]."""
    width = np.where(high > low, high - low, 1.0)
    places = np.minimum((bins * ((z - low) / width)).astype(np.int64), bins - 1)
    neurons = len(low)
    return np.bincount((places + bins * np.arange(neurons)).ravel(), minlength=bins * neurons).reshape(neurons, bins)


def _to_statistics(total: Floats, counts: NDArray[np.int64]) -> tuple[NeuronStatistics, ...]:
    numbers = [[float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in neuron] for neuron in total.T.tolist()]
    return tuple(
        NeuronStatistics(low=low, high=high, counts=tuple(count), deviation=deviation)
        for (low, high, deviation), count in zip(numbers, counts.tolist(), strict=True)
    )

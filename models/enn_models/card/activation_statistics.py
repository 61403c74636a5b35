"""Statistics of each neuron's activation on the training data: range, histogram and standard deviation."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, model_validator

from enn_models.card.features import CardPart
from enn_models.cosine_series import Floats
from enn_models.network import Network

HISTOGRAM_BINS = 32
"""Bins of a histogram: enough to draw the density, at 100 bytes per neuron in the card."""
MAX_BINS = 256
ROWS_PER_BATCH = 4096
"""Rows evaluated at once, so that the values of a wide layer fit in memory."""
SIGNIFICANT_DIGITS = 6
"""Digits of the numbers in a card: enough for a drawing, and equal on every machine."""

Count = Annotated[int, Field(ge=0, lt=2**53)]


class NeuronStatistics(CardPart):
    """Statistics of one activation on the training data.

    Attributes:
        low: Lowest pre-activation.
        high: Highest pre-activation.
        counts: Histogram of the pre-activations in equal bins over [low, high], in rows.
        deviation: Standard deviation of the activation's value over the rows.
    """

    low: FiniteFloat
    high: FiniteFloat
    counts: Annotated[tuple[Count, ...], Field(min_length=1, max_length=MAX_BINS)]
    deviation: Annotated[FiniteFloat, Field(ge=0)]

    @model_validator(mode="after")
    def _check_histogram(self) -> "NeuronStatistics":
        if not self.low <= self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        if not sum(self.counts):
            raise ValueError("counts: all are 0")
        return self


ActivationStatistics = tuple[tuple[NeuronStatistics, ...], ...]
"""Statistics of every neuron in every layer with learned activations, in the network's order."""


def measure_activations(network: Network, rows: Floats, bins: int = HISTOGRAM_BINS) -> ActivationStatistics:
    """Measure the activations of a network on rows.

    Args:
        network: Network of any depth.
        rows: Raw rows, float64 [rows, features], at least one.
        bins: Number of bins of each histogram.

    Returns:
        Statistics of each layer with learned activations.
    """
    layers = [layer for layer in network.layers if layer.coefficients is not None]
    batches = [rows[start : start + ROWS_PER_BATCH] for start in range(0, len(rows), ROWS_PER_BATCH)]
    summaries = [
        [
            _batch_summary(z, layer.activation(z))
            for layer, z in zip(layers, network.activation_inputs(batch), strict=True)
        ]
        for batch in batches
    ]
    totals = [_merge_summaries(np.stack(parts), len(rows)) for parts in zip(*summaries, strict=True)]
    # The bins need the range over all rows, so histograms take a second pass.
    histograms = [
        [
            _histograms(z, low, high, bins)
            for z, (low, high, _) in zip(network.activation_inputs(batch), totals, strict=True)
        ]
        for batch in batches
    ]
    return tuple(
        _to_statistics(total, np.sum(counts, axis=0))
        for total, counts in zip(totals, zip(*histograms, strict=True), strict=True)
    )


def _batch_summary(z: Floats, values: Floats) -> Floats:
    """Return minimum and maximum of z, and sum and sum of squares of the activations, float64 [4, neurons]."""
    return np.stack([z.min(axis=0), z.max(axis=0), values.sum(axis=0), np.square(values).sum(axis=0)])


def _merge_summaries(parts: Floats, rows: int) -> Floats:
    """Merge the summaries of batches into minimum and maximum of z, and deviation of the activations, [3, neurons]."""
    mean, square = parts[:, 2].sum(axis=0) / rows, parts[:, 3].sum(axis=0) / rows
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
    return np.stack([parts[:, 0].min(axis=0), parts[:, 1].max(axis=0), deviation])


def _histograms(z: Floats, low: Floats, high: Floats, bins: int) -> NDArray[np.int64]:
    """Return the histograms of pre-activations z [rows, neurons], int64 [neurons, bins]."""
    width = np.where(high > low, high - low, 1.0)
    bin_indices = np.minimum((bins * ((z - low) / width)).astype(np.int64), bins - 1)
    neurons = len(low)
    return np.bincount((bin_indices + bins * np.arange(neurons)).ravel(), minlength=bins * neurons).reshape(
        neurons, bins
    )


def _to_statistics(total: Floats, counts: NDArray[np.int64]) -> tuple[NeuronStatistics, ...]:
    """Round to SIGNIFICANT_DIGITS and build the statistics of one layer."""
    numbers = [[float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in neuron] for neuron in total.T.tolist()]
    return tuple(
        NeuronStatistics(low=low, high=high, counts=tuple(count), deviation=deviation)
        for (low, high, deviation), count in zip(numbers, counts.tolist(), strict=True)
    )

"""Curves of the learned activations of a model, over the range that the training data use."""

from collections.abc import Generator
from typing import Any

import numpy as np

from enn_models import cosine_series
from enn_models.card import Card, to_array
from enn_models.card.activation_statistics import ActivationStatistics, NeuronStatistics, measure_activations
from enn_models.card.features import column_ranges
from enn_models.cosine_series import Floats
from enn_models.network import Layer, Network
from enn_service.errors import InvalidRequestError
from enn_service.inference.admission import Reservation
from enn_service.inference.answer import ANSWER_BYTES
from enn_service.inference.cost import PIECE_BYTES
from enn_service.runtime.model import ServedModel

DEFAULT_POINTS = 101
MAX_POINTS = 1001
POINTS_PER_PERIOD = 16
"""Number of points per period of the highest harmonic; fewer points draw a different curve."""
BACKGROUND_BINS = 10
"""Number of bins of a histogram of the background rows, of which there are few."""
MAX_NUMBERS = 1_000_000
"""Maximum number of values in one response: about ten megabytes of JSON."""
MAX_TERMS = 100_000_000
"""Maximum number of cosines in one response: about a second of one core."""


def activation_curves(
    model: ServedModel, layer: int | None, points: int | None, memory: Reservation
) -> Generator[None, None, list[dict[str, Any]]]:
    """Compute the curves of every layer with learned activations, or of one layer, as JSON objects with arrays.

    Args:
        model: Model with the activations.
        layer: Number of the layer, from 1; None for all layers.
        points: Number of points of each curve; None for at least DEFAULT_POINTS, and more for high frequencies.
        memory: Memory of the request.

    Yields:
        None after each curve.

    Raises:
        InvalidRequestError: The model has no such layer, or the response would be too large.
    """
    network = model.network
    layers = [activated for activated in network.layers if activated.coefficients is not None]
    if layer is not None and layer > len(layers):
        raise InvalidRequestError(f"layer: {layer}; the model has learned activations in layers 1 to {len(layers)}")
    chosen = range(len(layers)) if layer is None else [layer - 1]
    usage = _usage(model.card, network)
    ranges = _ranges(usage) if usage else _range_bounds(network, model.card)
    sizes = [[points or _default_points(ends, model.card.harmonics) for ends in layer] for layer in ranges]
    numbers = _check_size(model, [size for index in chosen for size in sizes[index]])
    memory.reserve(numbers * ANSWER_BYTES + PIECE_BYTES, "the answer")
    importance = _importance(network, usage[len(network.layers) - 2]) if usage else None
    curves: list[dict[str, Any]] = []
    for index in chosen:
        neurons: list[dict[str, Any]] = []
        for number, ends in enumerate(ranges[index]):
            neuron = _curve(layers[index], number, ends, sizes[index][number])
            neurons.append(neuron)
            yield
            neuron["density"] = _density(usage[index][number]) if usage else None
            last = index == len(network.layers) - 2
            neuron["importance"] = float(importance[number]) if last and importance is not None else None
            if index == len(network.layers) - 1:
                neuron["output"] = model.prediction_encoder.output_names[number]
        curves.append({"layer": index + 1, "neurons": neurons})
    return curves


def _check_size(model: ServedModel, sizes: list[int]) -> int:
    """Return the number of values in a response, after the check that it is not too large.

    Args:
        model: Model with the activations.
        sizes: Number of points of each curve.
    """
    harmonics = model.card.harmonics
    numbers = 2 * sum(sizes) + harmonics * len(sizes)
    if numbers > MAX_NUMBERS or sum(sizes) * harmonics > MAX_TERMS:
        raise InvalidRequestError(
            f"{len(sizes)} activations of {max(sizes)} points are {numbers} numbers; at most {MAX_NUMBERS}, and "
            f"{MAX_TERMS} cosines, are computed: ask for one layer, or for fewer points"
        )
    return numbers


def _default_points(ends: tuple[float, float], harmonics: int) -> int:
    """Return the number of points that draw a curve with its highest harmonic over a range."""
    low, high = _widened(ends)
    periods = (high - low) * cosine_series.frequencies(harmonics)[-1] / (2 * np.pi)
    return int(np.clip(np.ceil(POINTS_PER_PERIOD * periods) + 1, DEFAULT_POINTS, MAX_POINTS))


def _widened(ends: tuple[float, float]) -> tuple[float, float]:
    """Return a range; for a constant pre-activation one around it, to show the curve there."""
    low, high = ends
    return (low - 0.5, high + 0.5) if low == high else ends


def _usage(card: Card, network: Network) -> ActivationStatistics | None:
    """Return the statistics of the pre-activations over the training data, else over the background rows, else None."""
    if card.usage is not None or card.background is None:
        return card.usage
    return measure_activations(network, to_array(card.background), BACKGROUND_BINS)


def _ranges(usage: ActivationStatistics) -> list[list[tuple[float, float]]]:
    return [[(neuron.low, neuron.high) for neuron in layer] for layer in usage]


def _range_bounds(network: Network, card: Card) -> list[list[tuple[float, float]]]:
    """Return bounds of each pre-activation from the ranges of the features, by interval arithmetic layer by layer."""
    ends = np.array(column_ranges(card.features), dtype=np.float64)
    low, high = ends.T - network.input_offset
    ranges: list[list[tuple[float, float]]] = []
    for layer in network.layers:
        if layer.coefficients is None:
            break
        weight = layer.weight.astype(np.float64)
        centre, radius = weight @ ((low + high) / 2) + layer.bias, np.abs(weight) @ ((high - low) / 2)
        ranges.append(list(zip((centre - radius).tolist(), (centre + radius).tolist(), strict=True)))
        high = np.abs(layer.coefficients).sum(axis=1, dtype=np.float64)
        low = -high
    return ranges


def _importance(network: Network, usage: tuple[NeuronStatistics, ...]) -> Floats | None:
    """Return the share of each last hidden neuron in the bumps' standard deviations, summed over the outputs."""
    deviation = np.array([neuron.deviation for neuron in usage])
    spread = np.abs(network.layers[-1].weight.astype(np.float64)).sum(axis=0) * deviation
    return spread / spread.sum() if spread.sum() > 0 else None


def _curve(layer: Layer, neuron: int, ends: tuple[float, float], points: int) -> dict[str, Any]:
    """Return coefficients, points and values of one activation over a range of its pre-activation."""
    assert layer.coefficients is not None  # noqa: S101  (the caller chose the activated ones)
    coefficients = layer.coefficients[neuron]
    z = np.linspace(*_widened(ends), points)
    values = cosine_series.activation(z[:, None], coefficients[None])[:, 0]
    return {
        "neuron": neuron,
        "coefficients": coefficients,
        "range": list(ends),
        "pre_activation": z.astype(np.float32),
        "activation": values.astype(np.float32),
    }


def _density(usage: NeuronStatistics) -> dict[str, Any] | None:
    """Return the histogram as a density with integral 1; None if all rows have the same pre-activation."""
    if usage.low == usage.high:
        return None
    bins, counts = len(usage.counts), np.array(usage.counts, dtype=np.float64)
    density = counts / counts.sum() * bins / (usage.high - usage.low)
    return {
        "edges": np.linspace(usage.low, usage.high, bins + 1, dtype=np.float32),
        "density": density.astype(np.float32),
    }

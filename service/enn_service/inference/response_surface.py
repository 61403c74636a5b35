"""The landscape: what a model answers along one feature, or over two, while the other features stay where they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from enn_service.errors import InvalidRequestError
from enn_service.runtime.feature_values import encode_value
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import Array

MAX_NUMBERS = 1_000_000
"""The most numbers of one answer: about ten megabytes of JSON."""
MAX_BUMPS = 20_000_000
"""The most bumps that the runtime computes for one answer, of all outputs: 80 megabytes."""
MAX_PRODUCTS = 5_000_000_000
"""The most products of parameters that one answer takes: some seconds of one core."""
TENSORS = ("output", "pre_activation", "bumps")


@dataclass(frozen=True, eq=False)
class FeatureAxis:
    """A feature that varies.

    Attributes:
        index: Its index.
        name: Its name.
        values: What it takes, float32 [points].
        told: The same as JSON has it.
    """

    index: int
    name: str
    values: Array
    told: Any


def feature_axis(model: ServedModel, name: str, points: int, field: str) -> FeatureAxis:
    """Return the axis of a feature: points over its training range, or all its categories.

    Raises:
        InvalidRequestError: The model has no such feature.
    """
    features = model.card.features
    index = next((index for index, feature in enumerate(features) if feature.name == name), None)
    if index is None:
        known = ", ".join(feature.name for feature in features[:40])
        raise InvalidRequestError(f"{field}: feature {name[:140]!r} is not known; expected one of {known}")
    feature = features[index]
    if feature.kind == "numeric":
        values = np.linspace(feature.minimum, feature.maximum, points).astype(np.float32)
        return FeatureAxis(index, name, values, values)
    codes = np.arange(feature.maximum + 1, dtype=np.float32)
    return FeatureAxis(index, name, codes, [encode_value(feature, code) for code in codes.tolist()])


def response_surface(
    model: ServedModel, axes: Sequence[FeatureAxis], at: str, output: str | None, *, bumps: bool
) -> dict[str, Any]:
    """Return what the model answers over a grid of axes, as JSON with arrays: the last axis's values beside each other.

    Args:
        model: The model.
        axes: One or two, the one that varies slowest first.
        at: JSON object with values of other features; those it does not name take their typical value.
        output: Name of the unit; None for the only one, or that of the class predicted at `at`.
        bumps: Whether to give each neuron's bump too.

    Raises:
        InvalidRequestError: A name or value is not the model's, or the answer would be too large.
    """
    size = [len(feature_axis.values) for feature_axis in axes]
    _check_size(model, size, bumps=bumps)
    row = _fixed(model, axes, at)
    rows = np.tile(row, (*size, 1))
    for place, grid in zip(
        axes, np.meshgrid(*(feature_axis.values for feature_axis in axes), indexing="ij"), strict=True
    ):
        rows[..., place.index] = grid
    unit = _unit(model, row, output)
    outputs, pre_activation, parts = model.session.run(rows.reshape(-1, row.size), TENSORS)
    shown = {feature_axis.index for feature_axis in axes}
    result: dict[str, Any] = {
        "output": model.results.units[unit],
        "at": {
            feature.name: encode_value(feature, value)
            for index, (feature, value) in enumerate(zip(model.card.features, row.tolist(), strict=True))
            if index not in shown
        },
        "pre_activation": _shaped(pre_activation[:, unit], size),
        "response": _shaped(outputs[:, unit + outputs.shape[1] - pre_activation.shape[1]], size),
    }
    if bumps:
        result["bumps"] = [
            {"neuron": neuron, "values": _shaped(parts[:, unit, neuron], size)} for neuron in range(parts.shape[2])
        ]
    return result


def _check_size(model: ServedModel, size: list[int], *, bumps: bool) -> None:
    points, neurons = int(np.prod(size)), model.card.layers[-2]
    numbers = points * (2 + (neurons if bumps else 0))
    if (
        numbers > MAX_NUMBERS
        or points * neurons * model.network.units > MAX_BUMPS
        or points * model.parameters > MAX_PRODUCTS
    ):
        raise InvalidRequestError(
            f"{' x '.join(map(str, size))} points{' with bumps' if bumps else ''} are {numbers} numbers; at most "
            f"{MAX_NUMBERS}, {MAX_BUMPS} bumps and {MAX_PRODUCTS} products are computed: ask for fewer points"
        )


def _fixed(model: ServedModel, axes: Sequence[FeatureAxis], at: str) -> Array:
    """Return the row, float32 [features], in which the axes' features are yet to vary."""
    try:
        given = orjson.loads(at)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"at: no JSON: {error}") from None
    if not isinstance(given, dict):
        raise InvalidRequestError(f"at: a JSON {type(given).__name__}; expected an object {{feature: value}}")
    if varied := [feature_axis.name for feature_axis in axes if feature_axis.name in given]:
        raise InvalidRequestError(f"at: feature {varied[0]!r} varies along an axis; leave it out")
    card = model.card
    typical = {
        feature.name: encode_value(feature, value)
        for feature, value in zip(card.features, card.typical_row, strict=True)
    }
    rows, _ = model.reach.admit(parse_rows(card, [typical | given], "at"), "at")
    return rows[0]


def _unit(model: ServedModel, row: Array, output: str | None) -> int:
    if output is not None:
        return model.results.unit(output, "output")
    (predicted,) = model.session.run(row[None], TENSORS[:1])
    return model.results.chosen_units(predicted, None)[0]


def _shaped(values: Array, size: list[int]) -> Array:
    return np.ascontiguousarray(values).reshape(size)

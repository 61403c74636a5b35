"""Response of a model over a grid of one or two features, with all other features fixed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from enn_service.errors import InvalidRequestError, describe_value
from enn_service.runtime.feature_values import encode_value
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import Array

MAX_NUMBERS = 1_000_000
"""Maximum number of values in one response: about ten megabytes of JSON."""
MAX_BUMPS = 20_000_000
"""Maximum number of bumps that the runtime computes for one response, over all outputs: 80 megabytes."""
MAX_PRODUCTS = 5_000_000_000
"""Maximum number of grid points times parameters in one response: some seconds of one core."""
TENSORS = ("output", "pre_activation", "bumps")


@dataclass(frozen=True, eq=False)
class FeatureAxis:
    """Grid points of a varying feature.

    Attributes:
        index: Index of the feature.
        name: Name of the feature.
        values: Codes of the grid points, float32 [points].
        json_values: Grid points as JSON values.
    """

    index: int
    name: str
    values: Array
    json_values: Any


def feature_axis(model: ServedModel, name: str, points: int, field: str) -> FeatureAxis:
    """Return the grid points of a feature: equally spaced over its training range, or all its categories.

    Args:
        model: Model of the feature.
        name: Name of the feature.
        points: Number of points of a numeric feature.
        field: Name of the query parameter, for error messages.

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
    """Compute the response over a grid, as a JSON object with arrays of one dimension per axis.

    Args:
        model: Model to run.
        axes: One or two varying features; the last one varies fastest.
        at: JSON object with values of other features; features that it does not name have their typical value.
        output: Name of the output unit; None for the only one, or for the class predicted at `at`.
        bumps: True to include the bump of each neuron.

    Raises:
        InvalidRequestError: A name or value is not valid for the model, or the response would be too large.
    """
    size = [len(axis.values) for axis in axes]
    _check_size(model, size, bumps=bumps)
    row = _fixed_row(model, axes, at)
    rows = np.tile(row, (*size, 1))
    grids = np.meshgrid(*(axis.values for axis in axes), indexing="ij")
    for axis, grid in zip(axes, grids, strict=True):
        rows[..., axis.index] = grid
    unit = _output_index(model, row, output)
    outputs, pre_activation, parts = model.session.run(rows.reshape(-1, row.size), TENSORS)
    varying = {axis.index for axis in axes}
    result: dict[str, Any] = {
        "output": model.prediction_encoder.output_names[unit],
        "at": {
            feature.name: encode_value(feature, value)
            for index, (feature, value) in enumerate(zip(model.card.features, row.tolist(), strict=True))
            if index not in varying
        },
        "pre_activation": _reshape(pre_activation[:, unit], size),
        "response": _reshape(outputs[:, unit + outputs.shape[1] - pre_activation.shape[1]], size),
    }
    if bumps:
        result["bumps"] = [
            {"neuron": neuron, "values": _reshape(parts[:, unit, neuron], size)} for neuron in range(parts.shape[2])
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


def _fixed_row(model: ServedModel, axes: Sequence[FeatureAxis], at: str) -> Array:
    """Return the fixed values of all features, float32 [features]; the axes overwrite theirs."""
    try:
        fixed = orjson.loads(at)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"at: not valid JSON: {error}") from None
    if not isinstance(fixed, dict):
        raise InvalidRequestError(f"at: {describe_value(fixed)}; expected an object {{feature: value}}")
    if varied := [axis.name for axis in axes if axis.name in fixed]:
        raise InvalidRequestError(f"at: feature {varied[0]!r} varies along an axis; leave it out")
    card = model.card
    typical = {
        feature.name: encode_value(feature, value)
        for feature, value in zip(card.features, card.typical_row, strict=True)
    }
    rows, _ = model.range_check.validate(parse_rows(card, [typical | fixed], "at"), "at")
    return rows[0]


def _output_index(model: ServedModel, row: Array, output: str | None) -> int:
    if output is not None:
        return model.prediction_encoder.output_index(output, "output")
    (predicted,) = model.session.run(row[None], TENSORS[:1])
    return model.prediction_encoder.explained_outputs(predicted, None)[0]


def _reshape(values: Array, size: list[int]) -> Array:
    return np.ascontiguousarray(values).reshape(size)

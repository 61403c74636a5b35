"""Response of a model over a grid of one or two features, with all other features fixed."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import orjson

from enn_models.card.feature_values import encode_value
from enn_service.errors import InvalidRequestError, describe_value
from enn_service.inference.admission import Reservation
from enn_service.inference.answer import ANSWER_BYTES
from enn_service.inference.cost import PIECE_BYTES, PIECE_NUMBERS
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import Array

MAX_NUMBERS = 1_000_000
"""Maximum number of values in one response: about ten megabytes of JSON."""
MAX_BUMPS = 20_000_000
"""Maximum number of bumps that the runtime computes for one response, over all outputs."""
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
    model: ServedModel, axes: Sequence[FeatureAxis], at: str, output: str | None, *, bumps: bool, memory: Reservation
) -> Generator[None, None, dict[str, Any]]:
    """Compute the response over a grid, as a JSON object with arrays of one dimension per axis.

    Args:
        model: Model to run.
        axes: One or two varying features; the last one varies fastest.
        at: JSON object with values of other features; features that it does not name have their typical value.
        output: Name of the output unit; None for the only one, or for the class predicted at `at`.
        bumps: True to include the bump of each neuron.
        memory: Memory of the request.

    Yields:
        None after each piece of some milliseconds.

    Raises:
        InvalidRequestError: A name or value is not valid for the model, or the response would be too large.
    """
    size = [len(axis.values) for axis in axes]
    memory.reserve(_check_size(model, size, bumps=bumps) * ANSWER_BYTES + PIECE_BYTES, "the answer")
    row = _fixed_row(model, axes, at)
    unit = output_index(model, row, output)
    response, pre_activation, parts = yield from _compute(model, axes, row, unit, bumps=bumps)
    varying = {axis.index for axis in axes}
    result: dict[str, Any] = {
        "output": model.prediction_encoder.output_names[unit],
        "at": {
            feature.name: encode_value(feature, value)
            for index, (feature, value) in enumerate(zip(model.card.features, row.tolist(), strict=True))
            if index not in varying
        },
        "pre_activation": pre_activation.reshape(size),
        "response": response.reshape(size),
    }
    if bumps:
        result["bumps"] = [{"neuron": neuron, "values": values.reshape(size)} for neuron, values in enumerate(parts)]
    return result


def _compute(
    model: ServedModel, axes: Sequence[FeatureAxis], row: Array, unit: int, *, bumps: bool
) -> Generator[None, None, tuple[Array, Array, Array]]:
    """Return response and pre-activation of the grid points, and the bumps [neurons, points], of one unit.

    Args:
        model: Model to run.
        axes: Varying features; the last one varies fastest.
        row: Values of the other features.
        unit: Index of the unit.
        bumps: True to keep the bumps.
    """
    size = [len(axis.values) for axis in axes]
    points, neurons, units = prod(size), model.card.layers[-2] if bumps else 0, model.network.units
    response, pre_activation = np.empty(points, np.float32), np.empty(points, np.float32)
    parts = np.empty((neurons, points), np.float32)
    at_once = max(1, PIECE_NUMBERS // (row.size + model.sizes["bumps"]))
    for start in range(0, points, at_once):
        piece = slice(start, min(start + at_once, points))
        rows = np.tile(row, (piece.stop - start, 1))
        places = np.unravel_index(np.arange(start, piece.stop), size)
        for axis, place in zip(axes, places, strict=True):
            rows[:, axis.index] = axis.values[place]
        outputs, sums, values = model.session.run(rows, TENSORS)
        response[piece] = outputs[:, unit + outputs.shape[1] - units]
        pre_activation[piece] = sums[:, unit]
        if bumps:
            parts[:, piece] = values[:, unit].T
        yield
    return response, pre_activation, parts


def _check_size(model: ServedModel, size: list[int], *, bumps: bool) -> int:
    """Return the number of values in a response, after the check that it is not too large."""
    points, neurons = prod(size), model.card.layers[-2]
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
    return numbers


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


def output_index(model: ServedModel, row: Array, output: str | None) -> int:
    """Return the index of an output: the one of this name, or without a name the one that is predicted for a row."""
    if output is not None:
        return model.prediction_encoder.output_index(output, "output")
    (predicted,) = model.session.run(row[None], TENSORS[:1])
    return model.prediction_encoder.explained_outputs(predicted, None)[0]

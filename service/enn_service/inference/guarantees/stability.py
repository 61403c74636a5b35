"""Guaranteed stability of each row: bounds of its pre-activation, and its label, over all rows within a tolerance."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct

from enn_models.card.feature_values import encode_value
from enn_models.card.features import MAX_RANGES
from enn_models.cosine_series import Floats
from enn_models.explanations.guarantees.activation_ranges import ActivationRanges
from enn_models.explanations.guarantees.bounds import Bounds
from enn_models.explanations.guarantees.regions import Regions, Space, round_into
from enn_models.explanations.guarantees.stability import Stability, column_errors, stability_steps
from enn_service.errors import InvalidRequestError, describe_value
from enn_service.inference.guarantees.cost import (
    EVALUATIONS_OF_DESCENT,
    MAX_BOXES,
    ROW_NS,
    box_ns,
    default_boxes,
    evaluation_ns,
)
from enn_service.inference.guarantees.feature_options import feature_index, read_number
from enn_service.inference.guarantees.outcomes import predicted_classes, raw_row
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import PREDICT_OUTPUTS, Array

PLACE = "parameters.stability"
TOLERANCE = f"{PLACE}.tolerance"
TOLERANCE_SCHEMA = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "object", "additionalProperties": {"type": "number", "exclusiveMinimum": 0}, "minProperties": 1},
    ]
}


class StabilityParameters(Struct, forbid_unknown_fields=True, gc=False):
    """Tolerance of every numeric feature as a share of its training range, or of some features in their units.

    `boxes` limits branch and bound; by default it takes about 50 ms.
    """

    tolerance: Annotated[Any, Meta(extra_json_schema=TOLERANCE_SCHEMA)]
    boxes: Annotated[int, Meta(ge=1, le=MAX_BOXES)] | None = None


@dataclass(frozen=True, eq=False)
class StabilityOptions:
    """Checked parameters.

    Attributes:
        tolerance: Largest change of each feature, float64 [features]; 0 for a feature that does not change.
        boxes: Maximum number of boxes.
    """

    tolerance: Floats
    boxes: int


def parse_stability(model: ServedModel, given: StabilityParameters | None) -> StabilityOptions | None:
    """Return the checked parameters; None without any.

    Raises:
        InvalidRequestError: A feature is unknown or not numeric, or a tolerance is impossible.
    """
    if given is None:
        return None
    return StabilityOptions(_tolerance(model, given.tolerance), given.boxes or default_boxes(model))


def row_cost_ns(model: ServedModel, options: StabilityOptions) -> int:
    """Return the estimated time for a row, in nanoseconds."""
    return ROW_NS + EVALUATIONS_OF_DESCENT * evaluation_ns(model) + options.boxes * box_ns(model)


def row_stability(
    model: ServedModel,
    ranges: list[ActivationRanges],
    row: Array,
    options: StabilityOptions,
    *,
    unit: int,
    output: Array,
) -> Generator[None, None, dict[str, Any]]:
    """Compute the stability of a row as a JSON object.

    Args:
        model: Model that predicts.
        ranges: Ranges of the model's activations.
        row: Row, float32 [features].
        options: Tolerance and number of boxes.
        unit: Index of the unit whose pre-activation is bounded.
        output: Output of the row, [outputs].

    Yields:
        None between two parts of the work.
    """
    network = replace(model.network, encoding=None)
    change = np.where(np.isnan(row), 0.0, options.tolerance)
    low, high = model.network.encode(np.stack([row - change, row + change]))
    region = Regions(Space(model.network.encode(row[None])[0], np.ones_like(low)), low[None], high[None])
    bounds = Bounds(network, np.maximum(np.abs(low), np.abs(high)), column_errors(model.network), ranges)
    label = None if model.card.classes is None else int(predicted_classes(output[None])[0])
    found = yield from stability_steps(bounds, network, region, unit=unit, label=label, boxes=options.boxes)
    example = None if label is None else _confirmed(model, row, found, change, label)
    holds = None
    if found.label_margin is not None:
        holds = True if found.label_margin > 0.0 else False if example is not None else None
    return {"lower": found.lower, "upper": found.upper, "label_holds": holds, "counterexample": example}


def _confirmed(model: ServedModel, row: Array, found: Stability, change: Floats, label: int) -> dict[str, Any] | None:
    """Return a counterexample by feature if the graph gives it another label, else None."""
    if found.counterexample is None:
        return None
    raw = raw_row(model, row, found.counterexample).astype(np.float64)
    region = Regions(Space(row.astype(np.float64), np.ones_like(change)), (row - change)[None], (row + change)[None])
    example = round_into(raw, region).astype(np.float32)
    (output,) = model.session.run(example[None], PREDICT_OUTPUTS)
    if predicted_classes(output)[0] == label:
        return None
    return {
        feature.name: encode_value(feature, value)
        for feature, value in zip(model.card.features, example.tolist(), strict=True)
    }


def _tolerance(model: ServedModel, given: object) -> Floats:
    """Return the largest change of each feature."""
    features = model.card.features
    ranges = np.array([f.maximum - f.minimum if f.kind == "numeric" else 0.0 for f in features])
    largest = np.array([max(abs(feature.minimum), abs(feature.maximum)) for feature in features])
    least = np.spacing(largest.astype(np.float32)).astype(np.float64)
    if isinstance(given, dict) and given:
        found = np.zeros(len(features))
        for name, value in given.items():  # pyright: ignore[reportUnknownVariableType]
            index = feature_index(model, name, TOLERANCE)
            place, feature = f"{TOLERANCE}.{features[index].name[:60]}", features[index]
            if feature.kind != "numeric":
                raise InvalidRequestError(
                    f"{place}: feature {feature.name!r} is {feature.kind}, and stays as it is; expected numeric "
                    "features only"
                )
            most = max(MAX_RANGES * float(ranges[index]), float(least[index]))
            expected = f"a number from {least[index]:.3g}, the resolution of float32 there, to {most:.8g}"
            found[index] = read_number(value, place, expected, lambda v, i=index, m=most: least[i] <= v <= m)
        return found
    if not ranges.any():
        raise InvalidRequestError(f"{PLACE}: the model has no numeric feature whose value could change")
    share = float((least[ranges > 0] / ranges[ranges > 0]).max())
    expected = (
        f"a share of the training ranges from {share:.3g}, the resolution of float32, to {MAX_RANGES}, or an object "
        "{feature: largest change}"
    )
    if isinstance(given, dict):
        raise InvalidRequestError(f"{TOLERANCE}: {describe_value(given)}; expected {expected}")
    return ranges * read_number(given, TOLERANCE, expected, lambda value: share <= value <= MAX_RANGES)

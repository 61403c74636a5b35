"""Counterfactuals of each row: the nearest row found with a wished outcome, and how near one can be at most."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import orjson
from msgspec import Meta, Struct
from numpy.typing import NDArray

from enn_models.card.feature_values import encode_value
from enn_models.cosine_series import Floats
from enn_models.explanations.feature_shares import feature_columns
from enn_models.explanations.guarantees.activation_ranges import ActivationRanges
from enn_models.explanations.guarantees.bounds import Bounds
from enn_models.explanations.guarantees.counterfactuals import (
    Counterfactual,
    counterfactual_steps,
    largest_columns,
    question,
)
from enn_models.explanations.guarantees.margins import Margin, class_margin, value_margin
from enn_models.explanations.output_names import index_by_name
from enn_service.errors import InvalidRequestError, describe_value
from enn_service.inference.guarantees.cost import (
    BALL_FACTOR,
    EVALUATIONS_OF_SEARCH,
    MAX_BOXES,
    ROW_NS,
    box_ns,
    default_boxes,
    evaluation_ns,
)
from enn_service.inference.guarantees.feature_options import (
    check_plain_numbers,
    feature_index,
    read_number,
    read_within,
)
from enn_service.inference.guarantees.outcomes import predicted_classes, raw_row
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import PREDICT_OUTPUTS, Array

PLACE = "parameters.counterfactual"
WITHIN_SCHEMA = {
    "additionalProperties": {"type": "array", "items": {"$ref": "#/components/schemas/Value"}, "minItems": 1}
}
NONE_EXISTS = "no row within the allowed ranges has this outcome: proved"
NONE_FOUND = "no row with this outcome was found; none is proved to be nearer than no_closer_than"


class CounterfactualParameters(Struct, forbid_unknown_fields=True, gc=False):
    """Wished outcome: a class label, or for a regression a value to reach; and what may change.

    `fixed` names features that stay. `within` allows a feature another range than that of the training data, or a list
    of categories. `max_changes` limits the number of changed features. `boxes` limits the proof; by default it takes
    about 50 ms.
    """

    label: Annotated[Any, Meta(extra_json_schema={"anyOf": [{"$ref": "#/components/schemas/Label"}]})] = None
    at_least: float | None = None
    at_most: float | None = None
    fixed: list[str] = []
    within: Annotated[dict[str, Any], Meta(extra_json_schema=WITHIN_SCHEMA)] = {}
    max_changes: Annotated[int, Meta(ge=1)] | None = None
    boxes: Annotated[int, Meta(ge=1, le=MAX_BOXES)] | None = None


@dataclass(frozen=True, eq=False)
class CounterfactualOptions:
    """Checked parameters.

    Attributes:
        label: Index of the wished class; None for a regression.
        limit: Value to reach; 0 for classes.
        sign: 1 for at least the limit, -1 for at most.
        unit: Index of the value of a regression.
        fixed: Mask of the features that stay, bool [features].
        within: Allowed values by feature, as `read_within` returns them.
        changes: Maximum number of changed features.
        boxes: Maximum number of boxes of the proof.
    """

    label: int | None
    limit: float
    sign: float
    unit: int
    fixed: NDArray[np.bool_]
    within: dict[int, list[float]]
    changes: int
    boxes: int

    def margin(self, model: ServedModel, bounds: Bounds) -> Margin:
        """Return the margin of the outcome."""
        network = replace(model.network, encoding=None)
        if self.label is not None:
            return class_margin(network, bounds, self.label)
        return value_margin(network, bounds, self.unit, self.limit, self.sign)

    def holds(self, output: Array) -> bool:
        """Return True if an output of the graph, [1, outputs], is the outcome."""
        if self.label is not None:
            return bool(predicted_classes(output)[0] == self.label)
        return self.sign * float(output[0, self.unit]) >= self.sign * self.limit


def parse_counterfactual(
    model: ServedModel, given: CounterfactualParameters | None, output: object
) -> CounterfactualOptions | None:
    """Return the checked parameters; None without any.

    Args:
        model: Model to explain.
        given: Parameters of the request.
        output: Name of the output of a regression; None for the first.

    Raises:
        InvalidRequestError: A label or feature is unknown, or a range is impossible.
    """
    if given is None:
        return None
    check_plain_numbers(model, PLACE)
    label, limit, sign = _outcome(model, given)
    fixed = np.zeros(model.features, np.bool_)
    within = read_within(model, given.within, f"{PLACE}.within")
    for place, name in enumerate(given.fixed):
        index = feature_index(model, name, f"{PLACE}.fixed[{place}]")
        if index in within:
            raise InvalidRequestError(
                f"{PLACE}.fixed[{place}]: feature {name!r} is in within too; expected one of them"
            )
        fixed[index] = True
    unit = 0 if output is None or label is not None else model.prediction_encoder.output_index(output)
    changes, boxes = given.max_changes or model.features, given.boxes or default_boxes(model) // BALL_FACTOR
    return CounterfactualOptions(label, limit, sign, unit, fixed, within, changes, boxes)


def row_cost_ns(model: ServedModel, options: CounterfactualOptions) -> int:
    """Return the estimated time for a row, in nanoseconds."""
    return ROW_NS + EVALUATIONS_OF_SEARCH * evaluation_ns(model) + options.boxes * BALL_FACTOR * box_ns(model)


def row_counterfactual(
    model: ServedModel, ranges: list[ActivationRanges], row: Array, options: CounterfactualOptions
) -> Generator[None, None, dict[str, Any]]:
    """Search for the counterfactual of a row, and return it as a JSON object.

    Args:
        model: Model that predicts.
        ranges: Ranges of the model's activations.
        row: Row, float32 [features].
        options: Outcome, and what may change.

    Yields:
        None between two parts of the work.
    """
    card, columns = model.card, model.network.encode(row[None])[0]
    asked = question(
        card.features,
        feature_columns(model.network),
        columns,
        fixed=options.fixed | np.isnan(row),
        within=options.within,
        changes=options.changes,
    )
    bounds = Bounds(replace(model.network, encoding=None), largest_columns(asked), ranges=ranges)
    yield

    def accepts(found: Floats) -> bool:
        (output,) = model.session.run(raw_row(model, row, found)[None], PREDICT_OUTPUTS)
        return options.holds(output)

    found = yield from counterfactual_steps(asked, options.margin(model, bounds), accepts, options.boxes)
    return _as_json(model, row, found)


def _as_json(model: ServedModel, row: Array, found: Counterfactual) -> dict[str, Any]:
    if found.row is None:
        nothing = dict.fromkeys(("instance", "changes", "distance", "no_closer_than", "prediction"))
        if found.is_impossible:
            return nothing | {"reason": NONE_EXISTS}
        return nothing | {"no_closer_than": found.no_closer_than, "reason": NONE_FOUND}
    instance = raw_row(model, row, found.row)
    (output,) = model.session.run(instance[None], PREDICT_OUTPUTS)
    changes: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for feature, old, new in zip(model.card.features, row.tolist(), instance.tolist(), strict=True):
        values[feature.name] = encode_value(feature, new)
        if new != old and values[feature.name] is not None:
            changes[feature.name] = {"from": encode_value(feature, old), "to": values[feature.name]}
    return {
        "instance": values,
        "changes": changes,
        "distance": found.distance,
        "no_closer_than": found.no_closer_than,
        "prediction": orjson.Fragment(model.prediction_encoder.encode_row(output[0])),
    }


def _outcome(model: ServedModel, given: CounterfactualParameters) -> tuple[int | None, float, float]:
    """Return the index of the wished class, or the limit of the value and its side."""
    classes = model.card.classes
    named = {"label": given.label, "at_least": given.at_least, "at_most": given.at_most}
    used = [name for name, value in named.items() if value is not None]
    known = ["at_least", "at_most"] if classes is None else ["label"]
    if len(used) != 1 or used[0] not in known:
        raise InvalidRequestError(f"{PLACE}: {used or 'no outcome'}; expected {' or '.join(known)} for this model")
    if classes is None:
        sign = 1.0 if used[0] == "at_least" else -1.0
        expected = "a finite number"
        return None, read_number(named[used[0]], f"{PLACE}.{used[0]}", expected, lambda _: True), sign
    index = index_by_name(classes).get(str(given.label)) if isinstance(given.label, str | int | float) else None
    if index is None:
        raise InvalidRequestError(
            f"{PLACE}.label: {describe_value(given.label)}; expected one of {', '.join(map(str, classes))}"
        )
    return index, 0.0, 1.0

"""Shapley values and integrated gradients that divide the pre-activation of each row among its features."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from msgspec import UNSET, Meta, Struct, UnsetType

from enn_models import attributions
from enn_models.card import to_array
from enn_models.cosine_series import Floats
from enn_service.errors import InvalidRequestError
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import Array

Method = Literal["shapley", "integrated_gradients", "sampled_shapley"]
MAX_TERMS = 200_000_000
"""Maximum number of products in the attributions of one request: some seconds of one core."""
MAX_PERMUTATIONS = 1000
DEFAULT_PERMUTATIONS = 50
ROW_SCHEMA = {"$ref": "#/components/schemas/Row"}
"""JSON schema of a row, which the OpenAPI document defines."""
ROWS_SCHEMA = {"type": "array", "items": ROW_SCHEMA, "minItems": 1}
BACKGROUND_SCHEMA = {"anyOf": [ROWS_SCHEMA, {"type": "null"}]}
BASELINE_SCHEMA = {"anyOf": [ROW_SCHEMA, {"type": "null"}]}


@dataclass(frozen=True, eq=False)
class AttributionOptions:
    """Attributions that a request asks for.

    Attributes:
        method: Method that divides the pre-activation among the features.
        reference: Encoded rows, float64 [rows, columns]: the background, or the baseline as the only row.
        permutations: Number of random orders of the features for sampled Shapley values.
    """

    method: Method
    reference: Floats
    permutations: int


class AttributionParameters(Struct, forbid_unknown_fields=True, gc=False):
    """Parameters of a request about attributions."""

    attributions: Method | None = None
    background: Annotated[Any, Meta(extra_json_schema=BACKGROUND_SCHEMA)] | UnsetType = UNSET
    baseline: Annotated[Any, Meta(extra_json_schema=BASELINE_SCHEMA)] | UnsetType = UNSET
    permutations: Annotated[int, Meta(ge=1, le=MAX_PERMUTATIONS)] = DEFAULT_PERMUTATIONS


def parse_attribution_options(model: ServedModel, parameters: AttributionParameters) -> AttributionOptions | None:
    """Parse the parameters about attributions of an explain request; return None if it asks for none.

    Args:
        model: Model to explain.
        parameters: Parameters of the request.

    Raises:
        InvalidRequestError: The method is impossible for this model, or the reference rows are invalid.
    """
    method = parameters.attributions
    if method is None:
        return None
    if method == "shapley" and len(model.network.layers) != 2:
        raise InvalidRequestError(
            f"parameters.attributions: exact Shapley values need one hidden layer; the model has "
            f'{len(model.network.layers) - 1}; ask for "sampled_shapley" or "integrated_gradients"'
        )
    return AttributionOptions(method, _reference(model, method, parameters), parameters.permutations)


@dataclass(frozen=True, eq=False)
class AttributionResult:
    """Attributions of a batch.

    Attributes:
        method: Method that computed them.
        attributions: Values of every row and unit.
        estimated: True if the method is an approximation; its error is then part of the response.
    """

    method: Method
    attributions: attributions.Attributions
    estimated: bool


def compute_attributions(model: ServedModel, rows: Array, options: AttributionOptions) -> AttributionResult:
    """Compute the attributions of every row and unit.

    Args:
        model: Model to explain.
        rows: Inputs, float32 [batch, features].
        options: Attributions that the request asks for.

    Raises:
        InvalidRequestError: The computation takes more than MAX_TERMS products.
    """
    _check_size(model, len(rows), options)
    estimated = options.method == "integrated_gradients" and len(model.network.layers) > 2
    return AttributionResult(options.method, _compute(model, rows, options), estimated)


def encode_attributions(model: ServedModel, result: AttributionResult, units: list[int]) -> list[bytes]:
    """Encode the attributions of each row as a JSON object.

    Args:
        model: Model that is explained.
        result: Attributions of the batch.
        units: Index of the explained output unit, one per row.
    """
    names, computed = model.card.feature_names, result.attributions
    return [
        orjson.dumps(
            {
                "method": result.method,
                "base_value": float(computed.base_value[unit]),
                "values": dict(zip(names, computed.values[row, unit].tolist(), strict=True)),
            }
            | ({"error": computed.error} if result.estimated else {})
        )
        for row, unit in enumerate(units)
    ]


def _compute(model: ServedModel, rows: Array, options: AttributionOptions) -> attributions.Attributions:
    columns, reference = model.network.encode(rows), options.reference
    network, players = replace(model.network, encoding=None), _feature_columns(model)  # the columns are encoded
    if options.method == "integrated_gradients":
        return attributions.integrated_gradients(network, columns, reference[0], players)
    if options.method == "shapley":
        return attributions.shapley(network, columns, reference, players)
    return attributions.sampled_shapley(network, columns, reference, players, permutations=options.permutations)


def _feature_columns(model: ServedModel) -> attributions.FeatureColumns:
    """Return the indices of the encoded columns of each feature."""
    encoding = model.network.encoding
    features = np.arange(model.network.inputs)
    feature_of_column = features if encoding is None else encoding.feature
    return [np.flatnonzero(feature_of_column == feature) for feature in features]


def _reference(model: ServedModel, method: Method, parameters: AttributionParameters) -> Floats:
    """Return the encoded baseline or background of the request, or that of the card if the request has none."""
    name, other = ("baseline", "background") if method == "integrated_gradients" else ("background", "baseline")
    if getattr(parameters, other) is not UNSET:
        raise InvalidRequestError(f'parameters.{other}: not used by "{method}"; expected {name}, or neither')
    value = getattr(parameters, name)
    if value is not None and value is not UNSET:
        field = f"parameters.{name}"
        numbers = parse_rows(model.card, [value] if name == "baseline" else value, field)
        return model.network.encode(model.range_check.validate(numbers, field)[0])
    if name == "baseline" and all(feature.kind == "numeric" for feature in model.card.features):
        return model.network.encode([[feature.mean for feature in model.card.features if feature.kind == "numeric"]])
    if model.card.background is None:
        raise InvalidRequestError(
            f"parameters.{name}: the model carries no background rows; send the rows to compare with"
        )
    rows = model.network.encode(to_array(model.card.background))
    return rows.mean(axis=0, keepdims=True) if name == "baseline" else rows


def _check_size(model: ServedModel, rows: int, options: AttributionOptions) -> None:
    features, reference = len(model.card.features), len(options.reference)
    terms = max(model.card.layers[1:]) * model.card.harmonics * features
    if options.method == "shapley":
        terms *= reference * -(-features // 4)
    elif options.method == "sampled_shapley":
        terms *= reference * 2 * options.permutations
    elif len(model.network.layers) > 2:
        terms *= attributions.MAX_NODES
    if rows * terms > MAX_TERMS:
        raise InvalidRequestError(
            f"the attributions of {rows} rows against {reference} take {rows * terms} products; at most {MAX_TERMS} "
            "are computed for one request: send fewer rows, or a smaller background",
            max_rows=MAX_TERMS // terms,
        )

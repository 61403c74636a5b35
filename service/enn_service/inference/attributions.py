"""Shapley values and integrated gradients that divide the pre-activation of each row among its features."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from msgspec import UNSET, Meta, Struct, UnsetType

from enn_models.cosine_series import Floats
from enn_models.explanations import attributions, methods
from enn_models.explanations.methods import DEFAULT_PERMUTATIONS, MAX_PERMUTATIONS, Method
from enn_service.errors import InvalidRequestError
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import Array

ANGLE_NS = 15
"""Estimated time of exact Shapley values for each angle and node: background x neurons x harmonics x features."""
COSINE_NS = 45
"""Estimated time of one cosine of a neuron."""
ROW_NS = 500_000
"""Estimated time of what each row takes besides."""
WEIGHT_NS = 1
"""Estimated time of one product with a weight in float64."""
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


def compute_attributions(
    model: ServedModel, rows: Array, options: AttributionOptions
) -> Generator[None, None, AttributionResult]:
    """Compute the attributions of every row and unit.

    Args:
        model: Model to explain.
        rows: Inputs, float32 [batch, features].
        options: Attributions that the request asks for.

    Yields:
        None between two parts of the work, of some milliseconds each.
    """
    network, method = model.network, options.method
    found = yield from methods.attribute(network, network.encode(rows), method, options.reference, options.permutations)
    return AttributionResult(method, found, methods.is_estimate(network, method))


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
    rows = methods.default_reference(model.network, model.card.features, model.card.background, method)
    if rows is None:
        raise InvalidRequestError(
            f"parameters.{name}: the model carries no background rows; send the rows to compare with"
        )
    return rows


def row_cost_ns(model: ServedModel, options: AttributionOptions) -> float:
    """Return the estimated time of the attributions of one row, in nanoseconds."""
    network, features, reference = model.network, len(model.card.features), len(options.reference)
    cosines = sum(layer.coefficients.size for layer in network.layers if layer.coefficients is not None)
    evaluation = COSINE_NS * cosines + WEIGHT_NS * (network.parameters + network.columns)
    if options.method == "shapley":
        nodes = -(-features // 4)
        return ROW_NS + ANGLE_NS * nodes * reference * network.spectrum.size * features
    if options.method == "sampled_shapley":
        return ROW_NS + evaluation * 2 * options.permutations * max(1, features - 1) * reference
    if len(network.layers) > 2:
        return ROW_NS + 2 * attributions.MAX_NODES * (2 * evaluation + WEIGHT_NS * network.units * network.parameters)
    return ROW_NS + 2 * evaluation

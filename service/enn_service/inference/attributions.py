"""Shapley values, their interactions and integrated gradients: they divide the pre-activation among the features."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import orjson
from msgspec import UNSET, Meta, Struct, UnsetType

from enn_models.cosine_series import Floats
from enn_models.explanations import attributions, methods
from enn_models.explanations.feature_shares import feature_columns
from enn_models.explanations.interactions import shapley_interactions
from enn_models.explanations.methods import DEFAULT_PERMUTATIONS, MAX_PERMUTATIONS, Method
from enn_service.errors import InvalidRequestError
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows

ANGLE_NS = 15
"""Estimated time of exact Shapley values for each angle and node: background x neurons x harmonics x features."""
INTERACTION_NS = 30
"""Estimated time of their interactions for each angle and node, besides the products of pairs of features."""
PAIR_NS = 0.3
"""Estimated time of such a product for each angle and node."""
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
        interactions: True for the interaction values of every pair of features too.
    """

    method: Method
    reference: Floats
    permutations: int
    interactions: bool = False


class AttributionParameters(Struct, forbid_unknown_fields=True, gc=False):
    """Parameters of a request about attributions."""

    attributions: Method | None = None
    background: Annotated[Any, Meta(extra_json_schema=BACKGROUND_SCHEMA)] | UnsetType = UNSET
    baseline: Annotated[Any, Meta(extra_json_schema=BASELINE_SCHEMA)] | UnsetType = UNSET
    permutations: Annotated[int, Meta(ge=1, le=MAX_PERMUTATIONS)] = DEFAULT_PERMUTATIONS
    interactions: bool = False


def parse_attribution_options(model: ServedModel, parameters: AttributionParameters) -> AttributionOptions | None:
    """Parse the parameters about attributions of an explain request; return None if it asks for none.

    Args:
        model: Model to explain.
        parameters: Parameters of the request.

    Raises:
        InvalidRequestError: The method is impossible for this model, or the reference rows are invalid.
    """
    method = parameters.attributions
    if parameters.interactions and method != "shapley":
        given = "no attributions" if method is None else f'attributions "{method}"'
        raise InvalidRequestError(
            f'parameters.interactions: true with {given}; only exact values have interactions: expected "shapley"'
        )
    if method is None:
        return None
    if method == "shapley" and len(model.network.layers) != 2:
        raise InvalidRequestError(
            f"parameters.attributions: exact Shapley values need one hidden layer; the model has "
            f'{len(model.network.layers) - 1}; ask for "sampled_shapley" or "integrated_gradients"'
            + (", which have no interactions" if parameters.interactions else "")
        )
    reference = _reference(model, method, parameters)
    return AttributionOptions(method, reference, parameters.permutations, parameters.interactions)


@dataclass(frozen=True, eq=False)
class AttributionResult:
    """Attributions of a batch.

    Attributes:
        method: Method that computed them.
        attributions: Values of every row and unit.
        estimated: True if the method is an approximation; its error is then part of the response.
        interactions: Interaction values of each row and output as JSON objects, [rows][outputs]; empty without them.
    """

    method: Method
    attributions: attributions.Attributions
    estimated: bool
    interactions: list[list[bytes]]


def compute_attributions(
    model: ServedModel, columns: Floats, options: AttributionOptions, units: Sequence[Sequence[int]]
) -> Generator[None, None, AttributionResult]:
    """Compute the attributions of every row and unit, and the interactions of some units.

    Args:
        model: Model to explain.
        columns: Encoded rows, float64 [batch, columns].
        options: Attributions that the request asks for.
        units: Indices of the explained output units of each row, [rows][outputs].

    Yields:
        None between two parts of the work, of some milliseconds each.
    """
    network, method = model.network, options.method
    found = yield from methods.attribute(network, columns, method, options.reference, options.permutations)
    pairs: list[list[bytes]] = []
    if options.interactions:
        for row, chosen in zip(columns, units, strict=True):
            pairs.append((yield from _interactions(model, row, options, chosen)))
    return AttributionResult(method, found, methods.is_estimate(network, method), pairs)


def encode_attributions(
    model: ServedModel, result: AttributionResult, units: Sequence[int], place: int = 0
) -> list[bytes]:
    """Encode the attributions of each row as a JSON object.

    Args:
        model: Model that is explained.
        result: Attributions of the batch.
        units: Index of the explained output unit, one per row.
        place: Place of this unit among the explained units of its row.
    """
    names, computed = model.card.feature_names, result.attributions
    texts: list[bytes] = []
    for row, unit in enumerate(units):
        text: dict[str, Any] = {
            "method": result.method,
            "base_value": float(computed.base_value[unit]),
            "values": dict(zip(names, computed.values[row, unit].tolist(), strict=True)),
        }
        if result.estimated:
            text["error"] = computed.error
        if result.interactions:
            text["interactions"] = orjson.Fragment(result.interactions[row][place])
        texts.append(orjson.dumps(text))
    return texts


def _interactions(
    model: ServedModel, row: Floats, options: AttributionOptions, units: Sequence[int]
) -> Generator[None, None, list[bytes]]:
    """Return the interaction values {feature: {feature: number}} of an encoded row as JSON, one text per unit."""
    network, players = replace(model.network, encoding=None), feature_columns(model.network)
    texts: list[bytes] = []
    for values in (yield from shapley_interactions(network, row, options.reference, players, units)):
        lines: list[bytes] = []
        for name, line in zip(model.card.feature_names, values, strict=True):
            pairs = dict(zip(model.card.feature_names, line.tolist(), strict=True))
            lines.append(orjson.dumps(name) + b":" + orjson.dumps(pairs))
            yield
        texts.append(b"{%b}" % b",".join(lines))
    return texts


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


def effect_cost_ns(model: ServedModel, reference: int, points: int) -> float:
    """Return the estimated time of the average effect of one feature, in nanoseconds.

    Args:
        model: Model to explain.
        reference: Number of rows that the effect is an average over.
        points: Number of values of the feature.
    """
    if len(model.network.layers) == 2:
        return ROW_NS + 2 * COSINE_NS * model.network.spectrum.size * (reference + points)
    return ROW_NS + evaluation_ns(model) * reference * points


def evaluation_ns(model: ServedModel) -> float:
    """Return the estimated time of one evaluation of the network in float64, in nanoseconds."""
    network = model.network
    cosines = sum(layer.coefficients.size for layer in network.layers if layer.coefficients is not None)
    return COSINE_NS * cosines + WEIGHT_NS * (network.parameters + network.columns)


def row_cost_ns(model: ServedModel, options: AttributionOptions) -> float:
    """Return the estimated time of the attributions of one row, in nanoseconds."""
    network, features, reference = model.network, len(model.card.features), len(options.reference)
    evaluation = evaluation_ns(model)
    if options.method == "shapley":
        nodes, angles = -(-features // 4), reference * network.spectrum.size * features
        pairs = INTERACTION_NS + PAIR_NS * features if options.interactions else 0
        return ROW_NS + (ANGLE_NS + pairs) * nodes * angles
    if options.method == "sampled_shapley":
        return ROW_NS + evaluation * 2 * options.permutations * max(1, features - 1) * reference
    if len(network.layers) > 2:
        return ROW_NS + 2 * attributions.MAX_NODES * (2 * evaluation + WEIGHT_NS * network.units * network.parameters)
    return ROW_NS + 2 * evaluation

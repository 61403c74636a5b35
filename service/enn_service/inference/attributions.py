"""Attributions: the pre-activation of each row shared out among its features, as a request asks for it."""

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import orjson

from enn_models import attributions
from enn_models.card import to_array
from enn_models.cosine_series import Floats
from enn_service.errors import InvalidRequestError, describe_value
from enn_service.runtime.model import ServedModel
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import Array

Method = Literal["shapley", "integrated_gradients", "sampled_shapley"]
MAX_TERMS = 200_000_000
"""The most products that the attributions of one request take: some seconds of one core."""
MAX_PERMUTATIONS = 1000
PERMUTATIONS = 50


@dataclass(frozen=True, eq=False)
class AttributionOptions:
    """What is asked for.

    Attributes:
        method: The rule by which the pre-activation is shared out.
        reference: Encoded rows, float64 [rows, columns]: the background, or the baseline as the only row.
        permutations: Orders of the features drawn, where values are sampled.
    """

    method: Method
    reference: Floats
    permutations: int


def parse_attribution_options(model: ServedModel, parameters: dict[str, Any]) -> AttributionOptions | None:
    """Return what the parameters of an explain request ask for; None if they do not ask.

    Raises:
        InvalidRequestError: A method is not known or not possible here, or rows are not what the model takes.
    """
    method = parameters.get("attributions")
    if method is None:
        return None
    if method not in get_args(Method):
        raise InvalidRequestError(
            f"parameters.attributions: {describe_value(method)}; expected one of {get_args(Method)}"
        )
    if method == "shapley" and len(model.network.layers) != 2:
        raise InvalidRequestError(
            f"parameters.attributions: exact Shapley values need one hidden layer; the model has "
            f'{len(model.network.layers) - 1}; ask for "sampled_shapley" or "integrated_gradients"'
        )
    permutations = parameters.get("permutations", PERMUTATIONS)
    if type(permutations) is not int or not 1 <= permutations <= MAX_PERMUTATIONS:
        raise InvalidRequestError(
            f"parameters.permutations: {describe_value(permutations)};"
            f" expected a whole number from 1 to {MAX_PERMUTATIONS}"
        )
    return AttributionOptions(method, _reference(model, method, parameters), permutations)


@dataclass(frozen=True, eq=False)
class AttributionResult:
    """What a question found.

    Attributes:
        method: The rule asked for.
        attributions: Of every row and unit.
        estimated: Whether its error is that of an approximation, which is then told.
    """

    method: Method
    attributions: attributions.Attributions
    estimated: bool


def compute_attributions(model: ServedModel, rows: Array, question: AttributionOptions) -> AttributionResult:
    """Return the attributions of every unit.

    Args:
        model: The model.
        rows: Its inputs, float32 [batch, features].
        question: What is asked for.

    Raises:
        InvalidRequestError: It would take too long.
    """
    _check_size(model, len(rows), question)
    estimated = question.method == "integrated_gradients" and len(model.network.layers) > 2
    return AttributionResult(question.method, _answer(model, rows, question), estimated)


def encode_attributions(model: ServedModel, found: AttributionResult, units: list[int]) -> list[bytes]:
    """Return the JSON object of each row's attributions of the unit explained."""
    names, every = model.card.feature_names, found.attributions
    return [
        orjson.dumps(
            {
                "method": found.method,
                "base_value": float(every.base_value[unit]),
                "values": dict(zip(names, every.values[row, unit].tolist(), strict=True)),
            }
            | ({"error": every.error} if found.estimated else {})
        )
        for row, unit in enumerate(units)
    ]


def _answer(model: ServedModel, rows: Array, question: AttributionOptions) -> attributions.Attributions:
    columns, reference = model.network.encode(rows), question.reference
    network, players = replace(model.network, encoding=None), _feature_columns(model)
    if question.method == "integrated_gradients":
        return attributions.integrated_gradients(network, columns, reference[0], players)
    if question.method == "shapley":
        return attributions.shapley(network, columns, reference, players)
    return attributions.sampled_shapley(network, columns, reference, players, permutations=question.permutations)


def _feature_columns(model: ServedModel) -> attributions.FeatureColumns:
    """Return the columns of each feature."""
    encoding = model.network.encoding
    features = np.arange(model.network.inputs)
    owner = features if encoding is None else encoding.feature
    return [np.flatnonzero(owner == feature) for feature in features]


def _reference(model: ServedModel, method: Method, parameters: dict[str, Any]) -> Floats:
    """Return the baseline or background, encoded: what the request gives, else what the card has."""
    wanted, other = ("baseline", "background") if method == "integrated_gradients" else ("background", "baseline")
    if other in parameters:
        raise InvalidRequestError(f'parameters.{other}: not used by "{method}"; expected {wanted}, or neither')
    given = parameters.get(wanted)
    if given is not None:
        field = f"parameters.{wanted}"
        numbers = parse_rows(model.card, [given] if wanted == "baseline" else given, field)
        return model.network.encode(model.reach.admit(numbers, field)[0])
    if wanted == "baseline" and all(feature.kind == "numeric" for feature in model.card.features):
        return model.network.encode([[feature.mean for feature in model.card.features if feature.kind == "numeric"]])
    if model.card.background is None:
        raise InvalidRequestError(
            f"parameters.{wanted}: the model carries no background rows; send what to compare with"
        )
    rows = model.network.encode(to_array(model.card.background))
    return rows.mean(axis=0, keepdims=True) if wanted == "baseline" else rows


def _check_size(model: ServedModel, rows: int, question: AttributionOptions) -> None:
    features, reference = len(model.card.features), len(question.reference)
    terms = rows * max(model.card.layers[1:]) * model.card.harmonics * features
    if question.method == "shapley":
        terms *= reference * -(-features // 4)
    elif question.method == "sampled_shapley":
        terms *= reference * 2 * question.permutations
    elif len(model.network.layers) > 2:
        terms *= attributions.MAX_NODES
    if terms > MAX_TERMS:
        raise InvalidRequestError(
            f"the attributions of {rows} rows against {reference} take {terms} products; at most {MAX_TERMS} are "
            "computed for one request: send fewer rows, or a smaller background"
        )

"""Importance of features and of their pairs over the background rows of a model, and average effects as curves."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from enn_models.card import to_array
from enn_models.cosine_series import Floats
from enn_models.explanations.average_effects import average_effect
from enn_models.explanations.importance import DEFAULT_PERMUTATIONS, Importance, importance
from enn_service.errors import InvalidRequestError, TooMuchWorkError
from enn_service.inference.admission import Reservation
from enn_service.inference.answer import ANSWER_BYTES
from enn_service.inference.attributions import AttributionOptions, effect_cost_ns, row_cost_ns
from enn_service.inference.cost import PIECE_BYTES
from enn_service.inference.introspection.response_surface import feature_axis, output_index
from enn_service.runtime.model import ServedModel

MAX_SECONDS = 15.0
"""Longest estimated time of an answer: more than other requests have, because it is kept."""
DEFAULT_SECONDS = 1.5
"""Longest estimated time of an answer whose number of rows the client leaves to the service."""
DEADLINE_SHARE = 0.5
"""Share of the deadline of a response that the estimate may take."""
MAX_NUMBERS = 1_000_000
"""Maximum number of values on the curves of one response."""
MAX_PAIRS, DEFAULT_PAIRS = 10_000, 1_000
PAIR_BYTES = 600
"""Estimated memory of a pair in a response, besides the names of its features."""
MATRIX_BYTES = 64
"""Estimated memory of each entry of the matrix of pairs while it is computed and ordered."""


@dataclass(frozen=True, kw_only=True)
class ImportanceOptions:
    """Options of a request.

    Attributes:
        output: Name of the output unit; None for the only one, or for the class predicted for the typical row.
        interactions: True for the pairs too; None for the pairs if the model has one hidden layer.
        rows: Number of background rows to explain; None for as many as `DEFAULT_SECONDS` allow.
        points: Number of points of the curve of a numeric feature.
        top: Maximum number of pairs in the answer.
    """

    output: str | None = None
    interactions: bool | None = None
    rows: int | None = None
    points: int
    top: int = DEFAULT_PAIRS


def feature_importance(
    model: ServedModel, options: ImportanceOptions, memory: Reservation, deadline_seconds: float
) -> Generator[float | None, None, dict[str, Any]]:
    """Compute mean absolute Shapley values of features and pairs, and average effects, as a JSON object with arrays.

    Args:
        model: Model to explain.
        options: Options of the request.
        memory: Memory of the request.
        deadline_seconds: Longest time of a response.

    Yields:
        Estimated time in seconds, once known, and None after each piece of some milliseconds.

    Raises:
        InvalidRequestError: The model has no background rows, no such output, or no interactions.
        TooMuchWorkError: The computation would take too long.
    """
    card, exact = model.card, len(model.network.layers) == 2
    if card.background is None:
        raise InvalidRequestError("the model carries no background rows, over which importance is a mean")
    if options.interactions and not exact:
        raise InvalidRequestError(
            f"interactions: true for a model with {len(model.network.layers) - 1} hidden layers; exact interactions "
            "need one: leave the parameter out"
        )
    pairs = exact if options.interactions is None else options.interactions
    background, numbers = to_array(card.background), _check_points(model, options.points)
    rows, seconds = _rows(model, background, options, deadline_seconds, pairs=pairs)
    size = numbers * ANSWER_BYTES
    if pairs:
        size += len(card.features) ** 2 * MATRIX_BYTES + options.top * (
            PAIR_BYTES + 2 * max(map(len, card.feature_names))
        )
    memory.reserve(size + PIECE_BYTES, "the answer")
    unit = output_index(model, np.array(card.typical_row, np.float32), options.output)
    yield seconds
    found = yield from importance(model.network, background, rows=rows, interactions=pairs, units=[unit])
    described = yield from _features(model, background, found, unit, options.points)
    return {
        "method": found.method,
        "output": model.prediction_encoder.output_names[unit],
        "rows": found.rows,
        "features": described,
        "interactions": None if found.interactions is None else _pairs(model, found.interactions[0], options.top),
    }


def _curve_points(model: ServedModel, points: int) -> list[int]:
    """Return the number of points on the curve of each feature: a category has a point for each of its values."""
    return [points if feature.kind == "numeric" else int(feature.maximum) + 1 for feature in model.card.features]


def _check_points(model: ServedModel, points: int) -> int:
    """Return the number of values on the curves of a response, after the check that they are not too many."""
    counts = _curve_points(model, points)
    numbers = 2 * sum(counts)
    if numbers > MAX_NUMBERS:
        raise InvalidRequestError(
            f"points: {points} for {len(counts)} features are {numbers} numbers; at most {MAX_NUMBERS} are computed"
        )
    return numbers


def _rows(
    model: ServedModel, background: Floats, options: ImportanceOptions, deadline_seconds: float, *, pairs: bool
) -> tuple[int, float]:
    """Return the number of rows to explain and the estimated time in seconds.

    Args:
        model: Model to explain.
        background: Rows of the card, [rows, features].
        options: Options of the request.
        deadline_seconds: Longest time of a response.
        pairs: True if the pairs are explained too.
    """
    count = len(background)
    if options.rows is not None and options.rows > count:
        raise InvalidRequestError(f"rows: {options.rows}; the model carries {count} background rows")
    method = "shapley" if len(model.network.layers) == 2 else "sampled_shapley"
    each = row_cost_ns(model, AttributionOptions(method, background, DEFAULT_PERMUTATIONS, pairs)) / 1e9
    curves = sum(effect_cost_ns(model, count, points) for points in _curve_points(model, options.points)) / 1e9
    limit = min(MAX_SECONDS, DEADLINE_SHARE * deadline_seconds)
    fitting = min(count, int((limit - curves) / each))
    usual = min(fitting, int((DEFAULT_SECONDS - curves) / each))
    rows = max(1, usual) if options.rows is None else options.rows
    if rows > fitting:
        advice = [f"rows={fitting}"] * (fitting > 0) + ["interactions=false"] * pairs + ["fewer points"]
        raise TooMuchWorkError(
            f"importance over {rows} rows takes about {curves + rows * each:.2g} s of computation; at most {limit:g} s "
            f"are given to it: ask for {', or '.join(advice)}",
            max_rows=fitting,
        )
    return rows, curves + rows * each


def _features(
    model: ServedModel, background: Floats, found: Importance, unit: int, points: int
) -> Generator[None, None, list[dict[str, Any]]]:
    """Return the importance and the average effect of each feature.

    Args:
        model: Model to explain.
        background: Rows of the card, [rows, features].
        found: Importance of the features.
        unit: Index of the output unit.
        points: Number of points of the curve of a numeric feature.
    """
    described: list[dict[str, Any]] = []
    for index, name in enumerate(model.card.feature_names):
        axis = feature_axis(model, name, points, "feature")
        effect = yield from average_effect(model.network, background, index, axis.values)
        described.append({"name": name, "importance": float(found.features[0, index])})
        if found.interactions is not None:
            described[-1]["main_effect"] = float(found.interactions[0, index, index])
        described[-1]["average_effect"] = {"values": axis.json_values, "pre_activation": effect[:, unit]}
    return described


def _pairs(model: ServedModel, matrix: Floats, top: int) -> list[dict[str, Any]]:
    """Return the strongest pairs of features, strongest first."""
    names = model.card.feature_names
    first, second = np.triu_indices(len(names), 1)
    strength = matrix[first, second]
    order = np.argsort(-strength, kind="stable")[:top]
    return [
        {"features": [names[one], names[two]], "importance": value}
        for one, two, value in zip(first[order].tolist(), second[order].tolist(), strength[order].tolist(), strict=True)
    ]

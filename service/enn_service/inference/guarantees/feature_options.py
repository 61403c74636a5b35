"""Options by feature: names, numbers and categories, checked against the card; refusals name place and value."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

import numpy as np

from enn_models.card.feature_values import NUMBERS, describe_expected, value_decoder
from enn_models.card.features import Feature
from enn_service.errors import InvalidRequestError, describe_value
from enn_service.runtime.model import ServedModel
from enn_service.runtime.range_check import FLOAT32_MAX

MAX_NAMES = 40
"""Maximum number of feature names listed in an error message."""


def feature_index(model: ServedModel, name: object, place: str) -> int:
    """Return the index of a feature by its name.

    Raises:
        InvalidRequestError: The model has no such feature.
    """
    names = model.card.feature_names
    if not isinstance(name, str) or name not in names:
        known = ", ".join(names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")
        raise InvalidRequestError(f"{place}: feature {describe_value(name)} is not known; expected one of {known}")
    return names.index(name)


def read_number(value: object, place: str, expected: str, accept: Callable[[float], bool]) -> float:
    """Return a JSON number.

    Args:
        value: JSON value.
        place: Place of the value in the request.
        expected: Text of what is expected.
        accept: Function that returns True for a number that is valid.

    Raises:
        InvalidRequestError: The value is no finite number, or not valid.
    """
    if type(value) in NUMBERS:
        try:
            number = float(value)  # type: ignore[arg-type]
        except OverflowError:  # of an integer with more than 308 digits
            number = float("inf")
        if isfinite(number) and accept(number):
            return number
    raise InvalidRequestError(f"{place}: {describe_value(value)}; expected {expected}")


def read_within(model: ServedModel, given: Mapping[str, Any], place: str) -> dict[int, list[float]]:
    """Return the allowed values of features: lowest and highest of numbers, codes of other features, by index.

    Raises:
        InvalidRequestError: A feature is not known, or its values are not possible.
    """
    found: dict[int, list[float]] = {}
    for name, values in given.items():
        index, own = feature_index(model, name, place), f"{place}.{name[:60]}"
        feature = model.card.features[index]
        found[index] = _read_range(feature, values, own) if feature.kind == "numeric" else _codes(feature, values, own)
    return found


def check_plain_numbers(model: ServedModel, place: str) -> None:
    """Check that the columns of numeric features are their values: distances are in terms of the columns.

    Raises:
        InvalidRequestError: The model has a monotone map of a feature.
    """
    encoding = model.network.encoding
    if encoding is not None and encoding.knots:
        name = model.card.feature_names[encoding.feature[min(encoding.knots)]]
        raise InvalidRequestError(
            f"{place}: feature {name!r} has a monotone map; expected a model that takes numbers as they are"
        )


def _read_range(feature: Feature, values: object, place: str) -> list[float]:
    """Return the ends of the part of a feature's training range that is allowed, as float32 numbers."""
    least, most = float(np.float32(feature.minimum)), float(np.float32(feature.maximum))
    expected = f"[low, high] that meets the training range [{least:.8g}, {most:.8g}]"
    if not isinstance(values, list) or len(values) != 2:  # pyright: ignore[reportUnknownArgumentType]
        raise InvalidRequestError(f"{place}: {describe_value(values)}; expected {expected}")
    ends: list[Any] = values  # pyright: ignore[reportUnknownVariableType]
    low, high = (
        read_number(value, f"{place}[{end}]", expected, lambda number: abs(number) <= FLOAT32_MAX)
        for end, value in enumerate(ends)
    )
    inner = [max(least, _towards(low, np.inf)), min(most, _towards(high, -np.inf))]
    if inner[0] > inner[1]:
        raise InvalidRequestError(f"{place}: {describe_value(ends)}; expected {expected}")
    return inner


def _towards(number: float, direction: float) -> float:
    """Return the nearest float32 number on one side."""
    rounded = np.float32(number)
    if (rounded < number) if direction > 0 else (rounded > number):
        rounded = np.nextafter(rounded, np.float32(direction))
    return float(rounded)


def _codes(feature: Feature, values: object, place: str) -> list[float]:
    """Return the codes of a list of categories or booleans."""
    if not isinstance(values, list) or not values:
        raise InvalidRequestError(f"{place}: {describe_value(values)}; expected a list of its values")
    decode = value_decoder(feature, tensor=False)
    codes: list[float] = []
    for index, value in enumerate(values):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        code = decode(value)
        if code is None or not (feature.minimum <= code <= feature.maximum) or code != int(code):
            raise InvalidRequestError(
                f"{place}[{index}]: {describe_value(value)}; expected {describe_expected(feature, tensor=False)}"
            )
        codes.append(float(code))
    return sorted(set(codes))

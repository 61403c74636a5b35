"""Parser of JSON rows: checks them against the features of a model and returns one float64 array."""

from contextlib import suppress
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.card import Card
from enn_models.card.feature_values import NUMBERS, Unknown, describe_expected, value_decoder
from enn_service.errors import InvalidRequestError, describe_value

MAX_FLOAT64 = int(np.finfo(np.float64).max)
MAX_NAMES = 40
"""Maximum number of feature names listed in an error message."""


def parse_rows(
    card: Card,
    rows: Any,  # noqa: ANN401  (JSON from outside)
    field: str,
    *,
    tensor: bool = False,
    first: int = 0,
    unknown: Unknown = "refuse",
) -> NDArray[np.float64]:
    """Parse JSON rows to float64 [batch, features]: categories become their indices, missing values NaN.

    Args:
        card: Card of the model.
        rows: List of rows; each is a list of values in the card's order or an object {feature name: value}.
        field: Name of the rows in the request, for error messages.
        tensor: True if the rows come from a tensor, where categories and booleans are numbers.
        first: Index of the first row in the request, for error messages.
        unknown: Treatment of names that are not known and of missing values, as in `value_decoder`.

    Raises:
        InvalidRequestError: A row has the wrong length or an unknown feature, or a value is not valid for its
            feature; the text names the place.
    """
    if not isinstance(rows, list) or not rows:
        raise InvalidRequestError(f"{field}: {describe_value(rows)}; expected a list of at least one row")
    features = card.features
    vectors = _to_lists(rows, card.feature_names, field, first)
    flat = list(chain.from_iterable(vectors))
    for column, feature in enumerate(features) if unknown == "accept" else card.non_numeric_features:
        decode = value_decoder(feature, tensor=tensor, unknown=unknown)
        flat[column :: len(features)] = map(decode, flat[column :: len(features)])
    if not set(map(type, flat)) <= NUMBERS:
        index = next(index for index, value in enumerate(flat) if type(value) not in NUMBERS)
        raise _invalid_value_error(card, vectors, index, (field, first), tensor=tensor)
    try:
        return np.array(flat, dtype=np.float64).reshape(-1, len(features))
    except OverflowError:  # of an integer with more than 308 digits
        index = next(index for index, value in enumerate(flat) if abs(value) > MAX_FLOAT64)
        raise _invalid_value_error(card, vectors, index, (field, first), tensor=tensor) from None


def _to_lists(rows: list[Any], names: list[str], field: str, first: int) -> list[Any]:
    """Return rows as lists of one value per feature in the card's order."""
    types, lengths = set(map(type, rows)), set()
    if types <= {list, dict}:
        lengths = set(map(len, rows))
    if dict not in types and lengths == {len(names)}:
        return rows
    if types == {dict} and lengths == {len(names)} and len(names) > 1:  # itemgetter of one name returns no tuple
        with suppress(KeyError):
            return [*map(itemgetter(*names), rows)]
    vectors = [
        _to_list(row, names, f"{field}[{index}]") if type(row) is dict else row for index, row in enumerate(rows, first)
    ]
    for index, row in enumerate(vectors, first):
        if not isinstance(row, list):
            raise InvalidRequestError(
                f"{field}[{index}]: {describe_value(row)}; expected a list of {len(names)} numbers"
            )
        if len(row) != len(names):
            raise InvalidRequestError(f"{field}[{index}]: {len(row)} values; the model takes {len(names)} features")
    return vectors


def _to_list(row: dict[str, Any], names: list[str], place: str) -> list[Any]:
    """Return the values of a row {feature name: value} in the card's order."""
    try:
        if len(row) == len(names):
            return [row[name] for name in names]
    except KeyError:
        pass
    if missing := [name for name in names if name not in row]:
        raise InvalidRequestError(f"{place}: feature {missing[0]!r} is missing; expected {join_names(names)}")
    unknown = next(name for name in row if name not in names)
    raise InvalidRequestError(f"{place}: feature {unknown[:140]!r} is not known; expected {join_names(names)}")


def _invalid_value_error(
    card: Card, rows: list[Any], place: int, origin: tuple[str, int], *, tensor: bool
) -> InvalidRequestError:
    """Return the refusal of a value.

    Args:
        card: Card of the model.
        rows: Rows with one value per feature.
        place: Flat index of the value.
        origin: Name of the rows in the request, and the index of the first of them there.
        tensor: True if the rows come from a tensor.
    """
    row, column = divmod(place, len(card.features))
    feature, (field, first) = card.features[column], origin
    return InvalidRequestError(
        f"{field}[{first + row}][{column}]: {describe_value(rows[row][column])} for feature {feature.name!r};"
        f" expected {describe_expected(feature, tensor=tensor)}"
    )


def join_names(names: list[str]) -> str:
    """Return names of features for an error message, not more than some."""
    return ", ".join(names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")

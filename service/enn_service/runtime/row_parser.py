"""Rows: JSON values checked against the card and laid out as the array that the network takes."""

from contextlib import suppress
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.card import Card
from enn_service.errors import InvalidRequestError
from enn_service.runtime.feature_values import NUMBERS, describe_expected, value_decoder


def parse_rows(
    card: Card,
    rows: Any,  # noqa: ANN401  (JSON from outside)
    field: str,
    *,
    tensor: bool = False,
) -> NDArray[np.float64]:
    """Return rows as float64 [batch, features]: categories as their indices, missing values as NaN.

    Args:
        card: The model's card.
        rows: A list of rows; each is a list of values in the card's order, or an object {feature name: value}.
        field: The name of the rows in the request, for messages.
        tensor: Whether categories and booleans are given as numbers alone, as in a tensor.

    Raises:
        InvalidRequestError: Something is no row or value, or a feature or category is unknown; the text says where.
    """
    if not isinstance(rows, list) or not rows:
        raise InvalidRequestError(f"{field}: {_shown(rows)}; expected a list of at least one row")
    features = card.features
    vectors = _vectors(rows, card.feature_names, field)
    flat = list(chain.from_iterable(vectors))
    for column, feature in card.non_numeric_features:
        flat[column :: len(features)] = map(value_decoder(feature, tensor=tensor), flat[column :: len(features)])
    if not set(map(type, flat)) <= NUMBERS:
        index = next(index for index, value in enumerate(flat) if type(value) not in NUMBERS)
        raise _not_a_number(card, vectors, divmod(index, len(features)), field, tensor=tensor)
    return np.array(flat, dtype=np.float64).reshape(-1, len(features))


def _vectors(rows: list[Any], names: list[str], field: str) -> list[Any]:
    """Return rows with the named ones as values in the card's order, all of the right length."""
    kinds, lengths = set(map(type, rows)), set()
    if kinds <= {list, dict}:
        lengths = set(map(len, rows))
    if dict not in kinds and lengths == {len(names)}:
        return rows
    if kinds == {dict} and lengths == {len(names)} and len(names) > 1:
        with suppress(KeyError):
            return [*map(itemgetter(*names), rows)]
    vectors = [_vector(row, names, f"{field}[{i}]") if type(row) is dict else row for i, row in enumerate(rows)]
    for index, row in enumerate(vectors):
        if not isinstance(row, list):
            raise InvalidRequestError(f"{field}[{index}]: {_shown(row)}; expected a list of {len(names)} numbers")
        if len(row) != len(names):
            raise InvalidRequestError(f"{field}[{index}]: {len(row)} values; the model takes {len(names)} features")
    return vectors


def _vector(row: dict[str, Any], names: list[str], place: str) -> list[Any]:
    """Return the values of a named row in the card's order."""
    try:
        if len(row) == len(names):
            return [row[name] for name in names]
    except KeyError:
        pass
    if missing := [name for name in names if name not in row]:
        raise InvalidRequestError(f"{place}: feature {missing[0]!r} is missing; expected {_listed(names)}")
    unknown = next(name for name in row if name not in names)
    raise InvalidRequestError(f"{place}: feature {unknown[:140]!r} is not known; expected {_listed(names)}")


def _not_a_number(
    card: Card, rows: list[Any], place: tuple[int, int], field: str, *, tensor: bool
) -> InvalidRequestError:
    row, column = place
    feature = card.features[column]
    return InvalidRequestError(
        f"{field}[{row}][{column}]: {_shown(rows[row][column])} for feature {feature.name!r};"
        f" expected {describe_expected(feature, tensor=tensor)}"
    )


def _shown(value: object) -> str:
    """Return a value as it stood in the JSON, shortened: null, true, "text", or what kind of thing it is."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, (list, dict)):
        return (
            f"an empty {'list' if isinstance(value, list) else 'object'}" if not value else f"a {type(value).__name__}"
        )
    return repr(value)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:40]) + (", ..." if len(names) > 40 else "")

"""Check of rows against the training ranges of a model; converts them to float32."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from enn_models.card.feature_values import NUMBERS
from enn_models.card.features import MAX_RANGES, Feature
from enn_service.errors import InvalidRequestError
from enn_service.runtime.flagged_values.out_of_range import OutOfRange, Places

COMPARE_BLOCK = 8192
"""Number of values compared with an array of bounds of the same shape, which is faster than broadcasting."""

FLOAT32_MAX = float(np.finfo(np.float32).max)

Array = NDArray[np.float32]
Numbers = NDArray[np.float32 | np.float64]
"""Exact numbers of a request; NaN is a missing value."""


class ColumnFields(NamedTuple):
    """Fields of a request that each contain one feature of all rows.

    Attributes:
        fields: Name of the field of each feature, in the card's order.
    """

    fields: Sequence[str]


Field = str | ColumnFields
"""Name of the rows in a request, for error messages."""


def value_place(field: Field, row: int, column: int) -> str:
    """Return the place of a value in a request.

    Args:
        field: Name of the rows.
        row: Index of the row in the request.
        column: Index of the feature.
    """
    return f"{field}[{row}][{column}]" if isinstance(field, str) else f"{field.fields[column]}[{row}]"


class RangeCheck:
    """Check rows against the training ranges of one model.

    Args:
        features: Features of the model.

    Attributes:
        minimum: Lower bounds of the training ranges, or the lowest codes, float32 [features].
        maximum: Upper bounds of the training ranges, or the highest codes, float32 [features].
        plain: True if all features are numeric and none may be missing.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = features
        self.minimum = np.array([feature.minimum for feature in features], dtype=np.float32)
        self.maximum = np.array([feature.maximum for feature in features], dtype=np.float32)
        numeric = np.array([feature.kind == "numeric" for feature in features])
        margin = np.where(numeric, MAX_RANGES * (self.maximum - self.minimum), np.float32(0))
        self._lowest, self._highest = self.minimum - margin, self.maximum + margin
        self._coded = np.flatnonzero(~numeric)
        self._missing = np.array([feature.missing for feature in features])
        self.all_numeric = not len(self._coded) and not self._missing.any()
        self._bounds = [*zip(self.minimum.tolist(), self.maximum.tolist(), strict=True)]
        tiled = [
            np.tile(bounds, (max(1, COMPARE_BLOCK // len(features)), 1)) for bounds in (self.minimum, self.maximum)
        ]
        self._tiled_bounds = {
            np.dtype(kind): [bounds.astype(kind) for bounds in tiled] for kind in (np.float32, np.float64)
        }

    def contains(self, row: object) -> bool:
        """Return True if a JSON row is a list of numbers, one per feature, all within their training ranges.

        False if a feature is no number or may be missing: the row may still be valid.
        """
        if type(row) is not list or len(row) != len(self._bounds) or not self.all_numeric:
            return False
        for value, (low, high) in zip(row, self._bounds):  # noqa: B905  (equally long; the keyword costs a third more)
            if type(value) not in NUMBERS or not low <= value <= high:
                return False
        return True

    def validate(self, numbers: Numbers, field: Field, first: int = 0) -> tuple[Array, OutOfRange | None]:
        """Return rows as float32 [batch, features], and their values outside the training range, if any.

        Args:
            numbers: Rows [batch, features].
            field: Name of the rows in the request, for error messages.
            first: Index of the first row in the request, for error messages.

        Raises:
            InvalidRequestError: A number exceeds float32 or is more than MAX_RANGES training ranges away, a code is
                invalid, or a value is missing that may not be; the text names the place.
        """
        in_range = self._in_range(numbers)
        if np.count_nonzero(in_range) == numbers.size:
            # The bounds are float32, so rounding moves no value past them.
            return numbers.astype(np.float32, copy=False), None
        rows = _round_to_float32(numbers)
        found = np.flatnonzero(~(in_range if rows is numbers else self._in_range(rows)))
        values = rows.ravel()[found]
        if len(found) and not self._all_within_limit(values):
            to_float32(numbers, field, first)  # refuses infinite values before any others
            self._check_each(values, found, field, first)
            found = found[~np.isnan(values)]
        return rows, OutOfRange(found, rows.shape[1]) if len(found) else None

    def accepted_rows(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Return a mask of the rows that `validate` accepts, [batch].

        Args:
            numbers: Rows [batch, features].
        """
        in_range = self._in_range(numbers)
        if np.count_nonzero(in_range) == numbers.size:
            return np.ones(len(numbers), np.bool_)
        rows = _round_to_float32(numbers)
        valid = np.isfinite(rows) & (rows >= self._lowest) & (rows <= self._highest)
        valid[:, self._coded] &= np.trunc(rows[:, self._coded]) == rows[:, self._coded]
        valid |= np.isnan(rows) & self._missing
        return np.logical_and.reduce(valid, axis=1)

    def _in_range(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Return a mask of the values within their training range or, for coded features, of the valid codes."""
        in_range = _between(numbers, *self._tiled_bounds[numbers.dtype])
        if len(self._coded):
            codes = numbers[:, self._coded]
            in_range[:, self._coded] &= np.trunc(codes) == codes
        return in_range

    def _all_within_limit(self, values: Array) -> bool:
        """Return True if the values are valid for every feature: a fast check that avoids one per feature."""
        return not len(self._coded) and bool(self._lowest.max() <= values.min() and values.max() <= self._highest.min())

    def _check_each(self, values: Array, found: Places, field: Field, first: int) -> None:
        """Check values out of their training range, missing values and fractional codes, each for its feature.

        Args:
            values: Values to check.
            found: Their flat indices.
            field: Name of the rows in the request, for error messages.
            first: Index of the first row in the request, for error messages.
        """
        features = found % len(self._features)
        valid = (values >= self._lowest[features]) & (values <= self._highest[features])
        if len(self._coded):
            valid &= ~(np.isin(features, self._coded) & (values % 1 > 0))
        valid |= np.isnan(values) & self._missing[features]
        if not valid.all():
            index = int(valid.argmin())
            row, column = divmod(int(found[index]), len(self._features))
            place, value = value_place(field, first + row, column), float(values[index])
            raise InvalidRequestError(
                f"{place}: {value:.8g} for feature {_describe_invalid(self._features[column], value)}"
            )


def to_float32(numbers: Numbers, field: Field, first: int = 0) -> Array:
    """Convert rows to float32.

    Args:
        numbers: Rows [batch, features].
        field: Name of the rows in the request, for error messages.
        first: Index of the first row in the request, for error messages.

    Raises:
        InvalidRequestError: A number is infinite or exceeds float32; the text names its place.
    """
    result = _round_to_float32(numbers)
    infinite = np.isinf(result)
    if np.count_nonzero(infinite):
        row, column = np.argwhere(infinite)[0].tolist()
        raise InvalidRequestError(
            f"{value_place(field, first + row, column)}: {numbers[row, column]} is not a finite float32"
            f" (at most {FLOAT32_MAX:.8g})"
        )
    return result


def _round_to_float32(numbers: Numbers) -> Array:
    """Round numbers to float32; a number that exceeds float32 becomes infinite."""
    with np.errstate(over="ignore"):
        return numbers.astype(np.float32, copy=False)


def _between(rows: Numbers, low: Numbers, high: Numbers) -> NDArray[np.bool_]:
    """Return a mask of the values within the bounds of their feature; NaN is not within.

    Args:
        rows: Rows [batch, features].
        low: Lower bound of each feature, repeated for each row of a block, [block, features].
        high: Upper bound, likewise.
    """
    block, count = len(low), len(rows)
    if count <= block:
        return (rows >= low[:count]) & (rows <= high[:count])
    whole = count // block * block
    blocks = rows[:whole].reshape(-1, *low.shape)
    between = blocks >= low
    between &= blocks <= high
    return np.concatenate([between.reshape(whole, -1), _between(rows[whole:], low, high)])


def _describe_invalid(feature: Feature, value: float) -> str:
    """Return the end of an error message about an invalid value of a feature."""
    name = repr(feature.name)
    if np.isnan(value):
        return f"{name}: a missing value, and the model was trained without; expected a number"
    if feature.kind == "numeric":
        trained = f"[{feature.minimum:.8g}, {feature.maximum:.8g}]"
        return f"{name} is more than {MAX_RANGES} ranges away from where the model was trained, {trained}"
    codes = (
        "false, 0, or true, 1" if feature.kind == "boolean" else f"the index of a category, 0 to {feature.maximum:g}"
    )
    return f"{name}: expected {codes}"

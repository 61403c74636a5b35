"""Reach: how far from its training range a model takes numbers, as float32, and which of them lie outside it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from enn_models.features import Feature
from enn_service.errors import InvalidRequestError
from enn_service.runtime.feature_values import NUMBERS

MAX_RANGES = 1000
"""Further out float32 cannot tell where in a period an input is (docs/decisions/exactness.md)."""
COMPARE_BLOCK = 8192
"""So many values are compared at once with as many ends: arrays of one shape are compared faster."""

FLOAT32_MAX = float(np.finfo(np.float32).max)

Array = NDArray[np.float32]
Numbers = NDArray[np.float32 | np.float64]
"""Numbers as they came, exactly; NaN stands for a missing value."""
Places = NDArray[np.intp]
"""Where values of rows stand, counted from the first value of the first row, in order."""


class OutOfRange:
    """Which values of rows lie outside their training range; at least one does.

    Args:
        found: Where they stand.
        features: How many values a row has.

    Attributes:
        rows: How many rows have such a value.
    """

    def __init__(self, found: Places, features: int) -> None:
        self._found, self._features = found, features
        self.rows = 1 + int(np.count_nonzero(np.diff(found // features)))

    def places(self) -> list[tuple[int, int]]:
        """Return the row and the feature of each of these values, by row."""
        return [divmod(place, self._features) for place in self._found.tolist()]


class RangeCheck:
    """Where a model was trained, and how far from there it answers.

    Args:
        features: Those of the model.

    Attributes:
        minimum: Lower ends of the training ranges, or the lowest codes, float32 [features].
        maximum: Upper ends of the training ranges, or the highest codes, float32 [features].
        plain: Whether all features are numbers, none of which may be missing.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._features = features
        self.minimum = np.array([feature.minimum for feature in features], dtype=np.float32)
        self.maximum = np.array([feature.maximum for feature in features], dtype=np.float32)
        numeric = np.array([feature.kind == "numeric" for feature in features])
        reach = np.where(numeric, MAX_RANGES * (self.maximum - self.minimum), np.float32(0))
        self._lowest, self._highest = self.minimum - reach, self.maximum + reach
        self._coded = np.flatnonzero(~numeric)
        self._missing = np.array([feature.missing for feature in features])
        self.plain = not len(self._coded) and not self._missing.any()
        self._ends = [*zip(self.minimum.tolist(), self.maximum.tolist(), strict=True)]
        many = [np.tile(ends, (max(1, COMPARE_BLOCK // len(features)), 1)) for ends in (self.minimum, self.maximum)]
        self._many = {np.dtype(kind): [ends.astype(kind) for ends in many] for kind in (np.float32, np.float64)}

    def contains(self, row: object) -> bool:
        """Return True if a JSON row is a list of numbers, one per feature, all within their training ranges.

        False if a feature is no number or may be missing: the row may still be valid.
        """
        if type(row) is not list or len(row) != len(self._ends) or not self.plain:
            return False
        for value, (low, high) in zip(row, self._ends, strict=True):
            if type(value) not in NUMBERS or not low <= value <= high:
                return False
        return True

    def admit(self, numbers: Numbers, field: str) -> tuple[Array, OutOfRange | None]:
        """Return rows of numbers [batch, features] as float32, and which lie outside their training range, if any do.

        Args:
            numbers: The rows.
            field: Their name in the request, for messages.

        Raises:
            InvalidRequestError: A number exceeds float32, or is more than MAX_RANGES training ranges away, where
                float32 cannot tell in which place of a period it is; a code is none; or a value is missing that may
                not be. The text names it.
        """
        usual = self._usual(numbers)
        if np.count_nonzero(usual) == numbers.size:
            return numbers.astype(np.float32, copy=False), None  # the ends are float32: rounding passes none of them
        rows = _rounded(numbers)
        found = np.flatnonzero(~(usual if rows is numbers else self._usual(rows)))
        values = rows.ravel()[found]
        if len(found) and not self._takes(values):
            to_float32(numbers, field)  # tells what is infinite, of all that is wrong the first
            self._check_each(values, found, field)
            found = found[~np.isnan(values)]
        return rows, OutOfRange(found, rows.shape[1]) if len(found) else None

    def _usual(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Return which numbers are there and in their training range, or codes."""
        usual = _between(numbers, *self._many[numbers.dtype])
        if len(self._coded):
            codes = numbers[:, self._coded]
            usual[:, self._coded] &= np.trunc(codes) == codes
        return usual

    def _takes(self, values: Array) -> bool:
        """Return whether values are taken whatever their features, which is soon said of many."""
        return not len(self._coded) and bool(self._lowest.max() <= values.min() and values.max() <= self._highest.min())

    def _check_each(self, values: Array, found: Places, field: str) -> None:
        """Check unusual values, given with their places: out of their training range, missing, or parts of codes."""
        features = found % len(self._features)
        taken = (values >= self._lowest[features]) & (values <= self._highest[features])
        if len(self._coded):
            taken &= ~(np.isin(features, self._coded) & (values % 1 > 0))
        taken |= np.isnan(values) & self._missing[features]
        if not taken.all():
            first = int(taken.argmin())
            row, column = divmod(int(found[first]), len(self._features))
            place = f"{field}[{row}][{column}]: {values[first]:.8g}"
            raise InvalidRequestError(f"{place} for feature {_why(self._features[column], float(values[first]))}")


def to_float32(numbers: Numbers, field: str) -> Array:
    """Return numbers of any shape as float32.

    Raises:
        InvalidRequestError: One is infinite or exceeds float32; the text names its index.
    """
    result = _rounded(numbers)
    infinite = np.isinf(result)
    if np.count_nonzero(infinite):
        index = np.argwhere(infinite)[0].tolist()
        place = "".join(f"[{part}]" for part in index)
        raise InvalidRequestError(
            f"{field}{place}: {numbers[tuple(index)]} is no finite float32 (at most {FLOAT32_MAX:.8g})"
        )
    return result


def _rounded(numbers: Numbers) -> Array:
    """Return numbers as float32, infinite where they exceed it."""
    with np.errstate(over="ignore"):
        return numbers.astype(np.float32, copy=False)


def _between(rows: Numbers, low: Numbers, high: Numbers) -> NDArray[np.bool_]:
    """Return which values of rows lie between the ends of their feature; a missing one does not.

    Args:
        rows: As many as there are, [batch, features].
        low: The lower end of each feature, once for each row of a block, [block, features].
        high: The upper end.
    """
    block, count = len(low), len(rows)
    if count <= block:
        return (rows >= low[:count]) & (rows <= high[:count])
    whole = count // block * block
    blocks = rows[:whole].reshape(-1, *low.shape)
    between = blocks >= low
    between &= blocks <= high
    return np.concatenate([between.reshape(whole, -1), _between(rows[whole:], low, high)])


def _why(feature: Feature, value: float) -> str:
    """Return the rest of a message about a value that a feature does not take."""
    name = repr(feature.name)
    if np.isnan(value):
        return f"{name}: a missing value, and the model was trained without; expected a number"
    if feature.kind == "numeric":
        trained = f"[{feature.minimum:.8g}, {feature.maximum:.8g}]"
        return f"{name} is more than {MAX_RANGES} ranges away from where the model was trained, {trained}"
    what = "false, 0, or true, 1" if feature.kind == "boolean" else f"the index of a category, 0 to {feature.maximum:g}"
    return f"{name}: expected {what}"

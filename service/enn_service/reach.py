"""Reach: how far the values of rows may lie from where a model was trained, and which lie outside that."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from enn_models.features import Feature
from enn_service.errors import InvalidRequestError
from enn_service.words import NUMBERS

MAX_RANGES = 1000
"""Further out float32 cannot tell where in a period an input is (docs/decisions/exactness.md)."""
BLOCK = 8192
"""So many values are compared at once with as many ends: arrays of one shape are compared faster."""

Array = NDArray[np.float32]
Places = NDArray[np.intp]
"""Where values of rows stand, counted from the first value of the first row, in order."""


class Outside:
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


class Reach:
    """Where a model was trained, and how far from there it answers.

    Args:
        features: Those of the model.

    Attributes:
        minimum: Lower ends of the training ranges, or the lowest codes, float32 [features].
        maximum: Upper ends of the training ranges, or the highest codes, float32 [features].
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
        plain = not len(self._coded) and not self._missing.any()
        self._ends = [*zip(self.minimum.tolist(), self.maximum.tolist(), strict=True)] if plain else None
        block = max(1, BLOCK // len(features))
        self._many = np.tile(self.minimum, (block, 1)), np.tile(self.maximum, (block, 1))

    def holds(self, row: object) -> bool:
        """Return whether a row is a list of numbers within their training ranges, and no feature is but a number."""
        if self._ends is None or type(row) is not list or len(row) != len(self._ends):
            return False
        for value, (low, high) in zip(row, self._ends, strict=True):
            if type(value) not in NUMBERS or not low <= value <= high:
                return False
        return True

    def check(self, rows: Array, field: str) -> Outside | None:
        """Return which values of rows [batch, features] lie outside their training range; None where none does.

        Raises:
            InvalidRequestError: A number is more than MAX_RANGES training ranges away, where float32 cannot tell in
                which place of a period it is; a code is none; or a value is missing that may not be. The text names it.
        """
        usual = _between(rows, *self._many)
        if len(self._coded):
            usual[:, self._coded] &= ~(rows[:, self._coded] % 1 > 0)
        if np.count_nonzero(usual) == rows.size:
            return None
        found = np.flatnonzero(~usual)
        values = rows.ravel()[found]
        if not self._takes(values):
            self._check_each(values, found, field)
            found = found[~np.isnan(values)]
        return Outside(found, rows.shape[1]) if len(found) else None

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


def _between(rows: Array, low: Array, high: Array) -> NDArray[np.bool_]:
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
    between = (blocks >= low) & (blocks <= high)
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

"""Reach: how far the values of rows may lie from where a model was trained, and which lie outside that."""

from collections.abc import Sequence
from itertools import cycle
from operator import ge, le

import numpy as np
from numpy.typing import NDArray

from enn_models.features import Feature
from enn_service.errors import InvalidRequestError

MAX_RANGES = 1000
"""Further out float32 cannot tell where in a period an input is (docs/decisions/exactness.md)."""
FEW = 16
"""So few values are compared faster as Python's own numbers."""
BLOCK = 8192
"""So many values are compared at once with as many ends: arrays of one shape are compared faster."""

Array = NDArray[np.float32]
Ends = tuple[Array, Array]
"""The lower and the upper end of each feature for the rows of a block, float32 [rows, features]."""


class Outside:
    """Which values of rows lie outside their training range; at least one does.

    Args:
        values: Which do, bool [batch, features].

    Attributes:
        rows: How many rows have such a value.
    """

    def __init__(self, values: NDArray[np.bool_]) -> None:
        self._found, self._features = np.flatnonzero(values), values.shape[1]
        self.rows = 1 + int(np.count_nonzero(np.diff(self._found // self._features)))

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
        self._coded = np.flatnonzero(~numeric)
        self._missing = np.array([feature.missing for feature in features])
        self._trained = _ends(self.minimum, self.maximum)
        self._taken = _ends(self.minimum - reach, self.maximum + reach)
        self._lists = self.minimum.tolist(), self.maximum.tolist()

    def check(self, rows: Array, field: str) -> Outside | None:
        """Return which values of rows [batch, features] lie outside their training range; None where none does.

        Raises:
            InvalidRequestError: A number is more than MAX_RANGES training ranges away, where float32 cannot tell in
                which place of a period it is; a code is none; or a value is missing that may not be. The text names it.
        """
        if rows.size <= FEW and not len(self._coded) and self._holds_few(rows):
            return None
        extremes = _extremes(rows, len(self._trained[0]))
        if not len(self._coded) and _between(extremes, self._trained):
            return None
        if len(self._coded) or not _between(extremes, self._taken):
            self._check_each(rows, field)
        outside = _beyond(rows, self._trained)
        return Outside(outside) if outside.any() else None

    def _holds_few(self, rows: Array) -> bool:
        """Return whether every value of rows lies in its training range; a missing one does not."""
        values = rows.ravel().tolist()
        low, high = self._lists
        return all(map(le, cycle(low), values)) and all(map(ge, cycle(high), values))

    def _check_each(self, rows: Array, field: str) -> None:
        lowest, highest = self._taken[0][0], self._taken[1][0]
        beyond = ~((rows >= lowest) & (rows <= highest))
        beyond[:, self._coded] |= rows[:, self._coded] % 1 > 0
        beyond &= ~(np.isnan(rows) & self._missing)
        if beyond.any():
            row, column = np.argwhere(beyond)[0].tolist()
            place = f"{field}[{row}][{column}]: {rows[row, column]:.8g}"
            raise InvalidRequestError(f"{place} for feature {_why(self._features[column], float(rows[row, column]))}")


def _ends(low: Array, high: Array) -> Ends:
    """Return the ends of each feature for the rows of a block."""
    rows = max(1, BLOCK // len(low))
    return np.tile(low, (rows, 1)), np.tile(high, (rows, 1))


def _extremes(rows: Array, block: int) -> Ends:
    """Return a block at most, whose least and greatest values are those of rows; NaN where a value is missing."""
    if len(rows) <= block:
        return rows, rows
    blocks, rest = _blocks(rows, block)
    least, most = np.minimum.reduce(blocks), np.maximum.reduce(blocks)
    first = slice(len(rest))
    np.minimum(least[first], rest, out=least[first])
    np.maximum(most[first], rest, out=most[first])
    return least, most


def _between(extremes: Ends, ends: Ends) -> bool:
    """Return whether values lie between the ends of their feature if these are their extremes; NaN does not."""
    (least, most), (low, high) = extremes, ends
    first = slice(len(least))
    return np.count_nonzero((least >= low[first]) & (most <= high[first])) == least.size


def _beyond(rows: Array, ends: Ends) -> NDArray[np.bool_]:
    """Return which values of rows lie beyond the ends of their feature; a missing one does not."""
    low, high = ends
    blocks, rest = _blocks(rows, len(low))
    first = slice(len(rest))
    of_rest = (rest < low[first]) | (rest > high[first])
    return np.concatenate([((blocks < low) | (blocks > high)).reshape(-1, rows.shape[1]), of_rest])


def _blocks(rows: Array, block: int) -> Ends:
    """Return rows as whole blocks [blocks, rows, features], and the rows that are left."""
    whole = len(rows) // block * block
    return rows[:whole].reshape(-1, block, rows.shape[1]), rows[whole:]


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

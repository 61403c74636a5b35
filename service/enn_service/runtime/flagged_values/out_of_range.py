"""Values outside their training range, and their JSON text: one text for each set of features that occurs."""

from array import array
from collections.abc import Iterator
from itertools import groupby
from threading import Lock
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_models.card import Card

Places = NDArray[np.intp]
"""Sorted flat indices into rows [batch, features], in row-major order."""
FEW = 32
"""Maximum number of values that Python groups faster than NumPy does."""
MAX_SETS = 1024
"""Maximum number of sets of features whose texts are kept."""
MAX_KEPT_BYTES = 2**20
"""Maximum size of these texts: with thousands of features, those of one set may take 100 KiB."""


class OutOfRange:
    """Values of rows outside their training range; at least one.

    Args:
        found: Flat indices of the values.
        features: Number of features per row.

    Attributes:
        rows: Number of rows with such a value.
    """

    def __init__(self, found: Places, features: int) -> None:
        self._found, self._features = found, features
        self.rows = 1 + int(np.count_nonzero(np.diff(found // features)))

    def places(self) -> list[tuple[int, int]]:
        """Return the indices (row, feature) of each value, sorted."""
        return [divmod(place, self._features) for place in self._found.tolist()]

    def piece(self, start: int, stop: int) -> "OutOfRange | None":
        """Return the values of some rows, whose first one becomes row 0; None if there are none.

        Args:
            start: Index of the first row.
            stop: Index after the last row.
        """
        ends = np.searchsorted(self._found, (start * self._features, stop * self._features))
        found = self._found[ends[0] : ends[1]] - start * self._features
        return OutOfRange(found, self._features) if len(found) else None

    def sets(self) -> Iterator[tuple[int, bytes]]:
        """Yield the index of each row that has such values, and their features as bytes of uint32."""
        width = self._features
        if len(self._found) <= FEW:
            for row, places in groupby(self._found.tolist(), key=lambda place: place // width):
                yield row, array("I", [place % width for place in places]).tobytes()
            return
        rows, features = np.divmod(self._found, width)
        starts = np.append(0, np.flatnonzero(rows[1:] != rows[:-1]) + 1)
        data = features.astype(np.uint32).tobytes()
        begins = (4 * starts).tolist()
        for row, begin, end in zip(rows[starts].tolist(), begins, [*begins[1:], len(data)], strict=True):
            yield row, data[begin:end]


class SetText(NamedTuple):
    """JSON texts of a set of features.

    Attributes:
        names: List of the names.
        explained: Names and training ranges, as an explanation has them.
    """

    names: bytes
    explained: bytes


class OutOfRangeEncoder:
    """Encode the features of each row that are outside their training range.

    Outside the training range the activations repeat periodically, so the prediction is an extrapolation.

    Args:
        card: Card of the model.
    """

    def __init__(self, card: Card) -> None:
        self._features = card.features
        self._texts: dict[bytes, SetText] = {}
        self._kept_bytes, self._lock = 0, Lock()

    def rows(self, outside: OutOfRange, first: int = 0) -> list[bytes]:
        """Return {"row": index, "features": [name, ...]} for each row that has such values.

        Args:
            outside: The values.
            first: Index of row 0 in the request.
        """
        text = self._text
        return [b'{"row":%d,"features":%b}' % (first + row, text(features).names) for row, features in outside.sets()]

    def named(self, places: OutOfRange) -> list[tuple[int, bytes]]:
        """Return the index of each row that has such values, and the list of their features."""
        text = self._text
        return [(row, text(features).names) for row, features in places.sets()]

    def explained(self, outside: OutOfRange) -> list[tuple[int, bytes]]:
        """Return the index of each row that has such values, and their part of its explanation."""
        text = self._text
        return [(row, text(features).explained) for row, features in outside.sets()]

    def _text(self, key: bytes) -> SetText:
        text = self._texts.get(key)
        if text is None:
            features = [self._features[index] for index in np.frombuffer(key, np.uint32)]
            names = orjson.dumps([feature.name for feature in features])
            ranges = orjson.dumps({each.name: [each.minimum, each.maximum] for each in features})
            text = SetText(names, b',"out_of_range":%b,"ranges":%b' % (names, ranges))
            self._keep(key, text)
        return text

    def _keep(self, key: bytes, text: SetText) -> None:
        """Keep the texts of a set of features for later rows; several threads may do so at once."""
        size = len(key) + len(text.names) + len(text.explained)
        if size > MAX_KEPT_BYTES:
            return
        with self._lock:
            if len(self._texts) >= MAX_SETS or self._kept_bytes + size > MAX_KEPT_BYTES:
                self._texts.clear()
                self._kept_bytes = 0
            self._texts[key] = text
            self._kept_bytes += size

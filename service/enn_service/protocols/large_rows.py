"""Rows of large JSON bodies, which are found in the text first and parsed some at a time.

So a body never exists as Python objects as a whole, which would take up to 30 times its memory.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_service.errors import InvalidRequestError
from enn_service.inference.cost import SMALL_BYTES, count_bytes, json_object_bytes
from enn_service.inference.types import InferenceRequest, RowSource
from enn_service.protocols import numeric_json
from enn_service.runtime.range_check import Numbers

Rows = list[Any] | Numbers
Convert = Callable[[list[Any], int], Rows]
"""Converts JSON rows, given with the index of the first one."""
ROW_END = re.compile(rb"[\]}]\s*,(?=\s*[\[{])")
"""End of a row that another one follows; the same may stand in a text, so the rows before it are parsed to be sure."""
MAX_CUTS = 8
"""Maximum number of ends that are tried for a piece."""
ARRAY_END = re.compile(rb'\]\s*(?:\}|,\s*")')
"""End of an array that is the value of a field, not the end of a row in it."""
SEARCHED_BYTES = 2**17
"""Number of bytes searched at once: it limits the time for which the interpreter lock is held."""
MAX_GAP = 64
"""Number of bytes searched besides for the end of a match; what has more spaces in it may not be found."""
MAX_ENDS = 16
"""Maximum number of ends that are tried for the array of the rows."""


class Span(NamedTuple):
    """Place of an array in a text.

    Attributes:
        start: Index of the opening bracket.
        end: Index after the closing bracket.
    """

    start: int
    end: int


def possible_spans(text: bytes, key: re.Pattern[bytes]) -> Iterator[tuple[bytes, Span]]:
    """Yield the text with the placeholder instead of the array after a key, for each place where the array may end.

    Args:
        text: JSON text.
        key: Pattern that matches the key and its colon.
    """
    found = next(_find_all(key, text, 0, len(text)), None)
    if found is None or not text.startswith(b"[", start := found.end()):
        return
    number_end = numeric_json.number_array_end(text, start)
    for end in chain([number_end], islice(_array_ends(text, start), MAX_ENDS)):
        if end > start and start + len(text) - end <= SMALL_BYTES:
            yield numeric_json.replace_array(text, start, end), Span(start, end)


def _array_ends(text: bytes, start: int) -> Iterator[int]:
    """Yield the index after each bracket that may end an array of rows: that of the array, or one in a text."""
    for found in _find_all(ARRAY_END, text, start, len(text)):
        yield found.start() + 1


def _find_all(pattern: re.Pattern[bytes], text: bytes, start: int, end: int) -> Iterator[re.Match[bytes]]:
    """Yield the matches of a pattern in a part of a text, which is searched in steps of `SEARCHED_BYTES`."""
    for at in range(start, end, SEARCHED_BYTES):
        for found in pattern.finditer(text, at, min(at + SEARCHED_BYTES + MAX_GAP, end)):
            if found.start() < at + SEARCHED_BYTES:
                yield found


def is_json(text: bytes) -> bool:
    """Return True if a text is JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


class ListedRows(RowSource):
    """Rows of a JSON array of rows, parsed piece by piece.

    Args:
        request: Request with the text.
        text: JSON text.
        span: Place of the array.
        columns: Number of features.
        convert: Conversion of JSON rows; None to leave them as they are.
        numbers: True if rows of numbers alone need no conversion.
    """

    def __init__(
        self,
        request: InferenceRequest,
        text: bytes,
        span: Span,
        columns: int,
        convert: Convert | None = None,
        *,
        numbers: bool = True,
    ) -> None:
        self._request, self._text, self._span = request, text, span
        self._columns, self._convert, self._numbers = columns, convert, numbers
        self._held = 0

    def __len__(self) -> int:
        """Return the number of brackets and braces that open, the outer one apart."""
        return max(1, count_bytes(self._text, b"[{", *self._span) - 1)

    def pieces(self) -> Iterator[Rows]:
        """Yield the rows in order, some at a time."""
        start, first = self._span.start + 1, 0
        while start < self._span.end:
            rows, start = self._parse_at(start)
            if isinstance(rows, list) and self._convert is not None:
                rows = self._convert(rows, first)
            yield rows
            first += len(rows)

    def _parse_at(self, start: int) -> tuple[Rows, int]:
        """Return the rows of the piece that begins at an index, and the index of the next piece."""
        last = self._span.end - 1
        for end in chain(self._cuts(start), [last]):
            self._hold(start, end)
            text = b"[%b]" % self._text[start:end]
            if self._numbers and b'"' not in text and (numbers := self._parse_numbers(text)) is not None:
                return numbers, end + 1
            try:
                return self._load(text), end + 1
            except orjson.JSONDecodeError as error:
                if end == last:
                    place = start + error.pos - 1
                    raise InvalidRequestError(f"the body is not valid JSON: {error.msg}: byte {place}") from None
        raise AssertionError("the last cut returns or raises")

    def _hold(self, start: int, end: int) -> None:
        """Reserve the memory of a piece if it is large, as a row may be, instead of that of the piece before."""
        size = 0
        if end - start > SMALL_BYTES:
            size = json_object_bytes(self._text, start, end)
        if size != self._held:
            self._request.reserve(size - self._held, "a part of the body")
            self._held = size

    def _cuts(self, start: int) -> Iterator[int]:
        """Yield the index of each comma before the end where the piece that begins at an index may end."""
        ends = _find_all(ROW_END, self._text, start + numeric_json.CHUNK_BYTES, self._span.end - 1)
        for found in islice(ends, MAX_CUTS):
            yield found.end() - 1

    def _parse_numbers(self, text: bytes) -> NDArray[np.float64] | None:
        """Return the rows of an array of numbers; None for any other text."""
        return numeric_json.parse_matrix(text, self._columns)

    def _load(self, text: bytes) -> list[Any]:
        """Return the rows of any array."""
        return orjson.loads(text)


class FlatRows(ListedRows):
    """Rows of a flat JSON array of values, parsed piece by piece."""

    def __len__(self) -> int:
        """Return the number of rows that have begun."""
        return (self.values + self._columns - 1) // self._columns

    @property
    def values(self) -> int:
        """Number of values: one more than there are commas."""
        return count_bytes(self._text, b",", *self._span) + 1

    def _cuts(self, start: int) -> Iterator[int]:
        last, at = self._span.end - 1, start + numeric_json.CHUNK_BYTES
        if at < last:
            for _ in range(self._columns - self._text.count(b",", start, at) % self._columns):
                at = self._text.find(b",", at, last) + 1
                if not at:
                    return
            yield at - 1

    def _parse_numbers(self, text: bytes) -> NDArray[np.float64] | None:
        values = numeric_json.parse_vector(text)
        return None if values is None or values.size % self._columns else values.reshape(-1, self._columns)

    def _load(self, text: bytes) -> list[Any]:
        values = super()._load(text)
        return [values[start : start + self._columns] for start in range(0, len(values), self._columns)]

"""Parser of large JSON arrays of numbers to NumPy arrays, without one Python object per number.

The array is cut out of the body, so an ordinary JSON parser reads only the short rest. simdjson parses the array, but
flattens nested arrays and accepts empty ones. So a flat array may contain no further bracket, and a matrix is accepted
only if its text without the characters of numbers is exactly the brackets and commas of rows of one length, with one
number at least in each. `row_parser` parses all other values and names the place of an error.
"""

import re
import uuid
from collections.abc import Iterator
from typing import cast

import numpy as np
import simdjson
from numpy.typing import NDArray

PLACEHOLDER = [f"<numbers {uuid.uuid4().hex}>"]
"""Replacement of the array in the rest of the body, a list as well; random, so no client can send it."""
NUMBER_CHARACTERS = b"0123456789+-.eE \t\r\n"
MIN_BYTES = 512
"""Minimum size of a text in bytes from which this parser is faster than a list of Python objects."""
CHUNK_BYTES = 32 * 1024
"""Number of bytes parsed at once: it limits the time the interpreter lock is held, and fits the processor's cache."""

PLACEHOLDER_JSON = f'["{PLACEHOLDER[0]}"]'.encode()
"""The placeholder as JSON text."""


def extract_number_array(body: bytes, key: re.Pattern[bytes]) -> tuple[bytes, bytes]:
    """Replace the array after a key, up to the first quote or brace, by the placeholder.

    Args:
        body: JSON text.
        key: Pattern that matches the key and its colon.

    Returns:
        The text with the placeholder, and the text of the array with its brackets; empty if none was found.
    """
    if (found := key.search(body)) is None:
        return body, b""
    start = found.end()
    end = number_array_end(body, start)
    return replace_array(body, start, end), body[start:end]


def number_array_end(body: bytes, start: int) -> int:
    """Return the index after the array that begins at an index, if it has no quote or brace; that index if none does.

    Args:
        body: JSON text.
        start: Index where the array should begin.
    """
    if (brace := body.find(b"}", start)) < 0:
        return start
    quote = body.find(b'"', start, brace)
    return max(start, body.rfind(b"]", start, brace if quote < 0 else quote) + 1)


def replace_array(body: bytes, start: int, end: int) -> bytes:
    """Return a JSON text with the placeholder in the place of an array; the text itself if the array is empty."""
    return body[:start] + PLACEHOLDER_JSON + body[end:] if end > start else body


def parse_matrix(text: bytes, columns: int) -> NDArray[np.float64] | None:
    """Parse a JSON array of rows of numbers to [rows, columns]; return None for any other text."""
    row = b"[%b]" % (b"," * (columns - 1))
    values = _numbers(text, row)
    return None if values is None else values.reshape(-1, columns)


def parse_vector(text: bytes) -> NDArray[np.float64] | None:
    """Parse a flat JSON array of numbers to [numbers]; return None for any other text."""
    return _numbers(text) if text.count(b"[") == 1 else None


def _numbers(text: bytes, row: bytes = b"") -> NDArray[np.float64] | None:
    """Return all numbers of an array; `row` is the text of each of its rows without the numbers."""
    if not text.startswith(b"["):
        return None
    try:
        if len(text) <= CHUNK_BYTES:
            return _parse(text, row)
        return np.concatenate([_parse(piece, row) for piece in _pieces(text, nested=bool(row))])
    except (TypeError, ValueError, RuntimeError):
        return None


def _parse(text: bytes, row: bytes) -> NDArray[np.float64]:
    count = 1
    if row:
        skeleton = text.translate(None, NUMBER_CHARACTERS)
        count = skeleton.count(b"]") - 1
        if count < 1 or skeleton != b"[%b]" % ((b"," + row) * count)[1:]:
            raise ValueError("not rows of numbers alone")
    array = cast("simdjson.Array", simdjson.Parser().parse(text))
    values = np.frombuffer(array.as_buffer(of_type="d"))
    if len(values) < count:
        raise ValueError("brackets without a number")
    return values


def _pieces(text: bytes, *, nested: bool) -> Iterator[bytes]:
    """Yield a JSON array as arrays of some of its elements each, cut at commas between rows."""
    inner, start = text[1:-1], 0
    while start >= 0:
        mark = start + CHUNK_BYTES
        if nested and mark < len(inner):
            mark = inner.find(b"]", mark)
        comma = inner.find(b",", mark) if mark >= 0 else -1
        yield b"[%b]" % (inner[start:comma] if comma >= 0 else inner[start:])
        start = comma + 1 if comma >= 0 else -1

"""Numbers of a JSON text as one array, without a Python object for each.

The array of numbers is cut out of the body, so that what remains is small and read by an ordinary parser. simdjson
takes an array of numbers alone, but flattens arrays in it: a flat one may have no bracket more, and a text counts as
rows only if all but its number characters is exactly the brackets and commas of rows of one length. It takes an empty
array too, as which a row without its one number or a comma before the end would pass: none may be empty. Whatever is
not read here is left to `rows`, which names the place.
"""

import re
import uuid
from collections.abc import Iterator
from typing import cast

import numpy as np
import simdjson
from numpy.typing import NDArray

PLACEHOLDER = f"<numbers {uuid.uuid4().hex}>"
"""What stands in the rest where the numbers stood; no client can know it."""
NUMBER = b"0123456789+-.eE \t\r\n"
MIN_BYTES = 512
"""Bytes of a text from which reading it so costs less than a list of Python objects."""
CHUNK_BYTES = 32 * 1024
"""Bytes parsed at once: the interpreter's lock is held for some tens of microseconds, and the cache suffices."""

PLACEHOLDER_JSON = f'"{PLACEHOLDER}"'.encode()
"""The same as it stands in JSON."""


def extract_number_array(body: bytes, key: re.Pattern[bytes]) -> tuple[bytes, bytes]:
    """Cut the array that follows the key, up to the first quote or brace, out of a JSON text.

    Args:
        body: The text.
        key: Matches the key, its colon and nothing of the array.

    Returns:
        The text without its numbers, and the text of those, an array in brackets; empty where none were cut.
    """
    if (found := key.search(body)) is None:
        return body, b""
    start = found.end()
    if (brace := body.find(b"}", start)) < 0:
        return body, b""
    quote = body.find(b'"', start, brace)
    end = body.rfind(b"]", start, brace if quote < 0 else quote) + 1
    if end <= start:
        return body, b""
    return body[:start] + PLACEHOLDER_JSON + body[end:], body[start:end]


def parse_matrix(text: bytes, columns: int) -> NDArray[np.float64] | None:
    """Return a JSON array of rows of numbers as [rows, columns], or None where it is anything else."""
    row = b"[%b]" % (b"," * (columns - 1))
    values = _numbers(text, row)
    return None if values is None else values.reshape(-1, columns)


def parse_vector(text: bytes) -> NDArray[np.float64] | None:
    """Return a flat JSON array of numbers as [numbers], or None where it is anything else."""
    return _numbers(text) if text.count(b"[") == 1 else None


def _numbers(text: bytes, row: bytes = b"") -> NDArray[np.float64] | None:
    """Return all numbers of an array, of rows that are `row` without their numbers where there is one."""
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
        skeleton = text.translate(None, NUMBER)
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

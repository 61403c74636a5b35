"""Answers that are encoded piece by piece, as the rows are computed."""

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import orjson

from enn_service.inference.cost import SMALL_BYTES
from enn_service.inference.types import Answer, Batch, EncodedResponse
from enn_service.runtime.session import Array

BLOCK_BYTES = 2**20
"""Size of the blocks that pieces are joined to: the C library returns a block to the system when it is freed."""

ANSWER_BYTES = 40
"""Estimated memory of each number in a JSON object with arrays: the array, its text, and the text of the object."""
NUMBERS_AT_ONCE = 2**13
"""Number of values of an array that are written at once."""


class Pieces:
    """Pieces of the elements of a JSON list, or of a tensor's bytes, in order.

    Args:
        separator: Bytes between two pieces.

    Attributes:
        size: Number of bytes of all pieces.
    """

    __slots__ = ("_blocks", "_pending", "_separator", "_since", "size")

    def __init__(self, separator: bytes = b",") -> None:
        self._separator = separator
        self._blocks: list[bytes] = []
        self._pending: list[bytes] = []
        self._since = self.size = 0

    def append(self, *pieces: bytes) -> None:
        """Append pieces that are not empty."""
        for piece in pieces:
            if self.size and self._separator:
                self._pending.append(self._separator)
            self._pending.append(piece)
            self.size += len(piece) + len(self._separator)
        if self.size - self._since >= BLOCK_BYTES:
            self._join()

    def blocks(self) -> list[bytes]:
        """Return all pieces with their separators, as few blocks."""
        self._join()
        return self._blocks

    def _join(self) -> None:
        if self._pending:
            self._blocks.append(b"".join(self._pending))
            self._pending, self._since = [], self.size


def encode_at_once(answer: Answer, batch: Batch, tensors: Sequence[Array]) -> EncodedResponse:
    """Return the response to the rows of one batch in one block."""
    for _ in answer.add(batch, tensors):
        pass
    response = answer.finish(batch.size, batch.rows_out_of_range, batch.rows_unknown)
    response.body, response.more = b"".join([response.body, *response.more]), ()
    return response


def in_blocks(parts: Sequence[bytes], rows: int) -> EncodedResponse:
    """Return a response whose body consists of these parts; small ones are joined.

    Args:
        parts: Bytes in order, at least one part.
        rows: Number of rows it answers.
    """
    if sum(map(len, parts)) <= SMALL_BYTES:
        return EncodedResponse(b"".join(parts), rows)
    return EncodedResponse(parts[0], rows, more=parts[1:])


def encode_arrays(value: Any) -> Generator[None, None, bytes]:  # noqa: ANN401  (any JSON)
    """Return a JSON value as text; its NumPy arrays are written some numbers at a time.

    Args:
        value: Dicts, lists, arrays of at least one dimension, and what JSON has besides.

    Yields:
        None between two parts of the work.
    """
    return orjson.dumps((yield from _with_fragments(value)))


def _with_fragments(value: Any) -> Generator[None, None, Any]:  # noqa: ANN401  (any JSON)
    if isinstance(value, dict):
        written = yield from _with_fragments([*value.values()])
        return dict(zip(value, written, strict=True))
    if isinstance(value, list):
        listed = [*value]
        for index, each in enumerate(value):
            listed[index] = yield from _with_fragments(each)
        return listed
    if not isinstance(value, np.ndarray):
        return value
    pieces, array = [], np.ascontiguousarray(value)
    size = max(1, NUMBERS_AT_ONCE * len(array) // max(1, array.size))
    for start in range(0, len(array), size):
        pieces.append(orjson.dumps(array[start : start + size], option=orjson.OPT_SERIALIZE_NUMPY)[1:-1])
        yield
    return orjson.Fragment(b"[%b]" % b",".join(pieces))

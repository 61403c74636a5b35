"""Cost model: estimated time and memory of a request before it is computed, and the limits that these are held to."""

from math import inf
from typing import NamedTuple

from enn_service.errors import TooMuchWorkError

PARAMETER_NS = 1
"""Estimated time to run one row, per parameter of the network."""
NUMBER_NS = 60
"""Estimated time to write one number of the response as text."""
BYTE_NS = 12
"""Estimated time to read one byte of rows."""
LOOP_BUDGET_NS = 1_000_000
"""Longest inference that the event loop runs itself; longer ones run in a thread."""
MAX_SECONDS = 5.0
"""Longest estimated time of one request on one core."""
MAX_INLINE_NUMBERS = 2048
"""Most numbers in a response that is written before ASGI: a longer one may exceed what a client reads at once."""
SMALL_BYTES = 64 * 1024
"""Bodies and responses of up to this size are handled in the event loop."""
PIECE_NUMBERS = 2**15
"""Most numbers that a piece of large work reads, computes and writes: some milliseconds."""
PIECE_BYTES = 4 * 2**20
"""Estimated memory of a piece besides what it adds to the response."""
COUNTED_BYTES = 2**18
"""Number of bytes counted at once: it limits the time for which the interpreter lock is held."""
OBJECT_BYTES = {b"[": 80, b"{": 320, b",": 64, b'"': 32}
"""Estimated memory of Python objects for each such character of a JSON text: lists, dicts, elements and strings."""


class Limits(NamedTuple):
    """The most that one place may do for an inference.

    Attributes:
        nanoseconds: Longest estimated time.
        numbers: Most numbers in the response.
    """

    nanoseconds: float
    numbers: float


EVENT_LOOP = Limits(LOOP_BUDGET_NS, inf)
INLINE = Limits(LOOP_BUDGET_NS, MAX_INLINE_NUMBERS)


def count_bytes(text: bytes, characters: bytes, start: int = 0, end: int | None = None) -> int:
    """Return the number of times that some characters occur in a part of a text."""
    stop = len(text) if end is None else end
    return sum(
        text.count(character, at, min(at + COUNTED_BYTES, stop))
        for at in range(start, stop, COUNTED_BYTES)
        for character in characters
    )


def json_object_bytes(text: bytes, start: int = 0, end: int | None = None) -> int:
    """Return the estimated memory of the Python objects that a part of a JSON text is parsed to, and of their use."""
    stop = len(text) if end is None else end
    objects = sum(size * count_bytes(text, character, start, stop) for character, size in OBJECT_BYTES.items())
    return stop - start + objects


def check_seconds(seconds: float, limit: float, rows: int) -> None:
    """Check that a request is not expected to take too long.

    Args:
        seconds: Estimated time of the request.
        limit: Longest time that is accepted.
        rows: Number of its rows.

    Raises:
        TooMuchWorkError: The estimate exceeds the limit; the error names the number of rows that would not.
    """
    if seconds > limit:
        fitting = int(rows * limit / seconds)
        raise TooMuchWorkError(
            f"{rows} rows take about {seconds:.2g} s of computation; at most {limit:g} s are given to one request: "
            + (f"send at most {fitting} rows" if fitting else "ask for less"),
            max_rows=fitting,
        )

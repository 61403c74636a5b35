"""Estimated cost of an inference, and the limits that decide whether the event loop or a thread runs it."""

from math import inf
from typing import NamedTuple

PARAMETER_NS = 1
"""Estimated time to run one row, per parameter of the network."""
NUMBER_NS = 60
"""Estimated time to write one number of the response as text."""
LOOP_BUDGET_NS = 1_000_000
"""Longest inference that the event loop runs itself; longer ones run in a thread."""
MAX_INLINE_NUMBERS = 2048
"""Most numbers in a response that is written before ASGI: a longer one may exceed what a client reads at once."""
SMALL_BYTES = 64 * 1024
"""Bodies and responses of up to this size are handled in the event loop and are not reserved from the memory budget."""


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

"""The limit of a fit: processor seconds after which it is given up, the same for every contender."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LIMIT = 300.0
"""Processor seconds that a fit may take: what the machine does beside it takes nothing away."""


class UnfinishedError(Exception):
    """A fit was given up."""


@contextmanager
def limited(seconds: float = LIMIT) -> Iterator[None]:
    """Raise UnfinishedError, in the main thread, where what is inside takes more processor seconds than these."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise UnfinishedError(f"not finished within {seconds:g} processor seconds")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)

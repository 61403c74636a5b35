"""Limit the CPU time of a fit."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LIMIT_SECONDS = 300.0
"""Maximum CPU seconds of a fit; other processes on the machine do not count."""


class UnfinishedError(Exception):
    """Raise if a fit exceeds its CPU time."""


@contextmanager
def cpu_time_limit(seconds: float = LIMIT_SECONDS) -> Iterator[None]:
    """Raise UnfinishedError in the main thread if the enclosed code exceeds a number of CPU seconds."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise UnfinishedError(f"not finished within {seconds:g} processor seconds")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)

"""Work without an end, for tests of what ends it."""

import threading
from collections.abc import Generator


def endless(closed: threading.Event, started: threading.Event | None = None) -> Generator[None, None, bool]:
    """Yield for ever.

    Args:
        closed: Set when the work is closed.
        started: Set once the work has begun.
    """
    try:
        while True:
            if started is not None:
                started.set()
            yield
    finally:
        closed.set()

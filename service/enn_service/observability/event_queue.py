"""EventQueue: the observer that passes finished requests to a thread in batches.

The request log and the tracer use it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from enn_service.observability.events import RequestEvent

logger = logging.getLogger(__name__)

WARNING_SECONDS = 60.0
"""Shortest time between two warnings about dropped events."""


class EventQueue:
    """Bounded queue of finished requests; when it is full, further ones are dropped and counted.

    Args:
        consume: Called with each batch, in the queue's own thread.
        capacity: Maximum number of events that wait.
        delay: Time that a batch collects events, in seconds.
        purpose: Word for the warning about dropped events, such as "logged".

    Attributes:
        dropped: Number of events dropped so far.
    """

    def __init__(
        self, consume: Callable[[Sequence[RequestEvent]], None], capacity: int, delay: float, purpose: str
    ) -> None:
        self.dropped = 0
        self._consume, self._capacity, self._delay, self._purpose = consume, capacity, delay, purpose
        self._events = deque[RequestEvent]()
        self._waiting, self._closing = threading.Event(), threading.Event()
        self._warned, self._next_warning = 0, 0.0
        self._thread = threading.Thread(target=self._run, name=f"requests {purpose}", daemon=True)
        self._thread.start()

    def __call__(self, event: RequestEvent) -> None:
        """Queue a finished request."""
        if len(self._events) >= self._capacity:
            self.dropped += 1
            return
        self._events.append(event)
        if not self._waiting.is_set():
            self._waiting.set()

    def close(self) -> None:
        """Pass on what is queued and end the thread."""
        self._closing.set()
        self._waiting.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._waiting.wait()
            closing = self._closing.wait(self._delay)
            # Cleared before the queue is emptied: an event that comes meanwhile sets it again.
            self._waiting.clear()
            batch = [self._events.popleft() for _ in range(len(self._events))]
            try:
                self._consume(batch)
            except Exception:
                logger.exception("%d requests were not %s", len(batch), self._purpose)
            self._warn()
            if closing and not self._events:
                return

    def _warn(self) -> None:
        """Log how many events were dropped, once a minute at most."""
        now = time.monotonic()
        if self.dropped > self._warned and now >= self._next_warning:
            logger.warning("%d requests were not %s: the queue is full", self.dropped - self._warned, self._purpose)
            self._warned, self._next_warning = self.dropped, now + WARNING_SECONDS

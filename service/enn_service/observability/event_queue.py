"""EventQueue: passes finished requests, or their lines of a log, to a thread in batches.

The access log, the request log and the tracer use it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
logger = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
"""Time that `close` gives the consumer to finish, in seconds."""
WARNING_SECONDS = 60.0
"""Shortest time between two warnings about dropped events."""


class EventQueue(Generic[T]):
    """Bounded queue of finished requests; when it is full, further ones are dropped and counted.

    Args:
        consume: Called with each batch, in the queue's own thread.
        capacity: Maximum number of events that wait or that the consumer holds.
        delay: Time that a batch collects events, in seconds.
        purpose: Word for the warning about dropped events, such as "logged".
        collect: Called in the queue's thread before it takes a batch; may add events.

    Attributes:
        dropped: Number of events dropped so far.
    """

    def __init__(
        self,
        consume: Callable[[Sequence[T]], None],
        capacity: int,
        delay: float,
        purpose: str,
        collect: Callable[[], None] = lambda: None,
    ) -> None:
        self.dropped = 0
        self._collect = collect
        self._consume, self._capacity, self._delay, self._purpose = consume, capacity, delay, purpose
        self._events, self._room = deque[T](), capacity
        self._waiting, self._closing = threading.Event(), threading.Event()
        self._signalled = False  # `_waiting.is_set()`, a call of which takes as long as all else that queues an event
        self._warned, self._next_warning = 0, 0.0
        self._thread = threading.Thread(target=self._run, name=f"requests {purpose}", daemon=True)
        self._thread.start()

    def __call__(self, event: T, requests: int = 1) -> None:
        """Queue a finished request, or one event of several."""
        if len(self._events) >= self._room:
            self.dropped += requests
            return
        self._events.append(event)
        self.wake()

    def wake(self) -> None:
        """Let the thread take a batch after the delay."""
        if not self._signalled:
            self._signalled = True
            self._waiting.set()

    def close(self) -> None:
        """Pass on the queued events and end the thread; events that take longer than `CLOSE_SECONDS` are lost."""
        self._closing.set()
        self._waiting.set()
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():  # a daemon thread: it does not keep the process alive
            logger.warning(
                "the last requests were not %s within %g s; at least %d are lost",
                self._purpose,
                CLOSE_SECONDS,
                len(self._events),
            )

    def _run(self) -> None:
        while True:
            self._waiting.wait()
            self._closing.wait(self._delay)
            # Cleared before the queue is emptied: an event that comes meanwhile sets it again. `close` sets `_closing`
            # before `_waiting`, so a wake-up that is cleared here is seen in `closing`.
            self._waiting.clear()
            self._signalled = False
            closing = self._closing.is_set()
            self._collect()
            batch = [self._events.popleft() for _ in range(len(self._events))]
            self._room = self._capacity - len(batch)  # after the loop, which would count an event twice
            try:
                self._consume(batch)
            except Exception:
                logger.exception("%d requests were not %s", len(batch), self._purpose)
            batch, self._room = [], self._capacity  # the events need no memory while this thread waits
            self._warn(last=closing)
            if closing and not self._events:
                return

    def _warn(self, *, last: bool) -> None:
        """Log the number of dropped events, once a minute at most and at the end."""
        now = time.monotonic()
        if self.dropped > self._warned and (last or now >= self._next_warning):
            logger.warning("%d requests were not %s: the queue is full", self.dropped - self._warned, self._purpose)
            self._warned, self._next_warning = self.dropped, now + WARNING_SECONDS

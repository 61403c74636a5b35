"""The outbox: answers given in one turn of the event loop leave together, as waking a client may cost more than one.

A turn reads what has come over all connections, one after the other. Where turns have had an answer or two of late, the
first leaves at once, so that who asks alone waits for nobody; all others leave when the turn ends.
"""

import asyncio
from functools import lru_cache
from time import perf_counter
from typing import Any

from enn_service.http.responses import MAX_BUFFERED_RESPONSE

MAX_DELAY_SECONDS = 0.001
"""An answer waits no longer than this for those that are given after it."""
IMMEDIATE_BELOW = 2
"""Of so many answers a turn, the first leaves at once."""
AVERAGED_ITERATIONS = 4
"""Over about so many turns answers are counted."""


class WriteCoalescer:
    """What the connections of one event loop have to send.

    Args:
        loop: The loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._turning = False
        self._held: dict[asyncio.Transport, list[bytes]] = {}
        self._due = 0.0
        self._answers = 0
        self._usual = 0.0

    def send(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Send a whole answer, at once if it is the first of this turn and few are usual."""
        self._answers += 1
        if self._turning or self._usual > IMMEDIATE_BELOW:
            self.hold(transport, answer)
        else:
            self._begin()
            transport.write(answer)

    def hold(self, transport: asyncio.Transport, part: bytes) -> None:
        """Send a part of an answer with what else there is; at once if it is large, so that it is seen who reads."""
        if not self._turning:
            self._begin()
        self._held.setdefault(transport, []).append(part)
        if len(part) > MAX_BUFFERED_RESPONSE or perf_counter() > self._due:
            self.flush()

    def flush(self) -> None:
        """Send what is held."""
        held, self._held = self._held, {}
        self._due = perf_counter() + MAX_DELAY_SECONDS
        for transport, parts in held.items():
            if not transport.is_closing():
                transport.writelines(parts)

    def _begin(self) -> None:
        self._turning = True
        self._due = perf_counter() + MAX_DELAY_SECONDS
        self._loop.call_soon(self._end)

    def _end(self) -> None:
        self._usual += (self._answers - self._usual) / AVERAGED_ITERATIONS
        self._turning, self._answers = False, 0
        self.flush()


class CoalescingTransport:
    """A transport that sends by the outbox of its loop.

    Args:
        transport: Whatever else is asked is asked of it.
        loop: The loop that it belongs to.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._outbox = transport, _outbox(loop)
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (the transport's)
        """Return what the transport has of this name."""
        return getattr(self._transport, name)

    def send(self, answer: bytes) -> None:
        """Send a whole answer."""
        self._outbox.send(self._transport, answer)

    def write(self, data: bytes) -> None:
        """Send a part of an answer: a head leaves with its body."""
        self._outbox.hold(self._transport, data)

    def close(self) -> None:
        """Send what is held, then close."""
        self._outbox.flush()
        self._transport.close()


@lru_cache
def _outbox(loop: asyncio.AbstractEventLoop) -> WriteCoalescer:
    return WriteCoalescer(loop)

"""Write coalescing: responses of one event loop iteration are written together.

One iteration reads from all connections that have data, one after the other, and finishes each inline response on the
way. A write wakes a client, which then competes for the CPU: that can cost more than the response itself. Therefore
responses are buffered and written at the end of the iteration. A client that sends alone must not wait, however: while
iterations have at most IMMEDIATE_BELOW responses on average, the first response of an iteration is written at once.
"""

import asyncio
from functools import lru_cache
from time import perf_counter
from typing import Any

from enn_service.inference.cost import SMALL_BYTES

MAX_DELAY_SECONDS = 0.001
"""Maximum time for which a response is buffered."""
IMMEDIATE_BELOW = 2
"""Mean number of responses per iteration up to which the first response is written at once."""
RESPONSE_START = b"HTTP/1.1 "
"""Bytes with which every response of the server begins, interim ones too."""
AVERAGED_ITERATIONS = 4
"""Time constant of that exponential mean, in iterations."""


class WriteCoalescer:
    """Buffer of all responses that the connections of one event loop write in an iteration.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._iteration_open = False  # True from the first write of an iteration to its end
        self._buffered: dict[asyncio.Transport, list[bytes]] = {}
        self._flush_at = 0.0  # perf_counter(), in seconds
        self._responses = 0  # in the current iteration
        self._mean_responses = 0.0

    def write_response(self, transport: asyncio.Transport, response: bytes) -> None:
        """Write a complete response: at once if it is the first of a quiet iteration, else with the others.

        Args:
            transport: Transport of the connection.
            response: Head and body.
        """
        self._responses += 1
        if self._iteration_open or self._mean_responses > IMMEDIATE_BELOW:
            self.buffer(transport, response)
        else:
            self._open_iteration()
            transport.write(response)

    def buffer(self, transport: asyncio.Transport, part: bytes) -> None:
        """Write a part of a response together with the other responses.

        Args:
            transport: Transport of the connection.
            part: Head, body, or a part of the body.
        """
        if not self._iteration_open:
            self._open_iteration()
        self._buffered.setdefault(transport, []).append(part)
        # A large part goes to the transport at once: only there does a client that does not read cause backpressure.
        if len(part) > SMALL_BYTES or perf_counter() > self._flush_at:
            self.flush()

    def flush(self) -> None:
        """Write everything that is buffered, with one call for each connection."""
        buffered, self._buffered = self._buffered, {}
        self._flush_at = perf_counter() + MAX_DELAY_SECONDS
        for transport, parts in buffered.items():
            if not transport.is_closing():
                transport.writelines(parts)

    def _open_iteration(self) -> None:
        """Schedule the end of this iteration: asyncio runs `call_soon` after the reads that are ready now."""
        self._iteration_open = True
        self._flush_at = perf_counter() + MAX_DELAY_SECONDS
        self._loop.call_soon(self._close_iteration)

    def _close_iteration(self) -> None:
        """Update the mean number of responses and write what is buffered."""
        self._mean_responses += (self._responses - self._mean_responses) / AVERAGED_ITERATIONS
        self._iteration_open, self._responses = False, 0
        self.flush()


class CoalescingTransport:
    """A transport that writes through the coalescer of its event loop.

    Args:
        transport: Transport of the connection; it provides every other attribute.
        loop: Event loop of the connection.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._coalescer = transport, _coalescer_of(loop)
        self.is_closing = transport.is_closing  # called for each request: no detour through `__getattr__`
        self._begun = False  # True if RESPONSE_START has been written ahead of the next response

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (attributes of the transport have any type)
        """Return the attribute of the transport."""
        return getattr(self._transport, name)

    def begin_response(self) -> None:
        """Write the first bytes of the next response, which are always the same, before it exists."""
        self._coalescer.buffer(self._transport, RESPONSE_START)
        self._begun = True

    def write_response(self, response: bytes) -> None:
        """Write a complete response."""
        self._coalescer.write_response(self._transport, self._rest(response) if self._begun else response)

    def write(self, data: bytes) -> None:
        """Write a part of a response; uvicorn writes head and body apart, and both leave together."""
        self._coalescer.buffer(self._transport, self._rest(data) if self._begun else data)

    def close(self) -> None:
        """Write what is buffered, then close."""
        self._coalescer.flush()
        self._transport.close()

    def _rest(self, response: bytes) -> bytes:
        """Return a response without the bytes that `begin_response` has written."""
        self._begun = False
        return response.removeprefix(RESPONSE_START)


@lru_cache
def _coalescer_of(loop: asyncio.AbstractEventLoop) -> WriteCoalescer:
    """Return the only coalescer of an event loop."""
    return WriteCoalescer(loop)

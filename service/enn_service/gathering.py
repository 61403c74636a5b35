"""A transport that sends the head and the body of an answer in one system call: the client wakes up once for both."""

import asyncio
from typing import Any

from enn_service.replies import LARGE_BYTES


class Gathering:
    """A transport whose writes go out together: when it is told to, or else when the event loop comes round.

    Args:
        transport: Sends them; whatever else is asked is asked of it.
        loop: The loop that both belong to.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pending: list[bytes] = []
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (the transport's)
        """Return what the transport has of this name."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send bytes after those that wait already."""
        if not self._pending:
            self._loop.call_soon(self.flush)
        self._pending.append(data)
        if len(data) > LARGE_BYTES:  # whoever sends it is to learn whether the client reads
            self.flush()

    def send(self, data: bytes) -> None:
        """Send bytes now, after those that wait."""
        self.flush()
        self._transport.write(data)

    def close(self) -> None:
        """Send what waits, then close."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Send what waits."""
        if self._pending:
            pending, self._pending = self._pending, []
            self._transport.writelines(pending)

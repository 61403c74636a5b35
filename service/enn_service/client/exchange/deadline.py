"""Deadline: the end of a call, and a transport that keeps it in every operation of a socket."""

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any

import httpcore
import httpx

LIMITS: dict[str, Any] = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}
"""Limits of the connection pool, those of httpx."""
WRITTEN_AT_ONCE = 2**16
"""Maximum number of bytes written to a socket before the remaining time is read again."""


class Deadline:
    """Time by which a call ends, over all its requests.

    Args:
        seconds: Maximum duration of the call, from now on.

    Attributes:
        seconds: Maximum duration of the call.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; 0 after it."""
        return max(0.0, self._end - monotonic())

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the sockets of `DeadlineTransport` keep this deadline, in this thread."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)


_CURRENT: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class DeadlineTransport(httpx.HTTPTransport):
    """Transport of httpx whose connections keep the deadline of the call.

    The timeouts of httpx hold for each operation of a socket, so a server that sends one byte after the other extends
    them without end. The look-up of a host name alone cannot be interrupted. For asyncio there is no such transport, as
    it cancels the task.
    """

    def __init__(self) -> None:
        context = httpx.create_ssl_context()
        # Without super().__init__(): this pool is all that it would create.
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_Network(), **LIMITS)


class _Network(httpcore.NetworkBackend):
    """Open connections that keep the deadline; a host with several addresses too."""

    def __init__(self) -> None:
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that accepts."""
        failure = httpcore.ConnectError(f"{host} has no address")
        for address in _addresses(host, port):
            try:
                stream = self._network.connect_tcp(address, port, _limit(timeout), local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
            else:
                return _Stream(stream)
        raise failure


class _Stream(httpcore.NetworkStream):
    """Stream that reads and writes until the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _limit(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITTEN_AT_ONCE):
            self._stream.write(buffer[start : start + WRITTEN_AT_ONCE], _limit(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _limit(timeout)))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  (httpcore's own)
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> Iterable[str]:
    """Return the addresses of a host: the library gives each of them the whole time."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return dict.fromkeys(str(address[0]) for *_, address in found)


def _limit(timeout: float | None) -> float | None:
    """Return the time that an operation may take.

    Raises:
        httpcore.ReadTimeout: The deadline has passed.
    """
    deadline = _CURRENT.get()
    if deadline is None:
        return timeout
    if not deadline.remaining:
        raise httpcore.ReadTimeout("timed out")
    return deadline.remaining if timeout is None else min(timeout, deadline.remaining)

"""A connection: uvicorn's, with bounds on what a client makes it wait for and keep; what is no HTTP gets JSON too."""

import asyncio
import sys
from math import inf
from typing import Any

from httptools import HttpRequestParser
from uvicorn.config import Config
from uvicorn.server import ServerState

from enn_service.http.request_id import RequestId
from enn_service.http.responses import error_response
from enn_service.server.inline import InlineProtocol

MAX_FRAMING_BYTES = 64 * 1024
"""So many bytes of a request, and as many as its body has, may be other than body: its head, frames of chunks."""
CLOSE_GRACE_SECONDS = 0.25
"""A connection without a request is kept so long once the server ends: what was sent before that has come by then."""
MAX_PIPELINED_REQUESTS = 64
"""So many requests may wait on a connection for their turn."""


class HTTPProtocol(InlineProtocol):
    """A connection that ends when its client makes it wait for a request's head, or leaves an answer unread.

    A head has `timeout_keep_alive` seconds from the connection's start or the last answer, and an answer
    `timeout_graceful_shutdown` to be read; bodies are waited for by who reads them.

    Args:
        config: The server's.
        server_state: The server's.
        app_state: What the application's start has left.
        _loop: The loop; the running one where there is none.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._patience = config.timeout_graceful_shutdown or inf
        self._head_due = self._read_due = inf
        self._in_head = self._ending = False
        self._framing = self._body = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._head_due = self.loop.time() + self.timeout_keep_alive
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; refuse a request that is mostly something else than its body."""
        if self.try_cached_head(data):
            self._framing = self._body = 0
            return
        self._framing += len(data)
        super().data_received(data)
        if self._framing > MAX_FRAMING_BYTES + self._body and not self.transport.is_closing():
            self._refuse(431, f"the request has more than {MAX_FRAMING_BYTES} bytes besides its body")

    def eof_received(self) -> bool:  # type: ignore[override]
        """Go on to answer a client that has sent all it wants to send; return whether there is something to answer."""
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        """Take what comes for a head."""
        self._in_head = True
        self._framing = self._body = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait for the application; refuse what does not name one host: others may take another (RFC 9112, 3.2)."""
        self._in_head = False
        self._head_due = inf
        hosts = sum([name == b"host" for name, _ in self.headers])
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise ConnectionError(f"a request names {hosts} hosts")
        super().on_headers_complete()
        if self._ending and self.cycle is not None:
            self.cycle.keep_alive = False
        if len(self.pipeline) > MAX_PIPELINED_REQUESTS:
            raise ConnectionError("too many requests wait for their turn")

    def on_body(self, body: bytes) -> None:
        """Count apart what is body."""
        self._framing -= len(body)
        self._body += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Answer the request that waits, or wait for the next one; uvicorn's own would set a timer each time."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._head_due = self.loop.time() + self.timeout_keep_alive

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        self._read_due = self.loop.time() + self._patience
        super().pause_writing()

    def resume_writing(self) -> None:
        """Wait for the rest to be read only if that is the end."""
        self._read_due = self.loop.time() + self._patience if self.transport.is_closing() else inf
        super().resume_writing()

    def shutdown(self) -> None:
        """End with the answer under way, or with that to a request which may be on its way already."""
        self._ending = True
        self.inline = None
        self.forward_to_app()
        if self.cycle is None or self.cycle.response_complete:
            self._head_due = self.loop.time() + CLOSE_GRACE_SECONDS
            self._look()
        else:
            super().shutdown()

    def _should_upgrade(self) -> bool:
        """Say that a request which offers another protocol is read by `handle_websocket_upgrade`."""
        return self.scope["method"] != "CONNECT"

    def handle_websocket_upgrade(self) -> None:
        """Read a request that offers another protocol as if it did not: the parser has stopped before its body."""
        stop = sys.exception()
        assert stop is not None  # noqa: S101  (this is called where it was caught)
        method, version = self.scope["method"].encode(), self.scope["http_version"].encode()
        kept = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, kept)
        self.parser = HttpRequestParser(self)  # the other may take that request for the connection's last
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parse(head + self._chunk[stop.args[0] :])

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (uvicorn's own words say less)
        """Refuse what is no request."""
        self._refuse(400, "what came is no HTTP/1.1 request, or names no host or several")

    def _look(self) -> None:
        """Look whether the client has made the connection wait too long, and look again in time."""
        if self._timer is not None:
            self._timer.cancel()
        now = self.loop.time()
        if now >= self._read_due:
            self.transport.abort()
            return
        if now >= self._head_due:
            self._head_due, self._read_due = inf, min(self._read_due, now + self._patience)
            if self._in_head:
                self._refuse(408, f"the head of the request did not come within {self.timeout_keep_alive} s")
            else:
                self.transport.close()
        self._timer = self.loop.call_at(min(self._head_due, self._read_due, now + self.timeout_keep_alive), self._look)

    def _refuse(self, status: int, text: str) -> None:
        """Send {"error": text} and close, or close alone where another answer is on its way."""
        if self.pipeline or (self.cycle and self.cycle.response_started and not self.cycle.response_complete):
            self.transport.abort()
            return
        self.write_response(error_response(status, text), RequestId.of({}), b"connection: close\r\n")
        self.transport.close()

"""HTTPProtocol: one HTTP/1.1 connection, uvicorn's protocol with timeouts, size limits and JSON errors.

A connection is in one of these states, each with a time limit:

- idle: after `_head_deadline` the connection closes;
- receiving a head, no response being in progress: after `_head_deadline` it closes with status 408;
- reading a body, or running: the application has a timeout for each, so there is no deadline here;
- backpressured, as the client does not read the response: after `_read_deadline` the connection is aborted.

One timer per connection compares the clock with both deadlines. It is set again when it fires, not for each request.
"""

import asyncio
import socket
import sys
from math import inf
from typing import Any, NoReturn

from httptools import HttpRequestParser
from uvicorn.config import Config
from uvicorn.server import ServerState

from enn_service.http.request_id import RequestId
from enn_service.http.responses import error_response
from enn_service.inference.cost import SMALL_BYTES
from enn_service.server.inline import InlineProtocol

MAX_FRAMING_BYTES = SMALL_BYTES
"""Maximum number of bytes of request line, headers and chunk sizes, in addition to one for each byte of the body."""
CLOSE_GRACE_SECONDS = 0.25
"""Time for which an idle connection stays open after shutdown starts: a request may be on its way already."""
RESET_CHECK_SECONDS = 0.25
"""Time between two checks whether a client that sends nothing more has closed the connection."""
TOO_MUCH_FRAMING = f"the request has more than {MAX_FRAMING_BYTES} bytes besides its body"
HEADER_OVERHEAD = len(b": \r\n")
"""Number of bytes of a header besides its name and value."""


class HTTPProtocol(InlineProtocol):
    """uvicorn's HTTP/1.1 protocol, closed when the client does not send a head or does not read a response in time.

    A head must begin `timeout_keep_alive` seconds after the connection opened or the last response was sent. A response
    must be read within `timeout_graceful_shutdown` seconds. uvicorn calls every method.

    Args:
        config: Configuration of the server.
        server_state: Connections, tasks and default headers of the server.
        app_state: State that the application's lifespan has set.
        _loop: Event loop; None for the running one.
        head_timeout: Maximum time from the first byte of a head to its end, in seconds.
    """

    _refusal: tuple[int, str] | None = None
    """Status and text for a request that a method called by the parser refuses."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        head_timeout: float = inf,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_timeout = head_timeout
        self._read_timeout = config.timeout_graceful_shutdown or inf
        self._head_deadline = self._read_deadline = inf  # times of the event loop's clock
        self._in_head = False  # True after the first byte of a head until its empty line
        self._shutting_down = False
        self._head_timed = False  # True while `_head_deadline` is that of an incomplete head
        self._framing_bytes = self._body_bytes = 0  # of the current request
        self._first_bytes = 0  # size of the read in which the current request began
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Set up the connection and wait for the first head."""
        super().connection_made(transport)
        self._head_deadline = self.loop.time() + self.timeout_keep_alive
        self._check_deadlines()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer or parse received bytes, and limit the time for an incomplete head to arrive."""
        if self.try_cached_head(data):
            # The whole request has its response already, and the parser saw none of it.
            self._framing_bytes = self._body_bytes = 0
            return
        super().data_received(data)
        if self._in_head and not self._head_timed and self._is_idle:
            self._time_head()

    def parse(self, data: bytes) -> None:
        """Feed the parser; send status 431 to a request with too many bytes besides its body."""
        # Count everything as framing first; `on_body` moves the bytes of the body to the other count.
        self._framing_bytes += len(data)
        super().parse(data)
        # A chunked body may frame every byte on its own. The allowance grows with the body, so that small chunks pass
        # while endless headers, trailers or chunk extensions do not.
        if self._framing_bytes > MAX_FRAMING_BYTES + self._body_bytes and not self.transport.is_closing():
            self._send_error(431, TOO_MUCH_FRAMING)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep a connection open whose client has stopped sending but still waits for a response.

        Returns:
            True if a complete request is in progress: asyncio then leaves the transport open.
        """
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            # Write coalescing may still hold a complete response; closing sends it. asyncio would close the transport
            # underneath without it.
            self.transport.close()
            return False
        cycle.keep_alive = False  # no other request can follow
        if not cycle.response_started:
            self._coalescing.begin_response()
        self._check_for_reset()
        return True

    def _check_for_reset(self) -> None:
        """Abort the connection if its client has closed it, and check again later if not.

        The end of its data does not tell whether a client has closed the connection or waits for the response. Its
        system answers any bytes with a reset in the first case, so the response begins before there is one.
        """
        if self.transport.is_closing():
            return
        # The event loop does not see the reset: it stops reading at the end of the data.
        if self.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
        else:
            self.loop.call_later(RESET_CHECK_SECONDS, self._check_for_reset)

    def on_message_begin(self) -> None:
        """Start counting the bytes of a request."""
        self._in_head = True
        # `parse` has counted these bytes already, but some can belong to the request before: `_check_head` counts anew.
        self._first_bytes, self._framing_bytes, self._body_bytes = len(self._chunk), 0, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop waiting for the head, check it, and start the response or add the request to the pipeline.

        Raises:
            ConnectionError: The request is refused. httptools turns it into its own error, and uvicorn then calls
                `send_400_response`.
        """
        self._in_head = self._head_timed = False
        self._head_deadline = inf
        self._check_head()
        super().on_headers_complete()
        if self._shutting_down and self.cycle is not None:
            self.cycle.keep_alive = False  # the response to this request says `connection: close`

    def _check_head(self) -> None:
        """Refuse a head that is too long, does not name one host, or names an encoding of the message.

        Raises:
            ConnectionError: The request is refused.

        Source:
            RFC 9112. Section 3.2: a proxy in front may choose another of several hosts than this server does. Section
            6.1: a transfer coding that the server does not decode gets status 501.
        """
        headers = self.headers
        names = [name for name, _ in headers]
        hosts = names.count(b"host")
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            self._refuse(400, f"the request has {hosts} host headers; expected 1")
        if b"transfer-encoding" in names:
            for name, value in headers:
                if name == b"transfer-encoding" and value.lower() != b"chunked":
                    self._refuse(501, f"transfer-encoding {value[:40].decode('latin-1')!r}; expected chunked alone")
        if self._first_bytes + self._framing_bytes > MAX_FRAMING_BYTES:
            size = len(self.url) + sum([len(name) + len(value) + HEADER_OVERHEAD for name, value in headers])
            if size > MAX_FRAMING_BYTES:
                self._refuse(431, TOO_MUCH_FRAMING)

    def _refuse(self, status: int, text: str) -> NoReturn:
        """Make the parser stop and `send_400_response` send this status."""
        self._refusal = status, text
        raise ConnectionError(text)

    def on_body(self, body: bytes) -> None:
        """Count bytes of the body as such, no longer as framing."""
        self._framing_bytes -= len(body)
        self._body_bytes += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Start the next pipelined request, or wait for the next head.

        Replaces uvicorn's method, which would set and cancel a timer for each request.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            self.parse_waiting()
            return
        self.flow.resume_reading()  # uvicorn pauses reading while requests are pipelined
        if self._in_head:
            self._time_head()
        else:
            self._head_deadline = self.loop.time() + self.timeout_keep_alive

    def pause_writing(self) -> None:
        """Limit the time for the client to read: the transport's write buffer is full."""
        self._read_deadline = self.loop.time() + self._read_timeout
        super().pause_writing()

    def resume_writing(self) -> None:
        """Lift that limit, unless the connection is closing and only the rest of the last response is left to read."""
        self._read_deadline = self.loop.time() + self._read_timeout if self.transport.is_closing() else inf
        super().resume_writing()

    def shutdown(self) -> None:
        """Close the connection after the response in progress, or after that to a request on its way."""
        self._shutting_down = True
        self.inline = None  # inline responses do not say `connection: close`
        self.forward_to_app()
        if self.cycle is None or self.cycle.response_complete:
            # Idle: the client may have sent a request before it could know. Closing now would lose it.
            self._head_deadline = self.loop.time() + CLOSE_GRACE_SECONDS
            self._check_deadlines()
        else:
            super().shutdown()

    def _should_upgrade(self) -> bool:
        """Return True for an upgrade request, so that uvicorn calls `handle_websocket_upgrade`.

        A CONNECT request stops the parser in the same way, but has no other protocol to ignore.
        """
        return self.scope["method"] != "CONNECT"

    def handle_websocket_upgrade(self) -> None:
        """Ignore the offer of another protocol (RFC 9110, section 7.8) and parse the request as plain HTTP/1.1.

        The parser stops after the head of an upgrade request. A new parser gets the same head without the `upgrade`
        header, and then the bytes that followed it.
        """
        stop = sys.exception()  # uvicorn calls this while it handles HttpParserUpgrade
        assert stop is not None  # noqa: S101  (narrows the type)
        method, version = self.scope["method"].encode(), self.scope["http_version"].encode()
        kept = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, kept)
        # The stopped parser may take this request for the last one of the connection, so it is not used again.
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does: pipelined requests
        self.parse(head + self._chunk[stop.args[0] :])  # the exception's argument is the offset after the head

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (uvicorn's text names no cause)
        """Send status 400 as JSON to bytes that are not an HTTP/1.1 request, or the status of a refusal."""
        self._send_error(*self._refusal or (400, "the request is not valid HTTP/1.1"))

    def _time_head(self) -> None:
        """Limit the time for the head that is arriving to be complete; more bytes of it do not extend that time."""
        self._head_deadline, self._head_timed = self.loop.time() + self._head_timeout, True

    def _check_deadlines(self) -> None:
        """Close the connection if a deadline has passed, then set the timer for the next check."""
        if self._timer is not None:
            self._timer.cancel()
        now = self.loop.time()
        if now >= self._read_deadline:
            # The write buffer never empties: `close` would wait for it, so drop it.
            self.transport.abort()
            return
        if now >= self._head_deadline:
            # The client must still read the 408, or the end of its last response.
            self._head_deadline, self._read_deadline = inf, min(self._read_deadline, now + self._read_timeout)
            if self._in_head:
                self._send_error(408, f"the head of the request was not complete within {self._head_timeout:g} s")
            else:
                self.transport.close()  # idle: there is no request to respond to
        # A deadline that is set meanwhile starts no timer, so it is noticed up to one period late.
        period = min(self.timeout_keep_alive, self._head_timeout)
        next_check = min(self._head_deadline, self._read_deadline, now + period)
        self._timer = self.loop.call_at(next_check, self._check_deadlines)

    def _send_error(self, status: int, text: str) -> None:
        """Send {"error": text} and close the connection; abort it if a response is in progress.

        Args:
            status: HTTP status.
            text: Description of the error.
        """
        if self.pipeline or (self.cycle and self.cycle.response_started and not self.cycle.response_complete):
            # An error between the parts of another response would corrupt it.
            self.transport.abort()
            return
        self.write_response(error_response(status, text), RequestId.from_headers({}), b"connection: close\r\n")
        self.transport.close()

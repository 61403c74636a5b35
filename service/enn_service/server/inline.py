"""InlineProtocol: uvicorn's HTTP/1.1 protocol, which answers whole small POST requests before ASGI.

A request takes one of three routes:

1. `try_cached_head`: the request repeats the head of the last inline request byte for byte and came in one read.
   Nothing is parsed; the responder of that head gets the body.
2. `on_headers_complete` finds a responder: the body is buffered, and `on_message_complete` calls the responder.
3. `forward_to_app`: uvicorn starts an ASGI task, as it does for every request. A buffered request can take this route
   at any time before it is answered. If a responder has parsed a request but could not finish it, the scope carries the
   unfinished work, so that the application parses nothing again.
"""

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from enn_service.http.inline import SCOPE_UNFINISHED, InlineHandler, InlineResponder, Unfinished
from enn_service.http.request_id import RequestId
from enn_service.http.responses import Response, to_http11
from enn_service.inference.cost import SMALL_BYTES
from enn_service.inference.types import EncodedResponse
from enn_service.server.pipelining import HEAD_END, PipelinedProtocol
from enn_service.server.write_coalescing import CoalescingTransport

if TYPE_CHECKING:
    from httptools import HttpRequestParser

MAX_INLINE_BODY = SMALL_BYTES
"""Longest body that is buffered here, in bytes; a longer one is forwarded to the application."""
BODY_WAIT_SECONDS = 0.05
"""Longest wait for a body after its head, in seconds; after that, the application waits for the body."""
MAX_CACHED_HEAD = 1024
"""Longest head that is cached, in bytes."""


class CachedHead(NamedTuple):
    """Head of the last request that was answered inline.

    Attributes:
        head: Bytes of the head, with the empty line.
        request_size: Bytes of a whole request with this head: it has the content length in it.
        responder: Function that answers a body that follows this head.
    """

    head: bytes
    request_size: int
    responder: InlineResponder


class InlineProtocol(PipelinedProtocol):
    """uvicorn's protocol with an inline stage before ASGI, which an application offers as its attribute `inline`.

    Attributes:
        inline: Chooser of the requests to answer before ASGI; None if all go to the application.
    """

    inline: InlineHandler | None = None
    _cached: CachedHead | None = None
    _responder: InlineResponder | None = None
    """Responder of the request whose body is being buffered; None if no request is."""
    _buffer = b""
    """Bytes received so far of the buffered body."""
    _unfinished: Unfinished | None = None
    """Unfinished work of a responder for the request that is being read."""
    _may_inline = False
    """True until a request of this read has been buffered. One request per read is answered inline, so that other
    connections are served in between."""
    _body_timer: asyncio.TimerHandle | None = None
    _server_headers: list[tuple[bytes, bytes]] | None = None
    _server_lines = b""
    """Default headers of the server, as a list and as lines of a head."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Set up the connection; responses go through the coalescing transport."""
        self.inline = getattr(self.app, "inline", None)
        self._coalescing = CoalescingTransport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._coalescing))

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the buffered body."""
        self._take_buffered()
        super().connection_lost(exc)

    def try_cached_head(self, data: bytes) -> bool:
        """Answer a request that repeats the cached head; return False if the parser has to read these bytes."""
        cached = self._cached
        # The size comes first: comparing it is cheap and excludes a request in pieces, or two in one read.
        if cached is None or len(data) != cached.request_size or not data.startswith(cached.head) or not self._is_idle:
            return False
        return self._try_inline(cached.responder, data[len(cached.head) :])

    def data_received(self, data: bytes) -> None:
        """Parse bytes, and limit the time for which a buffered request waits for the rest of its body."""
        self._may_inline = True
        super().data_received(data)
        if self._responder is not None and self._body_timer is None:
            self._body_timer = self.loop.call_later(BODY_WAIT_SECONDS, self.forward_to_app)

    def on_message_begin(self) -> None:
        """Record the bytes in which the request begins, and drop the cached head of the request before."""
        self._first_chunk, self._cached = self._chunk, None
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Buffer the request if a responder takes it, else forward it to the application."""
        # The parser appends the trailers of a chunked body to `self.headers`: the scope keeps the head's own list.
        self.headers = self.headers.copy()
        if self._may_inline and self._is_idle and self.inline and self._is_plain_post():
            self._responder = self.inline(self.url, dict(self.scope["headers"]), self.client[0] if self.client else "")
        if self._responder is None:
            self._unfinished = None
            super().on_headers_complete()  # starts the ASGI task
        else:
            self._may_inline = False

    def on_body(self, body: bytes) -> None:
        """Buffer a part of the body, or feed it to the application."""
        if self._responder is None:
            self._feed_body(body)
            return
        self._buffer += body
        # A chunked body announces no length, so its size is checked as it comes.
        if len(self._buffer) > MAX_INLINE_BODY:
            self.forward_to_app()

    def on_message_complete(self) -> None:
        """Answer the buffered request, or forward it."""
        responder = self._responder
        if responder is not None and self._try_inline(responder, self._buffer):
            self._cached = self._cacheable_head(self._take_buffered(), responder)
            return
        self.forward_to_app()
        super().on_message_complete()  # tells the task that the body is complete

    def forward_to_app(self) -> None:
        """Forward the buffered request, if there is one, with what has come of its body."""
        buffering, body = self._responder is not None, self._take_buffered()
        if buffering and not self.transport.is_closing():
            # The parser may have read trailers by now; an `expect` among them has no effect.
            self.expect_100_continue = False
            if self._unfinished is not None:
                cast("dict[str, Any]", self.scope)[SCOPE_UNFINISHED] = self._unfinished
                self._unfinished = None
            super().on_headers_complete()  # starts the ASGI task
            if body:
                self._feed_body(body)

    def write_response(
        self, response: Response | EncodedResponse, request_id: RequestId, more_headers: bytes = b""
    ) -> None:
        """Write a whole response.

        Args:
            response: Status, headers and body.
            request_id: Identity of the request, which the response repeats.
            more_headers: Further header lines, each with its line end.
        """
        headers = self.server_state.default_headers
        # uvicorn replaces the list by a new one every second: its lines are joined once for all responses until then.
        if headers is not self._server_headers:
            self._server_headers, self._server_lines = headers, b"".join([b"%b: %b\r\n" % each for each in headers])
        first_lines = STATUS_LINE[response.status] + self._server_lines + more_headers
        self._coalescing.write_response(to_http11(response, first_lines, request_id))

    @property
    def _is_idle(self) -> bool:
        """Return True if no response is in progress and the client is not backpressured."""
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def _is_plain_post(self) -> bool:
        """Return True if the parsed head is of a POST request that keeps the connection open and offers no upgrade."""
        parser = cast("HttpRequestParser", self.parser)
        return (
            parser.get_method() == b"POST"
            and parser.should_keep_alive()
            and parser.get_http_version() != "1.0"
            and not parser.should_upgrade()
            and not self.expect_100_continue
        )

    def _try_inline(self, responder: InlineResponder, body: bytes) -> bool:
        """Answer a whole request; return False if the application has to."""
        # `shutdown` sets `inline` to None; an unfinished request has been parsed, and is not parsed again.
        if self.inline is None or self._unfinished is not None:
            return False
        answer = responder(body)
        if answer is None:
            return False
        if isinstance(answer, Unfinished):
            self._unfinished = answer
            return False
        self.write_response(*answer)
        self.on_response_complete()
        return True

    def _feed_body(self, body: bytes) -> None:
        """Append to the body that the application reads next; keep a first part as bytes, to save a copy."""
        cycle = self.cycle
        if not cycle.body:
            cycle.body = b""  # type: ignore[assignment]
        elif isinstance(cycle.body, bytes):
            cycle.body = bytearray(cycle.body)
        super().on_body(body)

    def _cacheable_head(self, body: bytes, responder: InlineResponder) -> CachedHead | None:
        """Return the head of the request just answered; None unless it came in one read, alone and with its length."""
        data = self._chunk
        size = data.find(HEAD_END) + len(HEAD_END)
        alone = data is self._first_chunk and len(data) == size + len(body) and size <= MAX_CACHED_HEAD
        if not alone or (b"content-length", b"%d" % len(body)) not in self.scope["headers"]:
            return None
        return CachedHead(data[:size], len(data), responder)

    def _take_buffered(self) -> bytes:
        """Stop buffering and return the body so far."""
        body, self._buffer, self._responder = self._buffer, b"", None
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None
        return body

"""Prompt answers: what came whole and takes little is answered where it is read."""

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from enn_service.http.request_id import RequestId
from enn_service.http.responses import Response
from enn_service.server.write_coalescing import CoalescingTransport

if TYPE_CHECKING:
    from httptools import HttpRequestParser

MAX_INLINE_BODY = 64 * 1024
"""A larger body is the application's to read."""
BODY_WAIT_SECONDS = 0.05
"""A body that comes later than this after its head is the application's to wait for."""
MAX_CACHED_HEAD = 1024
"""A longer head is not remembered."""


InlineHandler = Callable[[bytes], tuple[Response, RequestId] | None]
"""Returns the reply to a request with this body; None where it takes longer, and nothing has happened."""
InlineRouter = Callable[[bytes, Mapping[bytes, bytes]], InlineHandler | None]
"""Returns what answers a POST with this target and these headers at once; None where that is the application's."""


class CachedHead(NamedTuple):
    """What stands before a body.

    Attributes:
        text: Its bytes.
        size: How many bytes a request with this head has in all.
        answering: What answers it.
    """

    text: bytes
    size: int
    answering: InlineHandler


class InlineProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which answers a request without a task where the application has `at_once` and uses it.

    Attributes:
        at_once: The application's; None where it has none, or the connection is to answer nothing more by it.
    """

    at_once: InlineRouter | None = None
    _last: CachedHead | None = None
    """The head of the last request answered at once."""
    _answering: InlineHandler | None = None
    """What may answer the request that is held; None where none is."""
    _held = b""
    """The body so far of that request."""
    _turn = False
    """Whether what is being read may still have an answer at once: one, so that the others are answered too."""
    _read = _begun = b""
    """What is being read, and what was when the request began."""
    _hand_over: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to send by the outbox."""
        self.at_once = getattr(self.app, "at_once", None)
        self._gathered = CoalescingTransport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._gathered))

    def connection_lost(self, exc: Exception | None) -> None:
        """Hold nothing."""
        self._let_go()
        super().connection_lost(exc)

    def answer_again(self, data: bytes) -> bool:
        """Answer a request whose head is that of the last one, byte for byte; return whether it was one."""
        last = self._last
        if last is None or len(data) != last.size or not data.startswith(last.text) or not self._idle:
            return False
        return self._answer(last.answering, data[len(last.text) :])

    def data_received(self, data: bytes) -> None:
        """Read on; a head whose body is still to come waits for it a moment."""
        self._turn = True
        self.read(data)
        self._read = self._begun = b""
        if self._answering is not None and self._hand_over is None:
            self._hand_over = self.loop.call_later(BODY_WAIT_SECONDS, self.hand_over)

    def read(self, data: bytes) -> None:
        """Give bytes to the parser."""
        self._read = data
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Remember where the request began."""
        self._begun, self._last = self._read, None
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hold the request, or give it to the application; fields that follow a body in chunks are no headers."""
        self.headers = self.headers.copy()  # to which those go; the scope has the head's
        if self._turn and self._idle and self.at_once and self._plain(cast("HttpRequestParser", self.parser)):
            self._answering = self.at_once(self.url, dict(self.scope["headers"]))
        if self._answering is None:
            super().on_headers_complete()
        else:
            self._turn = False

    def on_body(self, body: bytes) -> None:
        """Hold it, or give it to the application."""
        if self._answering is None:
            self._give(body)
            return
        self._held += body
        if len(self._held) > MAX_INLINE_BODY:
            self.hand_over()

    def on_message_complete(self) -> None:
        """Answer the request at once, or give it to the application."""
        answering = self._answering
        if answering is not None and self._answer(answering, self._held):
            self._last = self._head(self._let_go(), answering)
            return
        self.hand_over()
        super().on_message_complete()

    def hand_over(self) -> None:
        """Give the request that is held, if there is one, to the application, with what has come of its body."""
        waited, held = self._answering is not None, self._let_go()
        if waited and not self.transport.is_closing():
            self.expect_100_continue = False  # whatever followed the body
            super().on_headers_complete()
            if held:
                self._give(held)

    def _give(self, body: bytes) -> None:
        """Give the application what came of a body: what it has read by the time more comes is not copied."""
        cycle = self.cycle
        if not cycle.body:
            cycle.body = b""  # type: ignore[assignment]
        elif isinstance(cycle.body, bytes):
            cycle.body = bytearray(cycle.body)
        super().on_body(body)

    def reply(self, reply: Response, identity: RequestId, more: bytes = b"") -> None:
        """Send a whole answer, with more lines in its head."""
        own = _header_lines(tuple(self.server_state.default_headers))
        self._gathered.send(reply.http(STATUS_LINE[reply.status] + own + more, identity))

    @property
    def _idle(self) -> bool:
        """Whether no answer is under way, and the client reads."""
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def _plain(self, parser: "HttpRequestParser") -> bool:
        """Return whether the request whose head was read is one after which the connection simply goes on."""
        return (
            parser.get_method() == b"POST"
            and parser.should_keep_alive()
            and parser.get_http_version() != "1.0"
            and not parser.should_upgrade()
            and not self.expect_100_continue
        )

    def _answer(self, answering: InlineHandler, body: bytes) -> bool:
        """Answer a request at once; return whether that could be done."""
        answer = None if self.at_once is None else answering(body)
        if answer is None:
            return False
        self.reply(*answer)
        self.on_response_complete()
        return True

    def _head(self, body: bytes, answering: InlineHandler) -> CachedHead | None:
        """Return the head of the request that has just been read; None where it did not come with its body alone."""
        data = self._read
        size = data.find(b"\r\n\r\n") + 4
        alone = data is self._begun and len(data) == size + len(body) and size <= MAX_CACHED_HEAD
        if not alone or (b"content-length", b"%d" % len(body)) not in self.scope["headers"]:
            return None
        return CachedHead(data[:size], len(data), answering)

    def _let_go(self) -> bytes:
        """Return the body that was held, and hold none any more."""
        held, self._held, self._answering = self._held, b"", None
        if self._hand_over is not None:
            self._hand_over.cancel()
            self._hand_over = None
        return held


@lru_cache(1)
def _header_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return headers, the same for all answers of a second, as they stand in a head."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])

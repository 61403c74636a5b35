"""PipelinedProtocol: uvicorn's HTTP/1.1 protocol with a bound on the requests that one connection has parsed.

A client may pipeline: send requests before it has read the responses to earlier ones. uvicorn parses a whole read at
once, which can hold thousands of requests. Here a connection parses `MAX_PIPELINED_REQUESTS` requests ahead; the other
bytes of the read wait, and reading stays paused, until responses have been sent.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_PIPELINED_REQUESTS = 64
"""Maximum number of parsed requests that wait on a connection for the response before theirs."""
HEAD_END = b"\r\n\r\n"
"""End of the head of a request: bytes that contain it once complete at most one head."""
MIN_HEAD_BYTES = len(b"GET / HTTP/1.0" + HEAD_END)


class PipelinedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which parses a bounded number of requests ahead."""

    _chunk = _first_chunk = b""
    """Bytes that are being parsed, and those among them in which the current request began."""
    _waiting = b""
    """Received bytes of which those after `_parsed` are not parsed yet."""
    _parsed = 0
    _is_parsing = False

    def data_received(self, data: bytes) -> None:
        """Parse bytes, or as many of them as the pipeline takes."""
        few = len(data) <= MIN_HEAD_BYTES * MAX_PIPELINED_REQUESTS or data.count(HEAD_END) <= MAX_PIPELINED_REQUESTS
        if few and not self.pipeline:
            self.parse(data)
            return
        self._waiting, self._parsed = self._waiting[self._parsed :] + data, 0
        self.parse_waiting()

    def parse(self, data: bytes) -> None:
        """Feed the parser, which calls the `on_...` methods."""
        self._chunk = data
        super().data_received(data)
        self._chunk = self._first_chunk = b""  # these bytes must not live as long as an idle connection

    def parse_waiting(self) -> None:
        """Parse bytes that wait while the pipeline has room: from one end of a head to the next."""
        if self._is_parsing:  # an inline response, sent from within the parser, completes a request
            return
        self._is_parsing = True
        try:
            while self._waiting and len(self.pipeline) < MAX_PIPELINED_REQUESTS and not self.transport.is_closing():
                self.parse(self._next_piece())
        finally:
            self._is_parsing = False
        if self._waiting:
            self.flow.pause_reading()

    def _next_piece(self) -> bytes:
        """Take the bytes up to the next end of a head, or all, from those that wait."""
        end = self._waiting.find(HEAD_END, self._parsed)
        piece = self._waiting[self._parsed : len(self._waiting) if end < 0 else end + len(HEAD_END)]
        self._parsed += len(piece)
        if self._parsed == len(self._waiting):
            self._waiting, self._parsed = b"", 0
        return piece

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the bytes that wait."""
        self._waiting = b""
        super().connection_lost(exc)

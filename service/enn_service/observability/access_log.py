"""AccessLog: one line of JSON for each request on standard output.

The event loop makes a line from a part that requests with the same head, key, status and number of rows share, and a
few values of the request. It joins some lines at a time, because many small objects that live on slow it down. A thread
writes the lines of a tenth of a second by one call of the operating system.
"""

import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from select import PIPE_BUF
from time import perf_counter_ns, time_ns

import orjson

from enn_service.observability.event_queue import EventQueue

MAX_QUEUED = 10_000
"""Lines that wait to be written, at most 5 KB each; further ones are dropped, and a warning gives their number."""
BATCH_SECONDS = 0.1
"""Time that lines are collected before they are written, in seconds: the queue holds those of 100,000 requests/s."""
JOINED_LINES = 64
"""Number of lines that are joined to one block."""
MAX_TEXT = 256
"""Maximum number of characters of a path or of an address in a line."""
STANDARD_OUTPUT = 1
REQUEST_ID = b"x-request-id"
"""Header with an id that the client has chosen, which may need escapes; ids that the service chooses need none."""
SHARED = b'%b,"key":%b,"status":%d,"rows":%d'
LINE = b'{"time":"%b",%b,"microseconds":%d,"request_id":"%b"}\n'

Recorder = Callable[[str, bytes, int, int, int], None]
"""Function that records a request: name of its key, request id, status, rows, and `perf_counter_ns` at start."""


class AccessLog:
    """Writer of the access log.

    Args:
        descriptor: File descriptor of the log.
    """

    def __init__(self, descriptor: int = STANDARD_OUTPUT) -> None:
        self._descriptor = descriptor
        # Lines of several workers come through one pipe: the system keeps only short writes whole.
        self._is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
        self._lines, self._joining = deque[bytes](), threading.Lock()
        blocks, purpose = MAX_QUEUED // JOINED_LINES, "written to the access log"
        self._queue = EventQueue(self._write, blocks, BATCH_SECONDS, purpose, self._join)
        self.close = self._queue.close
        self._offset = time_ns() - perf_counter_ns()
        self._time, self._next_millisecond = b"", 0  # requests of one millisecond share its text

    def recorder(self, method: str, path: str, client: str, headers: Mapping[bytes, bytes]) -> Recorder:
        """Return the function that records requests with the same head.

        Args:
            method: HTTP method.
            path: Path of the URL.
            client: Address of the other end of the connection, which may be a proxy.
            headers: Request headers, names in lower case; `x-forwarded-for` is logged as it came.
        """
        fields = {"client": client[:MAX_TEXT], "method": method, "path": path[:MAX_TEXT]}
        if (forwarded := headers.get(b"x-forwarded-for")) is not None:
            fields["forwarded_for"] = forwarded.decode("latin-1")[:MAX_TEXT]
        head = orjson.dumps({name: text.encode("utf-8", "replace").decode() for name, text in fields.items()})[1:-1]
        lines, chosen_by_client = self._lines, REQUEST_ID in headers
        last: tuple[str, int, int] | None = None
        shared = b""

        def record(key: str, request_id: bytes, status: int, rows: int, started: int) -> None:
            nonlocal last, shared
            now = perf_counter_ns()
            if now >= self._next_millisecond:
                self._set_time(now)
            if last != (key, status, rows):
                last = key, status, rows
                shared = SHARED % (head, orjson.dumps(key), status, rows)
            if chosen_by_client:
                request_id = orjson.dumps(request_id.decode("latin-1"))[1:-1]
            lines.append(LINE % (self._time, shared, (now - started) // 1000, request_id))
            if len(lines) >= JOINED_LINES:
                self._join()
            elif len(lines) == 1:
                self._queue.wake()

        return record

    def _set_time(self, now: int) -> None:
        """Set the text of the time to that of a value of `perf_counter_ns`."""
        millisecond = (now + self._offset) // 1_000_000
        self._next_millisecond = (millisecond + 1) * 1_000_000 - self._offset
        self._time = datetime.fromtimestamp(millisecond / 1000, UTC).isoformat(timespec="milliseconds").encode()

    def _join(self) -> None:
        """Join the lines so far to a block, and queue it; the event loop and the queue's thread do so."""
        with self._joining:  # keeps the order
            lines: list[bytes] = []
            while self._lines:  # to the last: only the first of several lines wakes the thread
                lines.append(self._lines.popleft())
            if lines:
                self._queue(b"".join(lines), len(lines))

    def _write(self, blocks: Sequence[bytes]) -> None:
        """Write lines, in pieces that a pipe keeps whole; follow the clock of the system."""
        self._offset = time_ns() - perf_counter_ns()
        text = b"".join(blocks)
        if not self._is_pipe:
            self._write_all(text)
            return
        piece = b""
        for line in text.splitlines(keepends=True):
            if len(piece) + len(line) > PIPE_BUF:
                self._write_all(piece)
                piece = b""
            piece += line
        self._write_all(piece)

    def _write_all(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]

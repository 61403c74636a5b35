"""Object storage with faults: a proxy before a real S3 server that fails, cuts, delays or falsifies answers."""

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, cast

from moto.server import ThreadedMotoServer


class Answer(NamedTuple):
    """Answer of the storage, as the S3 server gives it.

    Attributes:
        status: HTTP status.
        headers: Headers without the length.
        body: Complete body.
        sent: Number of bytes of the body that the proxy sends before it closes the connection; None for all.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    sent: int | None = None


class Request(NamedTuple):
    """Request of a client of the storage.

    Attributes:
        target: Path and query.
        key: Access key that has signed the request.
    """

    target: str
    key: str

    @property
    def is_listing(self) -> bool:
        return "list-type=2" in self.target

    @property
    def is_next_page(self) -> bool:
        return "continuation-token" in self.target


Fault = Callable[[Request, Answer], Answer]
"""Function that returns the answer to send to a GET instead of the given one; it may block."""


def refuse(status: int, code: str) -> Answer:
    """Return an error as S3 describes it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>injected</Message></Error>"
    return Answer(status, [("content-type", "application/xml")], body.encode())


def fail_second_page(request: Request, answer: Answer) -> Answer:
    return refuse(500, "InternalError") if request.is_next_page else answer


def cut_second_page(request: Request, answer: Answer) -> Answer:
    return answer._replace(body=answer.body[:200]) if request.is_next_page else answer


def end_after_first_page(request: Request, answer: Answer) -> Answer:
    """Say that the listing goes on, and not where."""
    token = b"NextContinuationToken"
    return answer._replace(body=answer.body.replace(token, b"Token")) if request.is_listing else answer


def refuse_listing(request: Request, answer: Answer) -> Answer:
    return refuse(403, "AccessDenied") if request.is_listing else answer


def deny(_request: Request, answer: Answer) -> Answer:
    return refuse(403, "InvalidObjectState")


def cut(_request: Request, answer: Answer) -> Answer:
    return answer._replace(sent=len(answer.body) // 2)


def shorten(_request: Request, answer: Answer) -> Answer:
    """Leave out the last byte, and the checksums of S3."""
    headers = [each for each in answer.headers if "checksum" not in each[0].lower()]
    return answer._replace(headers=headers, body=answer.body[:-1])


class FaultyStorage(ThreadingHTTPServer):
    """Proxy that hands each answer of an S3 server to `fault`.

    Args:
        upstream: Host and port of the S3 server.

    Attributes:
        fault: Current fault; None to change nothing.
        requests: Requests since the last `clear`.
    """

    daemon_threads = True

    def __init__(self, upstream: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Proxy)
        self.upstream, self.fault, self.requests = upstream, None, []
        self._released = threading.Event()

    fault: Fault | None
    requests: list[Request]

    def hang(self, _request: Request, answer: Answer) -> Answer:
        """Answer after `release`: a fault."""
        self._released.wait()
        return answer

    def release(self) -> None:
        """Let the hanging answers go, and set no fault."""
        self.fault = None
        self._released.set()
        self._released = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that has closed its connection."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_request(self) -> None:
        """Pass on one request, and send its answer or what the fault makes of it."""
        storage = cast("FaultyStorage", self.server)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        found = re.search("Credential=([^/]+)/", self.headers.get("authorization", ""))
        request = Request(self.path, found[1] if found else "")
        storage.requests.append(request)
        connection = http.client.HTTPConnection(*storage.upstream)
        connection.request(self.command, self.path, body, dict(self.headers))
        reply = connection.getresponse()
        kept = [each for each in reply.getheaders() if each[0].lower() not in ("connection", "content-length", "date")]
        answer = Answer(reply.status, kept, reply.read())
        length = reply.getheader("content-length") if self.command == "HEAD" else None
        connection.close()
        if self.command == "GET" and storage.fault is not None:
            answer = storage.fault(request, answer)
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("content-length", length or str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.sent])
        self.close_connection = self.close_connection or answer.sent is not None

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815  (names of the base class)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Write nothing."""


@contextmanager
def faulty_storage() -> Iterator[FaultyStorage]:
    """Run an S3 server and the proxy before it."""
    upstream = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    upstream.start()
    with FaultyStorage(upstream.get_host_and_port()) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.release()
            server.shutdown()
            thread.join()
            upstream.stop()

"""HTTP responses: bytes and ASGI messages of a response, its compression, and the JSON response to each exception."""

import asyncio
import hashlib
import logging
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, Protocol, Self

import orjson
from starlette.types import Message, Scope, Send

from enn_service.errors import RequestError
from enn_service.http.request_id import NOSNIFF, RequestId
from enn_service.inference.cost import SMALL_BYTES
from enn_service.inference.types import EncodedResponse

logger = logging.getLogger(__name__)

NO_STORE = (b"cache-control", b"no-store")
VARY_BY_KEY = (b"vary", b"x-api-key, authorization")
NOSNIFF_LINE = b"%b: %b\r\n" % NOSNIFF
VARY_BY_ENCODING = (b"vary", b"accept-encoding")
COMPRESSED_TYPES = (b"application/json", b"text/", b"application/javascript", b"image/svg")
"""Beginnings of the media types that compression makes much shorter; tensors as bytes are not among them."""
GZIP_LEVEL, ZSTD_LEVEL = 1, 3
"""Levels that cost the least time for the numbers of an answer."""
COMPRESSED_PIECE = 2**18
"""Number of bytes compressed at once: some milliseconds."""
COMPRESSION_THREADS = 2
"""Number of responses that are compressed at the same time; the others wait for their turns, piece by piece."""
ETAG_DIGITS = 32
"""Number of hexadecimal digits of an `ETag`: half a SHA-256."""


class Response(NamedTuple):
    """An HTTP response.

    Attributes:
        status: HTTP status.
        body: Bytes of the body.
        content_type: Media type of the body.
        headers: Further headers, (name, value) each.
        more: Bytes after those of `body`, in blocks.
    """

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: Sequence[tuple[str, str]] = ()
    more: Sequence[bytes] = ()

    @classmethod
    def of(cls, result: EncodedResponse) -> Self:
        """Return the response that carries a successful answer."""
        return cls(200, result.body, result.content_type, result.headers, result.more)

    @property
    def size(self) -> int:
        """Length of the whole body in bytes."""
        return len(self.body) + sum(map(len, self.more))

    async def send(self, send: Send, request_id: RequestId) -> None:
        """Send the response as ASGI messages.

        Args:
            send: ASGI callable.
            request_id: Id of the request, which the response repeats.
        """
        size = self.size
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % size),
            request_id.header,
            NOSNIFF,
        ]
        headers += [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        # A large response counts as in flight until the client has read it: the server waits before the empty part.
        large = size > SMALL_BYTES
        await send({"type": "http.response.body", "body": self.body, "more_body": large})
        for block in self.more:
            await send({"type": "http.response.body", "body": block, "more_body": True})
        if large:
            await send({"type": "http.response.body"})


def to_http11(response: Response | EncodedResponse, first_lines: bytes, request_id: RequestId) -> bytes:
    """Return a response as HTTP/1.1 bytes.

    Args:
        response: Body, content type and headers.
        first_lines: Status line and the server's own headers, each line with its end.
        request_id: Id of the request, which the response repeats.
    """
    more = b""
    if response.headers:
        lines = [f"{name.lower()}: {value}\r\n" for name, value in response.headers]
        more = "".join(lines).encode("latin-1", "replace")
    return b"%bcontent-type: %b\r\ncontent-length: %d\r\n%b: %b\r\n%b%b\r\n%b" % (
        first_lines,
        response.content_type,
        len(response.body),
        *request_id.header,
        NOSNIFF_LINE,
        more,
        response.body,
    )


def error_response(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response {"error": text}."""
    return Response(status, orjson.dumps({"error": text}), headers=tuple((headers or {}).items()))


def response_for_exception(error: Exception) -> Response:
    """Return the response to an exception: the message of a `RequestError`, else a 500 with a reference to the log."""
    if isinstance(error, RequestError):
        return error_response(error.status, str(error), error.headers)
    reference = uuid.uuid4().hex
    logger.error("request failed, reference %s", reference, exc_info=error)
    return error_response(500, f"internal error; the log has the details under {reference}")


def without_shared_caching(send: Send, *, public: bool) -> Send:
    """Return an ASGI `send` that forbids caches to store a response, unless the response says how to cache it.

    Args:
        send: ASGI callable.
        public: True if the response needs no key, False if only a request with the same key may get it.
    """

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if all(name != b"cache-control" for name, _ in headers):
                headers.append(NO_STORE)
            message["headers"] = headers if public else [*headers, VARY_BY_KEY]
        await send(message)

    return send_with_headers


def with_connection_close(send: Send) -> Send:
    """Return an ASGI `send` that closes the connection after the response."""

    async def closing_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return closing_send


def entity_tag(content: bytes) -> str:
    """Return the `ETag` of a content, or of a text that changes with it."""
    return f'"{hashlib.sha256(content).hexdigest()[:ETAG_DIGITS]}"'


def names_tag(listed: str, tag: str) -> bool:
    """Return True if a value of `If-None-Match` names an `ETag`; weak comparison (RFC 9110, 13.1.2)."""
    return listed.strip() == "*" or tag in {part.strip().removeprefix("W/") for part in listed.split(",")}


class Compressor(Protocol):
    """Compressor of one response."""

    def compress(self, data: memoryview, /) -> bytes:
        """Return compressed bytes, those of earlier data too."""
        ...

    def flush(self) -> bytes:
        """Return the rest."""
        ...


class Compression:
    """Compression of large responses for clients that accept it, piece by piece in threads.

    It has zstd if the package zstandard is installed, and gzip.
    """

    def __init__(self) -> None:
        self._compressors: dict[bytes, Callable[[], Compressor]] = {}
        if find_spec("zstandard") is not None:
            zstandard = import_module("zstandard")
            self._compressors[b"zstd"] = lambda: zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
        self._compressors[b"gzip"] = lambda: zlib.compressobj(GZIP_LEVEL, wbits=16 + zlib.MAX_WBITS)
        self._threads = ThreadPoolExecutor(COMPRESSION_THREADS, "compression")

    def wrap(self, send: Send, scope: Scope, headers: Mapping[bytes, bytes]) -> Send:
        """Return an ASGI `send` that compresses a large response.

        Args:
            send: ASGI callable.
            scope: ASGI scope of the request.
            headers: Request headers, names in lower case.
        """
        compressor: Compressor | None = None

        async def compressing_send(message: Message) -> None:
            nonlocal compressor
            if message["type"] == "http.response.start" and _is_compressible(message):
                coding = self._choose(headers.get(b"accept-encoding", b""))
                # HEAD has no body, and HTTP/1.0 has no chunks, which a body of unknown length needs.
                if coding and scope["method"] != "HEAD" and scope["http_version"] != "1.0":
                    compressor = self._compressors[coding]()
                message = _with_encoding(message, coding if compressor else b"")
            elif compressor is not None and message["type"] == "http.response.body":
                await self._send_body(compressor, message, send)
                return
            await send(message)

        return compressing_send

    async def _send_body(self, compressor: Compressor, message: Message, send: Send) -> None:
        """Send a part of a body compressed."""
        run, data = asyncio.get_running_loop().run_in_executor, memoryview(message.get("body", b""))
        for start in range(0, len(data), COMPRESSED_PIECE):
            piece = data[start : start + COMPRESSED_PIECE]
            if packed := await run(self._threads, compressor.compress, piece):
                await send({"type": "http.response.body", "body": packed, "more_body": True})
        if not message.get("more_body", False):
            await send({"type": "http.response.body", "body": await run(self._threads, compressor.flush)})

    def _choose(self, accepted: bytes) -> bytes:
        """Return the content coding that a client prefers of those that exist here; empty for none."""
        weights = dict(map(_weight, accepted.lower().split(b",")))
        fallback, plain = weights.get(b"*", 0.0), weights.get(b"identity", 0.0)
        found = {coding: weights.get(coding, fallback) for coding in self._compressors}
        best = max(found, key=lambda coding: found[coding])
        return best if found[best] > 0 and found[best] >= plain else b""


def _weight(part: bytes) -> tuple[bytes, float]:
    """Return a content coding of `Accept-Encoding` and its weight; 0 for a weight that is no number."""
    coding, _, parameters = part.partition(b";")
    name, _, value = parameters.partition(b"=")
    try:
        weight = float(value) if name.strip() == b"q" else 1.0
    except ValueError:
        weight = 0.0
    return coding.strip(), weight


def _is_compressible(message: Message) -> bool:
    """Return True if a response is large, of a type that compresses well, and has no content coding yet."""
    headers = dict(message["headers"])
    size, kind = headers.get(b"content-length", b""), headers.get(b"content-type", b"")
    return (
        message["status"] == 200
        and size.isdigit()
        and int(size) > SMALL_BYTES
        and kind.startswith(COMPRESSED_TYPES)
        and b"content-encoding" not in headers
    )


def _with_encoding(message: Message, coding: bytes) -> Message:
    """Return the start of a response that varies with `Accept-Encoding`, and has a content coding unless it is empty.

    The length is not known then, and the `ETag` is weak, because the bytes are others.
    """
    headers = [*message["headers"], VARY_BY_ENCODING]
    if coding:
        headers = [(name, value) for name, value in headers if name not in (b"content-length", b"accept-ranges")]
        headers = [
            (name, b"W/" + value if name == b"etag" and not value.startswith(b"W/") else value)
            for name, value in headers
        ]
        headers.append((b"content-encoding", coding))
    return {**message, "headers": headers}

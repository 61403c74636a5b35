"""HTTP responses: the bytes and ASGI messages of a response, and the JSON response to each exception."""

import hashlib
import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson
from starlette.types import Message, Send

from enn_service.errors import RequestError
from enn_service.http.request_id import NOSNIFF, RequestId
from enn_service.inference.cost import SMALL_BYTES
from enn_service.inference.types import EncodedResponse

logger = logging.getLogger(__name__)

NO_STORE = (b"cache-control", b"no-store")
VARY_BY_KEY = (b"vary", b"x-api-key, authorization")
NOSNIFF_LINE = b"%b: %b\r\n" % NOSNIFF
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

"""Replies: the one table from errors to HTTP statuses, and the JSON shape that every reply of both planes has."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson
from starlette.types import Send

from enn_service import errors
from enn_service.http.request_id import NOSNIFF, RequestId

logger = logging.getLogger(__name__)

STATUSES: Mapping[type[Exception], int] = {
    errors.InvalidRequestError: 400,
    errors.UnauthorizedError: 401,
    errors.ForbiddenError: 403,
    errors.UnknownModelError: 404,
    errors.BodyTimeoutError: 408,
    errors.ConflictError: 409,
    errors.BodyTooLargeError: 413,
    errors.UnsupportedMediaError: 415,
    errors.ModelNotReadyError: 503,
    errors.OverloadedError: 503,
    errors.ShuttingDownError: 503,
    errors.ResponseTimeoutError: 504,
}
HEADERS: Mapping[type[Exception], Mapping[str, str]] = {
    errors.UnauthorizedError: {"WWW-Authenticate": "Bearer"},
    errors.OverloadedError: {"Retry-After": "1"},
}
NOSNIFF_LINE = b"%b: %b\r\n" % NOSNIFF
MAX_BUFFERED_RESPONSE = 64 * 1024
"""A larger body counts as being answered until it is read."""


class Response(NamedTuple):
    """What goes out: a status, a body, what the body is, and headers besides those that tell of it."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: Sequence[tuple[str, str]] = ()

    def http(self, lines: bytes, identity: RequestId) -> bytes:
        """Return the reply that names its request as HTTP/1.1 has it; `lines` begin its head."""
        more = b""
        if self.headers:
            more = "".join([f"{name.lower()}: {value}\r\n" for name, value in self.headers]).encode(
                "latin-1", "replace"
            )
        return b"%bcontent-type: %b\r\ncontent-length: %d\r\n%b: %b\r\n%b%b\r\n%b" % (
            lines,
            self.content_type,
            len(self.body),
            *identity.header,
            NOSNIFF_LINE,
            more,
            self.body,
        )

    async def send(self, send: Send, identity: RequestId) -> None:
        """Send the reply as one ASGI response that names its request."""
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % len(self.body)),
            identity.header,
            NOSNIFF,
        ]
        headers += [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        # What is large is done once the client has read it: the server waits before the part that follows.
        large = len(self.body) > MAX_BUFFERED_RESPONSE
        await send({"type": "http.response.body", "body": self.body, "more_body": large})
        if large:
            await send({"type": "http.response.body"})


def error_response(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the reply {"error": text}."""
    return Response(status, orjson.dumps({"error": text}), headers=tuple((headers or {}).items()))


def response_for_exception(error: Exception) -> Response:
    """Return the reply to an error: its own text where the table knows it, else a reference to the log."""
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return error_response(status, str(error), HEADERS.get(kind))
    reference = uuid.uuid4().hex
    logger.error("request failed, reference %s", reference, exc_info=error)
    return error_response(500, f"internal error; the log has the details under {reference}")

"""Replies: the one table from errors to HTTP statuses, and the JSON shape that every reply of both planes has."""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from starlette.types import Send

from enn_service import errors

logger = logging.getLogger(__name__)

STATUSES: Mapping[type[Exception], int] = {
    errors.InvalidRequestError: 400,
    errors.UnknownModelError: 404,
    errors.BodyTooLargeError: 413,
    errors.UnsupportedMediaError: 415,
    errors.ModelNotReadyError: 503,
}


@dataclass(frozen=True)
class Reply:
    """What goes out: a status, a JSON body, and headers besides content-type and content-length."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send) -> None:
        """Send the reply as one ASGI response."""
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(self.body)).encode())]
        headers += [(name.encode(), value.encode("latin-1", "replace")) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def refusal(status: int, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Return the reply {"error": text}."""
    return Reply(status, orjson.dumps({"error": text}), headers or {})


def failure(error: Exception) -> Reply:
    """Return the reply to an error: its own text where the table knows it, else a reference to the log."""
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return refusal(status, str(error))
    reference = uuid.uuid4().hex
    logger.error("request failed, reference %s", reference, exc_info=error)
    return refusal(500, f"internal error; the log has the details under {reference}")

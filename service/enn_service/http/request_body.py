"""Bodies: read while they come, inflated where they are compressed, and never larger than allowed."""

import asyncio
import zlib
from collections.abc import Mapping

from starlette.types import Message, Receive

from enn_service.errors import BodyTooLargeError, InvalidRequestError, UnsupportedMediaError
from enn_service.inference.admission import Reservation

Headers = Mapping[bytes, bytes]

DECOMPRESSORS = {b"gzip": 16 + zlib.MAX_WBITS, b"x-gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}
MAX_LOOP_INFLATE = 64 * 1024
"""So many bytes are inflated in the event loop; what is larger goes on in a thread."""


class ClientDisconnect(Exception):  # noqa: N818  (Starlette's name)
    """The client went away before its request was whole."""


def content_length(headers: Headers) -> int:
    """Return how many bytes a body is said to have; 0 where nothing is said."""
    digits = headers.get(b"content-length", b"").lstrip(b"0")
    return int(digits[:20]) if digits.isdigit() else 0


async def read_body(headers: Headers, receive: Receive, limit: int, reservation: Reservation) -> bytes:
    """Return the body of a request, inflated.

    Args:
        headers: The request's headers, names in lower case.
        receive: Where the body comes from.
        limit: The most bytes that are read, and the most that they may inflate to.
        reservation: Holds the bytes of a body that comes in pieces.

    Raises:
        BodyTooLargeError: There are more; whether the length was announced or not.
        UnsupportedMediaError: The body is encoded in a way that is not read.
        InvalidRequestError: The body is not what its encoding says.
        ClientDisconnect: The client closed the connection.
        MemoryBudgetError: The bytes of the body exceed the memory budget.
    """
    encoding = headers.get(b"content-encoding", b"").lower()
    if encoding not in (b"", b"identity") and encoding not in DECOMPRESSORS:
        raise UnsupportedMediaError(
            f"content-encoding {encoding[:40].decode('latin-1')!r}: expected gzip, deflate or the body as it is"
        )
    if (length := content_length(headers)) > limit:
        raise _too_large(f"{length} bytes", limit)
    body = await _receive(receive, limit, reservation)
    if encoding in DECOMPRESSORS:
        body = await _decompress(body, encoding, limit)
        reservation.reserve(len(body))
    return body


async def _receive(receive: Receive, limit: int, reservation: Reservation) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body") and len(message.get("body", b"")) <= limit:
        return message.get("body", b"")
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large("more bytes than that", limit)
        if chunk:
            reservation.reserve(len(chunk))
            chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()


async def _decompress(body: bytes, encoding: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(DECOMPRESSORS[encoding])
    try:
        inflated = inflater.decompress(body, min(limit + 1, MAX_LOOP_INFLATE))
        if not inflater.eof and inflater.unconsumed_tail and len(inflated) <= limit:
            rest = limit + 1 - len(inflated)
            inflated += await asyncio.to_thread(inflater.decompress, inflater.unconsumed_tail, rest)
    except zlib.error as error:
        raise InvalidRequestError(f"the body is no {encoding.decode()}: {error}") from None
    if len(inflated) > limit:
        raise _too_large("more bytes than that once inflated", limit)
    if not inflater.eof or inflater.unused_data:
        raise InvalidRequestError(f"the body is no whole {encoding.decode()} stream")
    return inflated


def _too_large(found: str, limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"the body has {found}; at most {limit} are accepted")


def replay_body(body: bytes, receive: Receive) -> Receive:
    """Return a receive that gives a body already read, then what the connection says."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again

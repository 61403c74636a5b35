"""Request bodies: their declared lengths, reading with a size limit, and decompression."""

import asyncio
import zlib
from collections.abc import Mapping
from io import SEEK_END, BytesIO
from typing import Any, NamedTuple

from starlette.types import Message, Receive

from enn_service.errors import BodyTooLargeError, InvalidRequestError, UnsupportedMediaError
from enn_service.inference.admission import Reservation
from enn_service.inference.cost import SMALL_BYTES
from enn_service.protocols.open_inference_v2 import JSON_LENGTH

Headers = Mapping[bytes, bytes]
"""Headers of a request, names in lower case."""

DECOMPRESSORS = {b"gzip": 16 + zlib.MAX_WBITS, b"x-gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}
"""Parameter `wbits` of zlib for each content encoding."""
MAX_INFLATION = 1032
"""Maximum ratio of decompressed to compressed bytes of deflate (https://zlib.net/zlib_tech.html)."""
BODY = "the body"
MAX_GZIP_MEMBERS = 1024
"""Maximum number of gzip streams in one body; `bgzip` writes one for each 64 KiB."""


class ClientDisconnect(Exception):  # noqa: N818  (Starlette's name)
    """The client closed the connection before its request was complete."""


def json_part_length(headers: Headers) -> int | None:
    """Return the length of the JSON part of a body with binary tensors, in bytes; None if the whole body is JSON.

    Raises:
        InvalidRequestError: The header is no number.
    """
    value = headers.get(b"inference-header-content-length")
    if value is None:
        return None
    if not value.isdigit() or len(value) > 18:
        raise InvalidRequestError(
            f"{JSON_LENGTH}: {value[:40].decode('latin-1')!r}; expected the number of bytes of the JSON part"
        )
    return int(value)


def content_length(headers: Headers) -> int:
    """Return the `Content-Length` of a request; 0 if it is missing or no number."""
    digits = headers.get(b"content-length", b"").lstrip(b"0")
    return int(digits[:20]) if digits.isdigit() else 0


async def read_body(headers: Headers, receive: Receive, limit: int, reservation: Reservation) -> bytes:
    """Return the body of a request, decompressed.

    Args:
        headers: Headers of the request, names in lower case.
        receive: ASGI callable that gives the parts of the body.
        limit: Maximum size in bytes, both before and after decompression.
        reservation: Memory of the request; grows with the body, and again with the decompressed one.

    Raises:
        BodyTooLargeError: The body exceeds the limit, whether its length was declared or not.
        UnsupportedMediaError: The content encoding is not supported.
        InvalidRequestError: The body is not a complete stream of its content encoding.
        ClientDisconnect: The client closed the connection.
        MemoryBudgetError: The memory budget does not have the bytes now.
        TooMuchWorkError: The whole memory budget has fewer bytes.
    """
    encoding = headers.get(b"content-encoding", b"").lower()
    if encoding not in (b"", b"identity") and encoding not in DECOMPRESSORS:
        raise UnsupportedMediaError(
            f"content-encoding {encoding[:40].decode('latin-1')!r}: expected gzip, deflate or no encoding"
        )
    if (length := content_length(headers)) > limit:
        raise _too_large(f"{length} bytes", limit)
    body = await _receive(receive, limit, reservation)
    if encoding in DECOMPRESSORS:
        packed = len(body)
        body = await _decompress(body, encoding, limit, reservation)
        reservation.give_back(packed)
    return body


async def _receive(receive: Receive, limit: int, reservation: Reservation) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body") and len(message.get("body", b"")) <= limit:
        body = message.get("body", b"")  # whole in one message: no copy
        reservation.reserve(len(body), BODY)
        return body
    content = BytesIO()  # gives the bytes that it has collected without a copy
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        if content.tell() + len(chunk) > limit:
            raise _too_large("more bytes", limit)
        reservation.reserve(len(chunk), BODY)
        content.write(chunk)
        if not message.get("more_body", False):
            return content.getvalue()
        message = await receive()


async def _decompress(body: bytes, encoding: bytes, limit: int, reservation: Reservation) -> bytes:
    """Decompress a body, the first `SMALL_BYTES` in the event loop and the rest in a thread; reserve its memory."""
    decompressor = zlib.decompressobj(DECOMPRESSORS[encoding])
    try:
        # One byte more than the limit distinguishes a body of exactly that size from a larger one.
        content = decompressor.decompress(body, min(limit + 1, SMALL_BYTES))
        reservation.reserve(len(content), BODY)
        tail = _unread(decompressor)
        complete = decompressor.eof and not tail
        if tail and len(content) <= limit:
            # Reserved before the work: otherwise many small bodies could inflate at the same time. zlib may hold some
            # output of the input that it has consumed; `SMALL_BYTES` is more than that.
            first, most = len(content), min(limit + 1, len(content) + MAX_INFLATION * len(tail) + SMALL_BYTES)
            reservation.reserve(most - first, BODY)
            stream = _Stream(decompressor, content, tail)
            del content
            content, complete = await asyncio.to_thread(stream.finish, DECOMPRESSORS[encoding], most)
            reservation.give_back(most - len(content))
    except zlib.error as error:
        raise InvalidRequestError(f"the body is no {encoding.decode()}: {error}") from None
    if len(content) > limit:
        raise _too_large("more bytes once decompressed", limit)
    if not complete:
        raise InvalidRequestError(f"the body is not one complete {encoding.decode()} stream")
    return content


class _Stream(NamedTuple):
    """A compressed body that is decompressed in part.

    Attributes:
        decompressor: Decompressor of the current member.
        content: Bytes decompressed so far.
        tail: Bytes that are not decompressed yet.
    """

    decompressor: Any  # zlib has no name for the type
    content: bytes
    tail: bytes

    def finish(self, wbits: int, most: int) -> tuple[bytes, bool]:
        """Decompress the rest; return the whole content, and whether it is complete.

        A gzip body is a series of members (RFC 1952, section 2.2).

        Args:
            wbits: Parameter of zlib.
            most: Maximum size of the content in bytes; a larger one is not complete.

        Raises:
            zlib.error: The bytes are not of this encoding.
            InvalidRequestError: The body has too many members.
        """
        decompressor, content = self.decompressor, BytesIO(self.content)
        size = content.seek(0, SEEK_END)
        tail, position, members = memoryview(self.tail), 0, 1
        while size < most:
            if decompressor.eof:
                if position == len(tail) or wbits <= zlib.MAX_WBITS:
                    break
                members += 1
                if members > MAX_GZIP_MEMBERS:
                    raise InvalidRequestError(f"the body has more than {MAX_GZIP_MEMBERS} gzip members")
                decompressor = zlib.decompressobj(wbits)
            # In pieces, because zlib copies what follows the end of a member.
            piece = tail[position : position + SMALL_BYTES]
            part = decompressor.decompress(piece, most - size)
            if not (piece or part):
                break
            size += content.write(part)
            position += len(piece) - len(_unread(decompressor))
        return content.getvalue(), decompressor.eof and position == len(tail)


def _unread(decompressor: Any) -> bytes:  # noqa: ANN401  (zlib has no name for the type)
    """Return the bytes of the last input that a decompressor has not used."""
    return decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail


def _too_large(found: str, limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"the body has {found}; at most {limit} are accepted", max_bytes=limit)


def replay_body(body: bytes, receive: Receive) -> Receive:
    """Return an ASGI `receive` that gives a body already read, then the messages of another one."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay

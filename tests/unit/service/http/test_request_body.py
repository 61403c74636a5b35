"""Promises of request bodies: whole, decompressed, and never larger than the limit."""

import asyncio
import gzip
import zlib
from collections.abc import Sequence

import pytest
from starlette.types import Message

from enn_service.errors import BodyTooLargeError, InvalidRequestError, TooMuchWorkError, UnsupportedMediaError
from enn_service.http.request_body import MAX_GZIP_MEMBERS, ClientDisconnect, content_length, read_body, replay_body
from enn_service.inference.admission import MemoryBudget, Reservation
from enn_service.inference.cost import SMALL_BYTES

LIMIT = 4 * SMALL_BYTES
LARGE = bytes(LIMIT)
"""A body of just the limit: most of it is decompressed in a thread."""


def read(chunks: Sequence[bytes], *, disconnect: bool = False, budget: int = 8 * LIMIT, **headers: str) -> bytes:
    messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if disconnect:
        messages.append({"type": "http.disconnect"})
    else:
        messages[-1]["more_body"] = False

    async def receive() -> Message:
        return messages.pop(0)

    encoded = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return asyncio.run(read_body(encoded, receive, LIMIT, Reservation(MemoryBudget(budget))))


@pytest.mark.parametrize("chunks", [[b"abc"], [b"a", b"", b"bc"], [LARGE], [LARGE[:1], LARGE[1:]]])
def test_body_in_parts_is_joined(chunks: list[bytes]) -> None:
    assert read(chunks) == b"".join(chunks)


@pytest.mark.parametrize("content", [b"", b"{}", LARGE])
@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("X-Gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_compressed_body_is_decompressed(encoding, compress, content: bytes) -> None:
    assert read([compress(content)], content_encoding=encoding) == content


@pytest.mark.parametrize("chunks", [[LARGE + b"x"], [LARGE, b"x"]])
def test_body_beyond_the_limit_is_refused(chunks: list[bytes]) -> None:
    with pytest.raises(BodyTooLargeError, match=f"at most {LIMIT} are accepted"):
        read(chunks)


def test_declared_length_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(BodyTooLargeError, match=f"{LIMIT + 1} bytes"):
        read([b"x"], content_length=str(LIMIT + 1))


def test_decompressed_body_beyond_the_limit_is_refused() -> None:
    with pytest.raises(BodyTooLargeError, match="once decompressed"):
        read([gzip.compress(LARGE + b"x")], content_encoding="gzip")


@pytest.mark.parametrize("sizes", [(2, 3), (0, SMALL_BYTES + 1, 0), (LIMIT - 1, 1), (1,) * MAX_GZIP_MEMBERS])
def test_gzip_members_are_joined(sizes: Sequence[int]) -> None:
    body = b"".join([gzip.compress(b"x" * size) for size in sizes])
    assert read([body], content_encoding="gzip") == b"x" * sum(sizes)


def test_limits_hold_over_all_gzip_members() -> None:
    with pytest.raises(BodyTooLargeError, match="once decompressed"):
        read([gzip.compress(LARGE) + gzip.compress(b"x")], content_encoding="gzip")
    with pytest.raises(TooMuchWorkError):
        read([gzip.compress(LARGE[2:]) + gzip.compress(b"x")], budget=LIMIT - 2, content_encoding="gzip")
    with pytest.raises(InvalidRequestError, match=f"more than {MAX_GZIP_MEMBERS} gzip members"):
        read([gzip.compress(b"") * (MAX_GZIP_MEMBERS + 1)], content_encoding="gzip")
    with pytest.raises(InvalidRequestError, match="one complete deflate stream"):
        read([zlib.compress(b"{}") * 2], content_encoding="deflate")


@pytest.mark.parametrize("body", [b"", b"{}", gzip.compress(b"{}", mtime=0)[:-1], gzip.compress(b"{}", mtime=0) + b"x"])
def test_incomplete_or_wrong_gzip_stream_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="gzip"):
        read([body], content_encoding="gzip")


def test_unknown_encoding_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedMediaError, match="'br': expected gzip, deflate"):
        read([b"{}"], content_encoding="br")


def test_disconnect_before_the_end_is_raised() -> None:
    with pytest.raises(ClientDisconnect):
        read([b"{"], disconnect=True)


def test_memory_of_parts_and_decompressed_bytes_is_reserved() -> None:
    with pytest.raises(TooMuchWorkError):
        read([b"a", b"b"], budget=1)
    with pytest.raises(TooMuchWorkError):
        read([gzip.compress(b"abc", mtime=0)], budget=2, content_encoding="gzip")


@pytest.mark.parametrize(("text", "length"), [("", 0), ("12", 12), ("0012", 12), ("-1", 0), ("1e3", 0)])
def test_content_length_is_a_number_or_zero(text: str, length: int) -> None:
    assert content_length({b"content-length": text.encode()}) == length


def test_replayed_body_comes_before_other_messages() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def main() -> list[Message]:
        replay = replay_body(b"{}", receive)
        return [await replay(), await replay()]

    assert asyncio.run(main()) == [
        {"type": "http.request", "body": b"{}", "more_body": False},
        {"type": "http.disconnect"},
    ]


def test_large_body_is_reserved_before_it_is_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def inflate(*_: object) -> bytes:
        raise AssertionError("decompressed without a reservation")

    monkeypatch.setattr(asyncio, "to_thread", inflate)
    packed = gzip.compress(bytes(LIMIT), mtime=0)
    with pytest.raises(TooMuchWorkError):
        read([packed], budget=LIMIT - 1, content_encoding="gzip")


@pytest.mark.parametrize("size", [SMALL_BYTES, SMALL_BYTES + 1, LIMIT - 1, LIMIT])
def test_most_compressible_body_is_read_completely(size: int) -> None:
    assert read([gzip.compress(bytes(size), mtime=0)], content_encoding="gzip") == bytes(size)


def test_reservation_of_a_decompressed_body_is_its_size() -> None:
    budget = MemoryBudget(8 * LIMIT)
    body = bytes(SMALL_BYTES + 1)
    packed = gzip.compress(body, mtime=0)

    async def receive() -> Message:
        return {"type": "http.request", "body": packed, "more_body": False}

    headers = {b"content-encoding": b"gzip"}
    assert asyncio.run(read_body(headers, receive, LIMIT, Reservation(budget))) == body
    assert budget.reserved == len(body)

"""Promises of request ids: the client's if it is safe to repeat, else a new one."""

import asyncio

import pytest
from starlette.types import Message

from enn_service.http.request_id import HEADER, NOSNIFF, PAGE_SECURITY_HEADERS, RequestId


def test_printable_client_id_is_repeated() -> None:
    request_id = RequestId.from_headers({HEADER: b"a-1"})
    assert request_id == RequestId("a-1", (HEADER, b"a-1"))
    assert request_id.next_request() == request_id


@pytest.mark.parametrize("sent", [None, b"", b"a b", b"a\r\nset-cookie: x", b"\xff", b"x" * 129])
def test_other_requests_get_new_ids(sent: bytes | None) -> None:
    first = RequestId.from_headers({} if sent is None else {HEADER: sent})
    second = first.next_request()
    assert first.client_id == second.client_id == ""
    assert len({first.header, second.header, (HEADER, sent)}) == 3


def test_control_plane_responses_get_id_and_security_headers() -> None:
    sent: list[Message] = []
    policy = (b"content-security-policy", b"default-src 'none'")

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        wrapped = RequestId.from_headers({HEADER: b"a"}).wrap_send(send)
        await wrapped({"type": "http.response.start", "status": 200, "headers": [policy]})
        await wrapped({"type": "http.response.body", "body": b"x"})

    asyncio.run(main())
    own = [header for header in PAGE_SECURITY_HEADERS if header[0] != policy[0]]
    assert sent[0]["headers"] == [policy, (HEADER, b"a"), NOSNIFF, *own]
    assert sent[1] == {"type": "http.response.body", "body": b"x"}

"""The identity of a request: the client's own, else one that the service gives; every reply carries it."""

import itertools
import re
import uuid
from typing import NamedTuple

from starlette.types import Message, Send

from enn_service.http.request_body import Headers

HEADER = b"x-request-id"
NOSNIFF = (b"x-content-type-options", b"nosniff")
"""Every reply is what it says it is, and no browser is to guess otherwise."""
PAGE_SECURITY_HEADERS = [(b"content-security-policy", b"frame-ancestors 'none'"), (b"referrer-policy", b"no-referrer")]
"""No other page may hold one of this service, or learn its address from one."""
ACCEPTED = re.compile(rb"[\x21-\x7e]{1,128}")

_prefix = uuid.uuid4().hex[:16].encode() + b"-"
_numbers = itertools.count(1)


class RequestId(NamedTuple):
    """Who a request is.

    Attributes:
        given: What the client called it; empty where it gave no name, or one that is not printable or too long.
        header: What the reply carries.
    """

    given: str
    header: tuple[bytes, bytes]

    def next(self) -> "RequestId":
        """Return the identity of the next request with the same headers."""
        return self if self.given else _new()

    @classmethod
    def of(cls, headers: Headers) -> "RequestId":
        """Return the identity of a request with these headers, names in lower case."""
        given = headers.get(HEADER)
        if given is None or not ACCEPTED.fullmatch(given):
            return _new()
        return cls(given.decode("ascii"), (HEADER, given))

    def sending(self, send: Send) -> Send:
        """Return a send that adds to a reply's headers what every reply has."""

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                own = {name for name, _ in headers}  # a page may have a stricter policy
                page = [header for header in PAGE_SECURITY_HEADERS if header[0] not in own]
                message["headers"] = [*headers, self.header, NOSNIFF, *page]
            await send(message)

        return named


def _new() -> RequestId:
    return RequestId("", (HEADER, b"%b%d" % (_prefix, next(_numbers))))

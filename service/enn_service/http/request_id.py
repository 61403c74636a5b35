"""Request id and security headers: every response has the request's `x-request-id`, the client's or a new one."""

import itertools
import re
import uuid

from msgspec import Struct
from starlette.types import Message, Send

from enn_service.http.request_body import Headers

HEADER = b"x-request-id"
NOSNIFF = (b"x-content-type-options", b"nosniff")
"""Header of every response: browsers must not guess another content type."""
PAGE_SECURITY_HEADERS = [(b"content-security-policy", b"frame-ancestors 'none'"), (b"referrer-policy", b"no-referrer")]
"""Headers of responses of the control plane: no other page may embed one, or learn its address from a link."""
ACCEPTED = re.compile(rb"[\x21-\x7e]{1,128}")
"""Request ids of clients that responses repeat: printable ASCII, so that none can inject a header or a line of log."""

_prefix = uuid.uuid4().hex[:16].encode() + b"-"
_numbers = itertools.count(1)


class RequestId(Struct, frozen=True, gc=False):
    """Id of a request.

    Attributes:
        client_id: Id that the client sent; empty if it sent none, or one that is not printable or too long.
        header: Header of the response, (name, value).
    """

    client_id: str
    header: tuple[bytes, bytes]

    def next_request(self) -> "RequestId":
        """Return the id of another request with the same headers: the client's again, or a new one."""
        return self if self.client_id else _new()

    @classmethod
    def from_headers(cls, headers: Headers) -> "RequestId":
        """Return the id of a request with these headers, names in lower case."""
        client_id = headers.get(HEADER)
        if client_id is None or not ACCEPTED.fullmatch(client_id):
            return _new()
        return cls(client_id.decode("ascii"), (HEADER, client_id))

    def wrap_send(self, send: Send) -> Send:
        """Return an ASGI `send` that adds the request id and the security headers to a response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name for name, _ in headers}  # a page may have a stricter policy
                missing = [header for header in PAGE_SECURITY_HEADERS if header[0] not in present]
                message["headers"] = [*headers, self.header, NOSNIFF, *missing]
            await send(message)

        return send_with_headers


def _new() -> RequestId:
    return RequestId("", (HEADER, b"%b%d" % (_prefix, next(_numbers))))

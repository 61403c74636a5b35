"""The event that observers receive for each finished request."""

from collections.abc import Callable, Mapping
from time import time_ns
from typing import NamedTuple

TRACE_HEADERS = (b"traceparent", b"tracestate", b"baggage", b"b3")
"""Headers that an event keeps: those that carry the caller's trace. The other headers may hold keys and much memory."""
MAX_TRACE_HEADER = 1024
"""Maximum length of a header that an event keeps, in bytes."""
MAX_EVENT_PATH = 256
"""Maximum number of characters of the path in an event."""


def trace_headers(headers: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the trace headers of a request, without those that are too long.

    Args:
        headers: Request headers, names in lower case.
    """
    return {name: headers[name] for name in TRACE_HEADERS if name in headers and len(headers[name]) <= MAX_TRACE_HEADER}


class RequestEvent(NamedTuple):
    """A finished request.

    Attributes:
        id: Request ID sent in the response.
        method: HTTP method.
        path: Path of the URL, truncated after 256 characters.
        headers: Trace headers of the request, names in lower case.
        status: HTTP status of the response; 0 if the client disconnected before it.
        model: Name of the model; empty if the request names none.
        version: Version of the model that responded; empty without a model.
        rows: Number of rows in the response.
        began: Time of arrival, nanoseconds since 1970.
        nanoseconds: Duration until the response was sent completely.
    """

    id: str
    method: str
    path: str
    headers: Mapping[bytes, bytes]
    status: int
    model: str
    version: str
    rows: int
    began: int
    nanoseconds: int


RequestObserver = Callable[[RequestEvent], None]
"""Function that is called with each finished request."""


def finished_request(
    request_id: bytes,
    head: tuple[str, str, Mapping[bytes, bytes]],
    status: int,
    answer: tuple[str, str, int],
    took: int,
) -> RequestEvent:
    """Return the event of a request that has just finished.

    Args:
        request_id: Request ID sent in the response.
        head: Method, path and headers of the request.
        status: HTTP status of the response; 0 without a response.
        answer: Name and version of the model that responded, empty without one, and number of rows in the response.
        took: Duration in nanoseconds.
    """
    (method, path, headers), (name, version, rows), began = head, answer, time_ns() - took
    text, traced = request_id.decode("latin-1"), trace_headers(headers)
    return RequestEvent(text, method, path[:MAX_EVENT_PATH], traced, status, name, version, rows, began, took)

"""The event that observers receive for each finished request."""

from collections.abc import Callable, Mapping
from typing import NamedTuple


class RequestEvent(NamedTuple):
    """A finished request.

    Attributes:
        id: Request ID sent in the response.
        method: HTTP method.
        path: Path of the URL, truncated after 256 characters.
        headers: Request headers, names in lower case.
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

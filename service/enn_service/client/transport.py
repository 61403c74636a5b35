"""Headers, retries, and conversion between API calls and httpx, for both clients."""

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from httpx_retries import Retry

from enn_service.client import calls
from enn_service.client.calls import ApiCall, ParsedResponse
from enn_service.client.errors import UnreachableError

RETRY_STATUSES = (429, 502, 503, 504)
RETRY_EXCEPTIONS = (httpx.ConnectTimeout, httpx.NetworkError, httpx.RemoteProtocolError)
"""Failed connections. A read timeout is not among them: a second request would only add to the server's load."""
BACKOFF_SECONDS = 0.1
NO_RETRY = Retry(total=0)

Result = TypeVar("Result")


def retry_policy(retries: int, timeout: float) -> Retry:
    """Return the retry policy of a client.

    Args:
        retries: Maximum number of retries of a request.
        timeout: Maximum time for all waiting between retries, in seconds.
    """
    return Retry(
        total=retries,
        allowed_methods=("GET", "POST"),
        status_forcelist=RETRY_STATUSES,
        retry_on_exceptions=RETRY_EXCEPTIONS,
        backoff_factor=BACKOFF_SECONDS,
        total_timeout=timeout,
    )


def connection_headers(token: str | None, more: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of every request of a client.

    Args:
        token: API key or management token; None to send none.
        more: Further headers.
    """
    return {**({} if token is None else {"authorization": f"Bearer {token}"}), **(more or {})}


def build_request(http: httpx.Client | httpx.AsyncClient, call: ApiCall[Any]) -> httpx.Request:
    """Return the httpx request of a call."""
    headers = {calls.REQUEST_ID: call.request_id, **call.headers}
    extensions = {} if call.retryable else {"retry": NO_RETRY}
    return http.build_request(call.method, call.path, content=call.body, headers=headers, extensions=extensions)


def parse_response(call: ApiCall[Result], response: httpx.Response) -> Result:
    """Return the result of the response to a call.

    Raises:
        StatusError: The service responded with an error.
        UnexpectedAnswerError: The response is not in the format of this service.
    """
    return call.result(ParsedResponse(response.status_code, response.headers, response.content))


def unreachable(error: httpx.RequestError) -> UnreachableError:
    """Return the exception for a request without a response."""
    reason = str(error) or type(error).__name__
    return UnreachableError(f"no response to {error.request.method} {error.request.url}: {reason}")

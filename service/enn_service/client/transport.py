"""The transport: when a request is sent again, what it carries, and how its answer is read, for both clients."""

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from httpx_retries import Retry

from enn_service.client import calls
from enn_service.client.calls import ApiCall, ParsedResponse
from enn_service.client.errors import UnreachableError

AGAIN = (429, 502, 503, 504)
AGAIN_AFTER = (httpx.ConnectTimeout, httpx.NetworkError, httpx.RemoteProtocolError)
"""A connection that fails is tried again. An answer that is late is not: asking again would only add to the load."""
BACKOFF_SECONDS = 0.1
ONCE = Retry(total=0)

Result = TypeVar("Result")


def policy(retries: int, timeout: float) -> Retry:
    """Return when and how often a request is sent again."""
    return Retry(
        total=retries,
        allowed_methods=("GET", "POST"),
        status_forcelist=AGAIN,
        retry_on_exceptions=AGAIN_AFTER,
        backoff_factor=BACKOFF_SECONDS,
        total_timeout=timeout,
    )


def headers(token: str | None, more: Mapping[str, str] | None) -> dict[str, str]:
    """Return what every request carries."""
    return {**({} if token is None else {"authorization": f"Bearer {token}"}), **(more or {})}


def request(http: httpx.Client | httpx.AsyncClient, call: ApiCall[Any]) -> httpx.Request:
    """Return a call as it is sent."""
    headers = {calls.REQUEST_ID: call.request_id, **call.headers}
    extensions = {} if call.again else {"retry": ONCE}
    return http.build_request(call.method, call.path, content=call.body, headers=headers, extensions=extensions)


def read(call: ApiCall[Result], response: httpx.Response) -> Result:
    """Return what the answer to a call means."""
    return call.result(ParsedResponse(response.status_code, response.headers, response.content))


def unreachable(error: httpx.RequestError) -> UnreachableError:
    """Return that there was no answer, and why."""
    reason = str(error) or type(error).__name__
    return UnreachableError(f"no answer from {error.request.method} {error.request.url}: {reason}")

"""Calls over httpx, for both clients: connection headers, retry policy, requests and responses."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import closing
from typing import TypeVar

import httpx
from httpx_retries import Retry

from enn_service.client import calls
from enn_service.client.calls import ApiCall, ParsedResponse, RowsCall
from enn_service.client.exchange.deadline import Deadline
from enn_service.client.exchange.steps import Conversation, Reply, Step

RETRY_STATUSES = (429, 502, 503, 504)
RETRY_EXCEPTIONS = (httpx.ConnectTimeout, httpx.NetworkError, httpx.RemoteProtocolError)
"""Failed connections. A read timeout is not among them: a second request would only add to the server's load."""
BACKOFF_SECONDS = 0.1

Result = TypeVar("Result")


def retry_policy(retries: int) -> Retry:
    """Return the retry policy of a client.

    Args:
        retries: Maximum number of retries of a request.
    """
    return Retry(
        total=retries,
        status_forcelist=RETRY_STATUSES,
        retry_on_exceptions=RETRY_EXCEPTIONS,
        backoff_factor=BACKOFF_SECONDS,
    )


def connection_headers(token: str | None, more: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of every request of a client.

    Args:
        token: API key or management token; None to send none.
        more: Further headers.
    """
    return {**({} if token is None else {"authorization": f"Bearer {token}"}), **(more or {})}


def make_call(http: httpx.Client, call: ApiCall[Result] | RowsCall[Result], retry: Retry, seconds: float) -> Result:
    """Make a call and return its result.

    Args:
        http: Client that sends the requests.
        call: Call to make.
        retry: Policy of its requests.
        seconds: Maximum duration of the call.

    Raises:
        ClientError: The call failed.
    """
    deadline = Deadline(seconds)
    conversation = Conversation(call, retry, deadline)
    step = conversation.next()
    while step is not None:
        time.sleep(step.pause)
        step = conversation.next(_exchange(http, step, deadline))
    return conversation.result


async def make_call_async(
    http: httpx.AsyncClient, call: ApiCall[Result] | RowsCall[Result], retry: Retry, seconds: float
) -> Result:
    """Make a call and return its result; arguments and errors as in `make_call`."""
    deadline = Deadline(seconds)
    conversation = Conversation(call, retry, deadline)
    step = conversation.next()
    while step is not None:
        await asyncio.sleep(step.pause)
        step = conversation.next(await _exchange_async(http, step, deadline))
    return conversation.result


def _exchange(http: httpx.Client, step: Step, deadline: Deadline) -> Reply:
    """Send a request and return the response, or the exception if there is none."""
    request = _build_request(http, step, deadline)
    body = bytearray()
    try:
        with deadline.applied(), closing(http.send(request, stream=True)) as response:
            for part in response.iter_bytes():
                body += part
                if not deadline.remaining:  # of a transport other than DeadlineTransport
                    return httpx.ReadTimeout("timed out", request=request)
    except httpx.RequestError as error:
        return error
    return ParsedResponse(response.status_code, response.headers, bytes(body))


async def _exchange_async(http: httpx.AsyncClient, step: Step, deadline: Deadline) -> Reply:
    """Send a request and return the response, or the exception if there is none."""
    request = _build_request(http, step, deadline)
    try:
        async with asyncio.timeout(deadline.remaining):
            response = await http.send(request)
    except TimeoutError:
        return httpx.ReadTimeout("timed out", request=request)
    except httpx.RequestError as error:
        return error
    return ParsedResponse(response.status_code, response.headers, response.content)


def _build_request(http: httpx.Client | httpx.AsyncClient, step: Step, deadline: Deadline) -> httpx.Request:
    call = step.call
    headers = {calls.REQUEST_ID: call.request_id, **call.headers}
    return http.build_request(call.method, call.path, content=call.body, headers=headers, timeout=deadline.remaining)

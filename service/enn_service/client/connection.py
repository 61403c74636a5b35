"""The connection: the two thin clients over httpx; what they send and read is said in `calls`."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from httpx_retries import Retry, RetryTransport
from numpy.typing import NDArray

from enn_service.client import calls
from enn_service.client.calls import Answer, Call
from enn_service.client.errors import UnreachableError
from enn_service.client.results import Explanations, ModelVersion
from enn_service.client.rows import Row, Rows

AGAIN = (429, 502, 503, 504)
AGAIN_AFTER = (httpx.ConnectTimeout, httpx.NetworkError, httpx.RemoteProtocolError)
"""A connection that fails is tried again. An answer that is late is not: asking again would only add to the load."""
BACKOFF_SECONDS = 0.1
ONCE = Retry(total=0)
OUTPUT = ("output",)

Result = TypeVar("Result")


class Client:
    """A client of the service. Calls may come from several threads; use it as a context manager, or close it.

    No call changes anything in the service, so all but those of health are sent again: after a lost connection, and on
    429, 502, 503 and 504, where the server's Retry-After is waited for. Proxies of the environment are not used.

    Args:
        url: The service's address, e.g. "http://127.0.0.1:8080".
        token: An API key or the management token, sent as `Authorization: Bearer ...`.
        headers: Headers to send with every request.
        timeout: How long to wait for a connection and for each part of an answer, and between retries altogether, in
            seconds; more than 0.
        retries: How often a request is sent again; 0 or more.
        transport: An httpx transport, where a proxy, certificates or a Unix socket are to be chosen.

    Every call raises:
        ClientError: One of its kinds; `enn_service.client.errors` draws the tree.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        retrying = RetryTransport(transport or httpx.HTTPTransport(), _policy(retries, timeout))
        self._http = httpx.Client(
            base_url=url, headers=_headers(token, headers), timeout=timeout, transport=retrying, trust_env=False
        )

    def predict(self, model: str, rows: Rows, *, version: str | None = None) -> list[Any]:
        """Return one prediction a row, in the model's words.

        Args:
            model: The model's name.
            rows: Lists, a NumPy array or a pandas frame, [rows, features]; vectors in the order of the model's
                features, or objects by feature name in any order.
            version: The version; the newest that answers where none is named.

        Returns:
            [rows]; regression: numbers, or lists of several; classes: {"label", "score"} or {"label", "probabilities"}.
        """
        return self._send(calls.predict(model, rows, version))

    def explain(
        self,
        model: str,
        rows: Rows,
        *,
        version: str | None = None,
        output: str | int | bool | None = None,
        harmonics: bool = False,
        attributions: str | None = None,
        background: Rows | None = None,
        baseline: Row | None = None,
    ) -> Explanations:
        """Return the predictions of rows and their exact explanations.

        Args:
            model: The model's name.
            rows: As for predict.
            version: As for predict.
            output: The output to explain, a class label or a value's name; the predicted class where none is named.
            harmonics: Whether to split each bump into the terms of its series.
            attributions: "shapley" or "integrated_gradients", both exact, or "sampled_shapley".
            background: Rows that Shapley values compare with; those that the model carries where none are given.
            baseline: The row that integrated gradients start from; the mean of the training rows where none is given.
        """
        asked = calls.explain(
            model,
            rows,
            version,
            output=output,
            harmonics=harmonics,
            attributions=attributions,
            background=background,
            baseline=baseline,
        )
        return self._send(asked)

    def infer(
        self,
        model: str,
        rows: Rows,
        *,
        version: str | None = None,
        outputs: Sequence[str] = OUTPUT,
        binary: bool | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Return a model's tensors by name, as they leave the network: the way for large arrays.

        Args:
            model: The model's name.
            rows: A NumPy array or lists of numbers, [rows, features], in the order of the model's features.
            version: As for predict.
            outputs: Some of "output" [rows, outputs], "bumps" [rows, units, neurons], "pre_activation" [rows, units].
            binary: Whether tensors travel as bytes instead of JSON; by default from 4,096 numbers on.
        """
        return self._send(calls.infer(model, rows, version, outputs, binary=binary))

    def models(self) -> list[ModelVersion]:
        """Return every version in the service's repository, with its state."""
        return self._send(calls.models())

    def metadata(self, model: str | None = None, *, version: str | None = None) -> dict[str, Any]:
        """Return what the service, or a model, says about itself: its tensors, features, classes and scores."""
        return self._send(calls.metadata(model, version))

    def live(self) -> bool:
        """Say whether the service runs; an address where nothing answers raises UnreachableError."""
        return self._send(calls.live())

    def ready(self, model: str | None = None, *, version: str | None = None) -> bool:
        """Say whether the service, or a model, answers; an unknown model raises NotFoundError."""
        return self._send(calls.ready(model, version))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return the client, closed on leaving."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def _send(self, call: Call[Result]) -> Result:
        try:
            response = self._http.send(_request(self._http, call))
        except httpx.RequestError as error:
            raise _unreachable(error) from error
        return _read(call, response)


class AsyncClient:
    """The client for asyncio: the same calls as Client with the same arguments and results, awaited; `async with`."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        retrying = RetryTransport(transport or httpx.AsyncHTTPTransport(), _policy(retries, timeout))
        self._http = httpx.AsyncClient(
            base_url=url, headers=_headers(token, headers), timeout=timeout, transport=retrying, trust_env=False
        )

    async def predict(self, model: str, rows: Rows, *, version: str | None = None) -> list[Any]:
        """Return one prediction a row; see Client.predict."""
        return await self._send(calls.predict(model, rows, version))

    async def explain(
        self,
        model: str,
        rows: Rows,
        *,
        version: str | None = None,
        output: str | int | bool | None = None,
        harmonics: bool = False,
        attributions: str | None = None,
        background: Rows | None = None,
        baseline: Row | None = None,
    ) -> Explanations:
        """Return the predictions of rows and their exact explanations; see Client.explain."""
        asked = calls.explain(
            model,
            rows,
            version,
            output=output,
            harmonics=harmonics,
            attributions=attributions,
            background=background,
            baseline=baseline,
        )
        return await self._send(asked)

    async def infer(
        self,
        model: str,
        rows: Rows,
        *,
        version: str | None = None,
        outputs: Sequence[str] = OUTPUT,
        binary: bool | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Return a model's tensors by name; see Client.infer."""
        return await self._send(calls.infer(model, rows, version, outputs, binary=binary))

    async def models(self) -> list[ModelVersion]:
        """Return every version in the service's repository, with its state."""
        return await self._send(calls.models())

    async def metadata(self, model: str | None = None, *, version: str | None = None) -> dict[str, Any]:
        """Return what the service, or a model, says about itself."""
        return await self._send(calls.metadata(model, version))

    async def live(self) -> bool:
        """Say whether the service runs."""
        return await self._send(calls.live())

    async def ready(self, model: str | None = None, *, version: str | None = None) -> bool:
        """Say whether the service, or a model, answers."""
        return await self._send(calls.ready(model, version))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Return the client, closed on leaving."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.aclose()

    async def _send(self, call: Call[Result]) -> Result:
        try:
            response = await self._http.send(_request(self._http, call))
        except httpx.RequestError as error:
            raise _unreachable(error) from error
        return _read(call, response)


def _policy(retries: int, timeout: float) -> Retry:
    return Retry(
        total=retries,
        allowed_methods=("GET", "POST"),
        status_forcelist=AGAIN,
        retry_on_exceptions=AGAIN_AFTER,
        backoff_factor=BACKOFF_SECONDS,
        total_timeout=timeout,
    )


def _headers(token: str | None, headers: Mapping[str, str] | None) -> dict[str, str]:
    return {**({} if token is None else {"authorization": f"Bearer {token}"}), **(headers or {})}


def _request(http: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
    headers = {calls.REQUEST_ID: call.request_id, **call.headers}
    extensions = {} if call.again else {"retry": ONCE}
    return http.build_request(call.method, call.path, content=call.body, headers=headers, extensions=extensions)


def _read(call: Call[Result], response: httpx.Response) -> Result:
    return call.result(Answer(response.status_code, response.headers, response.content))


def _unreachable(error: httpx.RequestError) -> UnreachableError:
    reason = str(error) or type(error).__name__
    return UnreachableError(f"no answer from {error.request.method} {error.request.url}: {reason}")

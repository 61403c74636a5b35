"""The connection for asyncio: the calls of `connection`, awaited."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx
from httpx_retries import RetryTransport
from numpy.typing import NDArray

from enn_service.client import calls
from enn_service.client.calls import ApiCall, Endpoint, ExplainParameters, Outputs
from enn_service.client.results import Explanations, ModelVersion
from enn_service.client.rows import Rows
from enn_service.client.transport import headers as sent
from enn_service.client.transport import policy, read, request, unreachable

OUTPUT = ("output",)

Result = TypeVar("Result")


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
        retrying = RetryTransport(transport or httpx.AsyncHTTPTransport(), policy(retries, timeout))
        self._http = httpx.AsyncClient(
            base_url=url, headers=sent(token, headers), timeout=timeout, transport=retrying, trust_env=False
        )

    async def predict(self, model: str, rows: Rows, *, version: str | None = None) -> list[Any]:
        """Return one prediction a row; see Client.predict."""
        return await self._send(calls.predict(model, rows, version))

    async def explain(
        self, model: str, rows: Rows, *, version: str | None = None, **asked: Unpack[ExplainParameters]
    ) -> Explanations:
        """Return the predictions of rows and their exact explanations; see Client.explain."""
        return await self._send(calls.explain(model, rows, version, **asked))

    async def explain_outputs(
        self,
        model: str,
        rows: Rows,
        outputs: Outputs = "all",
        *,
        version: str | None = None,
        **asked: Unpack[ExplainParameters],
    ) -> dict[Any, Explanations]:
        """Return the explanations of several outputs, by output; see Client.explain_outputs."""
        return await self._send(calls.explain_outputs(model, rows, version, outputs, **asked))

    async def activations(
        self, model: str, *, version: str | None = None, layer: int | None = None, points: int | None = None
    ) -> dict[str, Any]:
        """Return every learned activation, or those of one layer; see Client.activations."""
        return await self._send(calls.explore(model, version, "activations", {"layer": layer, "points": points}))

    async def surface(
        self, model: str, x: str, y: str, *, version: str | None = None, **where: Unpack[Endpoint]
    ) -> dict[str, Any]:
        """Return an output over the plane of two features; see Client.surface."""
        return await self._send(calls.explore(model, version, "surface", {"x": x, "y": y, **where}))

    async def profile(
        self, model: str, feature: str, *, version: str | None = None, **where: Unpack[Endpoint]
    ) -> dict[str, Any]:
        """Return an output along one feature; see Client.profile."""
        return await self._send(calls.explore(model, version, "profile", {"feature": feature, **where}))

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

    async def _send(self, call: ApiCall[Result]) -> Result:
        try:
            response = await self._http.send(request(self._http, call))
        except httpx.RequestError as error:
            raise unreachable(error) from error
        return read(call, response)

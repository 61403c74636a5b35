"""The connection: the client over httpx; what it sends and reads is said in `calls`."""

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
        retrying = RetryTransport(transport or httpx.HTTPTransport(), policy(retries, timeout))
        self._http = httpx.Client(
            base_url=url, headers=sent(token, headers), timeout=timeout, transport=retrying, trust_env=False
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
        self, model: str, rows: Rows, *, version: str | None = None, **asked: Unpack[ExplainParameters]
    ) -> Explanations:
        """Return the predictions of rows and their exact explanations.

        Args:
            model: The model's name.
            rows: As for predict.
            version: As for predict.
            **asked: What to explain, and how far:
                output, the output to explain, a class label or a value's name (default: the predicted class);
                top, how many bumps to show, the largest first, with the rest as one sum (default: all);
                harmonics, whether to split each bump into the terms of its series;
                attributions, "shapley" or "integrated_gradients", both exact, or "sampled_shapley";
                background, rows that Shapley values compare with (default: those that the model carries);
                baseline, the row that integrated gradients start from (default: the mean of the training rows);
                permutations, orders of the features drawn for "sampled_shapley".
        """
        return self._send(calls.explain(model, rows, version, **asked))

    def explain_outputs(
        self,
        model: str,
        rows: Rows,
        outputs: Outputs = "all",
        *,
        version: str | None = None,
        **asked: Unpack[ExplainParameters],
    ) -> dict[Any, Explanations]:
        """Return the explanations of several outputs, by output; the other arguments are those of explain.

        Args:
            model: The model's name.
            rows: As for predict.
            outputs: Class labels or values' names, or "all".
            version: As for predict.
            **asked: As for explain, without output.
        """
        return self._send(calls.explain_outputs(model, rows, version, outputs, **asked))

    def activations(
        self, model: str, *, version: str | None = None, layer: int | None = None, points: int | None = None
    ) -> dict[str, Any]:
        """Return every learned activation, or those of one layer: curve, DCT coefficients, density and importance."""
        return self._send(calls.explore(model, version, "activations", {"layer": layer, "points": points}))

    def surface(
        self, model: str, x: str, y: str, *, version: str | None = None, **where: Unpack[Endpoint]
    ) -> dict[str, Any]:
        """Return an output over the plane of two features.

        Args:
            model: The model's name.
            x: The feature that varies along a row of the answer's tables.
            y: The feature that varies from row to row.
            version: As for predict.
            **where: output, the unit; bumps, whether to give each neuron's too; points, along each axis; at, values of
                other features by name (default: typical ones).
        """
        return self._send(calls.explore(model, version, "surface", {"x": x, "y": y, **where}))

    def profile(
        self, model: str, feature: str, *, version: str | None = None, **where: Unpack[Endpoint]
    ) -> dict[str, Any]:
        """Return an output along one feature; the other arguments are those of surface."""
        return self._send(calls.explore(model, version, "profile", {"feature": feature, **where}))

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

    def _send(self, call: ApiCall[Result]) -> Result:
        try:
            response = self._http.send(request(self._http, call))
        except httpx.RequestError as error:
            raise unreachable(error) from error
        return read(call, response)

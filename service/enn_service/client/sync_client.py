"""Client: the synchronous client of the service, over httpx; `calls` builds its requests and reads the responses."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx
from numpy.typing import NDArray

from enn_models.explanations.results import Explanations, OutputExplanations
from enn_service.client import calls, inference_calls
from enn_service.client.calls import ApiCall, ModelVersion, RowsCall
from enn_service.client.exchange.deadline import DeadlineTransport
from enn_service.client.exchange.transport import connection_headers, make_call, retry_policy
from enn_service.client.inference_calls import OUTPUT, ExplainParameters, Outputs, OutputTensor
from enn_service.client.introspection import Introspection
from enn_service.client.rows import Rows

Result = TypeVar("Result")


class Client(Introspection):
    """Client of the service. Use it as a context manager or close it; several threads may call it at the same time.

    No call changes anything in the service. Therefore all calls but those of health are retried after a lost connection
    and after status 429, 502, 503 and 504, where the client waits as Retry-After says. A call with more rows than the
    service takes at once is sent in several requests. Proxies that environment variables name are not used.

    Args:
        url: Address of the service.
        token: API key or management token, sent as `Authorization: Bearer`.
        headers: Further headers of every request.
        timeout: Maximum duration of a call with all its requests, retries and pauses, in seconds; more than 0.
        retries: Maximum number of retries; 0 or more.
        transport: httpx transport with a proxy, certificates or a Unix socket; None for a plain connection.

    Example:
        >>> from enn_service.client import Client
        >>> with Client("http://127.0.0.1:8080") as client:
        ...     predictions = client.predict("ring", [[0.1, 0.2], [0.5, -0.1]])
        ...     explanations = client.explain("ring", [[0.5, -0.1]], attributions="shapley")
        >>> [prediction["label"] for prediction in predictions]
        [-1, 1]
        >>> explanations.bumps.shape
        (1, 6)
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
        self._timeout, self._retry = timeout, retry_policy(retries)
        self._http = httpx.Client(
            base_url=url,
            headers=connection_headers(token, headers),
            transport=transport or DeadlineTransport(),
            trust_env=False,
        )

    def predict(
        self, model: str, rows: Rows, *, version: str | None = None, coverage: float | None = None
    ) -> list[Any]:
        """Predict rows.

        Args:
            model: Name of the model.
            rows: Lists, dictionaries, a NumPy array, or a frame of pandas, polars or pyarrow, [rows, features]: vectors
                in the order of the model's features, or values by feature name in any order; or a single row.
            version: Version of the model; None for the highest that is ready.
            coverage: Share of rows whose interval or label set has the truth, such as 0.9; None for none of the two.

        Returns:
            One prediction per row. Regression: a number, or a list of numbers for several outputs. Classification:
            {"label", "score"} for a dct head, {"label", "probabilities"} for a linear head. With a coverage:
            {"value", "lower", "upper"}, or "set" beside the label: a list of labels.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(inference_calls.predict(model, rows, version, coverage))

    def explain(
        self, model: str, rows: Rows, *, version: str | None = None, **parameters: Unpack[ExplainParameters]
    ) -> Explanations:
        """Predict rows and explain one output of each.

        Args:
            model: Name of the model.
            rows: Rows as in `predict`, [rows, features].
            version: Version of the model; None for the highest that is ready.
            **parameters: Options of the explanation:
                output: Class label or name of the output to explain. Default: the predicted class.
                top: Number of bumps to return, largest first; the others are summed. Default: all.
                harmonics: True to split each bump into the terms of its cosine series.
                attributions: Attribution method: "shapley" (exact), "integrated_gradients" (exact for one hidden layer,
                numerical for deeper networks) or "sampled_shapley" (estimated). Default: none.
                background: Rows that Shapley values compare with. Default: rows stored in the model.
                baseline: Row at which integrated gradients start. Default: the mean of the training rows.
                coverage: Coverage of the intervals or label sets of the predictions. Default: none of the two.
                permutations: Number of feature orders that "sampled_shapley" draws.
                interactions: True for the interactions of each pair of features too; takes "shapley". Default: False.
                stability: Tolerance as a share of the training ranges, or {"tolerance": {feature: largest change}}:
                bounds over all rows within it. Default: none.
                counterfactual: Wished outcome, {"label": label}, or for a regression {"at_least": value} or {"at_most":
                value}, with the options fixed, within and max_changes. Default: none.

        Returns:
            Predictions and explanations as arrays.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(inference_calls.explain(model, rows, version, **parameters))

    def explain_outputs(
        self,
        model: str,
        rows: Rows,
        outputs: Outputs = "all",
        *,
        version: str | None = None,
        **parameters: Unpack[ExplainParameters],
    ) -> OutputExplanations:
        """Predict rows and explain several outputs of each exactly.

        Args:
            model: Name of the model.
            rows: Rows as in `predict`, [rows, features].
            outputs: Class labels or names of the outputs to explain; "all" for every output.
            version: Version of the model; None for the highest that is ready.
            **parameters: Options of `explain`, except output.

        Returns:
            Explanations by output.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(inference_calls.explain_outputs(model, rows, version, outputs, **parameters))

    def infer(
        self,
        model: str,
        rows: Rows,
        *,
        version: str | None = None,
        outputs: Sequence[OutputTensor] = OUTPUT,
        binary: bool | None = None,
        coverage: float | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Return output tensors of the network; the fastest call for large arrays.

        Args:
            model: Name of the model.
            rows: NumPy array or lists of numbers, [rows, features], in the order of the model's features.
            version: Version of the model; None for the highest that is ready.
            outputs: Some of "output" [rows, outputs], "bumps" [rows, units, neurons], "pre_activation" [rows, units].
            binary: True to send tensors as bytes, False as JSON; None for bytes from 4,096 numbers on.
            coverage: Coverage of further arrays, "lower" and "upper" [rows, outputs] or "set" [rows, classes].

        Returns:
            Arrays by name of the tensor.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(inference_calls.infer(model, rows, version, outputs, binary=binary, coverage=coverage))

    def models(self) -> list[ModelVersion]:
        """Return every version in the service's repository with its state.

        Returns:
            Versions in the order of their models' names.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(calls.models())

    def metadata(self, model: str | None = None, *, version: str | None = None) -> dict[str, Any]:
        """Return the metadata of a model or of the service.

        Args:
            model: Name of the model; None for the service.
            version: Version of the model; None for the highest that is ready.

        Returns:
            For a model its tensors, features, classes and scores; for the service its name, version and extensions.

        Raises:
            ClientError: The call failed; `enn_service.client.errors` lists the subclasses.
        """
        return self._send(calls.metadata(model, version))

    def live(self) -> bool:
        """Return True if the service runs.

        Returns:
            False if the service responds with status 503.

        Raises:
            UnreachableError: No server responds at the address.
        """
        return self._send(calls.live())

    def ready(self, model: str | None = None, *, version: str | None = None) -> bool:
        """Return True if a model, or the service, is ready for inference.

        Args:
            model: Name of the model; None for the service.
            version: Version of the model; None for the highest that is ready.

        Returns:
            False if the service responds with status 503.

        Raises:
            NotFoundError: The repository has no such model or version.
            UnreachableError: No server responds at the address.
        """
        return self._send(calls.ready(model, version))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def _send(self, call: ApiCall[Result] | RowsCall[Result]) -> Result:
        """Make a call and return its result."""
        return make_call(self._http, call, self._retry, self._timeout)

"""The request of each API call and the parser of its response, without any input or output."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack
from urllib.parse import urlencode

import orjson
from numpy.typing import NDArray

from enn_service.client import errors, results, tensors
from enn_service.client.results import Explanations, ModelVersion
from enn_service.client.rows import Row, Rows, to_instances, to_json, to_matrix
from enn_service.http import paths
from enn_service.http.paths import model_path

BINARY_FROM = 4096
"""Number of values from which `infer` sends binary tensors by default: JSON would cost more than the network."""
ALIGNED = 8
"""Alignment of a binary tensor in bytes: a service can use an aligned tensor without a copy."""
REQUEST_ID = "x-request-id"
INTROSPECTION = {"activations": paths.ACTIVATIONS, "surface": paths.SURFACE, "profile": paths.PROFILE}
JSON = {"content-type": "application/json"}
BINARY = {"content-type": "application/octet-stream"}

Label = str | int | bool
Outputs = Literal["all"] | Sequence[Label]
"""Class labels or names of outputs; "all" for every output."""
OutputTensor = Literal["output", "bumps", "pre_activation"]
OUTPUT: tuple[OutputTensor, ...] = ("output",)
AttributionMethod = Literal["shapley", "integrated_gradients", "sampled_shapley"]
Result = TypeVar("Result")


@dataclass(frozen=True)
class ParsedResponse:
    """Status, headers with case-insensitive names, and body of a response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401
        """Return the body, parsed as JSON."""
        return orjson.loads(self.body)


@dataclass(frozen=True)
class ApiCall(Generic[Result]):
    """A request and the parser of its response.

    Attributes:
        method: HTTP method.
        path: Path and query below the service's address.
        parse: Function that turns a successful response into the result.
        body: Complete body, which a retry sends again.
        headers: Headers besides those of the connection.
        success: Statuses whose responses are parsed; every other status is an error.
        retryable: True if the request may be sent again; a health call returns the first response.
        request_id: ID of the request, which the service's log contains too.
    """

    method: str
    path: str
    parse: Callable[[ParsedResponse], Result]
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    success: frozenset[int] = frozenset({200})
    retryable: bool = True
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def result(self, response: ParsedResponse) -> Result:
        """Return the result of a response.

        Args:
            response: Response to this request.

        Raises:
            StatusError: The status is not one of `success`.
            UnexpectedAnswerError: The response is not in the format of this service.
        """
        if response.status not in self.success:
            request_id = response.headers.get(REQUEST_ID, self.request_id)
            raise errors.error_for_status(response.status, _error_text(response), request_id)
        try:
            return self.parse(response)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            found = f"{type(error).__name__}: {error}"
            raise errors.UnexpectedAnswerError(
                f"the response to {self.method} {self.path} is not in the expected format: {found}"
            ) from error


def predict(model: str, rows: Rows, version: str | None) -> ApiCall[list[Any]]:
    """Return the call that predicts rows, by KServe V1."""
    body = to_json({"instances": to_instances(rows)})
    return ApiCall(
        "POST", model_path(paths.PREDICT, model, version), lambda response: response.json()["predictions"], body, JSON
    )


class ExplainParameters(TypedDict, total=False):
    """Options of an explanation; `Client.explain` describes them."""

    output: Label | None
    top: int | None
    harmonics: bool
    attributions: AttributionMethod | None
    background: Rows | None
    baseline: Row | None
    permutations: int | None


class SliceParameters(TypedDict, total=False):
    """Options of a surface or profile; `Client.surface` describes them."""

    output: Label | None
    bumps: bool
    points: int
    at: Mapping[str, Any]


def explain(
    model: str, rows: Rows, version: str | None, **parameters: Unpack[ExplainParameters]
) -> ApiCall[Explanations]:
    """Return the call that predicts and explains rows, by KServe V1."""
    instances = to_instances(rows)
    body = _explain_body(instances, None, **parameters)
    path = model_path(paths.EXPLAIN, model, version)
    return ApiCall("POST", path, lambda response: results.explanations(response.json(), instances), body, JSON)


def explain_outputs(
    model: str, rows: Rows, version: str | None, outputs: Outputs, **parameters: Unpack[ExplainParameters]
) -> ApiCall[dict[Any, Explanations]]:
    """Return the call that predicts rows and explains several outputs of each, by KServe V1."""
    instances = to_instances(rows)
    body = _explain_body(instances, outputs if isinstance(outputs, str) else list(outputs), **parameters)
    path = model_path(paths.EXPLAIN, model, version)
    return ApiCall(
        "POST", path, lambda response: results.explanations_of_outputs(response.json(), instances), body, JSON
    )


def _explain_body(
    instances: Any,  # noqa: ANN401  (rows of any kind)
    outputs: str | list[Label] | None,
    *,
    output: Label | None = None,
    top: int | None = None,
    harmonics: bool = False,
    attributions: AttributionMethod | None = None,
    background: Rows | None = None,
    baseline: Row | None = None,
    permutations: int | None = None,
) -> bytes:
    """Return the body of an explain request, without the parameters that have their default."""
    given = {
        "output": output,
        "outputs": outputs,
        "top": top,
        "harmonics": harmonics or None,
        "attributions": attributions,
        "background": None if background is None else to_instances(background),
        "baseline": None if baseline is None else to_instances([baseline])[0],
        "permutations": permutations,
    }
    parameters = {name: value for name, value in given.items() if value is not None}
    return to_json({"instances": instances} | ({"parameters": parameters} if parameters else {}))


def infer(
    model: str, rows: Rows, version: str | None, outputs: Sequence[OutputTensor], *, binary: bool | None
) -> ApiCall[dict[str, NDArray[Any]]]:
    """Return the call that runs the network on a tensor, by Open Inference Protocol V2."""
    array = to_matrix(rows)
    binary = array.size >= BINARY_FROM if binary is None else binary
    tensor = tensors.described("input", array)
    wanted = [{"name": name, "parameters": {"binary_data": binary}} for name in outputs]
    path, parse = (
        model_path(paths.INFER, model, version),
        lambda response: tensors.read(response.headers, response.body),
    )
    if not binary:
        head = to_json({"inputs": [{**tensor, "data": array.ravel()}], "outputs": wanted})
        return ApiCall("POST", path, parse, head, JSON)
    tail = array.tobytes()
    head = to_json({"inputs": [{**tensor, "parameters": {"binary_data_size": len(tail)}}], "outputs": wanted})
    head += b" " * (-len(head) % ALIGNED)
    return ApiCall("POST", path, parse, head + tail, {**BINARY, tensors.HEADER: str(len(head))})


def models() -> ApiCall[list[ModelVersion]]:
    """Return the call that lists the repository, by the model repository extension of Open Inference Protocol V2."""

    def parse(response: ParsedResponse) -> list[ModelVersion]:
        fields = ("name", "version", "state", "reason")
        return [ModelVersion(*(entry[name] for name in fields)) for entry in response.json()]

    return ApiCall("POST", paths.REPOSITORY_INDEX, parse, b"{}", JSON)


def metadata(model: str | None, version: str | None) -> ApiCall[dict[str, Any]]:
    """Return the call for the metadata of a model, or of the service."""
    return ApiCall(
        "GET", paths.SERVER if model is None else model_path(paths.V2_MODEL, model, version), ParsedResponse.json
    )


def introspect(
    model: str,
    version: str | None,
    endpoint: Literal["activations", "surface", "profile"],
    parameters: Mapping[str, Any],
) -> ApiCall[dict[str, Any]]:
    """Return the call for curves of a whole model.

    Args:
        model: Name of the model.
        version: Version of the model; None for the highest that is ready.
        endpoint: Kind of curves.
        parameters: Query parameters; those with the value None are not sent.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    if "at" in given:
        given["at"] = to_json(given["at"]).decode()
    return ApiCall(
        "GET", f"{model_path(INTROSPECTION[endpoint], model, version)}?{urlencode(given)}", ParsedResponse.json
    )


def live() -> ApiCall[bool]:
    """Return the call that checks if the service runs."""
    return _health(paths.LIVE)


def ready(model: str | None, version: str | None) -> ApiCall[bool]:
    """Return the call that checks if a model, or the service, is ready."""
    return _health(paths.READY if model is None else model_path(paths.MODEL_READY, model, version))


def _health(path: str) -> ApiCall[bool]:
    return ApiCall("GET", path, lambda response: response.status == 200, success=frozenset({200, 503}), retryable=False)


def _error_text(response: ParsedResponse) -> str:
    """Return the text of an error response; of a response in another format its first 500 bytes."""
    try:
        return str(response.json()["error"])
    except (ValueError, TypeError, LookupError):
        return response.body[:500].decode("utf-8", "replace") or "an empty response"

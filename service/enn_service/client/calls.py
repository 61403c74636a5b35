"""Calls: each operation as the request it sends and the way its answer is read, without any input or output."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar, Unpack
from urllib.parse import urlencode

import orjson
from numpy.typing import NDArray

from enn_service.client import errors, results, tensors
from enn_service.client.results import Explanations, ModelVersion
from enn_service.client.rows import Row, Rows, to_instances, to_json, to_matrix
from enn_service.http import paths
from enn_service.http.paths import model_path

BINARY_FROM = 4096
"""From so many numbers on infer uses binary tensors unless told: JSON would cost more than the network does."""
ALIGNED = 8
"""A tensor that begins at a multiple of so many bytes is read where it lies; a service copies another one."""
REQUEST_ID = "x-request-id"
INTROSPECTION = {"activations": paths.ACTIVATIONS, "surface": paths.SURFACE, "profile": paths.PROFILE}
JSON = {"content-type": "application/json"}
BINARY = {"content-type": "application/octet-stream"}

Label = str | int | bool
Outputs = str | Sequence[Label]
"""Labels or names of outputs; the text "all" for every one."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class ParsedResponse:
    """What came back: status, headers (looked up without regard to case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401
        """Return the body, parsed."""
        return orjson.loads(self.body)


@dataclass(frozen=True)
class ApiCall(Generic[Result]):
    """A request, and how the answer to it is read.

    Attributes:
        method: The HTTP method.
        path: The path below the service's address.
        read: What makes the result of a good answer.
        body: The body, whole, so that it can be sent again.
        headers: Headers besides those of the connection.
        good: The statuses whose answers are read; every other is an error.
        again: Whether the request may be sent again; a health call wants the first answer.
        request_id: The id sent along, which the service's log has too.
    """

    method: str
    path: str
    read: Callable[[ParsedResponse], Result]
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    good: frozenset[int] = frozenset({200})
    again: bool = True
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def result(self, answer: ParsedResponse) -> Result:
        """Return what an answer means.

        Raises:
            StatusError: The service refused.
            UnexpectedAnswerError: The answer is none of this service.
        """
        if answer.status not in self.good:
            identity = answer.headers.get(REQUEST_ID, self.request_id)
            raise errors.error_for_status(answer.status, _error_text(answer), identity)
        try:
            return self.read(answer)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            found = f"{type(error).__name__}: {error}"
            raise errors.UnexpectedAnswerError(
                f"the answer to {self.method} {self.path} is not understood: {found}"
            ) from error


def predict(model: str, rows: Rows, version: str | None) -> ApiCall[list[Any]]:
    """Return the call that predicts rows (KServe V1)."""
    body = to_json({"instances": to_instances(rows)})
    return ApiCall(
        "POST", model_path(paths.PREDICT, model, version), lambda answer: answer.json()["predictions"], body, JSON
    )


class ExplainParameters(TypedDict, total=False):
    """What explain may be asked for; `Client.explain` says what each is."""

    output: Label | None
    top: int | None
    harmonics: bool
    attributions: str | None
    background: Rows | None
    baseline: Row | None
    permutations: int | None


class Endpoint(TypedDict, total=False):
    """Where a whole model is looked at; `Client.surface` says what each is."""

    output: Label | None
    bumps: bool
    points: int
    at: Mapping[str, Any]


def explain(model: str, rows: Rows, version: str | None, **asked: Unpack[ExplainParameters]) -> ApiCall[Explanations]:
    """Return the call that predicts and explains rows (KServe V1)."""
    instances = to_instances(rows)
    body = _asking(instances, None, **asked)
    path = model_path(paths.EXPLAIN, model, version)
    return ApiCall("POST", path, lambda answer: results.explanations(answer.json(), instances), body, JSON)


def explain_outputs(
    model: str, rows: Rows, version: str | None, outputs: Outputs, **asked: Unpack[ExplainParameters]
) -> ApiCall[dict[Any, Explanations]]:
    """Return the call that predicts rows and explains several outputs of each (KServe V1)."""
    instances = to_instances(rows)
    body = _asking(instances, outputs if isinstance(outputs, str) else list(outputs), **asked)
    path = model_path(paths.EXPLAIN, model, version)
    return ApiCall("POST", path, lambda answer: results.explanations_of_outputs(answer.json(), instances), body, JSON)


def _asking(
    instances: Any,  # noqa: ANN401  (rows of any kind)
    outputs: str | list[Label] | None,
    *,
    output: Label | None = None,
    top: int | None = None,
    harmonics: bool = False,
    attributions: str | None = None,
    background: Rows | None = None,
    baseline: Row | None = None,
    permutations: int | None = None,
) -> bytes:
    """Return the body of an explain request."""
    asked = {
        "output": output,
        "outputs": outputs,
        "top": top,
        "harmonics": harmonics or None,
        "attributions": attributions,
        "background": None if background is None else to_instances(background),
        "baseline": None if baseline is None else to_instances([baseline])[0],
        "permutations": permutations,
    }
    parameters = {name: value for name, value in asked.items() if value is not None}
    return to_json({"instances": instances} | ({"parameters": parameters} if parameters else {}))


def infer(
    model: str, rows: Rows, version: str | None, outputs: Sequence[str], *, binary: bool | None
) -> ApiCall[dict[str, NDArray[Any]]]:
    """Return the call that infers a tensor (Open Inference Protocol V2)."""
    array = to_matrix(rows)
    binary = array.size >= BINARY_FROM if binary is None else binary
    tensor = tensors.described("input", array)
    wanted = [{"name": name, "parameters": {"binary_data": binary}} for name in outputs]
    path, read = model_path(paths.INFER, model, version), lambda answer: tensors.read(answer.headers, answer.body)
    if not binary:
        head = to_json({"inputs": [{**tensor, "data": array.ravel()}], "outputs": wanted})
        return ApiCall("POST", path, read, head, JSON)
    tail = array.tobytes()
    head = to_json({"inputs": [{**tensor, "parameters": {"binary_data_size": len(tail)}}], "outputs": wanted})
    head += b" " * (-len(head) % ALIGNED)
    return ApiCall("POST", path, read, head + tail, {**BINARY, tensors.HEADER: str(len(head))})


def models() -> ApiCall[list[ModelVersion]]:
    """Return the call that lists the repository (Open Inference Protocol V2, model repository extension)."""

    def read(answer: ParsedResponse) -> list[ModelVersion]:
        fields = ("name", "version", "state", "reason")
        return [ModelVersion(*(entry[name] for name in fields)) for entry in answer.json()]

    return ApiCall("POST", paths.REPOSITORY_INDEX, read, b"{}", JSON)


def metadata(model: str | None, version: str | None) -> ApiCall[dict[str, Any]]:
    """Return the call for what the service, or a model, says about itself."""
    return ApiCall(
        "GET", paths.SERVER if model is None else model_path(paths.V2_MODEL, model, version), ParsedResponse.json
    )


def explore(model: str, version: str | None, what: str, asked: Mapping[str, Any]) -> ApiCall[dict[str, Any]]:
    """Return the call for what there is to draw of a whole model: activations, surface or profile."""
    given = {name: value for name, value in asked.items() if value is not None}
    if "at" in given:
        given["at"] = to_json(given["at"]).decode()
    return ApiCall("GET", f"{model_path(INTROSPECTION[what], model, version)}?{urlencode(given)}", ParsedResponse.json)


def live() -> ApiCall[bool]:
    """Return the call that asks whether the service runs."""
    return _health(paths.LIVE)


def ready(model: str | None, version: str | None) -> ApiCall[bool]:
    """Return the call that asks whether the service, or a model, answers."""
    return _health(paths.READY if model is None else model_path(paths.MODEL_READY, model, version))


def _health(path: str) -> ApiCall[bool]:
    return ApiCall("GET", path, lambda answer: answer.status == 200, good=frozenset({200, 503}), again=False)


def _error_text(answer: ParsedResponse) -> str:
    """Return the text of an error; what is no error of this service is shown as it came, shortened."""
    try:
        return str(answer.json()["error"])
    except (ValueError, TypeError, LookupError):
        return answer.body[:500].decode("utf-8", "replace") or "an empty answer"

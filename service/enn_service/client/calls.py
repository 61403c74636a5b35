"""The request of each API call and the parser of its response, without any input or output."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypedDict, TypeVar
from urllib.parse import urlencode

import orjson

from enn_service.client import errors
from enn_service.client.rows import Table, to_json
from enn_service.http import paths
from enn_service.http.paths import model_path

REQUEST_ID = "x-request-id"
INTROSPECTION = {
    "activations": paths.ACTIVATIONS,
    "surface": paths.SURFACE,
    "profile": paths.PROFILE,
    "importance": paths.IMPORTANCE,
}
JSON = {"content-type": "application/json"}

Label = str | int | bool
Result = TypeVar("Result")


@dataclass(frozen=True)
class ModelVersion:
    """A version in the service's repository.

    Attributes:
        name: Name of the model.
        version: Name of the version.
        state: READY or UNAVAILABLE.
        reason: Reason why the file in the repository is not served; empty if it is.
    """

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


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
            raise errors.error_for_status(response.status, _error_text(response), request_id, response.headers)
        try:
            return self.parse(response)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            found = f"{type(error).__name__}: {error}"
            raise errors.UnexpectedAnswerError(
                f"the response to {self.method} {self.path} is not in the expected format: {found}"
            ) from error


@dataclass(frozen=True)
class RowsCall(Generic[Result]):
    """A call with rows, which one request carries, or several with a range of the rows each.

    Attributes:
        model: Name of the model.
        version: Version of the model; None for the highest that is ready.
        template: Template of the path.
        table: Rows of the call.
        encode: Function that writes rows and parameters as a body with its headers.
        parse: Function that turns the response to some rows into their result.
        join: Function that joins the results of successive ranges of rows; the second argument has all rows.
        parameters: Parameters of the request; tables among them are rows too.
    """

    model: str
    version: str | None
    template: str
    table: Table
    encode: Callable[[Table, Mapping[str, Any]], tuple[bytes, dict[str, str]]]
    parse: Callable[[ParsedResponse, Table], Result]
    join: Callable[[list[Result], Table], Result]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.table)

    @property
    def tables(self) -> list[Table]:
        """Tables of the call: its rows, and those among its parameters."""
        return [rows for rows in (self.table, *self.parameters.values()) if isinstance(rows, Table)]

    @property
    def has_frames(self) -> bool:
        """True if rows come from a frame, where a number can be a category, and a column need not be a feature."""
        return any(table.from_frame for table in self.tables)

    def unused_columns(self, features: Mapping[str, bool]) -> list[str]:
        """Return the columns of frames that are no features of the model."""
        return list(dict.fromkeys(name for table in self.tables for name in table.unused_columns(features)))

    def piece(self, start: int, stop: int, version: str | None) -> ApiCall[Result]:
        """Return the request for a range of the rows."""
        rows = self.table.part(start, stop)
        body, headers = self.encode(rows, self.parameters)
        path = endpoint_path(self.template, self.model, version)
        return ApiCall("POST", path, lambda response: self.parse(response, rows), body, headers)

    def for_features(self, features: Mapping[str, bool]) -> "RowsCall[Result]":
        """Return the call with the features alone and integer categories as text, in the rows that come from a frame.

        Args:
            features: Features of the model in their order, True for those with such categories.
        """

        def converted(value: Any) -> Any:  # noqa: ANN401  (any parameter)
            return value.for_features(features) if isinstance(value, Table) else value

        parameters = {name: converted(value) for name, value in self.parameters.items()}
        return replace(self, table=converted(self.table), parameters=parameters)


class SliceParameters(TypedDict, total=False):
    """Options of a surface or profile; `Client.surface` describes them."""

    output: Label | None
    bumps: bool
    points: int
    at: Mapping[str, Any]


class ImportanceParameters(TypedDict, total=False):
    """Options of the importance of features; `Client.importance` describes them."""

    output: Label | None
    interactions: bool
    rows: int
    points: int
    top: int


def models() -> ApiCall[list[ModelVersion]]:
    """Return the call that lists the repository, by the model repository extension of Open Inference Protocol V2."""

    def parse(response: ParsedResponse) -> list[ModelVersion]:
        fields = ("name", "version", "state", "reason")
        return [ModelVersion(*(entry[name] for name in fields)) for entry in response.json()]

    return ApiCall("POST", paths.REPOSITORY_INDEX, parse, b"{}", JSON)


def metadata(model: str | None, version: str | None) -> ApiCall[dict[str, Any]]:
    """Return the call for the metadata of a model, or of the service."""
    return ApiCall(
        "GET", paths.SERVER if model is None else endpoint_path(paths.V2_MODEL, model, version), ParsedResponse.json
    )


def served_version(model: str) -> ApiCall[str]:
    """Return the call for the version that answers requests without one."""
    path = endpoint_path(paths.V2_MODEL, model, None)
    return ApiCall("GET", path, lambda response: str(response.json()["versions"][-1]))


def features(model: str, version: str | None) -> ApiCall[dict[str, bool]]:
    """Return the call for the features of a model in their order, True for those with categories of numbers."""

    def parse(response: ParsedResponse) -> dict[str, bool]:
        found = response.json()["properties"]["features"]
        return {each["name"]: any(map(_is_number, each.get("categories", ()))) for each in found}

    return ApiCall("GET", endpoint_path(paths.V2_MODEL, model, version), parse)


def introspect(
    model: str,
    version: str | None,
    endpoint: Literal["activations", "surface", "profile", "importance"],
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
        "GET", f"{endpoint_path(INTROSPECTION[endpoint], model, version)}?{urlencode(given)}", ParsedResponse.json
    )


def live() -> ApiCall[bool]:
    """Return the call that checks if the service runs."""
    return _health(paths.LIVE)


def ready(model: str | None, version: str | None) -> ApiCall[bool]:
    """Return the call that checks if a model, or the service, is ready."""
    return _health(paths.READY if model is None else endpoint_path(paths.MODEL_READY, model, version))


def _health(path: str) -> ApiCall[bool]:
    return ApiCall("GET", path, lambda response: response.status == 200, success=frozenset({200, 503}), retryable=False)


def _error_text(response: ParsedResponse) -> str:
    """Return the text of an error response; of a response in another format its first 500 bytes."""
    try:
        return str(response.json()["error"])
    except (ValueError, TypeError, LookupError):
        return response.body[:500].decode("utf-8", "replace") or "an empty response"


def endpoint_path(template: str, model: str, version: str | None) -> str:
    """Return the path of an endpoint.

    Raises:
        InvalidArgumentError: A name is not text.
    """
    for name, value in (("model", model), ("version", version)):
        if not isinstance(value, str | None) or (name, value) == ("model", None):
            raise errors.InvalidArgumentError(f"{name}: {value!r:.60} of type {type(value).__name__}; expected text")
    try:
        return model_path(template, model, version)
    except UnicodeEncodeError as error:
        raise errors.InvalidArgumentError(f"model or version: {error}; expected text") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

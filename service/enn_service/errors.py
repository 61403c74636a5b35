"""Exceptions of requests: each class carries its HTTP status, reason in the metrics, headers and description.

RequestError
|- InvalidRequestError           400 invalid               the body or a parameter is not what the model takes
|- UnauthorizedError             401 unauthorized          the API key or the bearer token is missing or wrong
|- ForbiddenError                403 forbidden             load, unload or feedback is off, or not for this origin
|- UnknownModelError             404 unknown_model         no such model or version
|- MethodNotAllowedError         405 method_not_allowed    the path takes another HTTP method
|- BodyTimeoutError              408 slow_body             the body did not arrive in time
|- ConflictError                 409 conflict              another request unloaded the model meanwhile
|- BodyTooLargeError             413 too_large             the body exceeds the size limit
|- TooMuchWorkError              413 too_much_work         the request needs more memory or time than one may take
|- UnsupportedMediaError         415 unsupported_encoding  the content encoding is not supported
|- MisdirectedRequestError       421 host                  the request names a host that is not accepted
|- ModelNotReadyError            503 not_ready             the model's file was refused, or the model is unloaded
|- RepositoryNotReadyError       503 repository            the model repository was not read yet, or has no model
|- RecordNotReadyError           503 record                the database of the record cannot be used now
|- TooManyRequestsInFlightError  503 overloaded            the limit of concurrent requests is reached
|- MemoryBudgetError             503 memory                the memory for requests in progress is used up
|- ShuttingDownError             503 draining              the service is shutting down
|- ResponseTimeoutError          504 deadline              the response was not ready in time
"""

import reprlib
from collections.abc import Mapping
from typing import ClassVar

MAX_DESCRIBED_VALUE = 60
"""Maximum number of characters of a value in an error message."""
BEARER_REQUIRED = {"WWW-Authenticate": "Bearer"}
RETRY_IN_ONE_SECOND = {"Retry-After": "1"}
ALLOW_POST = {"Allow": "POST"}
MAX_ROWS_HEADER = "ENN-Max-Rows"
"""Header of a refusal with the number of rows that the service would accept."""
MAX_BYTES_HEADER = "ENN-Max-Bytes"
"""Header of a refusal with the size of a body that the service would accept, in bytes."""


class RequestError(Exception):
    """Base class of the errors that a request is refused with.

    The message names the field, the value found and what would be right. The client receives `{"error": message}`. If
    a request with fewer rows or a shorter body would be accepted, a header says how many.

    Args:
        message: Text of the response.
        max_rows: Maximum number of rows in such a request; None or 0 if their number is not the reason.
        max_bytes: Maximum size of a body in bytes; None if its size is not the reason.

    Attributes:
        status: HTTP status of the response.
        reason: Value of the label `reason` of the metric `enn_requests_refused_total`.
        headers: HTTP headers of the response, besides those of every response; those of a class, and the limits.
        description: Sentence for the OpenAPI document.
    """

    status: ClassVar[int]
    reason: ClassVar[str]
    headers: Mapping[str, str] = {}
    description: ClassVar[str]

    def __init__(self, message: str = "", *, max_rows: int | None = None, max_bytes: int | None = None) -> None:
        super().__init__(message)
        limits = {MAX_ROWS_HEADER: max_rows, MAX_BYTES_HEADER: max_bytes}
        self.headers = {**self.headers, **{name: str(value) for name, value in limits.items() if value}}


class InvalidRequestError(RequestError):
    """The body or a parameter is not what the model takes."""

    status = 400
    reason = "invalid"
    description = "The request is not what the model takes; the text says where."


class UnauthorizedError(RequestError):
    """The API key or the bearer token is missing or wrong."""

    status = 401
    reason = "unauthorized"
    headers = BEARER_REQUIRED
    description = "The key or token is missing or wrong."


class ForbiddenError(RequestError):
    """Load and unload, or feedback, are off, or the request comes from a page of another origin."""

    status = 403
    reason = "forbidden"
    description = "The operation is off, or not allowed for the page that sends the request."


class UnknownModelError(RequestError):
    """The repository has no model or version of this name."""

    status = 404
    reason = "unknown_model"
    description = "No such model or version."


class MethodNotAllowedError(RequestError):
    """The path takes another HTTP method."""

    status = 405
    reason = "method_not_allowed"
    headers = ALLOW_POST
    description = "The path takes another HTTP method."


class BodyTimeoutError(RequestError):
    """The body did not arrive within `ENN_DEADLINE_SECONDS`."""

    status = 408
    reason = "slow_body"
    description = "The body did not arrive in time."


class ConflictError(RequestError):
    """Another request changed the same model while this one was carried out."""

    status = 409
    reason = "conflict"
    description = "Another request unloaded the model meanwhile."


class BodyTooLargeError(RequestError):
    """The body exceeds `ENN_MAX_BODY_BYTES`."""

    status = 413
    reason = "too_large"
    description = "The body is too large."


class TooMuchWorkError(RequestError):
    """The request needs more memory or time than one request may take, so the same request is always refused."""

    status = 413
    reason = "too_much_work"
    description = "The request needs more memory or time than one request may take; the text says how much."


class UnsupportedMediaError(RequestError):
    """The content encoding of the body is not supported."""

    status = 415
    reason = "unsupported_encoding"
    description = "The content encoding of the body is not supported."


class MisdirectedRequestError(RequestError):
    """The request names a host that `ENN_ALLOWED_HOSTS` does not accept."""

    status = 421
    reason = "host"
    description = "The host that the request names is not accepted."


class ModelNotReadyError(RequestError):
    """The model is in the repository, but its file was refused, or the model is unloaded."""

    status = 503
    reason = "not_ready"
    description = "The model's file was refused, or the model is unloaded; the text says why."


class RepositoryNotReadyError(RequestError):
    """The model repository was not read yet, or has no model: load balancers should send no requests."""

    status = 503
    reason = "repository"
    description = "The model repository was not read yet, or has no model; the text says why."


class RecordNotReadyError(RequestError):
    """The database of the record cannot be used now."""

    status = 503
    reason = "record"
    headers = RETRY_IN_ONE_SECOND
    description = "The database of the record cannot be used now."


class TooManyRequestsInFlightError(RequestError):
    """`ENN_MAX_IN_FLIGHT` requests are in progress; the client may send the same request later."""

    status = 503
    reason = "overloaded"
    headers = RETRY_IN_ONE_SECOND
    description = "Too many requests are in progress."


class MemoryBudgetError(RequestError):
    """Requests in progress hold `ENN_MAX_HELD_BYTES`; the client may send the same request later."""

    status = 503
    reason = "memory"
    headers = RETRY_IN_ONE_SECOND
    description = "Requests in progress hold all the memory that they may use."


class ShuttingDownError(RequestError):
    """The service is shutting down: it answers requests, and load balancers should send no more."""

    status = 503
    reason = "draining"
    description = "The service is shutting down."


class ResponseTimeoutError(RequestError):
    """The response was not ready within `ENN_DEADLINE_SECONDS`."""

    status = 504
    reason = "deadline"
    description = "The response was not ready in time."


def describe_value(value: object) -> str:
    """Return a JSON value of a request, shortened for an error message."""
    if isinstance(value, str):
        return repr(value[:MAX_DESCRIBED_VALUE])
    return _JSON_REPR.repr(value)[:MAX_DESCRIBED_VALUE]


class _JSONRepr(reprlib.Repr):
    """`reprlib.Repr` that writes null, true and false as JSON does."""

    def repr_NoneType(self, _value: None, _level: int) -> str:  # noqa: N802  (reprlib looks the type's name up)
        return "null"

    def repr_bool(self, value: bool, _level: int) -> str:  # noqa: FBT001  (signature of reprlib)
        return "true" if value else "false"


_JSON_REPR = _JSONRepr()

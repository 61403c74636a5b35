"""Exceptions of the client.

ClientError
|- InvalidArgumentError     an argument cannot be sent; no request was sent
|  |- InvalidRowsError      the rows cannot be sent
|- UnreachableError         no response: no connection, or the time is over
|- UnexpectedAnswerError    a response in another format: a proxy's page, a truncated tensor
|- StatusError              an error response; `status`, `text` and `request_id` describe it
   |- AccessError           401, 403: the token is missing or not accepted
   |- NotFoundError         404: no such model or version
   |- RequestRefusedError   any other 4xx: the request is invalid for the model
   |- UnavailableError      429, 503: the service or model is not available, also after the retries
   |- ServerError           any other 5xx: the service failed; its log contains the cause under the request ID
UserWarning
|- UnusedColumnsWarning     columns of a frame are no features of the model and are not sent
"""

from collections.abc import Mapping

from enn_service import errors as service


class ClientError(Exception):
    """A call failed: the base class of all exceptions of the client."""


class InvalidArgumentError(ClientError, ValueError):
    """An argument cannot be sent; the text names the value and the expected one."""


class UnusedColumnsWarning(UserWarning):
    """Columns of a frame are no features of the model and are not sent; the text names them."""


class InvalidRowsError(InvalidArgumentError):
    """The rows cannot be sent; the text names the value and the expected one."""


class UnreachableError(ClientError):
    """No response arrived; the text names the address and the reason."""


class UnexpectedAnswerError(ClientError):
    """The response is not in the format of the protocol; the text names the difference."""


class StatusError(ClientError):
    """The service returned an error.

    Args:
        status: HTTP status.
        text: Description of the error by the service.
        request_id: ID of the request in the service's log.
    """

    def __init__(self, status: int, text: str, request_id: str) -> None:
        super().__init__(f"{text} (status {status}, request id {request_id})")
        self.status = status
        self.text = text
        self.request_id = request_id


class AccessError(StatusError):
    """The token is missing or does not give access."""


class NotFoundError(StatusError):
    """The repository has no model or version of this name."""


class RequestRefusedError(StatusError):
    """The request is invalid for the model, or larger than the service allows.

    Args:
        status: HTTP status.
        text: Description of the error by the service.
        request_id: ID of the request in the service's log.
        max_rows: Number of rows that the service would accept; None if it names none.
        max_bytes: Size of a body that the service would accept, in bytes; None if it names none.
    """

    def __init__(
        self, status: int, text: str, request_id: str, max_rows: int | None = None, max_bytes: int | None = None
    ) -> None:
        super().__init__(status, text, request_id)
        self.max_rows = max_rows
        self.max_bytes = max_bytes

    def of_rows(self, start: int, stop: int) -> "RequestRefusedError":
        """Return this error for a piece of a call, whose text counts rows from the start of the piece."""
        text = f"in a request with rows {start} to {stop - 1} only: {self.text}"
        return RequestRefusedError(self.status, text, self.request_id, self.max_rows, self.max_bytes)


class UnavailableError(StatusError):
    """The service or the model is not available, also after the retries."""


class ServerError(StatusError):
    """The service failed."""


TOO_LARGE = service.BodyTooLargeError.status
ERRORS_BY_STATUS: dict[int, type[StatusError]] = {
    service.UnauthorizedError.status: AccessError,
    service.ForbiddenError.status: AccessError,
    service.UnknownModelError.status: NotFoundError,
    service.ModelNotReadyError.status: UnavailableError,
    429: UnavailableError,  # the service never sends it; a proxy in front of it may
}


def error_for_status(status: int, text: str, request_id: str, headers: Mapping[str, str] | None = None) -> StatusError:
    """Return the exception for an error response.

    Args:
        status: HTTP status.
        text: Description of the error by the service.
        request_id: ID of the request.
        headers: Headers of the response, with case-insensitive names.
    """
    kind = ERRORS_BY_STATUS.get(status) or (ServerError if status >= 500 else RequestRefusedError)
    if kind is not RequestRefusedError:
        return kind(status, text, request_id)
    limits = (_limit(headers or {}, name) for name in (service.MAX_ROWS_HEADER, service.MAX_BYTES_HEADER))
    return RequestRefusedError(status, text, request_id, *limits)


def _limit(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None

"""Exceptions of the client.

ClientError
|- InvalidRowsError         the rows cannot be sent; no request was sent
|- UnreachableError         no response: no connection, or a timeout
|- UnexpectedAnswerError    a response in another format: a proxy's page, a truncated tensor
|- StatusError              an error response; `status`, `text` and `request_id` describe it
   |- AccessError           401, 403: the token is missing or not accepted
   |- NotFoundError         404: no such model or version
   |- RequestRefusedError   any other 4xx: the request is invalid for the model
   |- UnavailableError      429, 503: the service or model is not available, also after the retries
   |- ServerError           any other 5xx: the service failed; its log contains the cause under the request ID
"""

from enn_service import errors as service


class ClientError(Exception):
    """A call failed: the base class of all exceptions of the client."""


class InvalidRowsError(ClientError, ValueError):
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
    """The request is invalid for the model."""


class UnavailableError(StatusError):
    """The service or the model is not available, also after the retries."""


class ServerError(StatusError):
    """The service failed."""


ERRORS_BY_STATUS: dict[int, type[StatusError]] = {
    service.UnauthorizedError.status: AccessError,
    service.ForbiddenError.status: AccessError,
    service.UnknownModelError.status: NotFoundError,
    service.ModelNotReadyError.status: UnavailableError,
    429: UnavailableError,  # the service never sends it; a proxy in front of it may
}


def error_for_status(status: int, text: str, request_id: str) -> StatusError:
    """Return the exception for the HTTP status of an error response."""
    kind = ERRORS_BY_STATUS.get(status) or (ServerError if status >= 500 else RequestRefusedError)
    return kind(status, text, request_id)

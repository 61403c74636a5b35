"""What a call of the client can raise.

ClientError
|- InvalidRowsError         the rows cannot be sent; nothing was
|- UnreachableError         no answer came: no connection, or not in time
|- UnexpectedAnswerError    an answer came that is none of this service: a proxy's page, a cut tensor
|- StatusError              the service refused; `status`, `text` and `request_id` say what and which
   |- AccessError           401, 403: the token is missing or not accepted
   |- NotFoundError         404: no such model or version
   |- RequestRefusedError   any other 4xx: the request is not what the model takes
   |- UnavailableError      429, 503: not now, after the retries
   |- ServerError           any other 5xx: the service failed; its log has more under the request id
"""

from enn_service import errors as service


class ClientError(Exception):
    """A call did not give a result."""


class InvalidRowsError(ClientError, ValueError):
    """The rows cannot be sent as they are; the text names the value and what would be right."""


class UnreachableError(ClientError):
    """No answer came; the text names the address and the reason."""


class UnexpectedAnswerError(ClientError):
    """The answer is not one that the protocol has; the text says where it departs from it."""


class StatusError(ClientError):
    """The service answered with an error.

    Args:
        status: The HTTP status.
        text: What the service says is wrong.
        request_id: The id under which the service's log has the request.
    """

    def __init__(self, status: int, text: str, request_id: str) -> None:
        super().__init__(f"{text} (status {status}, request id {request_id})")
        self.status = status
        self.text = text
        self.request_id = request_id


class AccessError(StatusError):
    """The token is missing, or does not give access."""


class NotFoundError(StatusError):
    """There is no model or version of this name."""


class RequestRefusedError(StatusError):
    """The request is not what the model takes."""


class UnavailableError(StatusError):
    """The service or the model does not answer now, also after the retries."""


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

"""What can be wrong with a request, told without HTTP; `replies` maps each to its status.

RequestError
|- InvalidRequestError     the body, or a row in it, is not what the model takes
|- UnauthorizedError       a management verb without its token, or any verb without the key that it takes
|- ForbiddenError          a management verb that is not offered, or not to this page
|- UnknownModelError       no such model or version
|- ModelNotReadyError      the model is there, but its file was refused, or it was unloaded
|- ConflictError           another request wanted the opposite meanwhile
|- BodyTooLargeError       the body exceeds the limit
|- UnsupportedMediaError   the body is encoded in a way that is not offered
|- SlowBodyError           the body took too long to come
|- OverloadedError         as many requests as allowed are being answered
|- DeadlineError           the answer took too long
|- DrainingError           the service is to end
"""

import reprlib
from typing import ClassVar

LETTERS = 60
"""So much of a value is shown in a message."""


class RequestError(Exception):
    """A request is refused; the text names the thing, its value and what would be right.

    Attributes:
        reason: What kind of refusal it is, in a word that metrics count.
    """

    reason: ClassVar[str] = "refused"


class InvalidRequestError(RequestError):
    """The body, or a row in it, is not what the model takes."""

    reason = "invalid"


class UnauthorizedError(RequestError):
    """The verb takes a token or a key that was not sent."""

    reason = "unauthorized"


class ForbiddenError(RequestError):
    """The verb is not offered, or not to the page that asks."""

    reason = "forbidden"


class UnknownModelError(RequestError):
    """There is no model or version of this name."""

    reason = "unknown_model"


class ModelNotReadyError(RequestError):
    """The model is in the repository, but its file was refused, or it was unloaded."""

    reason = "not_ready"


class ConflictError(RequestError):
    """Another request wanted the opposite while this one was carried out."""

    reason = "conflict"


class BodyTooLargeError(RequestError):
    """The body has more bytes than the service accepts."""

    reason = "too_large"


class UnsupportedMediaError(RequestError):
    """The body is encoded in a way that the service does not read."""

    reason = "unsupported_encoding"


class BodyTimeoutError(RequestError):
    """The body did not come within the time that a request has."""

    reason = "slow_body"


class OverloadedError(RequestError):
    """As many requests as are allowed are being answered; the same request may be answered later."""

    reason = "overloaded"


class ResponseTimeoutError(RequestError):
    """The answer was not there within the time that a request has."""

    reason = "deadline"


class ShuttingDownError(RequestError):
    """The service is to end: it answers what it is asked, and is not to be asked more."""

    reason = "draining"


def describe_value(value: object) -> str:
    """Return a value of a request for a message, short however long and deep it is."""
    return reprlib.repr(value)[:LETTERS]

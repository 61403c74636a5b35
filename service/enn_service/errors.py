"""What can be wrong with a request, told without HTTP; `replies` maps each to its status.

RequestError
|- InvalidRequestError     the body, or a row in it, is not what the model takes
|- UnknownModelError       no such model or version
|- ModelNotReadyError      the model is there, but its file was refused
|- BodyTooLargeError       the body exceeds the limit
|- UnsupportedMediaError   the body is encoded in a way that is not offered
"""


class RequestError(Exception):
    """A request is refused; the text names the thing, its value and what would be right."""


class InvalidRequestError(RequestError):
    """The body, or a row in it, is not what the model takes."""


class UnknownModelError(RequestError):
    """There is no model or version of this name."""


class ModelNotReadyError(RequestError):
    """The model is in the repository, but its file was refused."""


class BodyTooLargeError(RequestError):
    """The body has more bytes than the service accepts."""


class UnsupportedMediaError(RequestError):
    """The body is encoded in a way that the service does not read."""

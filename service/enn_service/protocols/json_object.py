"""JSON bodies: one object."""

from typing import Any

import orjson

from enn_service.errors import InvalidRequestError


def parse_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        InvalidRequestError: The body is no JSON, has a number beyond float64, or is no object.
    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"the body is no JSON: {error}") from None
    if not isinstance(request, dict):
        raise InvalidRequestError(f"the body is a JSON {type(request).__name__}; expected an object")
    return request

"""Parser of request bodies that are one JSON object."""

from typing import Any

import orjson

from enn_service.errors import InvalidRequestError


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a body to a JSON object.

    Raises:
        InvalidRequestError: The body is not valid JSON, contains a number that exceeds float64, or is not an object.
    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"the body is not valid JSON: {error}") from None
    if not isinstance(request, dict):
        raise InvalidRequestError(f"the body is a JSON {type(request).__name__}; expected an object")
    return request

"""JSON bodies: one object, and a large array of numbers in it as an array from the start."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_service import json_numbers
from enn_service.errors import InvalidRequestError

Numbers = NDArray[np.float64] | None


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


def parse_numbers(
    body: bytes, key: re.Pattern[bytes], read: Callable[[bytes], Numbers]
) -> tuple[dict[str, Any], Numbers]:
    """Return a JSON object with json_numbers.PLACE for the array after a key, and that array's numbers.

    Where cutting is not worth it, or the array is not of numbers alone, the object is whole and there are no numbers.

    Args:
        body: The object's text.
        key: Matches the key, its colon and nothing of the array.
        read: Turns the text of an array into numbers, or into None.

    Raises:
        InvalidRequestError: As parse_object.
    """
    rest, text = json_numbers.cut(body, key)
    if text and (numbers := read(text)) is not None:
        with suppress(InvalidRequestError):
            return parse_object(rest), numbers
    return parse_object(body), None

"""Decoder of JSON bodies to objects and msgspec Structs; a refusal names place, value found and value expected."""

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec
import orjson

from enn_service.errors import InvalidRequestError, describe_value
from enn_service.protocols.numeric_json import MIN_BYTES

Body = TypeVar("Body", bound=msgspec.Struct)
AT = " - at `$"
"""Text of msgspec between its message and the path of the value."""
STEP = re.compile(r"\[(\d+)\]|\.([^.\[]+)")
"""Step of a path: an index or the name of a field."""
QUOTED = re.compile(r"`(.*)`", re.DOTALL)
MAX_NAME = 60
"""Maximum number of characters of an unknown field's name in an error message."""


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


class BodyDecoder(Generic[Body]):
    """Decode JSON bodies to one Struct.

    Args:
        kind: Struct that the body is decoded to.
        expected: Text of what is expected, by place: `inputs[].name` is the name of each input. A place without a text
            has that of the field that contains it.
        closed: Known fields of the objects that accept no others, by place.
    """

    def __init__(
        self, kind: type[Body], expected: Mapping[str, str], closed: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self._kind, self._expected, self._closed = kind, expected, closed or {}
        self._decode = msgspec.json.Decoder(kind).decode

    def decode(self, text: bytes, features: int = 0) -> Body:
        """Decode a body.

        orjson is faster than msgspec for long lists, so it reads large bodies. It also reads each body that msgspec
        refuses: it says where JSON is malformed, and it reads deeper nested lists.

        Args:
            text: JSON text.
            features: Number of features of the model, for error messages.

        Raises:
            InvalidRequestError: The text is not valid JSON, or a field is missing, unknown or of another type.
        """
        if len(text) < MIN_BYTES:
            try:
                return self._decode(text)
            except (ValueError, RecursionError):  # of msgspec, of invalid UTF-8 in a string, of nested lists
                pass
        body = parse_object(text)
        try:
            return msgspec.convert(body, self._kind)
        except msgspec.ValidationError as error:
            raise InvalidRequestError(self._describe(str(error), body).replace("{features}", str(features))) from None

    def _describe(self, error: str, body: dict[str, Any]) -> str:
        """Return the text of a refusal: place, value found, value expected."""
        message, at, path = error.rpartition(AT)
        if not at:
            message, path = error, ""
        steps: list[int | str] = [int(index) if index else name for index, name in STEP.findall(path.rstrip("`"))]
        quoted = QUOTED.search(message)
        if quoted and "unknown field" in message[: quoted.start()]:
            known = sorted(self._closed[_pattern(steps)])
            return f"{_place([*steps, quoted[1][:MAX_NAME]])}: not known; expected {known or 'none'}"
        if quoted and "required field" in message[: quoted.start()]:
            steps.append(quoted[1])
        while _pattern(steps) not in self._expected:
            steps.pop()
        return f"{_place(steps)}: {describe_value(_value(body, steps))}; expected {self._expected[_pattern(steps)]}"


def _place(steps: list[int | str]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _pattern(steps: list[int | str]) -> str:
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _value(body: Any, steps: list[int | str]) -> Any:  # noqa: ANN401  (JSON from outside)
    """Return the value at a path; None for a missing field."""
    for step in steps:
        body = body[step] if isinstance(step, int) else body.get(step)
    return body

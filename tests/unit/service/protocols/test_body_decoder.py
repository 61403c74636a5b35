"""Tests of the decoder of request bodies: texts of refusals, limits of JSON, large bodies."""

from typing import Annotated, Any, get_args

import pytest
from msgspec import Meta, Struct

from enn_service.errors import InvalidRequestError
from enn_service.protocols.body_decoder import BodyDecoder
from enn_service.protocols.datatypes import BOOL, BYTES, DATATYPES
from enn_service.protocols.numeric_json import MIN_BYTES
from enn_service.protocols.request_bodies import Datatype


class Part(Struct):
    """Part of a body."""

    size: Annotated[list[int], Meta(max_length=2)]


class Closed(Struct, forbid_unknown_fields=True):
    """Part that accepts no other fields."""

    top: Annotated[int, Meta(ge=1)] = 1


class Whole(Struct):
    """Body."""

    parts: list[Part]
    options: Closed | None = None
    rows: Any = None


DECODER = BodyDecoder(
    Whole,
    {"parts": "a list", "parts[].size": "two of {features}", "options": "an object", "options.top": "at least 1"},
    {"options": ("top",)},
)
REFUSED = {
    "{}": "parts: null; expected a list",
    '{"parts": 7}': "parts: 7; expected a list",
    '{"parts": [7]}': "parts: [7]; expected a list",
    '{"parts": [{"size": []}, {}]}': "parts[1].size: null; expected two of 3",
    '{"parts": [{"size": [1, true]}]}': "parts[0].size: [1, true]; expected two of 3",
    '{"parts": [{"size": [1.0]}]}': "parts[0].size: [1.0]; expected two of 3",
    '{"parts": [], "options": {"top": 0}}': "options.top: 0; expected at least 1",
    '{"parts": [], "options": []}': "options: []; expected an object",
    '{"parts": [], "options": {"mo` - at `$.on": 1}}': "options.mo` - at `$.on: not known; expected ['top']",
    "[]": "the body is a JSON list; expected an object",
}
NOT_JSON = [
    b"",
    b"{",
    b'{"parts": [], "rows": NaN}',
    b'{"parts": [], "rows": 1e999}',
    b'{"parts": [], "rows": "\xff"}',
    b'{"parts": [], "rows": "\\ud800"}',
    b'{"parts": [], "rows": ' + b"[" * 2000 + b"}",
]


@pytest.mark.parametrize("padding", [0, MIN_BYTES])
@pytest.mark.parametrize("body", REFUSED)
def test_refusal_names_place_value_and_expected(body: str, padding: int) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        DECODER.decode(body.encode() + b" " * padding, 3)
    assert str(refusal.value) == REFUSED[body]


@pytest.mark.parametrize("padding", [0, MIN_BYTES])
@pytest.mark.parametrize("body", NOT_JSON)
def test_malformed_json_is_refused(body: bytes, padding: int) -> None:
    with pytest.raises(InvalidRequestError, match="the body is not valid JSON"):
        DECODER.decode(body + b" " * padding)


@pytest.mark.parametrize("padding", [0, MIN_BYTES])
def test_small_and_large_bodies_decode_alike(padding: int) -> None:
    body = b'{"parts": [{"size": [1, 2]}], "other": 1, "rows": [[0.1, null, "a"]]}' + b" " * padding
    assert DECODER.decode(body) == Whole([Part([1, 2])], None, [[0.1, None, "a"]])


def test_datatypes_of_bodies_are_those_of_the_table() -> None:
    assert set(get_args(Datatype)) == {*DATATYPES, BOOL, BYTES}

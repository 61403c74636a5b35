"""Tests of the cache of the last V2 request template: a cached template changes no parsed request."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from enn_service.errors import InvalidRequestError
from enn_service.protocols.v2_request import ParsedRequest, parse_request

TEMPLATE = (b'{"id":"x","inputs":[{"name":"input","shape":[2,2],"datatype":"FP32","data":', b"}]}")
OTHER_TEMPLATE = b'{"inputs":[{"data":[0],"name":"input","shape":[1,1],"datatype":"FP64"}]}'
MANY = b"[" + b"0.25,-0.5," * 100 + b"0]"
INTEGERS = st.integers(-(2**63), 2**64 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | INTEGERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=8,
).map(orjson.dumps)
PIECES = st.sampled_from([b"[", b"]", b"{", b"}", b",", b'"', b":", b'"data":', b"0.5", b" ", b"null", b"\\", MANY])
VALUES = JSON | st.lists(PIECES, max_size=8).map(b"".join) | st.binary(max_size=6)


def parse_after(first: bytes, body: bytes) -> tuple[ParsedRequest, Any] | None:
    """Parse a body after another one; return its request without values, and the values; None if it is refused."""
    parse_request(first, 2)
    try:
        request, values = parse_request(body, 2)
    except InvalidRequestError:
        return None
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return replace(request, tensor=replace(request.tensor, data=None)), listed


@given(VALUES)
@example(b"[1,2,3,4]")
@example(MANY)
@example(MANY + b',"data":' + MANY)
@example(b'[1,2],"shape":[1,2]')
@example(b'[1,2]}],"parameters":{"a":[{"b":1')
@example(b"")
def test_cached_template_yields_the_same_request_and_values(values: bytes) -> None:
    before, after = TEMPLATE
    assert parse_after(before + MANY + after, before + values + after) == parse_after(
        OTHER_TEMPLATE, before + values + after
    )


BUMPS = b'}],"outputs":[{"name":"bumps"}]}'


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"x"', b'"y"'), (b"FP32", b"FP64"), (b"}]}", BUMPS), (b"}]}", b"}]"), (b"}]}", b"]]}"), (b'{"id', b'["id')],
)
def test_changed_template_is_parsed_again(old: bytes, new: bytes) -> None:
    last = TEMPLATE[0] + MANY + TEMPLATE[1]
    body = last.replace(old, new)
    assert parse_after(last, body) == parse_after(OTHER_TEMPLATE, body) != parse_after(OTHER_TEMPLATE, last)


@pytest.mark.parametrize("space", [b"", b" "])
def test_cached_template_without_values_is_refused(space: bytes) -> None:
    before, after = TEMPLATE[0] + space, space + TEMPLATE[1]
    for body in (before + after, before + after[1:], after, before[:-1] + after):
        assert parse_after(before + MANY + after, body) is None

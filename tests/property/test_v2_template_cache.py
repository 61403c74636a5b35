"""Tests of the cache of V2 request templates: a cached template changes no parsed request."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from enn_service.errors import InvalidRequestError
from enn_service.protocols.v2_request import CACHE_EVERY, MAX_FRAMES, ParsedRequest, parse_request

TEMPLATE = (b'{"id":"x","inputs":[{"name":"input","shape":[2,2],"datatype":"FP32","data":', b"}]}")
MANY = b"[" + b"0.25,-0.5," * 100 + b"0]"
OTHERS = [
    b'{"inputs":[{"data":%b,"name":"input","shape":[%d,1],"datatype":"FP64"}]}' % (MANY, rows)
    for rows in range(1, MAX_FRAMES + 1)
]
"""Requests that leave no room for another template in the cache."""
INTEGERS = st.integers(-(2**63), 2**64 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | INTEGERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=8,
).map(orjson.dumps)
PIECES = st.sampled_from([b"[", b"]", b"{", b"}", b",", b'"', b":", b'"data":', b"0.5", b" ", b"null", b"\\", MANY])
VALUES = JSON | st.lists(PIECES, max_size=8).map(b"".join) | st.binary(max_size=6)


def parse_after(first: list[bytes], body: bytes) -> tuple[ParsedRequest, str | None, Any] | None:
    """Parse a body after others; return its request without values, its id, and the values; None if it is refused."""
    for each in first:
        parse_request(each, 2)
    try:
        request, own_id, values = parse_request(body, 2)
    except InvalidRequestError:
        return None
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return replace(request, tensor=replace(request.tensor, data=None)), own_id, listed


@given(VALUES)
@example(b"[1,2,3,4]")
@example(MANY)
@example(MANY + b',"data":' + MANY)
@example(b'[1,2],"shape":[1,2]')
@example(b'[1,2]}],"parameters":{"a":[{"b":1')
@example(b"")
def test_cached_template_yields_the_same_request_and_values(values: bytes) -> None:
    before, after = TEMPLATE
    body = before + values + after
    assert parse_after([before + MANY + after], body) == parse_after(OTHERS, body)


@given(JSON | st.lists(PIECES | st.binary(max_size=6), max_size=8).map(b"".join))
@example(b'"a"')
@example(b'""')
@example(b'"a\\"b"')
@example(b'"a","id":"b"')
@example(b'"a","inputs":[],"b":"c"')
@example(b"null")
def test_cached_template_takes_the_id_of_each_request(request_id: bytes) -> None:
    last = TEMPLATE[0] + MANY + TEMPLATE[1]
    body = last.replace(b'"x"', request_id, 1)
    assert parse_after([last], body) == parse_after(OTHERS, body)


@pytest.mark.parametrize("request_id", [b"", b'"id":"%d",', b'"more":[{"id":"%d"}],"id":"x",'])
def test_small_requests_are_cached_too(request_id: bytes) -> None:
    body = b"{" + request_id + b'"inputs":[{"name":"input","shape":[1,2],"datatype":"FP32","data":[0.5,%d]}]}'
    first, others = body.replace(b"%d", b"1"), body.replace(b"%d", b"2")
    parse_after([first] * CACHE_EVERY, first)
    parsed = [parse_request(each, 2)[0] for each in (first, others)]
    assert (parsed[0] is parsed[1]) is (b"more" not in request_id)
    assert [parse_after([], each) for each in (first, others)] == [
        parse_after(OTHERS, each) for each in (first, others)
    ]


BUMPS = b'}],"outputs":[{"name":"bumps"}]}'


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"FP32", b"FP64"), (b"}]}", BUMPS), (b"}]}", b"}]"), (b"}]}", b"]]}"), (b'{"id', b'["id')],
)
def test_changed_template_is_parsed_again(old: bytes, new: bytes) -> None:
    last = TEMPLATE[0] + MANY + TEMPLATE[1]
    body = last.replace(old, new)
    assert parse_after([last], body) == parse_after(OTHERS, body) != parse_after(OTHERS, last)


@pytest.mark.parametrize("space", [b"", b" "])
def test_cached_template_without_values_is_refused(space: bytes) -> None:
    before, after = TEMPLATE[0] + space, space + TEMPLATE[1]
    for body in (before + after, before + after[1:], after, before[:-1] + after):
        assert parse_after([before + MANY + after], body) is None

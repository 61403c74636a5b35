"""A request that differs from the last one in its values alone is read as it is after any other."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from enn_service.errors import InvalidRequestError
from enn_service.protocols.v2_request import ParsedRequest, parse_request

ALIKE = (b'{"id":"x","inputs":[{"name":"input","shape":[2,2],"datatype":"FP32","data":', b"}]}")
OTHER = b'{"inputs":[{"data":[0],"name":"input","shape":[1,1],"datatype":"FP64"}]}'
MANY = b"[" + b"0.25,-0.5," * 100 + b"0]"
INTEGERS = st.integers(-(2**63), 2**64 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | INTEGERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=8,
).map(orjson.dumps)
PIECES = st.sampled_from([b"[", b"]", b"{", b"}", b",", b'"', b":", b'"data":', b"0.5", b" ", b"null", b"\\", MANY])
TEXT = JSON | st.lists(PIECES, max_size=8).map(b"".join) | st.binary(max_size=6)


def read(first: bytes, body: bytes) -> tuple[ParsedRequest, Any] | None:
    """Return what a body is read as after another, its form without the values; None where it is refused."""
    parse_request(first, 2)
    try:
        form, values = parse_request(body, 2)
    except InvalidRequestError:
        return None
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return form._replace(tensor=form.tensor._replace(data=None)), listed


@given(TEXT)
@example(b"[1,2,3,4]")
@example(MANY)
@example(MANY + b',"data":' + MANY)
@example(b'[1,2],"shape":[1,2]')
@example(b'[1,2]}],"parameters":{"a":[{"b":1')
@example(b"")
def test_values_are_read_alike_whether_their_form_came_before_or_not(values: bytes) -> None:
    before, after = ALIKE
    assert read(before + b"[1,2,3,4]" + after, before + values + after) == read(OTHER, before + values + after)


BUMPS = b'}],"outputs":[{"name":"bumps"}]}'


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"x"', b'"y"'), (b"FP32", b"FP64"), (b"}]}", BUMPS), (b"}]}", b"}]"), (b"}]}", b"]]}"), (b'{"id', b'["id')],
)
def test_what_else_a_request_says_is_seen(old: bytes, new: bytes) -> None:
    last = ALIKE[0] + b"[1,2,3,4]" + ALIKE[1]
    body = last.replace(old, new)
    assert read(last, body) == read(OTHER, body) != read(OTHER, last)


@pytest.mark.parametrize("space", [b"", b" "])
def test_what_stood_around_the_last_values_is_no_request_without_any(space: bytes) -> None:
    before, after = ALIKE[0] + space, space + ALIKE[1]
    for body in (before + after, before + after[1:], after, before[:-1] + after):
        assert read(before + b"[1,2,3,4]" + after, body) is None

"""Tests of the parser of numeric JSON: it returns the numbers that a JSON parser returns, or None."""

import re

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enn_service.protocols import numeric_json

KEY = re.compile(rb'"rows"\s*:\s*')
SPACE = st.sampled_from(["", " ", "\n", "\t "])
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
ANYTHING = st.none() | st.booleans() | FLOATS | st.text(max_size=3) | st.lists(FLOATS, max_size=3)
LONG = 600
"""Number of rows whose array is long enough to be extracted from a body."""


def spaced_json(value: object, space: str) -> str:
    """Return a value as JSON with the same white space around every bracket and comma."""
    if isinstance(value, list):
        return f"[{space}{f'{space},{space}'.join(spaced_json(item, space) for item in value)}{space}]"
    return orjson.dumps(value).decode()


@given(st.lists(st.tuples(FLOATS, FLOATS, FLOATS).map(list), min_size=1, max_size=20), SPACE)
def test_matrix_equals_that_of_a_json_parser(rows: list, space: str) -> None:
    found = numeric_json.parse_matrix(spaced_json(rows, space).encode(), 3)
    assert found is not None
    np.testing.assert_array_equal(found, np.array(rows, dtype=np.float64))


@given(st.lists(FLOATS, min_size=1, max_size=20), SPACE)
def test_vector_equals_that_of_a_json_parser(values: list, space: str) -> None:
    found = numeric_json.parse_vector(spaced_json(values, space).encode())
    assert found is not None
    np.testing.assert_array_equal(found, np.array(values, dtype=np.float64))


@given(st.lists(st.lists(ANYTHING, max_size=4) | st.just([]) | FLOATS.map(lambda one: [one]), max_size=6))
@pytest.mark.parametrize("columns", [1, 2])
def test_only_rows_of_numbers_are_parsed(columns: int, rows: list) -> None:
    found = numeric_json.parse_matrix(orjson.dumps(rows), columns)
    good = bool(rows) and all(len(row) == columns and {*map(type, row)} <= {int, float} for row in rows)
    assert (found is not None) == good


@given(st.binary(max_size=40) | st.text("[]{},.0123456789eE+- ", max_size=40).map(str.encode))
def test_invalid_json_is_not_parsed(text: bytes) -> None:
    found = numeric_json.parse_matrix(b"[" + text + b"]", 2)
    if found is not None:
        np.testing.assert_array_equal(found, np.array(orjson.loads(b"[" + text + b"]"), dtype=np.float64))


@given(st.dictionaries(st.text(max_size=4), ANYTHING, max_size=3), st.dictionaries(st.text(max_size=4), ANYTHING))
def test_body_equals_its_rest_with_the_extracted_array(before: dict, after: dict) -> None:
    rows = [[0.5, -2]] * LONG
    body = orjson.dumps({**before, "rows": rows, **after})
    rest, numbers = numeric_json.extract_number_array(body, KEY)
    value = orjson.loads(rest)
    if "rows" not in after:
        assert value["rows"] == numeric_json.PLACEHOLDER
        assert orjson.loads(numbers) == rows
    assert value | {"rows": 0} == orjson.loads(body) | {"rows": 0}


def test_arrays_longer_than_a_chunk_keep_every_number() -> None:
    rows = np.random.default_rng(0).normal(size=(20_000, 3))
    text = orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY)
    assert len(text) > 10 * numeric_json.CHUNK_BYTES
    np.testing.assert_array_equal(numeric_json.parse_matrix(text, 3), rows)
    np.testing.assert_array_equal(
        numeric_json.parse_vector(text.translate(None, b"[]").join([b"[", b"]"])), rows.ravel()
    )
    assert numeric_json.parse_matrix(text, 2) is None
    assert numeric_json.parse_matrix(text[:-1] + b",[1,2]]", 3) is None
    assert numeric_json.parse_vector(b"[%b]" % (b" " * LONG)) is None


@pytest.mark.parametrize("length", range(numeric_json.CHUNK_BYTES - 2, numeric_json.CHUNK_BYTES + 4))
def test_trailing_comma_is_refused_at_every_chunk_border(length: int) -> None:
    values = b"1," * (length // 2) + b" " * (length % 2) + b"1"
    found = numeric_json.parse_vector(b"[%b]" % values)
    assert found is not None
    assert len(found) == length // 2 + 1
    for comma in (b",", b" , ", b",,"):
        assert numeric_json.parse_vector(b"[%b%b]" % (values, comma)) is None


def test_array_of_any_length_must_begin_with_a_bracket() -> None:
    for end in (b"", b",1" * numeric_json.CHUNK_BYTES):
        for begin in (b"", b" ", b"7", b"{"):
            assert numeric_json.parse_vector(b"%b1,[2],3%b]" % (begin, end)) is None
            assert numeric_json.parse_matrix(b"%b[1],[2]%b]" % (begin, end.replace(b"1", b"[1]")), 1) is None

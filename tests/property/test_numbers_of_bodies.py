"""Numbers go from bytes to arrays as any JSON parser would read them, or not at all."""

import re

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enn_service.protocols import numeric_json as json_numbers

KEY = re.compile(rb'"rows"\s*:\s*')
SPACE = st.sampled_from(["", " ", "\n", "\t "])
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
ANYTHING = st.none() | st.booleans() | FLOATS | st.text(max_size=3) | st.lists(FLOATS, max_size=3)
LONG = 600
"""More values than fit in a body that is not worth cutting."""


def spaced(value: object, space: str) -> str:
    """Return a value as JSON with the same space around everything."""
    if isinstance(value, list):
        return f"[{space}{f'{space},{space}'.join(spaced(item, space) for item in value)}{space}]"
    return orjson.dumps(value).decode()


@given(st.lists(st.tuples(FLOATS, FLOATS, FLOATS).map(list), min_size=1, max_size=20), SPACE)
def test_rows_of_numbers_are_read_as_a_parser_reads_them(rows: list, space: str) -> None:
    found = json_numbers.parse_matrix(spaced(rows, space).encode(), 3)
    assert found is not None
    np.testing.assert_array_equal(found, np.array(rows, dtype=np.float64))


@given(st.lists(FLOATS, min_size=1, max_size=20), SPACE)
def test_a_flat_list_of_numbers_is_read_as_a_parser_reads_it(values: list, space: str) -> None:
    found = json_numbers.parse_vector(spaced(values, space).encode())
    assert found is not None
    np.testing.assert_array_equal(found, np.array(values, dtype=np.float64))


@given(st.lists(st.lists(ANYTHING, max_size=4) | st.just([]) | FLOATS.map(lambda one: [one]), max_size=6))
@pytest.mark.parametrize("columns", [1, 2])
def test_what_is_read_is_rows_of_numbers_alone(columns: int, rows: list) -> None:
    found = json_numbers.parse_matrix(orjson.dumps(rows), columns)
    good = bool(rows) and all(len(row) == columns and {*map(type, row)} <= {int, float} for row in rows)
    assert (found is not None) == good


@given(st.binary(max_size=40) | st.text("[]{},.0123456789eE+- ", max_size=40).map(str.encode))
def test_text_that_is_no_json_is_not_read(text: bytes) -> None:
    found = json_numbers.parse_matrix(b"[" + text + b"]", 2)
    if found is not None:
        np.testing.assert_array_equal(found, np.array(orjson.loads(b"[" + text + b"]"), dtype=np.float64))


@given(st.dictionaries(st.text(max_size=4), ANYTHING, max_size=3), st.dictionaries(st.text(max_size=4), ANYTHING))
def test_a_body_is_its_rest_with_the_numbers_put_back(before: dict, after: dict) -> None:
    rows = [[0.5, -2]] * LONG
    body = orjson.dumps({**before, "rows": rows, **after})
    rest, numbers = json_numbers.extract_number_array(body, KEY)
    value = orjson.loads(rest)
    if "rows" not in after:
        assert value["rows"] == json_numbers.PLACEHOLDER
        assert orjson.loads(numbers) == rows
    assert value | {"rows": 0} == orjson.loads(body) | {"rows": 0}


def test_long_rows_are_read_in_pieces_and_none_is_lost() -> None:
    rows = np.random.default_rng(0).normal(size=(20_000, 3))
    text = orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY)
    assert len(text) > 10 * json_numbers.CHUNK_BYTES
    np.testing.assert_array_equal(json_numbers.parse_matrix(text, 3), rows)
    np.testing.assert_array_equal(
        json_numbers.parse_vector(text.translate(None, b"[]").join([b"[", b"]"])), rows.ravel()
    )
    assert json_numbers.parse_matrix(text, 2) is None
    assert json_numbers.parse_matrix(text[:-1] + b",[1,2]]", 3) is None
    assert json_numbers.parse_vector(b"[%b]" % (b" " * LONG)) is None


@pytest.mark.parametrize("length", range(json_numbers.CHUNK_BYTES - 2, json_numbers.CHUNK_BYTES + 4))
def test_a_comma_before_the_end_is_seen_wherever_a_piece_ends(length: int) -> None:
    values = b"1," * (length // 2) + b" " * (length % 2) + b"1"
    found = json_numbers.parse_vector(b"[%b]" % values)
    assert found is not None
    assert len(found) == length // 2 + 1
    for comma in (b",", b" , ", b",,"):
        assert json_numbers.parse_vector(b"[%b%b]" % (values, comma)) is None


def test_an_array_begins_with_a_bracket_however_long_it_is() -> None:
    for end in (b"", b",1" * json_numbers.CHUNK_BYTES):
        for begin in (b"", b" ", b"7", b"{"):
            assert json_numbers.parse_vector(b"%b1,[2],3%b]" % (begin, end)) is None
            assert json_numbers.parse_matrix(b"%b[1],[2]%b]" % (begin, end.replace(b"1", b"[1]")), 1) is None

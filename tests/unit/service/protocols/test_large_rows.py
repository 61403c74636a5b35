"""Tests of rows in large JSON bodies: found and parsed piece by piece, they are what a JSON parser reads."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from enn_service.errors import InvalidRequestError, TooMuchWorkError
from enn_service.inference.admission import MemoryBudget, Reservation
from enn_service.inference.cost import SMALL_BYTES
from enn_service.inference.types import InferenceRequest
from enn_service.protocols import large_rows, numeric_json
from enn_service.protocols.large_rows import MAX_GAP, SEARCHED_BYTES, FlatRows, ListedRows, Span, possible_spans

KEY = re.compile(rb'"rows"\s*:\s*')
MANY = 20_000
ROWS: dict[str, list[Any]] = {
    "numbers": [[0.5, index] for index in range(MANY)],
    "a missing value": [[0.5, None if index == MANY // 2 else index] for index in range(MANY)],
    "names": [{"a": index, "b": "x"} for index in range(MANY)],
    "texts that look like ends": [["],[", '}],"x":['] for _ in range(MANY)],
    "a long row": [["x" * 3 * SMALL_BYTES, 1], [2, 3]],
}
BESIDE: list[dict[str, Any]] = [{}, {"parameters": {"outputs": ["a"], "background": [[1, 2]]}}, {"ids": [1, 2]}]


def parsed(source: ListedRows) -> list[Any]:
    pieces = [piece if isinstance(piece, list) else piece.tolist() for piece in source.pieces()]
    return [row for piece in pieces for row in piece]


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", ROWS)
def test_rows_are_those_that_a_whole_parse_reads(kind: str, beside: dict[str, Any], *, first: bool) -> None:
    body = {"rows": ROWS[kind]} | beside if first else beside | {"rows": ROWS[kind]}
    text = orjson.dumps(body)
    for rest, span in possible_spans(text, KEY):
        try:
            found = orjson.loads(rest)
        except orjson.JSONDecodeError:
            continue
        assert found == body | {"rows": numeric_json.PLACEHOLDER}
        source = ListedRows(InferenceRequest(text), text, span, 2)
        assert parsed(source) == ROWS[kind]
        assert len(source) >= len(ROWS[kind])
        return
    raise AssertionError("the rows were not found")


class CountedPattern:
    """Pattern that counts the bytes which it may search before the interpreter lock is released."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self.pattern, self.longest = pattern, 0

    def finditer(self, text: bytes, start: int, end: int) -> Iterator[re.Match[bytes]]:
        self.longest = max(self.longest, end - start)
        return self.pattern.finditer(text, start, end)


def test_each_search_of_a_long_row_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = CountedPattern(large_rows.ROW_END)
    monkeypatch.setattr(large_rows, "ROW_END", counted)
    rows = [[*range(SEARCHED_BYTES)], [1, 2]]
    text = orjson.dumps(rows)
    assert parsed(ListedRows(InferenceRequest(text), text, Span(0, len(text)), 2)) == rows
    assert 0 < counted.longest <= SEARCHED_BYTES + MAX_GAP


@pytest.mark.parametrize("columns", [1, 2, 7])
@pytest.mark.parametrize("missing", [True, False])
def test_flat_values_are_divided_into_rows(columns: int, *, missing: bool) -> None:
    values: list[float | None] = [*map(float, range(columns * MANY // 2))]
    if missing:
        values[len(values) // 2] = None
    text = orjson.dumps(values)
    source = FlatRows(InferenceRequest(text), text, Span(0, len(text)), columns)
    assert (source.values, len(source)) == (len(values), len(values) // columns)
    assert [value for row in parsed(source) for value in row] == values


def test_text_that_is_no_json_is_refused_with_its_place() -> None:
    text = orjson.dumps(ROWS["numbers"])[:-1] + b",x]"
    with pytest.raises(InvalidRequestError, match=rf"not valid JSON: .*: byte {len(text) - 2}"):
        parsed(ListedRows(InferenceRequest(text), text, Span(0, len(text)), 2))


def test_too_large_piece_is_refused_before_it_is_parsed() -> None:
    text = b"[[%b]]" % b",".join([b"[]"] * 2**19)
    memory = Reservation(MemoryBudget(2**24))
    with pytest.raises(TooMuchWorkError, match="a part of the body"):
        parsed(ListedRows(InferenceRequest(text, memory=memory), text, Span(0, len(text)), 2))

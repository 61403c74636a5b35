"""Tests of the blocks of CSV files: whole lines, also with line breaks in quotation marks."""

import csv
import io

import pytest

from enn_service.scoring import csv_blocks
from enn_service.scoring.csv_blocks import CsvFile, CsvOptions
from enn_service.scoring.errors import ScoreError
from support import tiny
from support.examples import network

CARD = tiny.card(network())


def test_blocks_have_whole_lines_in_order() -> None:
    lines = [["0.5", "1.25", f'a "quoted"\ntext, of {index}' * (index % 7)] for index in range(20_000)]
    text = io.StringIO()
    csv.writer(text).writerows([["x0", "x1", "no,\nte"], *lines])
    file = CsvFile(io.BytesIO(b"\xef\xbb\xbf" + text.getvalue().encode()), CsvOptions(","))
    assert file.names == ["x0", "x1", "no,\nte"]
    parsed = [file.parse(block, CARD, ("x0", "no,\nte")) for block in file.blocks(1)]
    assert len(parsed) > 10
    found = [row for rows in parsed for row in rows.batch.to_pylist()]
    assert found == [{"x0": 0.5, "no,\nte": line[2].replace("\r\n", "\n")} for line in lines]


def test_wrong_cells_and_lines_change_no_other_row() -> None:
    text = b"x0,x1\n1,2\n\n3,4,5\n7\nabc,6\n 1e1 ,NA\n"
    file = CsvFile(io.BytesIO(text), CsvOptions(","))
    (block,) = file.blocks(10)
    rows = file.parse(block, CARD, ("x0", "x1"))
    assert rows.broken == {1: "3 values; the header has 2 columns", 2: "1 values; the header has 2 columns"}
    assert rows.batch.column("x0").to_pylist() == ["1", "3", "7", "abc", " 1e1 "]


def test_files_that_are_no_csv_are_refused() -> None:
    with pytest.raises(ScoreError, match="no header"):
        CsvFile(io.BytesIO(b""), CsvOptions(","))
    file = CsvFile(io.BytesIO(b"x0\n\xff\xfe,\n"), CsvOptions(","))
    with pytest.raises(ScoreError, match="not a CSV file in UTF-8"):
        file.parse(b"".join(file.blocks(1)), CARD, ("x0",))


def test_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "MAX_LINE_BYTES", 2**17)
    file = CsvFile(io.BytesIO(b'x0\n"' + b"1\n" * 2**18), CsvOptions(","))
    with pytest.raises(ScoreError, match="a quotation mark that is not closed"):
        list(file.blocks(1))

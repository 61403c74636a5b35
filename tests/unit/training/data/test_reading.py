"""Tests of reading files: every kind of text gives the right columns, or an error that names the line."""

import decimal
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from enn_training.data.reading.table import read_table
from enn_training.data.tables import to_dataset
from enn_training.errors import DataError, TableWarning


def example(rows=40):
    random = np.random.default_rng(0)
    a, b = random.normal(size=rows).round(3), random.normal(size=rows).round(3)
    return pd.DataFrame({"a": a, "b": b, "y": np.where(a > 0, "yes", "no")})


@pytest.fixture
def read(tmp_path):
    def read(content, name="table.csv"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(tmp_path / name)

    return read


def equals(table, expected):
    pd.testing.assert_frame_equal(table.frame, expected, check_dtype=False, check_column_type=False)


def test_row_names_of_r_are_left_out_with_warning(read):
    text = '"a","b","y"\n' + example().rename(index="row {}".format).to_csv(header=False, quoting=2)
    with pytest.warns(TableWarning, match="column 1 is left out: it has no name and different values"):
        equals(read(text), example())


def test_trailing_separators_are_left_out_with_warning(read):
    with pytest.warns(TableWarning, match="column 4 is left out: it has neither a name nor a value"):
        equals(
            read("a,b,y\n" + "".join(f"{line},\n" for line in example().to_csv(header=False, index=False).split())),
            example(),
        )


def test_blank_first_name_over_different_values_is_row_numbers(read):
    with pytest.warns(TableWarning, match="column 1 is left out"):
        equals(read(example().to_csv()), example())


def test_other_blank_names_are_numbered_with_warning(read):
    text = example().assign(c=1.5, d=2).to_csv(index=False).replace("a,b,y,c,d", "a,b,y, ,", 1)
    with pytest.warns(TableWarning, match="column . has no name in the header and is called 'column .'") as caught:
        assert list(read(text).frame.columns) == ["a", "b", "y", "column 4", "column 5"]
    assert len(caught) == 2


def test_types_are_those_of_whole_columns(read, tmp_path):
    # As many values as pandas reads at a time, so that it would infer a type for each part.
    codes = np.resize(["1", "2", "3", "4", "5"], 300_000)
    codes[-3:] = "A"
    text = pd.DataFrame({"a": np.arange(300_000) % 7, "b": np.arange(300_000) % 11, "y": codes}).to_csv(index=False)
    table = read(text)
    assert to_dataset(table, "y", 0).classes == ("1", "2", "3", "4", "5", "A")
    with pytest.raises(DataError, match="column 'y', line 299999: 'A' is not a number"):
        to_dataset(table, "a", 0)


@pytest.mark.parametrize(("ending", "text"), [("\n", "x\ny"), ("\r\n", "x\r\ny"), ("\n", "a\rb\nc\r\nd")])
def test_errors_name_lines_of_files_with_line_breaks_in_cells(read, ending, text):
    frame = example().assign(c=text)
    frame["a"] = frame["a"].astype(object)
    frame.loc[30, "a"] = "oops"
    content = frame.to_csv(index=False, lineterminator=ending)
    line = next(number for number, found in enumerate(io.StringIO(content, newline=""), 1) if "oops" in found)
    with pytest.raises(DataError, match=f"column 'a', line {line}: 'oops' is not a number"):
        to_dataset(read(content), "y", 0)


def test_record_of_another_length_is_refused_with_its_line(read):
    text = 'a,b,y\n"1\n2",3,yes\n'
    for record, words in (("1,2", "line 4: 2 value"), ("1,2,3,4", "line 4: 4 value"), ('"1,2,3\n', "line 4: 1 value")):
        with pytest.raises(DataError, match=words + r"\(s\); the header has 3 name\(s\)"):
            read(text + record + "\n")


def test_blank_lines_are_left_out_and_counted(read):
    with pytest.warns(TableWarning, match=r"2 blank line\(s\) are left out, the first of them line 4"):
        table = read("\na,y\n1,0\n  \n2,1\n\n")
    assert table.frame.to_numpy().tolist() == [[1, 0], [2, 1]]
    assert table.row([False, True]) == "line 5"


def test_decimals_of_parquet_are_numbers(tmp_path):
    values = [None, *(decimal.Decimal(f"{number}.25") for number in range(39))]
    targets = pd.Series([decimal.Decimal("0.5"), *values[1:]])
    example().assign(a=values, y=targets).to_parquet(tmp_path / "table.parquet")
    data = to_dataset(read_table(tmp_path / "table.parquet"), "y", 0)
    assert data.classes is None
    assert np.nanmax(np.concatenate([part.x for part in (data.training, data.validation, data.test)])[:, 0]) == 38.25
    assert max(part.y.max() for part in (data.training, data.validation, data.test)) == 38.25


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_inferred_from_the_first_lines(read, separator):
    equals(read(example().assign(c="a, b; c").to_csv(index=False, sep=separator)), example().assign(c="a, b; c"))


def test_decimal_commas_are_numbers_with_warning(read):
    frame = example().assign(c=np.arange(40) - 2.5, b=example()["b"].where(example().index > 3), d=1.234, e="x,y")
    with pytest.warns(TableWarning, match="column '[abcd]': commas are read as decimal points") as caught:
        table = read(frame.to_csv(index=False, sep=";", decimal=","))
    assert len(caught) == 4
    equals(table, frame)
    with pytest.warns(TableWarning, match="column 'c': commas are read as decimal points"):
        equals(read(example().assign(c="1,5").to_csv(index=False)), example().assign(c=1.5))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_mark_names_the_encoding(read, encoding):
    frame = example().rename(columns={"a": "größe"})
    equals(read(frame.to_csv(index=False).encode(encoding)), frame)


def test_text_outside_utf_8_is_windows_1252_with_warning(read):
    frame = example().assign(c="one €")
    with pytest.warns(TableWarning, match="not in UTF-8: it is read as cp1252"):
        equals(read(frame.to_csv(index=False).encode("cp1252")), frame)


def test_comments_before_the_header_are_left_out_with_warning(read):
    with pytest.warns(TableWarning, match=r"the first 2 line\(s\) are left out: comments"):
        table = read("# exported\n# by hand\n" + example().to_csv(index=False))
    equals(table, example())
    assert table.row([True]) == "line 4"
    assert list(read("#" + example().to_csv(index=False)).frame.columns) == ["#a", "b", "y"]


def test_compressed_file_and_standard_input_are_read(read, monkeypatch):
    content = example().to_csv(index=False).encode()
    equals(read(gzip.compress(content), "table.CSV.gz"), example())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    equals(read_table(Path("-")), example())


def test_damaged_compressed_file_is_refused(read):
    with pytest.raises(DataError, match=r"table\.csv\.gz: cannot be read"):
        read(gzip.compress(b"a,y\n1,2\n")[:-8], "table.csv.gz")

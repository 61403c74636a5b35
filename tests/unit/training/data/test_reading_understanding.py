"""Tests of tables as people have them: each way of writing has the right value, and a line that states it."""

import warnings

import numpy as np
import pandas as pd
import pytest

from enn_training.data.reading.options import ReadingOptions
from enn_training.data.reading.roles import Roles
from enn_training.data.reading.table import read_table
from enn_training.data.reading.understanding import understand
from enn_training.errors import DataError, OptionError, TableWarning

ROWS = 40
Y = np.random.default_rng(0).permutation(np.resize([0, 1], ROWS))


def filled(cells):
    """Return the cells, repeated to the number of rows."""
    return [cells[row % len(cells)] for row in range(ROWS)]


@pytest.fixture
def read(tmp_path):
    """Return the reader of columns of a text, which returns the table and all warnings as one text."""

    def read(columns, separator=",", **options):
        frame = pd.DataFrame({**{name: filled(cells) for name, cells in columns.items()}, "y": Y})
        frame.to_csv(tmp_path / "table.csv", index=False, sep=separator)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", TableWarning)
            table = read_table(tmp_path / "table.csv", ReadingOptions(**options))
        return table, "\n".join(str(warning.message) for warning in caught)

    return read


def found(table, roles):
    """Return the understanding of a table and all warnings as one text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TableWarning)
        result = understand(table, roles)
    return result, "\n".join(str(warning.message) for warning in caught)


NUMBERS = [
    (["1,234", "5", "-2,000,000"], [1234, 5, -2_000_000], "',' between thousands left out: '1,234' is 1234"),
    (["1 234,5", "0,25"], [1234.5, 0.25], "commas are read as decimal points"),
    (["1'234.50", "2.00"], [1234.5, 2], "between thousands left out"),
    (["1.234.567", "8"], [1_234_567, 8], "'.' between thousands left out"),
    (["12%", "3.5%", "0"], [12, 3.5, 0], "percent signs left out: '12%' is 12"),
    (["$1,234.50", "-$2", "3"], [1234.5, -2, 3], "the currency '$' is left out"),
    (["5.50 €", "7 €"], [5.5, 7], "the currency '€' is left out"),
    (["EUR 5", "EUR 7"], [5, 7], "the currency 'EUR' is left out"),
    (["(5.5)", "2"], [-5.5, 2], "numbers in parentheses are negative"),
    (["\u22123", "4"], [-3, 4], "the minus of Unicode is read as a minus"),
    (["007", "042"], [7, 42], "leading zeros are left out, as those of '007'"),
    ([" 1.5", "2 "], [1.5, 2], ""),
]


@pytest.mark.parametrize(("cells", "values", "words"), NUMBERS)
def test_number_of_each_form_has_its_value_and_line(read, cells, values, words):
    table, said = read({"a": cells})
    assert table.frame["a"].tolist() == filled(values)
    assert words in said
    assert bool(words) == bool(said)


TEXTS = ["5%", "6"], ["$5", "6 €"], ["12 kg", "13 kg"], ["1,2,3", "4"], ["(5", "6"], ["10:30", "11:45"], ["+-5", "5"]


@pytest.mark.parametrize("cells", TEXTS)
def test_text_that_is_no_number_in_one_unit_stays_text(read, cells):
    table, said = read({"a": cells})
    assert (table.frame["a"].tolist(), said) == (filled(cells), "")


@pytest.mark.parametrize(
    ("columns", "options", "value", "words"),
    [
        ({"a": ["1,234"]}, {}, "1,234", "'1,234' can have decimals or thousands: the column stays text; --decimal"),
        ({"a": ["1,234"]}, {"decimal": ","}, 1.234, ""),
        ({"a": ["1,234"]}, {"decimal": "."}, 1234, "',' between thousands left out"),
        ({"a": ["1,234"], "b": ["0,5"]}, {}, 1.234, "--decimal changes this"),
        ({"a": ["1,234"], "b": ["0.5"]}, {}, 1234, "--decimal changes this"),
        ({"a": ["1.234"], "b": ["0,5"]}, {}, 1234, "'.' between thousands left out: '1.234' is 1234"),
        ({"a": ["1.234"]}, {}, 1.234, ""),
    ],
)
def test_other_columns_or_option_tell_thousands_from_decimals(read, columns, options, value, words):
    table, said = read(columns, separator=";", **options)
    assert table.frame["a"].tolist() == [value] * ROWS
    assert words in said


MARKERS = ["?", "-", "n/a", "NULL", "NA", "None", "", " ", "--", ".", "NaN", "#N/A", "(null)"]


@pytest.mark.parametrize("marker", MARKERS)
def test_marker_is_missing_among_numbers_and_texts(read, marker):
    table, said = read({"a": [marker, "1.5", "2"], "b": [marker, "x", "z"]})
    assert table.frame["a"].tolist()[1:3] == [1.5, 2]
    assert table.frame["b"].tolist()[1:3] == ["x", "z"]
    assert table.frame[["a", "b"]].isna().sum().tolist() == [14, 14]
    lines = said.splitlines()
    if marker.strip():
        assert lines[0].startswith(f"column 'a': '{marker}' (14) is read as missing")
        assert lines[1] == f"column 'b': '{marker}' (14) is read as missing; --keep {marker} keeps it as a category"
    else:
        assert not lines


def test_markers_are_kept_or_added_by_option(read):
    table, said = read({"a": ["NA", "DE"], "b": ["None", "1"], "c": ["unknown", "2"]}, keep=("NA", "None"))
    assert table.frame["a"].tolist() == filled(["NA", "DE"])
    assert table.frame["b"].isna().sum() == 20
    assert "column 'a'" not in said
    table, said = read({"c": ["unknown", "2"], "d": [-999, 5], "e": [-999.5, -9]}, missing=("unknown", "-999"))
    assert table.frame[["c", "d", "e"]].isna().sum().tolist() == [20, 20, 0]
    assert "column 'd': '-999' (20) is read as missing" in said


def test_sentinel_is_reported_and_stays_a_number(read):
    table, _ = read({"a": [-999, 1, 2, 3, 5], "b": [-9, -8, 9, 10], "c": [99, 1, 2.5]})
    result, said = found(table, Roles("y"))
    assert (result.rows.x[:, 0] == -999).sum() == 8
    assert (
        "column 'a': 8 values are -999, far from the others (1 to 5), and are read as numbers; --missing -999" in said
    )
    assert "column 'b'" not in said
    assert "column 'c': 14 values are 99" in said


@pytest.mark.parametrize(
    "words", [("yes", "no"), ("Yes", "NO"), ("y", "n"), ("T", "F"), ("TRUE", "false"), ("True", "False")]
)
def test_words_for_true_and_false_are_booleans(read, words):
    table, _ = read({"a": [*words, ""], "b": [1, 2, 3, 4]})
    result, _ = found(table, Roles("y"))
    assert [(column.kind, column.missing) for column in result.columns] == [("boolean", True), ("numeric", False)]
    np.testing.assert_array_equal(result.rows.x[:3, 0], [1, 0, np.nan])
    texts = table.frame.assign(b=filled(["yes", "no"]))
    other, _ = found(type(table)(texts, table.path, table.lines), Roles("b", without=["a"], include=["y"]))
    assert other.classes == ("no", "yes")


def test_repeated_names_are_told_apart(tmp_path):
    (tmp_path / "t.csv").write_text("a,a,y,a\n" + "".join(f"{row},{row % 7},{row % 2},{row}\n" for row in range(20)))
    with pytest.warns(TableWarning) as caught:
        table = read_table(tmp_path / "t.csv")
    assert list(table.frame.columns) == ["a", "a (2)", "y"]
    assert [str(warning.message) for warning in caught] == [
        "column 2 has the name 'a' of column 1 and is called 'a (2)'",
        "column 4 is left out: it has the name 'a' and the values of column 1",
    ]


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("a", list(range(7, 7 + ROWS)), "numbers of the rows, one more in each; --with a keeps it"),
        ("customer_id", [row * 7 % 41 for row in range(ROWS)], "identifiers: 40 different whole numbers; --with"),
        ("a", [f"cust-{row}" for row in range(ROWS)], "identifiers: 40 different texts in 40 rows"),
        ("a", [f"the word {row} in a text" for row in range(ROWS)], "free text: 40 different texts in 40 rows"),
        ("a", [5], "all its values are 5"),
        ("a", ["x"], "all its values are x"),
        ("a", [""], "no row has a value"),
        ("a", ["NA", "?"], "no row has a value"),
    ],
)
def test_column_of_no_use_is_left_out_with_its_reason(read, name, cells, reason):
    table, _ = read({name: cells, "b": [1, 2, 3.5, 2.5]})
    result, said = found(table, Roles("y"))
    assert [column.name for column in result.columns] == ["b"]
    assert f"column {name!r} is left out: {reason}" in said
    assert result.reports[0].line().startswith(f"column {name!r}: left out: {reason}")


def test_column_that_numbers_rows_is_kept_on_request(read):
    table, _ = read({"a": list(range(ROWS)), "k": [5]})
    assert [column.name for column in found(table, Roles("y", include=["a"]))[0].columns] == ["a"]
    with pytest.raises(DataError, match="column 'k' cannot be kept: all its values are 5"):
        found(table, Roles("y", include=["k"]))
    with pytest.raises(DataError, match="column 'a' is to be learned from and not"):
        found(table, Roles("y", include=["a"], without=["a"]))


def test_leak_is_named_with_its_score(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=400), "b": random.choice(["u", "v", "w"], 400)})
    frame["late"], frame["y"] = np.where(frame["a"] > 0, "paid", "open"), (frame["a"] > 0) * 3 + 1
    frame["price"] = 3 * frame["a"] ** 3
    frame["noise"] = frame["price"] + random.normal(size=400) * 2
    frame.to_parquet(tmp_path / "table.parquet")
    table = read_table(tmp_path / "table.parquet")
    result, said = found(table, Roles("y", without=["a", "price", "noise"]))
    assert [(leak.name, leak.measure, leak.score) for leak in result.leaks] == [("late", "accuracy", 1.0)]
    assert (
        "column 'late' alone predicts the target: a decision tree of it has accuracy 1.0000 in cross-validation" in said
    )
    assert "--without late" in said
    result, _ = found(table, Roles("price", without=["y"]))
    assert [leak.name for leak in result.leaks] == ["a"]
    assert result.leaks[0].score > 0.99


def test_lines_and_document_state_kind_range_and_missing_values(read):
    table, _ = read({"a": ["1", "2.5", "NA", "4"], "b": ["x", "z", "z"], "id": list(range(ROWS))})
    result, _ = found(table, Roles("y"))
    assert list(result.lines())[1:] == [
        "column 'a': numeric, 1 to 4; 10 missing; 'NA' (10) is read as missing",
        "column 'b': categorical, 2: x, z",
        "column 'id': left out: numbers of the rows, one more in each; --with id keeps it",
        "target 'y': classification, 2: 0, 1; use --task regression to learn numbers",
    ]
    document = result.to_json()
    assert (document["rows"], document["task"]) == (ROWS, "classification")
    assert document["text"] == {"encoding": "utf-8", "separator": ",", "decimal": "."}
    assert document["columns"][0] == {
        "name": "a",
        "role": "feature",
        "kind": "numeric",
        "missing": 10,
        "minimum": 1.0,
        "maximum": 4.0,
        "notes": ["'NA' (10) is read as missing"],
    }


def test_separator_and_encoding_are_named_by_option(tmp_path):
    text = "größe~y\n" + "1,5~a\n2~b\n" * 10
    (tmp_path / "t.csv").write_bytes(text.encode("cp437"))
    table = read_table(tmp_path / "t.csv", ReadingOptions("~", "cp437", ","))
    assert list(table.frame.columns) == ["größe", "y"]
    assert table.frame["größe"].tolist()[:2] == [1.5, 2]
    with pytest.raises(DataError, match=r"the text is not in utf-8: .*; name another one with --encoding"):
        read_table(tmp_path / "t.csv", ReadingOptions(encoding="utf-8"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"separator": "ab"}, "--separator 'ab': expected one character"),
        ({"decimal": ";"}, "--decimal ';': expected . or ,"),
        ({"decimal": ",", "separator": ","}, "--decimal and --separator are both ','"),
        ({"encoding": "utf-9"}, "--encoding utf-9: expected the name of an encoding"),
        ({"keep": ("x",)}, "--keep 'x': expected a text that otherwise means missing"),
        ({"keep": ("NA",), "missing": ("NA",)}, "--keep and --missing: 'NA' is in both"),
    ],
)
def test_wrong_option_of_reading_is_refused(options, words):
    with pytest.raises(OptionError) as caught:
        ReadingOptions(**options)
    assert words in str(caught.value)

"""Tests of reading tables: a data set, or an error that names the column, the row and the remedy."""

import numpy as np
import pandas as pd
import pytest

from enn_training.data.columns import Column
from enn_training.data.reading.table import read_table
from enn_training.data.tables import to_dataset
from enn_training.errors import DataError, TableWarning
from enn_training.learners.lms import LMS
from enn_training.learners.trainer import train


def frame(rows=40):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=rows), "b": rng.uniform(size=rows), "t": np.arange(rows) % 2})


@pytest.fixture
def load(tmp_path):
    def load(table, target="t", task=None, seed=0):
        path = tmp_path / "table.csv"
        table.to_csv(path, index=False)
        return to_dataset(read_table(path), target, seed, task)

    return load


def refuse(load, table, words, target="t", task=None):
    with pytest.raises(DataError, match=words):
        load(table, target, task)


def test_every_row_is_in_exactly_one_part(load):
    table = frame(100)
    data = load(table)
    parts = (data.training, data.validation, data.test)
    assert [len(part.x) for part in parts] == [70, 10, 20]
    found = np.concatenate([part.x for part in parts])
    np.testing.assert_allclose(np.sort(found[:, 0]), np.sort(table["a"]))


def test_each_class_keeps_its_share_in_every_part(load):
    table = frame(200).assign(t=["rare"] * 40 + ["common"] * 160)
    data = load(table)
    assert data.classes == ("common", "rare")
    for part in (data.training, data.validation, data.test):
        assert np.mean(part.y) == pytest.approx(0.2, abs=0.02)


def test_the_seed_chooses_the_split(load):
    first, second, third = (load(frame(), seed=seed).test.x for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["no", "yes"], ("no", "yes")),
        ([True, False], (False, True)),
        ([3, 1], (1, 3)),
        ([2.0, 5.0], (2, 5)),
    ],
)
def test_labels_keep_their_own_type(load, values, classes):
    found = load(frame().assign(t=values * 20)).classes
    assert found == classes
    assert [type(label) for label in found] == [type(label) for label in classes]


def test_many_numbers_tell_a_regression_and_the_task_overrides(load):
    table = frame().assign(t=np.linspace(0, 1, 40))
    assert load(table).task == "regression"
    assert load(frame(), task="regression").task == "regression"
    assert load(frame()).task == "classification"


def test_parquet_reads_as_csv_does(load, tmp_path):
    frame().to_parquet(tmp_path / "table.parquet")
    np.testing.assert_allclose(to_dataset(read_table(tmp_path / "table.parquet"), "t", 0).test.x, load(frame()).test.x)


def test_a_missing_target_is_named_by_line(load):
    refuse(load, frame().assign(t=["x", None] * 20), r"target 't', line 3: no value \(20 in all\); leave the rows out")


def test_text_is_named_by_column_line_and_value(load):
    table = frame().assign(b=["1.5"] * 10 + ["tall"] + ["2"] * 29)
    refuse(load, table, "column 'b', line 12: 'tall' is not a number")


def test_an_infinite_value_is_named_by_column_and_line(load):
    table = frame()
    table.loc[0, "a"] = np.inf
    refuse(load, table, "column 'a', line 2: inf is beyond float32")


def test_a_row_of_parquet_is_counted_from_one(tmp_path):
    table = frame()
    table.loc[3, "a"] = np.inf
    table.to_parquet(tmp_path / "table.parquet")
    with pytest.raises(DataError, match="column 'a', row 4: inf is beyond float32"):
        to_dataset(read_table(tmp_path / "table.parquet"), "t", 0)


def test_a_single_class_is_refused(load):
    refuse(load, frame().assign(t="same"), "target 't' is 'same' in every row; expected at least two classes")


def test_class_too_rare_for_three_parts_is_refused(load):
    refuse(load, frame().assign(t=["once"] + ["often"] * 39), r"class 'once' has 1 row\(s\); expected at least 3")


@pytest.mark.parametrize(("labels", "offered"), [([0] + [1] * 39, True), (["none"] + ["some"] * 39, False)])
def test_regression_is_offered_for_numbers_alone(load, labels, offered):
    with pytest.raises(DataError, match="leave the class out") as caught:
        load(frame().assign(t=labels))
    assert ("--task regression" in str(caught.value)) == offered


def test_a_constant_column_is_left_out_with_a_warning(load):
    with pytest.warns(TableWarning, match="column 'b' is left out: all its values are 5"):
        assert load(frame().assign(b=5)).features == ("a",)


def test_nothing_left_to_learn_from_is_refused(load):
    refuse(load, frame()[["t"]], "no column left to learn from")


def test_an_unknown_target_is_refused_with_the_columns(load):
    refuse(load, frame(), "no column 'price' to predict; it has 'a', 'b', 't'", target="price")


def test_too_few_rows_are_refused(load):
    refuse(load, frame(8), "8 rows; expected at least 16")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("empty.csv", "", "no header"),
        ("header.csv", "a,t\n", "no rows"),
        ("ragged.csv", "a,t\n1,2\n1,2,3\n", r"line 3: 3 value\(s\)"),
        ("table.xlsx", "", "ending '.xlsx'; expected one of .csv"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / name)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read: "):
        read_table(tmp_path / "nowhere.csv")


def mixed(rows=200):
    rng = np.random.default_rng(0)
    size = rng.normal(50, 10, rows).round(2)
    size[:20] = np.nan
    table = pd.DataFrame(
        {"size": size, "island": rng.choice(["Biscoe", "Dream"], rows), "wild": rng.random(rows) < 0.5}
    )
    table.loc[20:30, "island"] = None
    return table.assign(t=np.arange(rows) % 2)


def test_texts_booleans_and_missing_values_become_codes_and_nan(load):
    data = load(mixed())
    assert data.columns == (
        Column("size", missing=True),
        Column("island", "categorical", ("Biscoe", "Dream"), missing=True),
        Column("wild", "boolean"),
    )
    rows = np.concatenate([part.x for part in (data.training, data.validation, data.test)])
    assert np.isnan(rows).sum(axis=0).tolist() == [20, 11, 0]
    assert [set(column[~np.isnan(column)].tolist()) for column in rows.T[1:]] == [{0, 1}, {0, 1}]
    assert np.isfinite(data.encode(rows)).all()


def test_na_in_a_csv_file_is_a_missing_value(tmp_path):
    (tmp_path / "table.csv").write_text("a,b,t\n" + "1,x,0\nNA,NA,1\n2,y,0\n,x,1\n" * 5)
    with pytest.warns(TableWarning, match=r"column '[ab]': 'NA' \(5\) is read as missing"):
        data = to_dataset(read_table(tmp_path / "table.csv"), "t", 0)
    assert data.columns == (Column("a", missing=True), Column("b", "categorical", ("x", "y"), missing=True))


def test_a_boolean_column_may_have_missing_values(load):
    data = load(frame().assign(b=[True, None, False, True] * 10))
    assert data.columns is not None
    assert data.columns[1] == Column("b", "boolean", missing=True)


def test_category_only_in_test_part_is_allowed_without_effect(load):
    table = frame().assign(b=["x", "y", "y", "x"] * 10)
    row = int(np.flatnonzero(table["a"] == load(table).test.x[0, 0])[0])
    data = load(table.assign(b=table["b"].mask(table.index == row, "z")))
    assert data.encode(data.test.x[:1])[0, 1:].tolist() == [0, 0, 1]
    assert data.encode(data.training.x)[:, 3].max() == 0
    model = train(data, LMS(passes=2), hidden=(4,), harmonics=3, head="linear", seed=0)
    assert not model.network.layers[0].weight[:, 3].any()


def test_parquet_keeps_category_order_and_otherwise_reads_like_csv(load, tmp_path):
    table = mixed()
    table["grade"] = pd.Categorical(np.resize(["low", "high", "high"], 200), ["low", "mid", "high"])
    table["mark"] = pd.Categorical(np.resize(["3", "1", "1"], 200))
    table.to_parquet(tmp_path / "table.parquet")
    data = to_dataset(read_table(tmp_path / "table.parquet"), "t", 0)
    assert data.columns is not None
    assert data.columns[:3] == load(mixed()).columns
    assert [column.categories for column in data.columns[3:]] == [("low", "mid", "high"), ("1", "3")]
    target = table.assign(t=pd.Categorical(np.resize(["no", "yes"], 200), ["no", "perhaps", "yes"]))
    target.to_parquet(tmp_path / "target.parquet")
    assert to_dataset(read_table(tmp_path / "target.parquet"), "t", 0).classes == ("no", "yes")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([f"Braund, Mr. {row}" for row in range(200)], "free text: 200 different texts in 200 rows"),
        ([f"cust-{row}" for row in range(200)], "identifiers: 200 different texts in 200 rows"),
        (
            [f"zone {row % 120}" for row in range(200)],
            "too many categories: 120 different texts in 200 rows; categories recur",
        ),
        ([None] * 200, "no row has a value"),
        (["same"] * 200, "all its values are same"),
    ],
)
def test_column_without_information_is_left_out_with_warning(load, values, words):
    with pytest.warns(TableWarning, match=f"column 'c' is left out: {words}"):
        assert load(mixed().assign(c=values)).features == ("size", "island", "wild")


def test_rare_categories_are_pooled_with_a_line(load):
    zones = np.minimum(np.arange(400) % 100, np.arange(400) % 61)
    with pytest.warns(TableWarning, match=r"column 'c': 12 of 61 categories, in \d+ row\(s\), are pooled as 'other'"):
        data = load(pd.concat([mixed(), mixed()]).assign(c=[f"zone {zone}" for zone in zones]))
    assert data.columns is not None
    column = data.columns[-1]
    assert (len(column.categories), column.categories[-1], column.other) == (50, "other", "other")
    counts = pd.Series(zones).value_counts()
    kept = {int(text.split()[1]) for text in column.categories[:-1]}
    assert counts[[*kept]].min() >= counts.drop([*kept]).max()


@pytest.mark.parametrize("values", [["2024-01-31"] * 20, ["31/01/2024 10:00"] * 20])
def test_dates_are_refused_with_a_remedy(load, values):
    refuse(load, frame().assign(b=[None] * 20 + values), "column 'b', line 22: .* is a date or time; replace it by")


@pytest.mark.parametrize("values", [pd.date_range("2024-01-31", periods=40), pd.to_timedelta(np.arange(40), "D")])
def test_dates_of_parquet_are_refused_with_a_remedy(tmp_path, values):
    frame().assign(b=values).to_parquet(tmp_path / "table.parquet")
    with pytest.raises(DataError, match=r"column 'b', row 1: .* is a date or time; replace it by"):
        to_dataset(read_table(tmp_path / "table.parquet"), "t", 0)


def test_category_too_long_for_card_is_refused_with_line(load):
    refuse(load, frame().assign(b=["x"] * 20 + ["y" * 257] * 20), "column 'b', line 22: a text of 257 characters")


def test_lists_in_a_column_are_refused(tmp_path):
    frame().assign(b=pd.Series([[1, 2]] * 40)).to_parquet(tmp_path / "table.parquet")
    with pytest.raises(DataError, match="column 'b', row 1: a ndarray; expected numbers, booleans or texts"):
        to_dataset(read_table(tmp_path / "table.parquet"), "t", 0)


def test_a_column_is_left_out_on_request(tmp_path):
    mixed().to_csv(tmp_path / "table.csv", index=False)
    table = read_table(tmp_path / "table.csv")
    assert to_dataset(table, "t", 0, without=["size"]).features == ("island", "wild")
    for without, words in (["moon"], "no column 'moon' to leave out"), (["t"], "to be left out and to be predicted"):
        with pytest.raises(DataError, match=words):
            to_dataset(table, "t", 0, without=without)

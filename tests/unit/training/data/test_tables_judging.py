"""Rows that judge: those of other groups, the newest ones, or those of a file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from enn_training.data.reading.roles import Roles
from enn_training.data.reading.table import read_table
from enn_training.data.reading.understanding import understand
from enn_training.data.tables import Judged, judged_dataset
from enn_training.errors import DataError, OptionError


def frame(rows: int = 120) -> pd.DataFrame:
    random = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.permutation(rows) // 2, unit="D")
    result = pd.DataFrame(
        {
            "row": np.arange(rows) + 0.5,
            "patient": [f"p{number}" for number in random.integers(0, 12, rows)],
            "day": days.strftime("%Y-%m-%d"),
            "value": random.normal(size=rows),
        }
    )
    result["label"] = np.where(result["value"] + 0.3 * random.normal(size=rows) > 0, "high", "low")
    return result


def dataset(tmp_path: Path, table: pd.DataFrame, judged: Judged, target: str = "label"):
    table.to_csv(tmp_path / "table.csv", index=False)
    roles = Roles(target, without=["patient", "day"], group=judged.group, time=judged.time)
    found = understand(read_table(tmp_path / "table.csv"), roles)
    test = None if judged.test is None else read_table(judged.test)
    return judged_dataset(found, target, 0, judged, test)


def values_of(table: pd.DataFrame, data, name: str):
    """Return the values of a column in each part; the feature `row` says which rows they are."""
    parts = (data.training, data.validation, data.test)
    return [table[name].to_numpy()[part.x[:, 0].astype(int)] for part in parts]


def test_groups_are_on_one_side_only(tmp_path):
    table = frame()
    data = dataset(tmp_path, table, Judged(group="patient"))
    sets = [set(part) for part in values_of(table, data, "patient")]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 12
    assert len(data.training.x) + len(data.validation.x) + len(data.test.x) == 120
    assert 12 <= len(data.test.x) <= 36
    assert data.features == ("row", "value")
    assert data.judged_by == {"group": "patient"}


@pytest.mark.parametrize("as_number", [False, True])
def test_newest_rows_judge_with_all_rows_of_their_day(tmp_path, as_number):
    table = frame()
    if as_number:
        table["day"] = table["day"].str[-2:].astype(int) + 100 * table["day"].str[5:7].astype(int)
    train, validation, test = values_of(table, dataset(tmp_path, table, Judged(time="day")), "day")
    assert max(train) < min(validation) <= max(validation) < min(test)
    assert len(test) == 24
    assert len(validation) == 12


def test_rows_of_a_file_judge(tmp_path):
    table = frame()
    table.tail(30)[["label", "value", "row"]].to_csv(tmp_path / "new.csv", index=False)
    data = dataset(tmp_path, table.head(90), Judged(test=tmp_path / "new.csv"))
    assert data.test.x[:, 0].tolist() == table["row"].tail(30).tolist()
    assert (len(data.training.x), len(data.validation.x)) == (78, 12)


def test_refusals_name_option_column_and_row(tmp_path):
    table = frame()
    with pytest.raises(OptionError, match="--group and --time: expected at most one"):
        Judged(group="patient", time="day")
    with pytest.raises(DataError, match=r"--group patient: 2 group\(s\); expected at least 3"):
        dataset(tmp_path, table.assign(patient=np.arange(120) % 2), Judged(group="patient"))
    table.loc[4, "day"] = "yesterday"
    with pytest.raises(DataError, match=r"--time day: line 6: 'yesterday' is no number and no date"):
        dataset(tmp_path, table, Judged(time="day"))
    table.loc[3, "day"] = None
    with pytest.raises(DataError, match=r"--time day: line 5: no time \(1 in all\)"):
        dataset(tmp_path, table, Judged(time="day"))
    late = frame().sort_values("day").assign(label=["low"] * 100 + ["high"] * 20)
    with pytest.raises(DataError, match="--time day: no row to learn from has the class 'high'"):
        dataset(tmp_path, late, Judged(time="day"))

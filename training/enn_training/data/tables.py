"""Tables as data sets: columns, target and split of a table; errors name the column and the row."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from enn_models.network import Task
from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.dataset import Dataset, Split
from enn_training.data.reading.column_reports import words_to_booleans
from enn_training.data.reading.roles import Roles, check_name
from enn_training.data.reading.table import Table
from enn_training.data.reading.understanding import (
    Understanding,
    encode_rows,
    find_classes,
    understand,
    weighted_rows,
)
from enn_training.data.sampling import judging
from enn_training.data.sampling.hold_out import hold_out_rows
from enn_training.errors import DataError, OptionError


def to_dataset(
    table: Table,
    target: str,
    seed: int,
    task: Task | None = None,
    without: Collection[str] = (),
    *,
    weight: str | None = None,
) -> Dataset:
    """Return the data set of a table: a fifth of the rows is the test part, an eighth of the rest the validation part.

    Args:
        table: Columns, as for `understand`.
        target: Name of the column to predict.
        seed: Seed of the split; classes keep their shares in every part.
        task: Task, as for `understand`.
        without: Names of columns to leave out.
        weight: Name of the column of the weights; None if all rows count the same. Rows of weight 0 are left out.

    Raises:
        DataError: A column, a row or the target cannot be used; the text names it and the remedy.
    """
    return understand(table, Roles(target, task, without, weight=weight)).split(seed)


def to_estimator_dataset(
    table: Table, target: str, seed: int, task: Task, without: Collection[str] = (), *, weight: str | None = None
) -> Dataset:
    """Return the data set on which an estimator trains if it is given all rows of a table.

    Args:
        table: Columns, as for `to_dataset`.
        target: Name of the column to predict.
        seed: Seed of the split.
        task: Task.
        without: Names of columns to leave out.
        weight: Name of the column of the weights, as for `to_dataset`.

    Raises:
        DataError: A column, a row or the target cannot be used.
    """
    try:
        Roles(target, task, without).check(table.frame)
        table, left_out = weighted_rows(table, weight), {target, weight, *without}
        columns = frames.infer_columns(table.frame[[name for name in table.frame if name not in left_out]], table.row)
        classes = None if task == "regression" else find_classes(table.frame[target], 1)
        rows = encode_rows(table, target, columns, classes, weight)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None
    return hold_out_rows(columns, classes, rows, seed)


@dataclass(frozen=True)
class Judged:
    """State the rows that judge a model; at most one attribute is given, and none is a random fifth of the rows.

    Attributes:
        test: File with the rows that judge.
        group: Name of a column: the rows that judge are of groups that are not learned from.
        time: Name of a column of numbers or dates: the newest rows judge.

    Raises:
        OptionError: Several are given.
    """

    test: Path | None = None
    group: str | None = None
    time: str | None = None

    def __post_init__(self) -> None:
        """Check that at most one is given."""
        if len(given := list(self.record)) > 1:
            raise OptionError(f"--{' and --'.join(given)}: expected at most one, which says what rows judge")

    @property
    def record(self) -> dict[str, str]:
        """What is given, by its name, for the card."""
        given = {"test": self.test and self.test.name, "group": self.group, "time": self.time}
        return {name: value for name, value in given.items() if value is not None}

    @classmethod
    def of_record(cls, record: Mapping[str, str]) -> "Judged":
        """Return the choice of a `record`."""
        test = record.get("test")
        return cls(None if test is None else Path(test), record.get("group"), record.get("time"))


def judged_dataset(
    found: Understanding,
    target: str,
    seed: int,
    judged: Judged,
    test: Table | None = None,
    *,
    weight: str | None = None,
) -> Dataset:
    """Return the data set of a table whose test rows a user has chosen.

    Args:
        found: Understanding of the table, with roles that have the columns of `judged`.
        target: Name of the column to predict.
        seed: Seed of the draws.
        judged: Choice of the test rows.
        test: Table of the test rows, if they are a file.
        weight: Name of the column of the weights; None if all rows count the same.

    Raises:
        DataError: A column cannot divide the rows, a part would be empty or lack a class, or the file has other
            columns.
    """
    if not judged.record:
        return found.split(seed)
    rows, stratify, path = found.rows, found.classes is not None, found.table.path
    names, columns = tuple(column.name for column in found.columns), found.columns
    try:
        if judged.test is not None:
            parts = (*judging.parts_without_test(rows.y, seed, stratify=stratify), np.zeros(0, np.int64))
        elif judged.group is not None:
            groups = judging.group_numbers(_divider(found.table, judged.group, "group"))
            parts = judging.parts_by_group(groups, rows.y, seed, stratify=stratify)
        else:
            parts = judging.parts_by_time(_times(found.table, str(judged.time)))
        training, validation, judges = (rows.take(part) for part in parts)
        judging.check_classes(dict(enumerate(found.classes or ())), training.y)
    except DataError as error:
        raise DataError(f"{path}: {_subject(judged)}{error}") from None
    data = Dataset(names, found.classes, training, validation, judges, columns=columns, judged_by=judged.record)
    return data if test is None else replace(data, test=to_split(test, target, data, weight))


def _subject(judged: Judged) -> str:
    return "" if judged.test is not None else "".join(f"--{name} {value}: " for name, value in judged.record.items())


def _divider(table: Table, name: str, purpose: str) -> pd.Series:
    """Return a column that divides the rows, which has a value in each."""
    values = table.frame[name]
    if (missing := values.isna().to_numpy()).any():
        raise DataError(f"{table.row(missing)}: no {purpose} ({int(missing.sum())} in all); leave the rows out")
    return values


def _times(table: Table, name: str) -> NDArray[np.float64]:
    """Return a column of numbers or dates as numbers."""
    values = _divider(table, name, "time")
    try:
        return judging.time_numbers(values)
    except ValueError:
        wrong = pd.to_datetime(values, format="ISO8601", errors="coerce", utc=True).isna().to_numpy()
        text = values[wrong].iloc[0] if wrong.any() else values.iloc[0]
        raise DataError(
            f"{table.row(wrong if wrong.any() else ~wrong)}: {text!r:.60} is no number and no date as in 2026-12-31"
        ) from None


def to_split(table: Table, target: str, dataset: Dataset, weight: str | None = None) -> Split:
    """Return the rows of a table with their targets, encoded as those of a data set.

    Raises:
        DataError: A column is absent, or a value is not of the kind of its column.
    """
    columns = dataset.columns or tuple(Column(name) for name in dataset.features)
    try:
        for column in columns:
            check_name(table.frame, column.name, "of the model")
        check_name(table.frame, target, "to predict")
        booleans = [column.name for column in columns if column.kind == "boolean"]
        table = replace(table, frame=words_to_booleans(table.frame, booleans))
        return encode_rows(weighted_rows(table, weight), target, columns, dataset.classes, weight)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None

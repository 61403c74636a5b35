"""Tables: read a CSV or Parquet file as a data set; errors name the column and the row."""

import warnings
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from enn_models.features import MAX_NAME
from enn_models.network import Task
from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.dataset import Dataset, Split, to_label
from enn_training.data.splits import MIN_ROWS, train_validation_test
from enn_training.errors import DataError
from enn_training.learned_model import Label

MAX_INTEGER_CLASSES = 20
"""Largest number of different whole numbers in a target that are classes; more are values of a regression."""


class LeftOutWarning(UserWarning):
    """A column is left out because it has no information."""


@dataclass(frozen=True, eq=False)
class Table:
    """Hold the columns of a file.

    Attributes:
        frame: Columns of the file.
        path: Path of the file.
        first_line: Number of the first row in error messages: 2 in a CSV file, after the header; 1 in Parquet.
    """

    frame: pd.DataFrame
    path: Path
    first_line: int

    def row(self, mask: ArrayLike) -> str:
        """Return the line of a CSV file, or the row of Parquet, for the first row for which mask is true."""
        index = int(np.flatnonzero(np.asarray(mask))[0])
        return f"{'line' if self.first_line == 2 else 'row'} {index + self.first_line}"


def read_table(path: Path) -> Table:
    """Return the table of a CSV or Parquet file, by the suffix of the name.

    Raises:
        DataError: The file has another suffix, cannot be read or is empty, or two columns have the same name.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise DataError(f"{path}: ending {path.suffix!r}; expected .csv or .parquet")
    is_csv = path.suffix.lower() == ".csv"
    try:
        # Without a header pandas neither renames a second column of the same name nor takes a column as the index.
        header = (
            list(pd.read_csv(path, header=None, nrows=1, dtype=str, skip_blank_lines=False).iloc[0]) if is_csv else []
        )
        frame = pd.read_csv(path, index_col=False, skip_blank_lines=False) if is_csv else pd.read_parquet(path)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path}: cannot be read: {reason}") from None
    if frame.index.names != [None]:
        frame = frame.reset_index()  # a named index of a Parquet file is a column like any other
    names = [str(name) for name in (header if is_csv else frame.columns)]
    if long := [name for name in names if not 1 <= len(name) <= MAX_NAME]:
        raise DataError(f"{path}: column name {long[0][:60]!r}: expected 1 to {MAX_NAME} characters; rename it")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}: column {twice[0]!r} is there {names.count(twice[0])} times; rename all but one")
    if frame.empty:
        raise DataError(f"{path}: no rows; expected at least {MIN_ROWS}")
    frame.columns = names
    return Table(frame, path, 2 if is_csv else 1)


def to_dataset(
    table: Table, target: str, seed: int, task: Task | None = None, without: Collection[str] = ()
) -> Dataset:
    """Return the data set of a table: a fifth of the rows is the test part, an eighth of the rest the validation part.

    Categories and missing values are inferred from the whole table, so that no part has others. A category that only
    the validation or the test part has is allowed, and without effect.

    Args:
        table: Columns of numbers, booleans, or texts (categories); the target has no missing value.
        target: Name of the column to predict.
        seed: Seed of the split; classes keep their shares in every part.
        task: Task; None to infer it: texts, booleans and up to 20 different whole numbers are classes, other numbers
            values of a regression.
        without: Names of columns to leave out.

    Raises:
        DataError: A column, a row or the target cannot be used; the text names it and the remedy.
    """
    try:
        return _dataset(table, target, seed, task, without)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None


def _dataset(table: Table, target: str, seed: int, task: Task | None, without: Collection[str]) -> Dataset:
    frame = table.frame
    for name, what in [(target, "to predict"), *((name, "to leave out") for name in without)]:
        if name not in frame.columns:
            raise DataError(f"no column {name!r} {what}; it has {', '.join(map(repr, frame.columns))}")
    if target in without:
        raise DataError(f"column {target!r} is to be left out and to be predicted; expected one of the two")
    if len(frame) < MIN_ROWS:
        raise DataError(f"{len(frame)} rows; expected at least {MIN_ROWS}")
    missing = frame[target].isna().to_numpy()
    if missing.any():
        raise DataError(
            f"target {target!r}, {table.row(missing)}: no value ({int(missing.sum())} in all); leave the rows out"
        )
    task = task or _task(frame[target])
    columns = _columns(table, {target, *without})
    if not columns:
        raise DataError(f"no column left to learn from beside the target {target!r}")
    x = frames.encode(columns, frame[[column.name for column in columns]], table.row)
    if task == "regression":
        value = frames.encode([Column(target)], frame[[target]], table.row)[:, 0]
        return _split(columns, None, x, value, seed)
    classes, y = _classes(frame[target])
    return _split(columns, classes, x, y, seed)


def _task(column: pd.Series) -> Task:
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return "classification"
    few = column.nunique() <= MAX_INTEGER_CLASSES
    whole = bool((column.to_numpy(dtype=np.float64) % 1 == 0).all())
    return "classification" if few and whole else "regression"


def _columns(table: Table, left_out: Collection[str]) -> tuple[Column, ...]:
    """Return the columns to train on; a column without information is left out with a warning."""
    columns: list[Column] = []
    for name in table.frame.columns:
        if name in left_out:
            continue
        values = table.frame[name]
        try:
            column = frames.infer_column(values, table.row)
        except frames.UnusableColumnError as error:
            _leave_out(name, error.reason)
            continue
        if not column.missing and values.nunique() == 1:
            _leave_out(name, f"all its values are {to_label(values.iloc[0])}")
        else:
            columns.append(column)
    return tuple(columns)


def _leave_out(name: str, reason: str) -> None:
    warnings.warn(f"column {name!r} is left out: {reason}", LeftOutWarning, stacklevel=6)


def _classes(target: pd.Series) -> tuple[tuple[Label, ...], NDArray[np.int64]]:
    """Return the sorted labels of the target, and the label index of each row."""
    values = [to_label(value) for value in target]
    counts = Counter(values)
    labels: list[Label] = sorted(counts, key=lambda label: (isinstance(label, str), label))
    if len(labels) < 2:
        raise DataError(f"target {target.name!r} is {labels[0]!r} in every row; expected at least two classes")
    rare = min(labels, key=lambda label: counts[label])
    if counts[rare] < 3:
        raise DataError(
            f"target {target.name!r}: class {rare!r} has {counts[rare]} row(s); expected at least 3, one for"
            " each part: leave the class out, or use --task regression if it is an amount"
        )
    index = {label: position for position, label in enumerate(labels)}
    return tuple(labels), np.array([index[value] for value in values], dtype=np.int64)


def _split(
    columns: tuple[Column, ...],
    classes: tuple[Label, ...] | None,
    x: NDArray[np.float64],
    y: NDArray[np.int64] | NDArray[np.float64],
    seed: int,
) -> Dataset:
    """Return the rows as a data set of three parts."""
    indices = train_validation_test(y, seed, stratify=classes is not None)
    training, validation, test = (Split(x[rows], y[rows]) for rows in indices)
    return Dataset(tuple(column.name for column in columns), classes, training, validation, test, columns=columns)

"""Tables: from a CSV or Parquet file to a data set, refusing what cannot be learned from by column and row."""

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

# A target of whole numbers with at most this many different ones tells classes, more tell an amount.
MAX_INTEGER_CLASSES = 20


class LeftOutWarning(UserWarning):
    """A column says nothing and is not learned from."""


@dataclass(frozen=True, eq=False)
class Table:
    """A file of named columns.

    Attributes:
        frame: The columns.
        path: Where it came from.
        first_line: Number that a person gives the first row: 2 in a CSV file with its header, 1 in Parquet.
    """

    frame: pd.DataFrame
    path: Path
    first_line: int

    def row(self, mask: ArrayLike) -> str:
        """Return the number of the first row where mask is true, as a person finds it."""
        index = int(np.flatnonzero(np.asarray(mask))[0])
        return f"{'line' if self.first_line == 2 else 'row'} {index + self.first_line}"


def read_table(path: Path) -> Table:
    """Return the table of a CSV or Parquet file, told by the name's ending.

    Raises:
        DataError: It is no such file, cannot be read, is empty, or two columns have the same name.
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
    """Return the data set of a table: a fifth is the test part, an eighth of the rest is held out, by seed.

    Categories, and where values may be missing, are told by the whole table, so that no part has others. What only
    the held-out or the test part has is allowed, and without effect.

    Args:
        table: Numbers, booleans, or texts for categories; the target has all its values.
        target: Name of the column to predict.
        seed: Of the split; classes keep their shares in every part.
        task: None: text, booleans and few whole numbers tell classes, other numbers a regression.
        without: Names of columns to leave out.

    Raises:
        DataError: A column, a row or the target cannot be learned from; the text names it and what to do.
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
    """Return the columns to learn from; one that says nothing is left out with a warning."""
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
    """Return the sorted labels of the target and the index of each row's."""
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

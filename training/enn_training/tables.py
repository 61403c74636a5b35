"""Tables: from a CSV or Parquet file to a data set, refusing what cannot be learned from by column and row."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from enn_models.network import Task
from enn_training.data import Dataset, Part
from enn_training.errors import DataError
from enn_training.model import Label, as_label

# A target of whole numbers with at most this many different ones tells classes, more tell an amount.
MAX_INTEGER_CLASSES = 20
MAX_NAME = 256
MIN_ROWS = 16


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


def read(path: Path) -> Table:
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


def dataset(table: Table, target: str, seed: int, task: Task | None = None) -> Dataset:
    """Return the data set of a table: a fifth is the test part, an eighth of the rest is held out, by seed.

    Args:
        table: Numbers in every column but the target.
        target: Name of the column to predict.
        seed: Of the split; classes keep their shares in every part.
        task: None: text, booleans and few whole numbers tell classes, other numbers a regression.

    Raises:
        DataError: A column, a row or the target cannot be learned from; the text names it and what to do.
    """
    frame = table.frame
    if target not in frame.columns:
        raise DataError(f"{table.path}: no column {target!r} to predict; it has {', '.join(map(repr, frame.columns))}")
    if len(frame) < MIN_ROWS:
        raise DataError(f"{table.path}: {len(frame)} rows; expected at least {MIN_ROWS}")
    _refuse_missing(table, target)
    task = task or _task(frame[target])
    features = _features(table, target)
    x = np.column_stack([_numbers(table, name) for name in features])
    if task == "regression":
        return _split(features, None, x, _numbers(table, target), seed)
    classes, y = _classes(table, target)
    return _split(features, classes, x, y, seed)


def _task(column: pd.Series) -> Task:
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return "classification"
    few = column.nunique() <= MAX_INTEGER_CLASSES
    whole = bool((column.to_numpy(dtype=np.float64) % 1 == 0).all())
    return "classification" if few and whole else "regression"


def _features(table: Table, target: str) -> tuple[str, ...]:
    """Return the columns to learn from; a constant one is left out with a warning."""
    names: list[str] = []
    for name in table.frame.columns:
        if name == target:
            continue
        values = _numbers(table, name)
        if values.min() == values.max():
            warnings.warn(
                f"column {name!r} is left out: all its values are {values[0]:g}", LeftOutWarning, stacklevel=3
            )
        else:
            names.append(name)
    if not names:
        raise DataError(f"{table.path}: no column left to learn from beside the target {target!r}")
    return tuple(names)


def _refuse_missing(table: Table, name: str) -> None:
    missing = table.frame[name].isna()
    if missing.any():
        raise DataError(
            f"{table.path}: column {name!r}, {table.row(missing)}: no value ({int(missing.sum())} in all);"
            " fill them in, or leave the rows or the column out"
        )


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    """Return a column as float64 numbers, all finite."""
    _refuse_missing(table, name)
    column = table.frame[name]
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        text = pd.to_numeric(column.astype(str), errors="coerce").isna()
        place = table.row(text if text.any() else np.ones(len(column)))
        value = column[text].iloc[0] if text.any() else column.iloc[0]
        raise DataError(
            f"{table.path}: column {name!r}, {place}: {value!r} is not a number; expected numbers: replace it by"
            " numbers, or leave the column out"
        )
    values = column.to_numpy(dtype=np.float64)
    # Beyond float32's range a served row could not be written.
    beyond = ~(np.abs(values) <= np.finfo(np.float32).max)
    if beyond.any():
        raise DataError(
            f"{table.path}: column {name!r}, {table.row(beyond)}: {values[beyond][0]} is beyond float32;"
            " replace it by a finite number, or leave the row out"
        )
    return values


def _classes(table: Table, target: str) -> tuple[tuple[Label, ...], NDArray[np.int64]]:
    """Return the sorted labels of the target and the index of each row's."""
    column = table.frame[target]
    labels: list[Label] = sorted(
        {as_label(value) for value in column}, key=lambda label: (isinstance(label, str), label)
    )
    if len(labels) < 2:
        raise DataError(f"{table.path}: target {target!r} is {labels[0]!r} in every row; expected at least two classes")
    counts = column.map(as_label).value_counts()
    if counts.min() < 3:
        rare = counts.index[int(counts.to_numpy().argmin())]
        raise DataError(
            f"{table.path}: target {target!r}: class {rare!r} has {counts.min()} row(s); expected at least 3, one for"
            " each part: leave the class out, or use --task regression if it is an amount"
        )
    index = {label: position for position, label in enumerate(labels)}
    return tuple(labels), np.array([index[as_label(value)] for value in column], dtype=np.int64)


def _split(
    features: tuple[str, ...],
    classes: tuple[Label, ...] | None,
    x: NDArray[np.float64],
    y: NDArray[np.int64] | NDArray[np.float64],
    seed: int,
) -> Dataset:
    """Return the three parts: each class, or the whole, is shuffled and dealt out in the same shares."""
    rng = np.random.default_rng(seed)
    groups = [np.arange(len(x))] if classes is None else [np.flatnonzero(y == label) for label in range(len(classes))]
    parts: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
    for group in groups:
        shuffled = rng.permutation(group)
        test = max(1, round(len(group) / 5))
        held = max(1, round((len(group) - test) / 8))
        for part, rows in zip(parts, np.split(shuffled, [test, test + held]), strict=True):
            part.append(rows)
    test, held_out, training = (Part(x[rows], y[rows]) for rows in (np.sort(np.concatenate(part)) for part in parts))
    return Dataset(features, classes, training, held_out, test)

"""Tables as data sets: columns, target and split of a table; errors name the column and the row."""

import warnings
from collections import Counter
from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from enn_models.network import Task
from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.dataset import Dataset, Split, to_label
from enn_training.data.reading.table import Table
from enn_training.data.splits import MIN_ROWS, train_validation_test
from enn_training.errors import DataError, TableWarning
from enn_training.learned_model import Label

MAX_INTEGER_CLASSES = 20
"""Largest number of different whole numbers in a target that are classes; more are values of a regression."""


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
    warnings.warn(f"column {name!r} is left out: {reason}", TableWarning, stacklevel=6)


def _classes(target: pd.Series) -> tuple[tuple[Label, ...], NDArray[np.int64]]:
    """Return the sorted labels of the target, and the label index of each row."""
    values = [to_label(value) for value in target]
    counts = Counter(values)
    labels: list[Label] = sorted(counts, key=lambda label: (isinstance(label, str), label))
    if len(labels) < 2:
        raise DataError(f"target {target.name!r} is {labels[0]!r} in every row; expected at least two classes")
    rare = min(labels, key=lambda label: counts[label])
    if counts[rare] < 3:
        amount = pd.api.types.is_numeric_dtype(target) and not pd.api.types.is_bool_dtype(target)
        raise DataError(
            f"target {target.name!r}: class {rare!r} has {counts[rare]} row(s); expected at least 3, one for"
            f" each part: leave the class out{', or use --task regression if it is an amount' if amount else ''}"
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

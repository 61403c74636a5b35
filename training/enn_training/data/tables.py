"""Tables as data sets: columns, target and split of a table; errors name the column and the row."""

import warnings
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from enn_models.network import Task
from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.dataset import Dataset, Split, hold_out_rows, to_label
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


def to_estimator_dataset(table: Table, target: str, seed: int, task: Task, without: Collection[str] = ()) -> Dataset:
    """Return the data set on which an estimator trains if it is given all rows of a table in their order.

    Args:
        table: Columns, as for `to_dataset`.
        target: Name of the column to predict.
        seed: Seed of the split.
        task: Task.
        without: Names of columns to leave out.

    Raises:
        DataError: A column, a row or the target cannot be used.
    """
    try:
        _check_names(table.frame, target, without)
        columns = frames.infer_columns(table.frame.drop(columns=[target, *without]), table.row)
        classes = None if task == "regression" else _classes(table.frame[target], 1)
        rows = _split_of(table, target, columns, classes)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None
    return hold_out_rows(columns, classes, rows.x, rows.y, seed)


def to_split(table: Table, target: str, dataset: Dataset) -> Split:
    """Return the rows of a table with their targets, encoded as those of a data set.

    Raises:
        DataError: A column is absent, or a value is not of the kind of its column.
    """
    columns = dataset.columns or tuple(Column(name) for name in dataset.features)
    try:
        for column in columns:
            _check_names(table.frame, column.name, ())
        _check_names(table.frame, target, ())
        return _split_of(table, target, columns, dataset.classes)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None


def _split_of(table: Table, target: str, columns: Sequence[Column], classes: tuple[Label, ...] | None) -> Split:
    """Return the encoded columns and targets of all rows."""
    frame = table.frame
    x = frames.encode(columns, frame[[column.name for column in columns]], table.row)
    if classes is None:
        return Split(x, frames.encode([Column(target)], frame[[target]], table.row)[:, 0])
    index = {label: position for position, label in enumerate(classes)}
    labels = [to_label(value) for value in frame[target]]
    unknown = np.array([label not in index for label in labels])
    if unknown.any():
        raise DataError(
            f"target {target!r}, {table.row(unknown)}: {labels[int(np.argmax(unknown))]!r} is no class of the model;"
            f" expected one of {', '.join(map(repr, classes))}"
        )
    return Split(x, np.array([index[label] for label in labels], dtype=np.int64))


def _dataset(table: Table, target: str, seed: int, task: Task | None, without: Collection[str]) -> Dataset:
    frame = table.frame
    _check_names(frame, target, without)
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
    classes = None if task == "regression" else _classes(frame[target])
    rows = _split_of(table, target, columns, classes)
    indices = train_validation_test(rows.y, seed, stratify=classes is not None)
    training, validation, test = (Split(rows.x[part], rows.y[part]) for part in indices)
    return Dataset(tuple(column.name for column in columns), classes, training, validation, test, columns=columns)


def _check_names(frame: pd.DataFrame, target: str, without: Collection[str]) -> None:
    """Refuse names of columns that a frame does not have, and a target to leave out."""
    for name, what in [(target, "to predict"), *((name, "to leave out") for name in without)]:
        if name not in frame.columns:
            raise DataError(f"no column {name!r} {what}; it has {', '.join(map(repr, frame.columns))}")
    if target in without:
        raise DataError(f"column {target!r} is to be left out and to be predicted; expected one of the two")


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


def _classes(target: pd.Series, fewest: int = 3) -> tuple[Label, ...]:
    """Return the sorted labels of the target, each of which has a number of rows at least."""
    counts = Counter(to_label(value) for value in target)
    labels: list[Label] = sorted(counts, key=lambda label: (isinstance(label, str), label))
    if len(labels) < 2:
        raise DataError(f"target {target.name!r} is {labels[0]!r} in every row; expected at least two classes")
    rare = min(labels, key=lambda label: counts[label])
    if counts[rare] < fewest:
        amount = pd.api.types.is_numeric_dtype(target) and not pd.api.types.is_bool_dtype(target)
        raise DataError(
            f"target {target.name!r}: class {rare!r} has {counts[rare]} row(s); expected at least {fewest}, one for"
            f" each part: leave the class out{', or use --task regression if it is an amount' if amount else ''}"
        )
    return tuple(labels)

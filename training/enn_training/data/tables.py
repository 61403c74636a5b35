"""Tables as data sets: columns, target and split of a table; errors name the column and the row."""

from collections.abc import Collection

from enn_models.network import Task
from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.dataset import Dataset, Split, hold_out_rows
from enn_training.data.reading.table import Table
from enn_training.data.reading.understanding import check_names, encode_rows, find_classes, understand
from enn_training.errors import DataError


def to_dataset(
    table: Table, target: str, seed: int, task: Task | None = None, without: Collection[str] = ()
) -> Dataset:
    """Return the data set of a table: a fifth of the rows is the test part, an eighth of the rest the validation part.

    Args:
        table: Columns, as for `understand`.
        target: Name of the column to predict.
        seed: Seed of the split; classes keep their shares in every part.
        task: Task, as for `understand`.
        without: Names of columns to leave out.

    Raises:
        DataError: A column, a row or the target cannot be used; the text names it and the remedy.
    """
    return understand(table, target, task, without).split(seed)


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
        check_names(table.frame, target, without)
        columns = frames.infer_columns(table.frame.drop(columns=[target, *without]), table.row)
        classes = None if task == "regression" else find_classes(table.frame[target], 1)
        rows = encode_rows(table, target, columns, classes)
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
            check_names(table.frame, column.name, ())
        check_names(table.frame, target, ())
        return encode_rows(table, target, columns, dataset.classes)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None

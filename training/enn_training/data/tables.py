"""Tables as data sets: columns, target and split of a table; errors name the column and the row."""

from collections.abc import Collection

from enn_models.network import Task
from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.dataset import Dataset, Split
from enn_training.data.reading.roles import Roles, check_name
from enn_training.data.reading.table import Table
from enn_training.data.reading.understanding import encode_rows, find_classes, understand, weighted_rows
from enn_training.data.sampling.hold_out import hold_out_rows
from enn_training.errors import DataError


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


def to_split(table: Table, target: str, dataset: Dataset) -> Split:
    """Return the rows of a table with their targets, encoded as those of a data set.

    Raises:
        DataError: A column is absent, or a value is not of the kind of its column.
    """
    columns = dataset.columns or tuple(Column(name) for name in dataset.features)
    try:
        for column in columns:
            check_name(table.frame, column.name, "of the model")
        check_name(table.frame, target, "to predict")
        return encode_rows(table, target, columns, dataset.classes)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None

"""Understanding of a table: target, task, and each column, before learning; errors name the column and the row."""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from enn_models.network import Task
from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.dataset import Dataset, Split, to_label
from enn_training.data.reading.column_reports import ColumnReport, describe, understand_feature
from enn_training.data.reading.leaks import Leak, find_leaks
from enn_training.data.reading.roles import Roles, check_name
from enn_training.data.reading.table import Table
from enn_training.data.sampling.splits import MIN_ROWS, train_validation_test
from enn_training.errors import DataError, TableWarning
from enn_training.learned_model import Label

MAX_INTEGER_CLASSES = 20
"""Largest number of different whole numbers in a target that are classes; more are values of a regression."""


@dataclass(frozen=True, eq=False)
class Understanding:
    """State the way in which a table is understood before learning.

    Attributes:
        table: Table.
        reports: Reports of all columns, in the order of the table.
        classes: Labels of the class indices; None for a regression.
        rows: Encoded columns and targets of all rows.
        leaks: Columns that predict the target alone.
    """

    table: Table
    reports: tuple[ColumnReport, ...]
    classes: tuple[Label, ...] | None
    rows: Split
    leaks: tuple[Leak, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns to learn from."""
        return tuple(report.column for report in self.reports if report.column is not None)

    def split(self, seed: int) -> Dataset:
        """Return the data set: a fifth of the rows is the test part, an eighth of the rest the validation part.

        Args:
            seed: Seed of the split; classes keep their shares in every part.
        """
        indices = train_validation_test(self.rows.y, seed, stratify=self.classes is not None)
        training, validation, test = (self.rows.take(part) for part in indices)
        names = tuple(column.name for column in self.columns)
        return Dataset(names, self.classes, training, validation, test, columns=self.columns)

    def lines(self) -> Iterator[str]:
        """Yield the file, and each column, as one line."""
        form = self.table.text
        text = "" if form is None else f", {form.encoding}, separated by {form.separator!r}"
        yield f"{self.table.path}: {len(self.table.frame)} rows, {len(self.reports)} columns{text}"
        for report in self.reports:
            yield report.line()

    def to_json(self) -> dict[str, Any]:
        """Return the understanding in JSON types."""
        return {
            "file": str(self.table.path),
            "rows": len(self.table.frame),
            "text": None if self.table.text is None else asdict(self.table.text),
            "task": "regression" if self.classes is None else "classification",
            "columns": [report.to_json() for report in self.reports],
            "leaks": [asdict(leak) for leak in self.leaks],
        }


def understand(table: Table, roles: Roles) -> Understanding:
    """Return the way in which a table is understood; a warning states what is left out or looks wrong.

    Categories and missing values are inferred from the whole table, so that no part has others. A category that only
    the validation or the test part has is allowed, and without effect.

    Args:
        table: Columns of numbers, booleans, or texts (categories); the target has no missing value.
        roles: Target, task and columns to leave out.

    Raises:
        DataError: A column, a row or the target cannot be used; the text names it and the remedy.
    """
    try:
        return _understand(weighted_rows(table, roles.weight), roles)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None


def weighted_rows(table: Table, weight: str | None) -> Table:
    """Return the rows of a table whose weight is above 0, and all without weights; a warning counts the others."""
    if weight is None:
        return table
    check_name(table.frame, weight, "of weights")
    values = _numbers(table, weight)
    if (negative := values < 0.0).any():
        raise DataError(f"weight {weight!r}, {table.row(negative)}: {values[negative][0]:g}; expected a number from 0")
    if (none := values == 0.0).any():
        _warn(f"{int(none.sum())} row(s) have weight 0 and are left out, the first of them {table.row(none)}")
    return table.take(~none)


def _numbers(table: Table, name: str) -> NDArray[np.float64]:
    """Return the values of a column of numbers without missing ones."""
    return frames.encode([Column(name)], table.frame[[name]], table.row)[:, 0]


def encode_rows(
    table: Table,
    target: str,
    columns: Sequence[Column],
    classes: tuple[Label, ...] | None,
    weight: str | None = None,
) -> Split:
    """Return the encoded columns, targets and weights of all rows."""
    frame = table.frame
    x = frames.encode(columns, frame[[column.name for column in columns]], table.row)
    weights = None if weight is None else _numbers(table, weight)
    if classes is None:
        return Split(x, _numbers(table, target), weights)
    index = {label: position for position, label in enumerate(classes)}
    labels = [to_label(value) for value in frame[target]]
    unknown = np.array([label not in index for label in labels])
    if unknown.any():
        raise DataError(
            f"target {target!r}, {table.row(unknown)}: {labels[int(np.argmax(unknown))]!r} is no class of the model;"
            f" expected one of {', '.join(map(repr, classes))}"
        )
    return Split(x, np.array([index[label] for label in labels], dtype=np.int64), weights)


def _understand(table: Table, roles: Roles) -> Understanding:
    frame, target = table.frame, roles.target
    roles.check(frame)
    if len(frame) < MIN_ROWS:
        raise DataError(f"{len(frame)} rows; expected at least {MIN_ROWS}")
    missing = frame[target].isna().to_numpy()
    if missing.any():
        raise DataError(
            f"target {target!r}, {table.row(missing)}: no value ({int(missing.sum())} in all); leave the rows out"
        )
    task = roles.task or _task(frame[target])
    classes = None if task == "regression" else find_classes(frame[target])
    found = [_understand_column(table, name, roles) for name in frame.columns]
    inferred = roles.task is None and pd.api.types.is_numeric_dtype(frame[target])
    reports = tuple(
        _describe_target(each, classes, inferred=inferred) if each.role == "target" else each for each, _ in found
    )
    columns = tuple(report.column for report in reports if report.column is not None)
    if not columns:
        raise DataError(f"no column left to learn from beside the target {target!r}")
    used = {target, roles.weight, *(column.name for column in columns)}
    values = pd.DataFrame({report.name: values for report, values in found if report.name in used})
    rows = encode_rows(replace(table, frame=values), target, columns, classes, roles.weight)
    leaks = tuple(find_leaks([column.name for column in columns], rows.x, rows.y, classes=classes is not None))
    for leak in leaks:
        _warn(leak.line())
    return Understanding(table, reports, classes, rows, leaks)


def _understand_column(table: Table, name: str, roles: Roles) -> tuple[ColumnReport, pd.Series]:
    """Return the report and the values of one column; a warning states the reason if it is left out."""
    values, notes = table.frame[name], table.notes.get(name, ())
    if unused := roles.no_features.get(name, ""):
        return replace(describe(values, "feature", notes), role="left out", reason=unused), values
    if name == roles.target:
        report = describe(values, "target", notes)
    else:
        as_text = name in roles.categorical
        report, values = understand_feature(values, table.row, notes, asked=name in roles.include, as_text=as_text)
    if report.role == "left out":
        _warn(f"column {name!r} is left out: {report.reason}")
    for note in report.notes[len(notes) :]:
        _warn(f"column {name!r}: {note}")
    return report, values


def _describe_target(report: ColumnReport, classes: tuple[Label, ...] | None, *, inferred: bool) -> ColumnReport:
    """Return the report of a target with its classes, if it has some; of inferred ones it names the option."""
    if classes is None:
        return replace(report, kind="regression")
    kind = "classification"
    if inferred and report.kind == "numeric":
        report = replace(report, notes=(*report.notes, "use --task regression to learn numbers"))
    return replace(report, kind=kind, minimum=None, maximum=None, categories=tuple(map(str, classes)))


def _warn(text: str) -> None:
    warnings.warn(text, TableWarning, stacklevel=6)


def _task(column: pd.Series) -> Task:
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return "classification"
    few = column.nunique() <= MAX_INTEGER_CLASSES
    whole = bool((column.to_numpy(dtype=np.float64) % 1 == 0).all())
    return "classification" if few and whole else "regression"


def find_classes(target: pd.Series, fewest: int = 3) -> tuple[Label, ...]:
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

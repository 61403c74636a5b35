"""Dataset: raw rows with their targets in training, validation and test parts, and what a card says of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.card.features import Boolean, Categorical, Feature, Numeric, column_encoding
from enn_models.encoding import Encoding
from enn_models.network import Task
from enn_training.data.columns import Column
from enn_training.data.monotone_maps import with_maps
from enn_training.learned_model import Label, Rows

MAX_LABEL = 2**63
"""Bound of the integers that are class labels; larger ones become text."""


@dataclass(frozen=True, eq=False)
class Split:
    """Hold rows of a data set with their targets.

    Attributes:
        x: Raw inputs, float64 [rows, features]; NaN for a missing value.
        y: Class indices, int64 [rows], or values, float64 [rows] or [rows, outputs].
        weight: Weight of each row, float64 [rows], > 0; None if all rows count the same.
    """

    x: NDArray[np.float64]
    y: NDArray[np.int64] | NDArray[np.float64]
    weight: NDArray[np.float64] | None = None

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Split":
        """Return some of the rows, by their places or by a mask."""
        return Split(self.x[rows], self.y[rows], None if self.weight is None else self.weight[rows])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Hold raw rows in three parts that share no row.

    Attributes:
        features: Name of every input column.
        classes: Labels of the class indices; None for a regression.
        training: Rows to train on.
        validation: Rows to choose among networks by.
        test: Rows to score the chosen network on.
        columns: Kind of every input column; None if all are numeric without missing values.
        judged_by: Choice of the test rows by the name of its option: group, time or test; empty for a random draw.
        described: Features of a model that was trained on these rows, with the maps that it has; None to find them.
    """

    features: tuple[str, ...]
    classes: tuple[Label, ...] | None
    training: Split
    validation: Split
    test: Split
    columns: tuple[Column, ...] | None = field(default=None, kw_only=True)
    judged_by: Mapping[str, str] = field(default_factory=dict[str, str], kw_only=True)
    described: tuple[Feature, ...] | None = field(default=None, kw_only=True)

    @cached_property
    def summaries(self) -> tuple[Feature, ...]:
        """Kind, training range and monotone map of every input column, for the card."""
        if self.described is not None:
            return self.described
        return with_maps(
            summarize_columns(self.columns or self.features, self.training.x, self.training.weight), self.training.x
        )

    def with_every_map(self) -> "Dataset":
        """Return the data set with a monotone map of every numeric column, and not only of those with a long range."""
        return replace(self, described=with_maps(self.summaries, self.training.x, every=True))

    @cached_property
    def encoding(self) -> Encoding | None:
        """Encoding of raw rows as the input columns of a network; None if they are the same."""
        return column_encoding(self.summaries)

    def encode(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw rows [rows, features] as the input columns of a network, float64 [rows, columns]."""
        return x if self.encoding is None else self.encoding.apply(x)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the training part, in hexadecimal digits."""
        return fingerprint(self.columns or self.features, self.training.x, self.training.y, self.training.weight)

    @property
    def class_count(self) -> int | None:
        """Number of classes; None for a regression."""
        return None if self.classes is None else len(self.classes)

    @property
    def task(self) -> Task:
        """Task: classification if there are classes, else regression."""
        return "regression" if self.classes is None else "classification"

    def merge_validation(self) -> "Dataset":
        """Return the data set with the validation rows added to the training rows.

        For learners that hold out rows themselves. If the validation rows are the test part too, the new test part is
        empty. Rows that are too few to split are both parts, and each stays one row.
        """
        first, second = self.training, self.validation
        y: NDArray[Any] = np.concatenate([first.y, second.y])
        weight = join_weights(first.weight, second.weight)
        every = first if second is first else Split(np.concatenate([first.x, second.x]), y, weight)
        none = second.take(np.arange(0))
        test = none if self.test is second else self.test
        return replace(self, training=every, validation=none, test=test)


def join_weights(first: Rows | None, second: Rows | None) -> Rows | None:
    """Return the weights of rows after each other, of which all or none have weights."""
    return None if first is None or second is None else np.concatenate([first, second])


def summarize_columns(columns: Sequence[Column | str], x: Rows, weight: Rows | None = None) -> tuple[Feature, ...]:
    """Return the kind and training range of every column, for the card.

    Args:
        columns: Columns, or names of numeric columns.
        x: Raw training rows, [rows, features].
        weight: Weight of each row in the means, [rows]; None if all count the same.
    """
    named = [Column(column) if isinstance(column, str) else column for column in columns]
    return tuple(_summary(column, values, weight) for column, values in zip(named, x.T, strict=True))


def _summary(column: Column, values: Rows, weight: Rows | None) -> Feature:
    if column.kind == "categorical":
        options = {"missing": column.missing, "other": column.other, "ordered": column.ordered}
        return Categorical(name=column.name, categories=column.categories, **options)
    if column.kind == "boolean":
        return Boolean(name=column.name, missing=column.missing)
    present = ~np.isnan(values)
    known, of_known = values[present], None if weight is None else weight[present]
    if not len(known):  # only the other parts have values of this column
        known, of_known = np.zeros(1), None
    minimum, maximum, mean = (float(each) for each in (known.min(), known.max(), np.average(known, weights=of_known)))
    return Numeric(name=column.name, minimum=minimum, maximum=maximum, mean=mean, missing=column.missing)


def fingerprint(columns: Sequence[Column | str], x: Rows, y: NDArray[Any], weight: Rows | None = None) -> str:
    """Return the SHA-256 of columns, raw training rows [rows, features], targets [rows] and weights [rows] or none."""
    digest = hashlib.sha256()
    parts = [part for each in columns for part in ([each] if isinstance(each, str) else [each.name, *each.categories])]
    for part in (*parts, *(str(label) for label in y.ravel().tolist())):
        digest.update(part.encode() + b"\0")
    for values in (x, weight):
        digest.update(b"" if values is None else np.ascontiguousarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()


def to_label(value: object) -> Label:
    """Return a class label as a JSON value.

    A float without fraction becomes an integer; a value that JSON cannot represent exactly becomes text.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < MAX_LABEL) else str(value)

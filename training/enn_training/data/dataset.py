"""Data sets: raw rows with their targets, in three parts that never mix."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.encoding import Encoding
from enn_models.features import Boolean, Categorical, Feature, Numeric, column_encoding
from enn_models.network import Task
from enn_training.data.columns import Column
from enn_training.learned_model import Label, Rows

MAX_LABEL = 2**63


@dataclass(frozen=True, eq=False)
class Split:
    """Some rows.

    Attributes:
        x: Raw inputs, float64 [rows, features]; NaN where a value is missing.
        y: Index of the class, int64 [rows], or value, float64 [rows].
    """

    x: NDArray[np.float64]
    y: NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """What is learned from, chosen by and judged on.

    Attributes:
        features: Name of every input column.
        classes: Labels that the indices of the targets stand for; None for regression.
        training: Rows learned from.
        validation: Rows that choose among networks.
        test: Rows that only judge.
        columns: What every input column is; None: numbers, and none missing.
    """

    features: tuple[str, ...]
    classes: tuple[Label, ...] | None
    training: Split
    validation: Split
    test: Split
    columns: tuple[Column, ...] | None = field(default=None, kw_only=True)

    @cached_property
    def summaries(self) -> tuple[Feature, ...]:
        """What every input column is, and how the training part has it."""
        return summarize_columns(self.columns or self.features, self.training.x)

    @cached_property
    def encoding(self) -> Encoding | None:
        """How raw rows become the columns that a network takes; None where they are those."""
        return column_encoding(self.summaries)

    def encode(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the columns that a network takes, float64 [rows, columns], of raw rows [rows, features]."""
        return x if self.encoding is None else self.encoding.apply(x)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the training part, hexadecimal."""
        return fingerprint(self.columns or self.features, self.training.x, self.training.y)

    @property
    def class_count(self) -> int | None:
        """Number of classes; None for a regression."""
        return None if self.classes is None else len(self.classes)

    @property
    def task(self) -> Task:
        """Classification where there are classes."""
        return "regression" if self.classes is None else "classification"

    def merge_validation(self) -> "Dataset":
        """Return the same with the held-out rows among the training rows, for a learner that holds out its own.

        Where they were the test part too, there is none left.
        """
        first, second = self.training, self.validation
        y: NDArray[Any] = np.concatenate([first.y, second.y])
        every = Split(np.concatenate([first.x, second.x]), y)
        none = Split(second.x[:0], second.y[:0])
        test = none if self.test is second else self.test
        return replace(self, training=every, validation=none, test=test)


def summarize_columns(columns: Sequence[Column | str], x: Rows) -> tuple[Feature, ...]:
    """Return what a card says of every column of the raw training rows x [rows, features]; a name is one of numbers."""
    named = [Column(column) if isinstance(column, str) else column for column in columns]
    return tuple(_summary(column, values) for column, values in zip(named, x.T, strict=True))


def _summary(column: Column, values: Rows) -> Feature:
    if column.kind == "categorical":
        return Categorical(name=column.name, categories=column.categories, missing=column.missing)
    if column.kind == "boolean":
        return Boolean(name=column.name, missing=column.missing)
    known = values[~np.isnan(values)] if column.missing else values
    if not len(known):  # all that there is of it lies in the other parts
        known = np.zeros(1)
    minimum, maximum, mean = (float(each) for each in (known.min(), known.max(), known.mean()))
    return Numeric(name=column.name, minimum=minimum, maximum=maximum, mean=mean, missing=column.missing)


def fingerprint(columns: Sequence[Column | str], x: Rows, y: NDArray[Any]) -> str:
    """Return the SHA-256, hexadecimal, of columns, raw training rows [rows, features] and targets [rows]."""
    digest = hashlib.sha256()
    parts = [part for each in columns for part in ([each] if isinstance(each, str) else [each.name, *each.categories])]
    for part in (*parts, *(str(label) for label in y.ravel().tolist())):
        digest.update(part.encode() + b"\0")
    digest.update(np.ascontiguousarray(x, dtype="<f8").tobytes())
    return digest.hexdigest()


def to_label(value: object) -> Label:
    """Return a class label as JSON has it: whole numbers stay whole, what JSON cannot hold becomes text."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < MAX_LABEL) else str(value)

"""Data sets: raw rows with their targets, in three parts that never mix."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.encoding import Encoding
from enn_models.features import Feature, encoding
from enn_models.network import Task
from enn_training.data.columns import Column
from enn_training.learned_model import Label, fingerprint, summarise


@dataclass(frozen=True, eq=False)
class Part:
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
        held_out: Rows that choose among networks.
        test: Rows that only judge.
        columns: What every input column is; None: numbers, and none missing.
    """

    features: tuple[str, ...]
    classes: tuple[Label, ...] | None
    training: Part
    held_out: Part
    test: Part
    columns: tuple[Column, ...] | None = field(default=None, kw_only=True)

    @cached_property
    def summaries(self) -> tuple[Feature, ...]:
        """What every input column is, and how the training part has it."""
        return summarise(self.columns or self.features, self.training.x)

    @cached_property
    def encoding(self) -> Encoding | None:
        """How raw rows become the columns that a network takes; None where they are those."""
        return encoding(self.summaries)

    def encode(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the columns that a network takes, float64 [rows, columns], of raw rows [rows, features]."""
        return x if self.encoding is None else self.encoding.apply(x)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the training part, hexadecimal."""
        return fingerprint(self.columns or self.features, self.training.x, self.training.y)

    @property
    def task(self) -> Task:
        """Classification where there are classes."""
        return "regression" if self.classes is None else "classification"

    def joined(self) -> "Dataset":
        """Return the same with the held-out rows among the training rows, for a learner that holds out its own.

        Where they were the test part too, there is none left.
        """
        first, second = self.training, self.held_out
        y: NDArray[Any] = np.concatenate([first.y, second.y])
        every = Part(np.concatenate([first.x, second.x]), y)
        none = Part(second.x[:0], second.y[:0])
        test = none if self.test is second else self.test
        return replace(self, training=every, held_out=none, test=test)

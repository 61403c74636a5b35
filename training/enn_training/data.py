"""Data sets: raw rows with their targets, in three parts that never mix."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Task
from enn_training.model import Label


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows.

    Attributes:
        x: Raw inputs, float64 [rows, features].
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
    """

    features: tuple[str, ...]
    classes: tuple[Label, ...] | None
    training: Part
    held_out: Part
    test: Part

    @property
    def task(self) -> Task:
        """Classification where there are classes."""
        return "regression" if self.classes is None else "classification"

    def joined(self) -> "Dataset":
        """Return the same with the held-out rows among the training rows, for a learner that holds out its own."""
        first, second = self.training, self.held_out
        every = Part(np.concatenate([first.x, second.x]), np.concatenate([first.y, second.y]))
        return replace(self, training=every, held_out=Part(second.x[:0], second.y[:0]))

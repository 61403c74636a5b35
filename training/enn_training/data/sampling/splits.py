"""Splits of rows into training, validation and test parts, and random samples of rows.

Equal seeds must give equal packages, and the rows of a part decide every weight. So the shuffled index sets below are
drawn by NumPy's generator, as for the models published so far: scikit-learn's shuffling splitters take the legacy
`RandomState`, whose permutations differ. `folds` needs no shuffling splitter and uses scikit-learn's `PredefinedSplit`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_training.data.float32_range import to_float32

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

BACKGROUND_ROWS = 100
"""Number of training rows in a card: enough for Shapley values to a few percent, in a few kilobytes."""
MIN_ROWS = 16
"""Fewest rows to split; a validation part of one row decides nothing."""
MAX_VALIDATION_ROWS = 5_000
"""Most validation rows of a fold."""


def train_validation_test(y: NDArray[np.generic], seed: int, *, stratify: bool) -> tuple[Indices, Indices, Indices]:
    """Return the sorted indices of the training, validation and test rows.

    A fifth of the rows is the test part and an eighth of the rest the validation part, at least one row each.

    Args:
        y: Targets, [rows].
        seed: Seed of the shuffle.
        stratify: Split each class on its own, so that every part has the same shares of the classes.
    """
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(y == label) for label in np.unique(y)] if stratify else [np.arange(len(y))]
    parts: tuple[list[Indices], ...] = ([], [], [])
    for group in groups:
        shuffled = rng.permutation(group)
        test = max(1, round(len(group) / 5))
        validation = max(1, round((len(group) - test) / 8))
        for part, rows in zip(parts, np.split(shuffled, [test, test + validation]), strict=True):
            part.append(rows)
    test, validation, train = (np.sort(np.concatenate(part)) for part in parts)
    return train, validation, test


def train_validation(count: int, seed: int | None) -> tuple[Indices, Indices]:
    """Return the indices of the training rows, and of an eighth of the rows for validation.

    Fewer than 16 rows are not split: both parts are all rows.

    Args:
        count: Number of rows.
        seed: Seed of the shuffle; None to take the first rows for validation, of rows that are in random order.
    """
    order = np.arange(count) if seed is None else np.random.default_rng(seed).permutation(count)
    if count < MIN_ROWS:
        return np.arange(count), np.arange(count)
    validation, train = np.split(order, [count // 8])
    return train, validation


@dataclass(frozen=True, eq=False)
class Folds:
    """Indices of the rows of every fold of a cross-validation.

    Attributes:
        train: Rows to train on, int64 [folds, rows].
        validation: Rows to validate on, int64 [folds, rows].
    """

    train: Indices
    validation: Indices


def folds(y: Floats, seed: int) -> Folds:
    """Return 5 folds of fewer than 500 rows, 3 of fewer than 2,000, else 1, over which the targets are spread evenly.

    Rows are sorted by their targets and dealt out in turn, so that every fold has the whole range of values and the
    same shares of the classes. Fewer than 16 rows are one fold, trained and validated on all rows.

    Args:
        y: Targets, [rows, units].
        seed: Seed of the order of rows with equal targets.
    """
    from sklearn.model_selection import PredefinedSplit  # noqa: PLC0415 - scikit-learn takes a second to import

    count = len(y)
    if count < MIN_ROWS:
        every = np.arange(count)[None]
        return Folds(every, every)
    number = 5 if count < 500 else 3 if count < 2_000 else 1
    parts = 5  # a single fold validates on a fifth of the rows too
    shuffled = np.random.default_rng(seed).permutation(count)
    order = shuffled[np.lexsort(y[shuffled].T)]
    # Equal sizes, so that the folds are the rows of one array.
    size = min(count // parts, MAX_VALIDATION_ROWS)
    fold_of_row = np.full(count, -1)  # -1: never validated on
    for fold in range(number):
        fold_of_row[order[fold::parts][:size]] = fold
    train, validation = zip(*PredefinedSplit(fold_of_row).split(), strict=True)
    return Folds(np.stack(train), np.stack(validation))


def cross_validation(y: Floats, seed: int, number: int) -> list[tuple[Indices, Indices]]:
    """Return the rows to train on and to validate on, of each fold; every row is validated on once.

    Targets are spread evenly, as by `folds`. Fewer than 16 rows, or one fold, are trained and validated on all rows.

    Args:
        y: Targets, [rows, units].
        seed: Seed of the order of rows with equal targets.
        number: Number of folds.
    """
    every = np.arange(len(y))
    if len(y) < MIN_ROWS or number == 1:
        return [(every, every)]
    shuffled = np.random.default_rng(seed).permutation(len(y))
    fold_of_row = np.empty(len(y), dtype=np.int64)
    fold_of_row[shuffled[np.lexsort(y[shuffled].T)]] = every % number
    return [(np.flatnonzero(fold_of_row != fold), np.flatnonzero(fold_of_row == fold)) for fold in range(number)]


def sample_rows(rows: Floats, count: int, seed: int, weight: Floats | None = None) -> Floats:
    """Return a random sample of raw rows, rounded to float32 values, which a request can send.

    Args:
        rows: Raw rows, [rows, features].
        count: Number of rows to draw, fewer if there are fewer.
        seed: Seed of the draw.
        weight: Weight of each row, [rows]: heavier rows are drawn more likely; None if all are drawn alike.

    Returns:
        float64 [count, features], in the order of `rows`.

    Source: P. S. Efraimidis, P. G. Spirakis, Weighted random sampling with a reservoir, 2006, for rows with weights.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows)) if weight is None else np.argsort(rng.exponential(size=len(rows)) / weight)
    places = order[:count]
    return to_float32(rows[np.sort(places)])

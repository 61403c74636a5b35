"""Rows that judge a model: those of other groups than it learned from, or the newest ones."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from enn_training.errors import DataError

Indices = NDArray[np.int64]
Parts = tuple[Indices, Indices, Indices]
"""Sorted indices of the training, validation and test rows."""
TEST_PARTS, VALIDATION_PARTS = 5, 8
"""A fifth of the rows is the test part, an eighth of the rest the validation part."""


def parts_by_group(groups: NDArray[np.int64], y: NDArray[np.generic], seed: int, *, stratify: bool) -> Parts:
    """Return parts that share no group, by scikit-learn's splitters for groups.

    Args:
        groups: Number of the group of each row, [rows].
        y: Targets, [rows].
        seed: Seed of the draw of the groups.
        stratify: Draw groups so that every part has about the same shares of the classes.

    Raises:
        DataError: There are fewer than three groups.
    """
    if (count := len(np.unique(groups))) < 3:
        raise DataError(f"{count} group(s); expected at least 3: to learn from, to choose by and to judge on")
    rest, test = _draw_groups(groups, y, TEST_PARTS, seed, stratify=stratify)
    train, validation = _draw_groups(groups[rest], y[rest], VALIDATION_PARTS, seed, stratify=stratify)
    return rest[train], rest[validation], test


def parts_by_time(times: NDArray[np.float64]) -> Parts:
    """Return parts in which the newest rows are the test part, and the newest of the others the validation part.

    Rows of the same time are in the same part.

    Args:
        times: Time of each row in any unit, [rows].

    Raises:
        DataError: There are too few different times.
    """
    before, test = _newest(times, TEST_PARTS)
    train, validation = _newest(times[before], VALIDATION_PARTS)
    if not len(train):
        raise DataError(f"{len(np.unique(times))} different time(s); expected more: no row is left to learn from")
    return before[train], before[validation], test


def parts_without_test(y: NDArray[np.generic], seed: int, *, stratify: bool) -> tuple[Indices, Indices]:
    """Return the sorted indices of the training rows, and of an eighth of the rows for validation.

    Args:
        y: Targets, [rows].
        seed: Seed of the shuffle.
        stratify: Split each class on its own.
    """
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(y == label) for label in np.unique(y)] if stratify else [np.arange(len(y))]
    held_out = [rng.permutation(group)[: max(1, round(len(group) / VALIDATION_PARTS))] for group in groups]
    validation = np.sort(np.concatenate(held_out))
    return np.setdiff1d(np.arange(len(y)), validation), validation


def check_classes(classes: Mapping[int, object], y: NDArray[np.generic]) -> None:
    """Refuse training rows that lack a class.

    Args:
        classes: Label of each class index.
        y: Class indices of the training rows, [rows].

    Raises:
        DataError: The text names the class.
    """
    if absent := [label for index, label in classes.items() if not (y == index).any()]:
        raise DataError(f"no row to learn from has the class {absent[0]!r}; expected rows of every class")


def group_numbers(values: pd.Series) -> NDArray[np.int64]:
    """Return a number for each different value, [rows]."""
    return pd.factorize(values)[0].astype(np.int64)


def time_numbers(values: pd.Series) -> NDArray[np.float64]:
    """Return numbers in the order of times, which are numbers, dates or texts of dates as in ISO 8601.

    Raises:
        ValueError: A text is no date.
    """
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64)
    moments = pd.to_datetime(values, format=None if values.dtype.kind == "M" else "ISO8601", utc=True)
    return np.asarray(moments.astype("int64"), dtype=np.float64)


def _draw_groups(
    groups: NDArray[np.int64], y: NDArray[np.generic], parts: int, seed: int, *, stratify: bool
) -> tuple[Indices, Indices]:
    """Return the indices of the other rows, and of about one of so many parts of the rows, which share no group."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold  # noqa: PLC0415 - takes a second to import

    number = min(parts, len(np.unique(groups)))
    splitter = (StratifiedGroupKFold if stratify else GroupKFold)(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes with fewer rows than parts
        rest, chosen = next(iter(splitter.split(np.zeros((len(y), 1)), y, groups)))
    return np.sort(rest), np.sort(chosen)


def _newest(times: NDArray[np.float64], parts: int) -> tuple[Indices, Indices]:
    """Return the indices of the older rows, and of the newest of so many parts, with all rows of their times."""
    if not len(times):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first = np.sort(times)[len(times) - max(1, round(len(times) / parts))]
    return np.flatnonzero(times < first), np.flatnonzero(times >= first)

"""Leaks: columns that predict the target alone, as one that is known only after it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SAMPLE_ROWS = 5_000
"""Largest number of rows that are looked at."""
MIN_SKILL = 0.99
"""Least share of the error of the mean, or of the majority class, that a leaking column removes."""
SCREENED_SKILL = 0.9
"""Least such share of the neighbor in the order of a column, for which a tree is fitted to the column."""
FOLDS = 3
Floats = NDArray[np.float64]
Targets = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class Leak:
    """Score of one column as the only feature.

    Attributes:
        name: Name of the column.
        measure: "accuracy" or "R2 of the ranks".
        score: Score of a decision tree on rows that it was not fitted to, by cross-validation.
    """

    name: str
    measure: str
    score: float

    def line(self) -> str:
        """Return the warning as one line."""
        return (
            f"column {self.name!r} alone predicts the target: a decision tree of it has {self.measure} {self.score:.4f}"
            f" in cross-validation; leave it out with --without {self.name} if it is known only with the target"
        )


def find_leaks(names: Sequence[str], x: Floats, y: Targets, *, classes: bool) -> Iterator[Leak]:
    """Yield the columns that predict the target alone.

    Values of a target are replaced by their ranks, so that no long tail decides the score. Columns are screened by the
    neighbor in their order, which takes one sort; a decision tree judges those that remain.

    Args:
        names: Names of the columns.
        x: Rows [rows, columns]; NaN is a missing value.
        y: Class indices or values, [rows].
        classes: True if y are class indices.
    """
    rows = np.random.default_rng(0).permutation(len(x))[:SAMPLE_ROWS]
    x, y = x[rows], y[rows] if classes else _ranks(y[rows])
    error = _no_skill_error(y, classes=classes)
    if error == 0:
        return
    for name, values in zip(names, x.T, strict=True):
        if _neighbor_skill(values, y, error, classes=classes) < SCREENED_SKILL:
            continue
        score = _tree_score(values, y, classes=classes)
        if 1 - (1 - score) / (error if classes else 1.0) >= MIN_SKILL:
            yield Leak(name, "accuracy" if classes else "R2 of the ranks", score)


def _ranks(y: Targets) -> Floats:
    """Return the rank of each value; equal values have their mean rank."""
    return np.asarray(pd.Series(y).rank(), dtype=np.float64)


def _no_skill_error(y: Targets, *, classes: bool) -> float:
    """Return the share of rows outside the majority class, or the variance."""
    return float(1 - np.unique(y, return_counts=True)[1].max() / len(y)) if classes else float(np.var(y))


def _neighbor_skill(values: Floats, y: Targets, error: float, *, classes: bool) -> float:
    """Return the skill of predicting each row by its neighbor in the order of a column.

    Pairs of neighbors differ by twice the variance of the noise.
    """
    ordered = y[np.argsort(values, kind="stable")]
    if classes:
        return float(1 - np.mean(ordered[1:] != ordered[:-1]) / error)
    return float(1 - np.mean(np.diff(ordered) ** 2) / (2 * error))


def _tree_score(values: Floats, y: Targets, *, classes: bool) -> float:
    """Return the mean score of a decision tree of one column in cross-validation."""
    from sklearn.model_selection import KFold, cross_val_score  # noqa: PLC0415 - scikit-learn takes a second to import
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # noqa: PLC0415 - as above

    tree = DecisionTreeClassifier(random_state=0) if classes else DecisionTreeRegressor(random_state=0)
    return float(cross_val_score(tree, values[:, None], y, cv=KFold(FOLDS)).mean())

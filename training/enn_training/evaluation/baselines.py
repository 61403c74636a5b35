"""Simple models to compare a network with: the majority class and a straight line."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from enn_training.data.dataset import Dataset
from enn_training.data.scaling import Scaling
from enn_training.evaluation.metrics import r2


@dataclass(frozen=True)
class Baseline:
    """Score of a simple model.

    Attributes:
        name: Name of the model.
        score: Accuracy, or R^2 of a regression, on the test part.
    """

    name: str
    score: float


def baselines(dataset: Dataset) -> tuple[Baseline, ...]:
    """Return the scores of simple models that are fitted to the training part of a data set.

    Returns:
        Least squares for a regression; the majority class and logistic regression for classes.
    """
    train, test = dataset.training, dataset.test
    scaling = Scaling.standard(dataset.encode(train.x))
    x, test_x = (scaling.transform(dataset.encode(part.x)) for part in (train, test))
    if dataset.classes is None:
        design, test_design = (np.column_stack([rows, np.ones(len(rows))]) for rows in (x, test_x))
        root = 1.0 if train.weight is None else np.sqrt(train.weight)
        slopes = np.linalg.lstsq((design.T * root).T, train.y * root, rcond=None)[0]
        return (Baseline("straight line", r2(test.y, test_design @ slopes, test.weight)),)
    majority = np.bincount(train.y.astype(np.int64), train.weight).argmax()
    line = LogisticRegression(max_iter=1000).fit(x, train.y, train.weight)
    return (
        Baseline("majority class", float(np.average(test.y == majority, weights=test.weight))),
        Baseline("straight line", float(line.score(test_x, test.y, test.weight))),
    )

"""Simple models to compare a network with: the majority class and a straight line."""

from dataclasses import dataclass

import numpy as np

from enn_training.data.dataset import Dataset
from enn_training.data.preprocessing import Scaling
from enn_training.evaluation.metrics import r2


@dataclass(frozen=True)
class Baseline:
    """A model that anybody would try first.

    Attributes:
        name: What it is.
        score: Accuracy, or R^2 of a regression, on the test part.
    """

    name: str
    score: float


def baselines(dataset: Dataset) -> tuple[Baseline, ...]:
    """Return the majority class and the best straight line (logistic regression), or least squares, of a data set."""
    train, test = dataset.training, dataset.test
    scaling = Scaling.of_spread(dataset.encode(train.x))
    x, judged = (scaling.apply(dataset.encode(part.x)) for part in (train, test))
    if dataset.classes is None:
        design = np.column_stack([x, np.ones(len(x))])
        slopes = np.linalg.lstsq(design, train.y, rcond=None)[0]
        return (Baseline("straight line", r2(test.y, np.column_stack([judged, np.ones(len(judged))]) @ slopes)),)
    # Imported here: scikit-learn takes a second that --help should not.
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    majority = np.bincount(train.y.astype(np.int64)).argmax()
    line = LogisticRegression(max_iter=1000).fit(x, train.y)
    return (
        Baseline("majority class", float(np.mean(test.y == majority))),
        Baseline("straight line", float(line.score(judged, test.y))),
    )

"""Measure a fitted model on the test rows of a fold."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error

from enn_models.network import Task

BINS = 10


@dataclass(frozen=True)
class Measurement:
    """Measurement of one model on one fold.

    Attributes:
        score: Accuracy, or R2.
        loss: Log-loss in nats, or root mean squared error in the target's unit.
        calibration: Expected calibration error; None for a regression.
        parameters: Number of learned numbers.
        seconds: CPU seconds of training, including the search if any.
        settings: Index of the settings used.
    """

    score: float
    loss: float
    calibration: float | None
    parameters: int
    seconds: float
    settings: int


def score_model(task: Task, model: Any, x: pd.DataFrame, y: pd.Series) -> tuple[float, float, float | None]:  # noqa: ANN401 - any library's
    """Return score, loss and calibration error of a fitted model."""
    if task == "regression":
        predicted = model.predict(x)
        return float(r2_score(y, predicted)), float(root_mean_squared_error(y, predicted)), None
    probabilities = model.predict_proba(x)
    labels = np.asarray(model.classes_)
    predicted = labels[probabilities.argmax(axis=1)]
    correct = np.asarray(predicted == np.asarray(y))
    loss = float(log_loss(y, probabilities, labels=labels))
    return float(accuracy_score(y, predicted)), loss, calibration_error(probabilities.max(axis=1), correct)


def calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Return the mean difference of confidence and accuracy over ten bins of confidence, weighted by rows.

    Args:
        confidence: Probability of the predicted class, [rows].
        correct: True for correct predictions, [rows].

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3.
    """
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, confidence - correct, BINS)
    return float(np.abs(gaps).sum() / len(correct))

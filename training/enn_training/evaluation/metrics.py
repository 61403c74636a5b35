"""Scores of a network on rows it never learned from, and of the simple models that it has to beat."""

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Network
from enn_training.data.dataset import Split

Floats = NDArray[np.float64]


def predict_classes(network: Network, x: Floats) -> NDArray[np.int64]:
    """Return the index of the class of each raw row, int64 [rows]: the greatest column, or the side of one score."""
    output = network.respond(x).output
    if output.shape[1] == 1:
        return (output[:, 0] > 0).astype(np.int64)
    return output.argmax(axis=1).astype(np.int64)


def score(network: Network, part: Split) -> dict[str, float]:
    """Return the scores of a part, named as scikit-learn names them.

    Returns:
        accuracy, and log_loss in nats where there are probabilities; or r2, mean_squared_error and
        root_mean_squared_error in the target's unit.
    """
    output = network.respond(part.x).output
    if network.task == "regression":
        error = float(np.mean((output - part.y.reshape(output.shape)) ** 2))
        return {"r2": r2(part.y, output), "mean_squared_error": error, "root_mean_squared_error": error**0.5}
    scores = {"accuracy": float(np.mean(predict_classes(network, part.x) == part.y))}
    if network.head == "linear":
        chosen = output[np.arange(len(output)), part.y.astype(np.int64)]
        scores["log_loss"] = float(-np.mean(np.log(np.maximum(chosen, np.finfo(np.float64).tiny))))
    return scores


def r2(truth: Floats | NDArray[np.int64], predictions: Floats) -> float:
    """Return the share of the variance of truth that predictions explain, mean over columns; 0 for a constant truth."""
    truth = truth.reshape(predictions.shape).astype(np.float64)
    variance = truth.var(axis=0)
    error = np.mean((truth - predictions) ** 2, axis=0)
    return float(np.mean(np.where(variance > 0, 1.0 - error / np.where(variance > 0, variance, 1.0), 0.0)))

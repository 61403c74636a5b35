"""Metrics of a network's predictions, computed by scikit-learn."""

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Network
from enn_training.data.dataset import Split

Floats = NDArray[np.float64]


def predict_classes(network: Network, x: Floats) -> NDArray[np.int64]:
    """Return the class index of each raw row, int64 [rows].

    The class is the column of the largest score or probability; of a single score, its sign decides.
    """
    output = network.respond(x).output
    if output.shape[1] == 1:
        return (output[:, 0] > 0).astype(np.int64)
    return output.argmax(axis=1).astype(np.int64)


def score(network: Network, rows: Split) -> dict[str, float]:
    """Return the metrics of a network on some rows, under scikit-learn's names.

    Args:
        network: Network over raw rows.
        rows: At least one row with its targets.

    Returns:
        For classes accuracy, and log_loss in nats if the network predicts probabilities; for a regression r2,
        mean_squared_error and root_mean_squared_error in the target's unit. r2 of a constant target is 1 for exact
        predictions, else 0.
    """
    from sklearn import metrics  # noqa: PLC0415 - scikit-learn takes a second to import

    output = network.respond(rows.x).output
    if network.task == "regression":
        truth = rows.y.reshape(output.shape)
        return {
            "r2": r2(truth, output),
            "mean_squared_error": float(metrics.mean_squared_error(truth, output)),
            "root_mean_squared_error": float(metrics.root_mean_squared_error(truth, output)),
        }
    scores = {"accuracy": float(metrics.accuracy_score(rows.y, predict_classes(network, rows.x)))}
    if network.head == "linear":
        scores["log_loss"] = float(metrics.log_loss(rows.y, output, labels=np.arange(output.shape[1])))
    return scores


def r2(truth: Floats | NDArray[np.int64], predictions: Floats) -> float:
    """Return scikit-learn's coefficient of determination, the mean over the columns; 0 for fewer than two rows."""
    from sklearn.metrics import r2_score  # noqa: PLC0415 - scikit-learn takes a second to import

    if len(predictions) < 2:
        return 0.0  # undefined there: scikit-learn warns and returns NaN, which JSON has no number for
    return float(r2_score(truth.reshape(predictions.shape), predictions))

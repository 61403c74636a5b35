"""Metrics of a network's predictions, computed by scikit-learn."""

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from enn_models.network import Network
from enn_training.data.dataset import Split
from enn_training.data.float32_range import to_float32
from enn_training.data.targets import Targets

Floats = NDArray[np.float64]


def predict_classes(network: Network, x: Floats) -> NDArray[np.int64]:
    """Return the class index of each raw row, int64 [rows].

    The class is the column of the largest score or probability; of a single score, its sign decides.
    """
    return to_classes(served_output(network, x))


def served_output(network: Network, x: Floats) -> Floats:
    """Return the output for raw rows; rows, and values of a regression, are rounded to float32 as in the service."""
    output = network.respond(to_float32(x)).output
    return to_float32(output) if network.task == "regression" else output


def to_classes(output: Floats) -> NDArray[np.int64]:
    """Return the class index of each row of class scores or probabilities."""
    if output.shape[1] == 1:
        return (output[:, 0] > 0).astype(np.int64)
    return output.argmax(axis=1).astype(np.int64)


def score(network: Network, rows: Split, quantile: float | None = None) -> dict[str, float]:
    """Return the metrics of a network on some rows, under scikit-learn's names.

    Rows and predicted values are rounded to float32, as in the service.

    Args:
        network: Network over raw rows.
        rows: At least one row with its targets; each counts by its weight.
        quantile: Level of the quantile that a regression learned; None for the mean.

    Returns:
        For classes accuracy, balanced_accuracy, log_loss in nats if the network predicts probabilities, and if the rows
        have every class roc_auc and average_precision: of two classes those of the second, of several the mean over
        each class against the others. For a regression r2, mean_squared_error and root_mean_squared_error in the
        target's unit. r2 of a constant target is 1 for exact predictions, else 0. A quantile has mean_pinball_loss too.
    """
    output = served_output(network, rows.x)
    return score_output(network, output, rows) | _quantile_scores(output, rows, quantile)


def _quantile_scores(output: Floats, rows: Split, quantile: float | None) -> dict[str, float]:
    """Return the metric of predicted quantiles [rows, outputs]."""
    if quantile is None:
        return {}
    truth = rows.y.reshape(output.shape)
    loss = metrics.mean_pinball_loss(truth, output, alpha=quantile, sample_weight=rows.weight)
    return {"mean_pinball_loss": float(loss)}


def score_with_skill(network: Network, rows: Split) -> tuple[dict[str, float], float]:
    """Return the metrics of a network on some rows, as `score`, and its skill, as `skill`."""
    output = served_output(network, rows.x)
    return score_output(network, output, rows), _skill(network, output, rows)


def score_output(network: Network, output: Floats, rows: Split) -> dict[str, float]:
    """Return the metrics of an output of `served_output` on some rows, as `score`."""
    if network.task == "regression":
        truth = rows.y.reshape(output.shape)
        return {
            "r2": r2(truth, output, rows.weight),
            "mean_squared_error": float(metrics.mean_squared_error(truth, output, sample_weight=rows.weight)),
            "root_mean_squared_error": float(metrics.root_mean_squared_error(truth, output, sample_weight=rows.weight)),
        }
    return _class_scores(network, output, rows)


def _class_scores(network: Network, output: Floats, rows: Split) -> dict[str, float]:
    """Return the metrics of class scores or probabilities [rows, outputs]; those that rank rows need every class."""
    chosen, weight, present = to_classes(output), rows.weight, np.unique(rows.y)
    recall = metrics.recall_score(rows.y, chosen, labels=present, average="macro", sample_weight=weight)
    scores = {
        "accuracy": float(metrics.accuracy_score(rows.y, chosen, sample_weight=weight)),
        "balanced_accuracy": float(recall),
    }
    if network.head == "linear":
        scores["log_loss"] = _log_loss(rows, output)
    if len(present) == max(2, output.shape[1]):
        binary = [(rows.y == 1, output[:, -1])] if len(present) == 2 else []
        ranked = binary or [(rows.y == label, output[:, label]) for label in present]
        for name, metric in (
            ("roc_auc", metrics.roc_auc_score),
            ("average_precision", metrics.average_precision_score),
        ):
            scores[name] = float(np.mean([metric(truth, values, sample_weight=weight) for truth, values in ranked]))
    return scores


def _log_loss(rows: Split, probabilities: Floats) -> float:
    """Return the cross-entropy of probabilities [rows, classes] in nats."""
    labels = np.arange(probabilities.shape[1])
    return float(metrics.log_loss(rows.y, probabilities, sample_weight=rows.weight, labels=labels))


def r2(truth: Floats | NDArray[np.int64], predictions: Floats, weight: Floats | None = None) -> float:
    """Return scikit-learn's coefficient of determination, the mean over the columns; 0 for fewer than two rows."""
    if len(predictions) < 2:
        return 0.0  # undefined there: scikit-learn warns and returns NaN, which JSON has no number for
    return float(metrics.r2_score(truth.reshape(predictions.shape), predictions, sample_weight=weight))


def skill(network: Network, rows: Split, quantile: float | None = None) -> float:
    """Return a proper score of a network on some rows: 1 for exact predictions, 0 for the mean or the class shares.

    A regression has R^2, and one of a quantile 1 - pinball loss / pinball loss of the quantile of the targets. A
    network with probabilities has the share of the entropy that it explains, 1 - log-loss / log-loss of the class
    shares (McFadden's R^2), and one with class scores the R^2 of the scores to which it was trained, -1 and 1. Unlike
    the accuracy, a proper score worsens with each wrong probability, however rare its class.

    Args:
        network: Network over raw rows.
        rows: At least two rows with their targets, of two classes at least.
        quantile: Level of the quantile that a regression learned; None for the mean.
    """
    output = served_output(network, rows.x)
    if quantile is None:
        return _skill(network, output, rows)
    constant = np.broadcast_to(np.quantile(rows.y.reshape(output.shape), quantile, axis=0), output.shape)
    losses = [_quantile_scores(each, rows, quantile)["mean_pinball_loss"] for each in (output, constant)]
    return 1.0 - losses[0] / losses[1] if losses[1] else 0.0


def _skill(network: Network, output: Floats, rows: Split) -> float:
    if network.task == "regression":
        return r2(rows.y, output, rows.weight)
    if network.head == "dct":
        units = output.shape[1]
        return r2(Targets(units, "dct", max(units, 2), None).encode(rows.y), output, rows.weight)
    counts = np.bincount(rows.y.astype(np.int64), rows.weight, minlength=output.shape[1])
    of_shares = _log_loss(rows, np.tile(counts / counts.sum(), (len(rows.y), 1)))
    return 1.0 - _log_loss(rows, output) / of_shares

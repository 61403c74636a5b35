"""Tables and JSON bodies of predictions and explanations, for files."""

from typing import Any

import numpy as np
import pandas as pd

from enn_models.explanations.results import Explanations


def predictions_table(predictions: list[Any]) -> pd.DataFrame:
    """Return one line per row.

    Returns:
        Columns prediction and probability_LABEL of each class; or prediction and score; or prediction, and for several
        values prediction_0, prediction_1, ...
    """
    first = predictions[0]
    if isinstance(first, list):
        return pd.DataFrame(predictions).rename(columns="prediction_{}".format)
    if not isinstance(first, dict):
        return pd.DataFrame({"prediction": predictions})
    columns: dict[str, Any] = {"prediction": [each["label"] for each in predictions]}
    if "score" in first:
        columns["score"] = [each["score"] for each in predictions]
    for label in first.get("probabilities", ()):
        columns[f"probability_{label}"] = [each["probabilities"][label] for each in predictions]
    return pd.DataFrame(columns)


def explanations_table(found: Explanations) -> pd.DataFrame:
    """Return one line per row, as `Explanations.to_frame`, with the features out of range in one text."""
    frame = found.to_frame()
    return frame.assign(out_of_range=[" ".join(names) for names in found.out_of_range])


def explanations_body(found: Explanations) -> dict[str, Any]:
    """Return predictions and explanations under the names of the service's V1 protocol."""
    return {
        "predictions": found.predictions,
        "explanations": [_explanation(found, row) for row in range(len(found.bias))],
    }


def _explanation(found: Explanations, row: int) -> dict[str, Any]:
    """Return the explanation of one row."""
    result: dict[str, Any] = {"output": found.output[row]}
    for name in ("pre_activation", "response", "bias", "base_probability"):
        values = getattr(found, name)
        if values is not None:
            result[name] = float(values[row])
    if found.slope is not None:
        result["output_activation"] = {"slope": float(found.slope[row])}
    fields = {
        "neuron": found.neurons,
        "value": found.bumps,
        "activation": found.activations,
        "weight": found.weights,
        "probability_change": found.probability_changes,
    }
    columns = {name: values[row].tolist() for name, values in fields.items() if values is not None}
    result["bumps"] = [dict(zip(columns, bump, strict=True)) for bump in zip(*columns.values(), strict=True)]
    if found.is_partial:
        result["rest"] = {"value": float(found.rest[row])}
    result["out_of_range"] = list(found.out_of_range[row])
    if found.out_of_range[row]:
        result["ranges"] = {name: list(found.ranges[name]) for name in found.out_of_range[row]}
    if (given := found.attributions) is not None:
        result["attributions"] = {
            "method": given.method,
            "base_value": float(given.base_value[row]),
            "values": dict(zip(given.features, np.asarray(given.values[row]).tolist(), strict=True)),
        }
    return result

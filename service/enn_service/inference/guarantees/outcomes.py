"""Outcomes of the graph: predicted classes, and raw rows from encoded ones."""

import numpy as np
from numpy.typing import NDArray

from enn_models.cosine_series import Floats
from enn_models.explanations.feature_shares import feature_columns
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import Array


def predicted_classes(output: Array) -> NDArray[np.intp]:
    """Return the index of the predicted class of each row of an output [batch, outputs]."""
    if output.shape[1] == 1:
        return (output[:, 0] > 0).astype(np.intp)
    return output.argmax(axis=1)


def raw_row(model: ServedModel, row: Array, columns: Floats) -> Array:
    """Return a raw row, float32 [features], with the values that encoded columns have instead of those of a row.

    Args:
        model: Model of the row.
        row: Raw row; its missing values stay missing.
        columns: Encoded row, [columns].
    """
    own, result = model.network.encode(row[None])[0], row.copy()
    for index, (feature, place) in enumerate(zip(model.card.features, feature_columns(model.network), strict=True)):
        values = columns[place]
        if (values != own[place]).any():
            single = feature.kind == "numeric" or len(place) == 1
            knots = None if model.network.encoding is None else model.network.encoding.knots.get(int(place[0]))
            value = values[0] if knots is None else np.interp(values[0], np.linspace(-1.0, 1.0, len(knots)), knots)
            result[index] = value if single else values.argmax()
    return result

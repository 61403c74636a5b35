"""The model of a report as JSON for the script of the page: features, encoding and float32 parameters."""

from typing import Any

import numpy as np

from enn_models.card import Card
from enn_models.explanations.output_names import output_names
from enn_models.network import Network


def script_model(card: Card, network: Network) -> dict[str, Any]:
    """Return features, columns and parameters of a model as JSON types.

    Args:
        card: Card of the model.
        network: Network of the model.
    """
    columns = [
        (place, number, _or_none(code), _or_none(missing))
        for place, feature in enumerate(card.features)
        for number, code, missing in feature.columns
    ]
    return {
        "task": card.task,
        "head": card.head,
        "link": network.link,
        "classes": None if card.classes is None else [str(label) for label in card.classes],
        "units": [str(name) for name in output_names(card.classes, network.units)],
        "layers": card.layers,
        "harmonics": card.harmonics,
        "parameters": card.parameters,
        "features": [_feature(feature) for feature in card.features],
        "columns": columns,
        "start": [_or_none(value) for value in card.typical_row],
    }


def _feature(feature: Any) -> dict[str, Any]:  # noqa: ANN401 - a union that pydantic annotates
    names = {"categorical": getattr(feature, "categories", ()), "boolean": ("false", "true")}
    return {
        "name": feature.name,
        "kind": feature.kind,
        "minimum": feature.minimum,
        "maximum": feature.maximum,
        "missing": feature.missing,
        "values": names.get(feature.kind, ()),
        "knots": getattr(feature, "knots", None),
    }


def _or_none(value: float) -> float | None:
    """Return a number as the graph has it, in float32; None for NaN, which JSON does not have."""
    return None if np.isnan(value) else float(np.float32(value))

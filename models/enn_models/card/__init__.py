"""Card: the description of a model, stored as JSON in the ONNX metadata under `enn.card`."""

from enn_models.card.calibration import Calibration, LogScale
from enn_models.card.card import METADATA_KEY, Card, network_fields
from enn_models.card.parts import GoldenVector, RawRows, SmallBatchPath, Timing, UnrollingChoice, to_array

__all__ = [
    "METADATA_KEY",
    "Calibration",
    "Card",
    "GoldenVector",
    "LogScale",
    "RawRows",
    "SmallBatchPath",
    "Timing",
    "UnrollingChoice",
    "network_fields",
    "to_array",
]

"""Metadata of a model in the Open Inference Protocol V2, and its configuration in Triton's extension."""

from typing import Any

from enn_models.card import to_array
from enn_models.card.feature_values import encode_value
from enn_models.package import INPUT
from enn_service.protocols.datatypes import BOOL, BYTES
from enn_service.runtime.model import ServedModel

PLATFORM = "onnx_onnxv1"
FEATURE_DATATYPES = {"numeric": "FP32", "boolean": BOOL, "categorical": BYTES}
"""Datatype of the tensor of a single feature, by the kind of the feature."""


def metadata(model: ServedModel, versions: list[str]) -> dict[str, Any]:
    """Return the metadata of a model: its tensors, optional outputs, features and a sample row.

    Clients send all the tensors of `inputs`, so those that a request may have instead are among the properties.

    Args:
        model: Model to describe.
        versions: Names of its loaded versions.
    """
    card = model.card
    (sample,) = to_array((card.background or card.golden.inputs)[:1]).tolist()
    covered = [
        {"name": name, "datatype": "BOOL" if name == "set" else "FP32", "shape": shape}
        for name, shape in model.coverage_encoder.shapes.items()
    ]
    output, *others = ({"name": name, "datatype": "FP32", "shape": shape} for name, shape in model.shapes.items())
    return {
        "name": model.name,
        "versions": versions,
        "platform": PLATFORM,
        "inputs": [{"name": INPUT, "datatype": "FP32", "shape": [-1, model.network.inputs]}],
        "outputs": [output],
        "properties": {
            "features": [
                feature.model_dump() | {"typical": encode_value(feature, typical)}
                for feature, typical in zip(card.features, card.typical_row, strict=True)
            ],
            "classes": card.classes,
            "outputs": model.prediction_encoder.output_names,
            "task": card.task,
            "head": card.head,
            "parameters": model.network.parameters,
            "scores": card.scores,
            "sample": [encode_value(feature, value) for feature, value in zip(card.features, sample, strict=True)],
            "feature_inputs": [
                {"name": feature.name, "datatype": FEATURE_DATATYPES[feature.kind], "shape": [-1, 1]}
                for feature in card.features
            ],
            "optional_outputs": others + covered,
        },
    }


def configuration(model: ServedModel) -> dict[str, Any]:
    """Return the configuration of a model for Triton clients; the first dimension, the batch, has any size."""
    return {
        "name": model.name,
        "platform": PLATFORM,
        "backend": "onnxruntime",
        "max_batch_size": 0,
        "input": [{"name": INPUT, "data_type": "TYPE_FP32", "dims": [-1, model.network.inputs]}],
        "output": [{"name": name, "data_type": "TYPE_FP32", "dims": shape} for name, shape in model.shapes.items()],
        "default_model_filename": "model.onnx",
    }

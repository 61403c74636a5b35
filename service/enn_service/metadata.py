"""Metadata: what a model says about itself in the Open Inference Protocol, and in Triton's configuration extension."""

from typing import Any

from enn_models.package import INPUT
from enn_service.model import Model
from enn_service.v2 import output_shapes

PLATFORM = "onnx_onnxv1"


def metadata(model: Model, versions: list[str]) -> dict[str, Any]:
    """Return the metadata of a model: its tensors, and what else it gives when named."""
    output, *others = (
        {"name": name, "datatype": "FP32", "shape": shape} for name, shape in output_shapes(model).items()
    )
    return {
        "name": model.name,
        "versions": versions,
        "platform": PLATFORM,
        "inputs": [{"name": INPUT, "datatype": "FP32", "shape": [-1, model.network.inputs]}],
        "outputs": [output],
        "properties": {
            "features": [feature.model_dump() for feature in model.card.features],
            "classes": model.card.classes,
            "task": model.card.task,
            "head": model.card.head,
            "parameters": model.network.parameters,
            "scores": model.card.scores,
            "optional_outputs": others,
        },
    }


def configuration(model: Model) -> dict[str, Any]:
    """Return the configuration of a model as Triton's clients read it; a batch of any size is the first dimension."""
    return {
        "name": model.name,
        "platform": PLATFORM,
        "backend": "onnxruntime",
        "max_batch_size": 0,
        "input": [{"name": INPUT, "data_type": "TYPE_FP32", "dims": [-1, model.network.inputs]}],
        "output": [
            {"name": name, "data_type": "TYPE_FP32", "dims": shape} for name, shape in output_shapes(model).items()
        ],
        "default_model_filename": "model.onnx",
    }

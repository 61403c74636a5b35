"""Open Inference Protocol V2: the bytes of an infer request to the bytes of its answer, and a model's metadata.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
"""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_models.package import INPUT
from enn_service.errors import InvalidRequestError
from enn_service.model import Model
from enn_service.rows import read_rows
from enn_service.v1 import parse_object

PLATFORM = "onnx_onnxv1"
NUMERIC = {"FP32", "FP64"} | {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}


def infer(model: Model, body: bytes) -> bytes:
    """Answer an inference request with the tensors it names; `output` where it names none.

    Raises:
        InvalidRequestError: The body is no such request, or its tensor is not what the model takes.
    """
    request = parse_object(body)
    identity = request.get("id", "")
    if not isinstance(identity, str):
        raise InvalidRequestError(f"id: {identity!r:.60}; expected a string")
    names = _output_names(model, request.get("outputs"))
    rows = _read_input(model, request.get("inputs"))
    arrays = model.session.run(rows, names)
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version, "id": identity}
    if outside := model.out_of_range(rows):
        answer["parameters"] = {"rows_out_of_range": len(outside)}
    answer["outputs"] = [
        {"name": name, "shape": list(array.shape), "datatype": "FP32", "data": array.ravel()}
        for name, array in zip(names, arrays, strict=True)
    ]
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def metadata(model: Model, versions: list[str]) -> dict[str, Any]:
    """Return the metadata of a model: its tensors, and what else it gives when named."""
    tensors = output_tensors(model)
    return {
        "name": model.name,
        "versions": versions,
        "platform": PLATFORM,
        "inputs": [{"name": INPUT, "datatype": "FP32", "shape": [-1, model.network.inputs]}],
        "outputs": [{"name": "output", **tensors["output"]}],
        "properties": {
            "features": [feature.model_dump() for feature in model.card.features],
            "classes": model.card.classes,
            "task": model.card.task,
            "head": model.card.head,
            "parameters": model.network.parameters,
            "scores": model.card.scores,
            "optional_outputs": [{"name": name, **tensor} for name, tensor in tensors.items() if name != "output"],
        },
    }


def output_tensors(model: Model) -> dict[str, dict[str, Any]]:
    """Return datatype and shape of everything that infer gives, by name."""
    units, neurons = model.network.units, model.card.layers[-2]
    shapes = {"output": [model.network.outputs], "bumps": [units, neurons], "pre_activation": [units]}
    return {name: {"datatype": "FP32", "shape": [-1, *sizes]} for name, sizes in shapes.items()}


def _output_names(model: Model, outputs: object) -> list[str]:
    if outputs is None:
        return ["output"]
    if not isinstance(outputs, list) or not outputs or not all(isinstance(output, dict) for output in outputs):
        raise InvalidRequestError('outputs: expected a list of at least one {"name": ...}')
    known = output_tensors(model)
    names = [output.get("name") for output in outputs]
    for index, name in enumerate(names):
        if not isinstance(name, str) or name not in known:
            raise InvalidRequestError(f"outputs[{index}].name: {name!r:.80}; the model gives {', '.join(known)}")
    if len(set(names)) != len(names):
        raise InvalidRequestError("outputs: a name stands twice")
    return names


def _read_input(model: Model, inputs: object) -> NDArray[np.float32]:
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise InvalidRequestError(f'inputs: expected a list of one tensor, {{"name": "{INPUT}", ...}}')
    tensor = inputs[0]
    if tensor.get("name") != INPUT:
        raise InvalidRequestError(f"inputs[0].name: {tensor.get('name')!r:.80}; expected {INPUT!r}")
    datatype = tensor.get("datatype")
    if not isinstance(datatype, str) or datatype not in NUMERIC:
        raise InvalidRequestError(f"inputs[0].datatype: {datatype!r:.60}; expected one of {', '.join(sorted(NUMERIC))}")
    batch = _batch(tensor.get("shape"), model.network.inputs)
    rows = _as_rows(tensor.get("data"), batch, model.network.inputs)
    values = read_rows(model.card, rows, "inputs[0].data", tensor=True)
    model.check_reach(values, "inputs[0].data")
    if "INT" in datatype:
        _check_integers(rows, datatype)
    return values


def _batch(shape: object, features: int) -> int:
    sizes = shape if isinstance(shape, list) else []
    if len(sizes) != 2 or any(type(size) is not int for size in sizes) or sizes[0] < 1 or sizes[1] != features:
        raise InvalidRequestError(f"inputs[0].shape: {shape!r:.60}; expected [rows, {features}] with at least one row")
    return sizes[0]


def _as_rows(data: object, batch: int, features: int) -> list[Any]:
    """Return data as a list of rows; it may come flat or nested."""
    if not isinstance(data, list) or not data or dict in map(type, data):
        raise InvalidRequestError("inputs[0].data: expected a list of numbers, flat or nested as the shape says")
    rows = data if isinstance(data[0], list) else _cut(data, batch, features)
    if len(rows) != batch:
        raise InvalidRequestError(f"inputs[0].data: {len(rows)} rows; the shape says {batch}")
    return rows


def _cut(data: list[Any], batch: int, features: int) -> list[list[Any]]:
    if len(data) != batch * features:
        raise InvalidRequestError(f"inputs[0].data: {len(data)} values; the shape says {batch} x {features}")
    return [data[start : start + features] for start in range(0, len(data), features)]


def _check_integers(rows: list[list[Any]], datatype: str) -> None:
    limits = np.iinfo(datatype.lower())
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            if type(value) is not int or not limits.min <= value <= limits.max:
                raise InvalidRequestError(f"inputs[0].data[{row}][{column}]: {value!r:.60} is no {datatype}")

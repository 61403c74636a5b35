"""Open Inference Protocol V2: the bytes of an infer or explain request to the bytes of its answer.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from enn_models.package import HARMONICS
from enn_service import explaining, json_numbers
from enn_service.errors import InvalidRequestError, shown
from enn_service.exchange import Question, Request
from enn_service.json_body import Numbers, parse_numbers, parse_object
from enn_service.model import Model
from enn_service.replies import Reply
from enn_service.results import Outside
from enn_service.session import Array
from enn_service.tensors import DATA, FLOATS, classified, pack_texts, read_raw, read_tensor

JSON_LENGTH = "Inference-Header-Content-Length"
BINARY_TYPE = b"application/octet-stream"
VALUES = re.compile(rb'"data"\s*:\s*')


@dataclass(frozen=True, slots=True)
class Wanted:
    """An output asked for.

    Attributes:
        name: Its name.
        binary: Whether it is sent as bytes after the JSON part.
        classes: How many classes to give in its place; 0 for the output itself.
    """

    name: str
    binary: bool
    classes: int


@dataclass(frozen=True, slots=True)
class Inference:
    """What an infer request asks for: rows to answer, outputs to give, the request's identity and parameters."""

    rows: Array
    outside: Outside | None
    outputs: Sequence[Wanted]
    id: str
    parameters: dict[str, Any]


def infer(model: Model, request: Request) -> Question:
    """Read an inference request, which is answered with the tensors it names; `output` where it names none.

    Raises:
        InvalidRequestError: The body is no such request, or its tensor is not what the model takes.
    """
    asked = _read(model, request)
    tensors = tuple(dict.fromkeys(wanted.name for wanted in asked.outputs))

    def answer(arrays: Sequence[Array]) -> Reply:
        return _reply(model, asked, dict(zip(tensors, arrays, strict=True)), {})

    return Question(asked.rows, asked.outside, tensors, answer, _written(model, asked.outputs))


def explain(model: Model, request: Request) -> Question:
    """Read a request as infer does; its parameters and explanations are those of KServe V1.

    Raises:
        InvalidRequestError: As for infer; or a parameter is not known or has no such value.
    """
    asked = _read(model, request)
    wishes = {name: value for name, value in asked.parameters.items() if name != "binary_data_output"}
    wish = explaining.read_wish(model, wishes, len(asked.rows))
    tensors = tuple(dict.fromkeys((*explaining.TENSORS, *(wanted.name for wanted in asked.outputs))))

    def answer(arrays: Sequence[Array]) -> Reply:
        output, bumps = arrays[:2]
        texts = explaining.explanations(model, asked.rows, asked.outside, wish, (output, bumps))
        return _reply(model, asked, dict(zip(tensors, arrays, strict=True)), {"explanations": orjson.Fragment(texts)})

    written = _written(model, asked.outputs) + wish.numbers
    return Question(asked.rows, asked.outside, tensors, answer, written, wish.besides)


def output_shapes(model: Model) -> dict[str, list[int]]:
    """Return the shape of everything that infer gives, by name, float32 all of it."""
    units, neurons = model.network.units, model.card.layers[-2]
    shapes = {
        "output": [-1, model.network.outputs],
        "bumps": [-1, units, neurons],
        "pre_activation": [-1, units],
        HARMONICS: [-1, units, neurons, model.card.harmonics],
    }
    return {name: shapes[name] for name in model.session.outputs}


def _read(model: Model, request: Request) -> Inference:
    if request.json_length == 0:
        rows = read_raw(request.body, model.network.inputs)
        return Inference(
            rows, model.check_reach(rows, DATA), (Wanted("output", binary=True, classes=0),), request.id, {}
        )
    text, binary = _split(request)
    body, tensor, numbers = _parse(text, model.network.inputs)
    parameters = _object(body.get("parameters"), "parameters")
    outputs = _outputs(model, body.get("outputs"), _flag(parameters, "binary_data_output", "parameters") or False)
    rows = read_tensor(model, tensor, numbers, binary)
    return Inference(rows, model.check_reach(rows, DATA), outputs, _identity(body, request), parameters)


def _split(request: Request) -> tuple[bytes, memoryview]:
    """Return the JSON part of the body and the bytes that follow it."""
    body, length = request.body, request.json_length
    if length is None:
        return body, memoryview(b"")
    if length > len(body):
        raise InvalidRequestError(f"{JSON_LENGTH}: {length}; the body has {len(body)} bytes")
    return body[:length], memoryview(body)[length:]


def _parse(text: bytes, features: int) -> tuple[dict[str, Any], dict[str, Any], Numbers]:
    """Return the body, its only input tensor, and that tensor's numbers if they were worth reading apart."""

    def read(values: bytes) -> Numbers:
        nested = values[1:].lstrip().startswith(b"[")
        return json_numbers.rows(values, features) if nested else json_numbers.vector(values)

    body, numbers = parse_numbers(text, VALUES, read)
    tensor = _only_input(body)
    if numbers is not None and (tensor.get("data") != json_numbers.PLACE or tensor.get("datatype") not in (*FLOATS,)):
        body, numbers = parse_object(text), None
        tensor = _only_input(body)
    return body, tensor, numbers


def _only_input(body: dict[str, Any]) -> dict[str, Any]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise InvalidRequestError('inputs: expected a list of one tensor, {"name": "input", ...}')
    return inputs[0]


def _identity(body: dict[str, Any], request: Request) -> str:
    identity = body.get("id")
    if identity is None:
        return request.id
    if not isinstance(identity, str):
        raise InvalidRequestError(f"id: {shown(identity)}; expected a string")
    return identity


def _outputs(model: Model, outputs: object, binary: bool) -> list[Wanted]:  # noqa: FBT001  (not a choice of the caller)
    if outputs is None:
        return [Wanted("output", binary, 0)]
    if not isinstance(outputs, list) or not outputs or not all(isinstance(output, dict) for output in outputs):
        raise InvalidRequestError('outputs: expected a list of at least one {"name": ...}')
    known = output_shapes(model)
    result: list[Wanted] = []
    for index, output in enumerate(outputs):
        place, name = f"outputs[{index}]", output.get("name")
        if not isinstance(name, str) or name not in known:
            raise InvalidRequestError(f"{place}.name: {shown(name)}; the model gives {', '.join(known)}")
        parameters = _object(output.get("parameters"), f"{place}.parameters")
        own = _flag(parameters, "binary_data", f"{place}.parameters")
        classes = _classes(model, name, parameters.get("classification"), f"{place}.parameters.classification")
        result.append(Wanted(name, binary if own is None else own, classes))
    if len({wanted.name for wanted in result}) != len(result):
        raise InvalidRequestError("outputs: a name stands twice")
    return result


def _classes(model: Model, name: str, count: object, place: str) -> int:
    if count is None:
        return 0
    if type(count) is not int or count < 1:
        raise InvalidRequestError(f"{place}: {shown(count)}; expected a number of classes")
    if model.card.classes is None or name != "output":
        raise InvalidRequestError(f"{place}: {name!r} of this model has no classes; leave it out")
    return min(count, model.network.outputs)


def _object(value: object, place: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise InvalidRequestError(f"{place}: {shown(value)}; expected an object")
    return value or {}


def _flag(parameters: dict[str, Any], name: str, place: str) -> bool | None:
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidRequestError(f"{place}.{name}: {shown(value)}; expected true or false")
    return value


def _written(model: Model, outputs: Sequence[Wanted]) -> int:
    shapes = output_shapes(model)
    return sum(-int(np.prod(shapes[wanted.name])) for wanted in outputs if not wanted.binary)


def _reply(model: Model, asked: Inference, arrays: dict[str, Array], more: dict[str, Any]) -> Reply:
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version, "id": asked.id}
    if asked.outside is not None:
        answer["parameters"] = {"rows_out_of_range": int(asked.outside.any(axis=1).sum())}
    blobs: list[bytes | memoryview] = []
    answer["outputs"] = [_told(model, wanted, arrays[wanted.name], blobs) for wanted in asked.outputs]
    text = orjson.dumps(answer | more, option=orjson.OPT_SERIALIZE_NUMPY)
    if not blobs:
        return Reply(200, text)
    return Reply(200, b"".join([text, *blobs]), BINARY_TYPE, [(JSON_LENGTH, str(len(text)))])


def _told(model: Model, wanted: Wanted, array: Array, blobs: list[bytes | memoryview]) -> dict[str, Any]:
    """Return an output tensor as JSON; where its data are wanted as bytes, those are added to the blobs."""
    tensor: dict[str, Any] = {"name": wanted.name, "shape": list(array.shape), "datatype": "FP32"}
    texts: list[str] = []
    if wanted.classes:
        rows = classified(model.card, array, wanted.classes)
        texts = [text for row in rows for text in row]
        tensor |= {"shape": [len(rows), len(rows[0])], "datatype": "BYTES"}
    if wanted.binary:
        blob = pack_texts(texts) if wanted.classes else array.astype("<f4", copy=False).data.cast("B")
        blobs.append(blob)
        return tensor | {"parameters": {"binary_data_size": len(blob)}}
    return tensor | {"data": texts if wanted.classes else array.ravel()}

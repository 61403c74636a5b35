"""Open Inference Protocol V2: the bytes of an infer or explain request to the bytes of its answer.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from enn_service.errors import InvalidRequestError, describe_value
from enn_service.http.responses import Response
from enn_service.inference import explain_options as explaining
from enn_service.inference.types import InferenceCall, InferenceRequest, UsualOperation, UsualRows
from enn_service.protocols.v2_request import (
    RAW_FP32,
    OutputRequest,
    ParsedRequest,
    parse_request,
    parse_values,
    split_template,
)
from enn_service.protocols.v2_tensors import DATA, classification_strings, pack_bytes, parse_raw_fp32, parse_tensor
from enn_service.runtime.model import ServedModel
from enn_service.runtime.range_check import OutOfRange
from enn_service.runtime.session import PREDICT_OUTPUTS, Array

JSON_LENGTH = "Inference-Header-Content-Length"
BINARY_TYPE = b"application/octet-stream"
NOTHING = memoryview(b"")


class InferCall(NamedTuple):
    """What an infer request asks for: its form, rows to answer, which of them are out of range, and its identity."""

    form: ParsedRequest
    rows: Array
    outside: OutOfRange | None
    id: str


def infer(model: ServedModel, request: InferenceRequest) -> InferenceCall:
    """Read an inference request, which is answered with the tensors it names; `output` where it names none.

    Raises:
        InvalidRequestError: The body is no such request, or its tensor is not what the model takes.
    """
    asked = _read(model, request)

    def answer(tensors: Sequence[Array]) -> Response:
        return _reply(model, asked, tensors, {})

    return InferenceCall(asked.rows, asked.outside, asked.form.names, answer, _written(model, asked.form))


def explain(model: ServedModel, request: InferenceRequest) -> InferenceCall:
    """Read a request as infer does; its parameters and explanations are those of KServe V1.

    Raises:
        InvalidRequestError: As for infer; or a parameter is not known or has no such value.
    """
    asked = _read(model, request)
    form = asked.form
    wishes = {name: value for name, value in form.parameters.items() if name != "binary_data_output"}
    wish = explaining.parse_explain_options(model, wishes, len(asked.rows))
    tensors = tuple(dict.fromkeys((*explaining.TENSORS, *form.names)))

    def answer(arrays: Sequence[Array]) -> Response:
        output, bumps = arrays[:2]
        texts = explaining.encode_explanations(model, asked.rows, asked.outside, wish, (output, bumps))
        named = dict(zip(tensors, arrays, strict=True))
        more = {"explanations": orjson.Fragment(texts)}
        return _reply(model, asked, [named[name] for name in form.names], more)

    return InferenceCall(asked.rows, asked.outside, tensors, answer, _written(model, form) + wish.numbers, wish.besides)


def _read_usual(model: ServedModel, request: InferenceRequest) -> tuple[UsualRows, str] | None:
    if request.json_length is not None:
        return None
    (form, text), features = split_template(request.body), len(model.card.features)
    count = form.tensor.rows
    if not form.usual or form.tensor.columns != features or count > model.usual_rows:
        return None
    values = parse_values(text, form.tensor.datatype, features)
    identity = request.id if form.id is None else form.id
    if isinstance(values, np.ndarray):
        return (values.reshape(count, features), identity) if values.size == count * features else None
    if type(values) is not list or count > 1:
        return None
    return (values[0] if len(values) == 1 and type(values[0]) is list else values), identity


def _write_usual(model: ServedModel, identity: str, tensors: Sequence[Array]) -> bytes:
    values = tensors[0]
    output = {"name": "output", "shape": list(values.shape), "datatype": "FP32", "data": values.ravel()}
    answer = {"model_name": model.name, "model_version": model.version, "id": identity, "outputs": [output]}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


USUAL_INFER = UsualOperation(PREDICT_OUTPUTS, _read_usual, _write_usual)


def _read(model: ServedModel, request: InferenceRequest) -> InferCall:
    if request.json_length == 0:
        form, numbers = RAW_FP32, parse_raw_fp32(request.body, len(model.card.features))
    else:
        text, binary = _split_binary(request)
        form, values = parse_request(text, len(model.card.features))
        _check_outputs(model, form)
        numbers = parse_tensor(model, form.tensor, values, binary)
    return InferCall(form, *model.reach.admit(numbers, DATA), request.id if form.id is None else form.id)


def _split_binary(request: InferenceRequest) -> tuple[bytes, memoryview]:
    """Return the JSON part of the body and the bytes that follow it."""
    body, length = request.body, request.json_length
    if length is None:
        return body, NOTHING
    if length > len(body):
        raise InvalidRequestError(f"{JSON_LENGTH}: {length}; the body has {len(body)} bytes")
    return body[:length], memoryview(body)[length:]


def _check_outputs(model: ServedModel, form: ParsedRequest) -> None:
    """Check that the model gives the outputs that a request asks for."""
    for name, _, classes, place in form.outputs:
        if name not in model.shapes:
            raise InvalidRequestError(
                f"{place}.name: {describe_value(name)}; the model gives {', '.join(model.shapes)}"
            )
        if classes and (model.card.classes is None or name != "output"):
            raise InvalidRequestError(
                f"{place}.parameters.classification: {name!r} of this model has no classes; leave it out"
            )


def _written(model: ServedModel, form: ParsedRequest) -> int:
    """Return how many numbers a row has in the JSON part of the answer."""
    return sum([model.sizes[wanted.name] for wanted in form.outputs if not wanted.binary])


def _reply(model: ServedModel, asked: InferCall, tensors: Sequence[Array], more: dict[str, Any]) -> Response:
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version, "id": asked.id}
    if asked.outside is not None:
        answer["parameters"] = {"rows_out_of_range": asked.outside.rows}
    blobs: list[bytes | memoryview] = []
    outputs = zip(asked.form.outputs, tensors, strict=True)
    answer["outputs"] = [_encode_output(model, wanted, tensor, blobs) for wanted, tensor in outputs]
    answer |= more
    text = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    if not blobs:
        return Response(200, text)
    return Response(200, b"".join([text, *blobs]), BINARY_TYPE, [(JSON_LENGTH, str(len(text)))])


def _encode_output(
    model: ServedModel, wanted: OutputRequest, array: Array, blobs: list[bytes | memoryview]
) -> dict[str, Any]:
    """Return an output tensor as JSON; where its data are wanted as bytes, those are added to the blobs."""
    tensor: dict[str, Any] = {"name": wanted.name, "shape": list(array.shape), "datatype": "FP32"}
    if not (wanted.binary or wanted.classes):
        tensor["data"] = array.ravel()
        return tensor
    blob: bytes | memoryview = array.astype("<f4", copy=False).data.cast("B")
    if wanted.classes:
        rows = classification_strings(model.card, array, min(wanted.classes, model.network.outputs))
        texts = [text for row in rows for text in row]
        tensor |= {"shape": [len(rows), len(rows[0])], "datatype": "BYTES"}
        if not wanted.binary:
            return tensor | {"data": texts}
        blob = pack_bytes(texts)
    blobs.append(blob)
    return tensor | {"parameters": {"binary_data_size": len(blob)}}

"""Open Inference Protocol V2: decoders and encoders of infer and explain.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from msgspec import Struct

from enn_service.errors import InvalidRequestError, describe_value
from enn_service.inference.explain_options import ExplainOptions, encode_explanations, parse_explain_options
from enn_service.inference.types import Batch, EncodedResponse, Endpoint, InferenceCall, InferenceRequest
from enn_service.protocols import request_bodies
from enn_service.protocols.request_bodies import ExplainTensorsParameters
from enn_service.protocols.v2_request import (
    OUTPUT_AS_JSON,
    RAW_FP32,
    Decoder,
    NamedOutput,
    ParsedRequest,
    parse_request,
)
from enn_service.protocols.v2_tensors import DATA, classification_strings, pack_bytes, parse_raw_fp32, parse_tensor
from enn_service.runtime.model import ServedModel
from enn_service.runtime.prediction_encoder import template
from enn_service.runtime.range_check import Numbers
from enn_service.runtime.session import EXPLAIN_OUTPUTS, Array

JSON_LENGTH = "Inference-Header-Content-Length"
BINARY_TYPE = b"application/octet-stream"
NO_BYTES = memoryview(b"")
CACHED_TEMPLATES = 1024
"""Number of model versions whose response template is cached."""


class InferOptions(Struct):
    """What an infer or explain request says besides its rows.

    Attributes:
        request: Parsed JSON part.
        id: Identity of the request; empty if it has none.
        explain: Options of the explanations; None for infer.
    """

    request: ParsedRequest
    id: str
    explain: ExplainOptions | None = None


def _decode_infer(model: ServedModel, request: InferenceRequest) -> InferenceCall[InferOptions]:
    """Decode an inference request, whose response has the tensors it names, or `output` if it names none.

    Raises:
        InvalidRequestError: The body is no such request, or its tensor does not have the model's shape.
    """
    parsed, rows = _parse_body(model, request, request_bodies.INFER)
    options = InferOptions(parsed, request.id if parsed.id is None else parsed.id)
    return InferenceCall(rows, DATA, parsed.names, _numbers_per_row(model, parsed), options, as_tensor=True)


def _decode_explain(model: ServedModel, request: InferenceRequest) -> InferenceCall[InferOptions]:
    """Decode an inference request whose parameters are those of a KServe V1 explain request.

    Raises:
        InvalidRequestError: As for infer; or a parameter is unknown or has an invalid value.
    """
    parsed, rows = _parse_body(model, request, request_bodies.EXPLAIN_TENSORS)
    parameters = parsed.parameters if isinstance(parsed.parameters, ExplainTensorsParameters) else None
    explain = parse_explain_options(model, parameters, len(rows))
    options = InferOptions(parsed, request.id if parsed.id is None else parsed.id, explain)
    tensors = tuple(dict.fromkeys((*EXPLAIN_OUTPUTS, *parsed.names)))
    numbers = _numbers_per_row(model, parsed) + explain.numbers
    return InferenceCall(rows, DATA, tensors, numbers, options, as_tensor=True, extra_ns=explain.extra_cost_ns)


def _encode(
    model: ServedModel, call: InferenceCall[InferOptions], batch: Batch, tensors: Sequence[Array]
) -> EncodedResponse:
    """Return the response of infer or explain: JSON, then the tensors requested as bytes."""
    options = call.options
    request, explain = options.request, options.explain
    if request.outputs is OUTPUT_AS_JSON and explain is None and batch.out_of_range is None:
        return EncodedResponse(_encode_output_alone(model, options.id, tensors[0]), batch.size)
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version, "id": options.id}
    if batch.out_of_range is not None:
        answer["parameters"] = {"rows_out_of_range": batch.out_of_range.rows}
    blobs: list[bytes | memoryview] = []
    if request.outputs is OUTPUT_AS_JSON:  # `output` is the first tensor of either endpoint
        answer["outputs"] = [_json_tensor("output", tensors[0])]
    elif explain is None:  # infer computes the named outputs in their order
        each_output = zip(request.outputs, tensors, strict=True)
        answer["outputs"] = [_encode_output(model, each, tensor, blobs) for each, tensor in each_output]
    else:
        named = dict(zip(call.tensors, tensors, strict=True))
        answer["outputs"] = [_encode_output(model, each, named[each.name], blobs) for each in request.outputs]
    if explain is not None:
        explanations = encode_explanations(model, batch, explain, (tensors[0], tensors[1]))
        answer["explanations"] = orjson.Fragment(explanations)
    text = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    if not blobs:
        return EncodedResponse(text, batch.size)
    return EncodedResponse(b"".join([text, *blobs]), batch.size, BINARY_TYPE, [(JSON_LENGTH, str(len(text)))])


INFER = Endpoint(_decode_infer, _encode)
EXPLAIN_TENSORS = Endpoint(_decode_explain, _encode)


def _parse_body(
    model: ServedModel, request: InferenceRequest, decoder: Decoder
) -> tuple[ParsedRequest, list[Any] | Numbers]:
    """Return the parsed JSON part and the rows, JSON or numbers [batch, features]."""
    if request.json_length == 0:
        return RAW_FP32, parse_raw_fp32(request.body, model.features)
    text, binary = (request.body, NO_BYTES) if request.json_length is None else _split_binary(request)
    parsed, values = parse_request(text, model.features, decoder)
    if parsed.outputs is not OUTPUT_AS_JSON:
        _check_outputs(model, parsed)
    return parsed, parse_tensor(model, parsed.tensor, values, binary)


def _split_binary(request: InferenceRequest) -> tuple[bytes, memoryview]:
    """Return the JSON part of the body and the bytes that follow it."""
    body, length = request.body, request.json_length
    if length is None:
        return body, NO_BYTES
    if length > len(body):
        raise InvalidRequestError(f"{JSON_LENGTH}: {length}; the body has {len(body)} bytes")
    return body[:length], memoryview(body)[length:]


def _check_outputs(model: ServedModel, parsed: ParsedRequest) -> None:
    """Check that the model gives the outputs that a request asks for."""
    for name in parsed.names:
        if name not in model.shapes:
            place = f"outputs[{parsed.names.index(name)}].name"
            raise InvalidRequestError(f"{place}: {describe_value(name)}; the model gives {', '.join(model.shapes)}")
    for name in parsed.class_names:
        if model.card.classes is None or name != "output":
            place = f"outputs[{parsed.names.index(name)}].parameters.classification"
            raise InvalidRequestError(f"{place}: {name!r} of this model has no classes; leave it out")


def _numbers_per_row(model: ServedModel, parsed: ParsedRequest) -> int:
    """Return the count of numbers that the JSON part of the response has for each row."""
    if parsed.outputs is OUTPUT_AS_JSON:
        return model.sizes["output"]
    return sum(map(model.sizes.__getitem__, parsed.json_names))


def _encode_output_alone(model: ServedModel, request_id: str, output: Array) -> bytes:
    """Return the JSON of a response with the tensor `output` and nothing else, the most frequent one.

    A template takes less time than `orjson` needs for the dictionaries of the response.
    """
    numbers = orjson.dumps(output.ravel(), option=orjson.OPT_SERIALIZE_NUMPY)
    encoded_id = orjson.dumps(request_id) if request_id else b'""'
    return _output_template(model.name, model.version) % (encoded_id, *output.shape, numbers)


@lru_cache(CACHED_TEMPLATES)
def _output_template(model: str, version: str) -> bytes:
    """Return the response with slots for id, shape and data."""
    names = template(model), template(version)
    head = b'{"model_name":%b,"model_version":%b,"id":%%b,"outputs":' % names
    return head + b'[{"name":"output","shape":[%d,%d],"datatype":"FP32","data":%b}]}'


def _json_tensor(name: str, array: Array) -> dict[str, Any]:
    return {"name": name, "shape": list(array.shape), "datatype": "FP32", "data": array.ravel()}


def _encode_output(
    model: ServedModel, wanted: NamedOutput, array: Array, blobs: list[bytes | memoryview]
) -> dict[str, Any]:
    """Return an output tensor as JSON; where its data are wanted as bytes, those are added to the blobs."""
    if not (wanted.binary or wanted.classes):
        return _json_tensor(wanted.name, array)
    tensor: dict[str, Any] = {"name": wanted.name, "shape": list(array.shape), "datatype": "FP32"}
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

"""Open Inference Protocol V2: decoders and encoders of infer and explain.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import orjson
from msgspec import Struct
from numpy.typing import NDArray

from enn_service.errors import InvalidRequestError, describe_value
from enn_service.inference.answer import Pieces, encode_at_once, in_blocks
from enn_service.inference.cost import SMALL_BYTES
from enn_service.inference.explain_options import (
    ExplainOptions,
    encode_explanations,
    explanation_bytes,
    parse_explain_options,
)
from enn_service.inference.types import (
    Batch,
    EncodedResponse,
    Endpoint,
    InferenceCall,
    InferenceRequest,
    RowSource,
)
from enn_service.protocols import request_bodies
from enn_service.protocols.request_bodies import ExplainTensorsParameters
from enn_service.protocols.v2_columns.table import parse_columns
from enn_service.protocols.v2_request import (
    OUTPUT_AS_JSON,
    RAW_FP32,
    Decoder,
    NamedOutput,
    ParsedRequest,
    add_outputs,
    parse_request,
)
from enn_service.protocols.v2_tensors import DATA, classification_strings, pack_bytes, parse_raw_fp32, parse_tensor
from enn_service.runtime.model import ServedModel
from enn_service.runtime.prediction_encoder import NUMBER_BYTES, template
from enn_service.runtime.range_check import Field, Numbers
from enn_service.runtime.session import EXPLAIN_OUTPUTS, Array

JSON_LENGTH = "Inference-Header-Content-Length"
BINARY_TYPE = b"application/octet-stream"
NO_BYTES = memoryview(b"")
CACHED_TEMPLATES = 1024
"""Number of model versions whose response template is cached."""
CLASS_BYTES = 40
"""Usual length of a class as "value:index:label"."""


class InferOptions(Struct):
    """What an infer or explain request says besides its rows.

    Attributes:
        request: Parsed JSON part.
        id: Identity of the request; empty if it has none.
        explain: Options of the explanations; None for infer.
        coverage: Coverage of the intervals or label sets; None without them.
    """

    request: ParsedRequest
    id: str
    explain: ExplainOptions | None = None
    coverage: float | None = None


def _decode_infer(model: ServedModel, request: InferenceRequest) -> InferenceCall[InferOptions]:
    """Decode an inference request, whose response has the tensors it names, or `output` if it names none.

    Raises:
        InvalidRequestError: The body is no such request, or its tensor does not have the model's shape.
    """
    parsed, own_id, rows, field = _parse_body(model, request, request_bodies.INFER)
    coverage = None if parsed.parameters is None else parsed.parameters.coverage
    options = InferOptions(parsed, request.id if own_id is None else own_id, coverage=coverage)
    if coverage is None:
        return InferenceCall(rows, field, parsed.names, _numbers_per_row(model, parsed), options, as_tensor=True)
    encoder = model.coverage_encoder
    tensors = _computed(model, (*encoder.tensors, *parsed.names))
    extra = len(rows) * encoder.row_ns
    return InferenceCall(rows, field, tensors, _numbers_per_row(model, parsed), options, as_tensor=True, extra_ns=extra)


def _decode_explain(model: ServedModel, request: InferenceRequest) -> InferenceCall[InferOptions]:
    """Decode an inference request whose parameters are those of a KServe V1 explain request.

    Raises:
        InvalidRequestError: As for infer; or a parameter is unknown or has an invalid value.
    """
    parsed, own_id, rows, field = _parse_body(model, request, request_bodies.EXPLAIN_TENSORS)
    parameters = parsed.parameters if isinstance(parsed.parameters, ExplainTensorsParameters) else None
    explain = parse_explain_options(model, parameters, len(rows))
    options = InferOptions(parsed, request.id if own_id is None else own_id, explain, explain.coverage)
    tensors = _computed(model, (*EXPLAIN_OUTPUTS, *parsed.names))
    numbers = _numbers_per_row(model, parsed) + explain.numbers
    return InferenceCall(rows, field, tensors, numbers, options, as_tensor=True, extra_ns=explain.extra_cost_ns)


def _encode(
    model: ServedModel, call: InferenceCall[InferOptions], batch: Batch, tensors: Sequence[Array]
) -> EncodedResponse:
    """Return the response of infer or explain: JSON, then the tensors requested as bytes."""
    options = call.options
    if options.explain is None and options.request.outputs is OUTPUT_AS_JSON and not batch.is_flagged:
        return EncodedResponse(_encode_output_alone(model, options.id, tensors[0]), batch.size)
    names, plain = options.request.names, options.request.json_names
    more = options.explain is not None or options.coverage is not None
    if more or len(plain) != len(names) or options.request.class_names:
        return encode_at_once(_Tensors(model, call), batch, tensors)
    answer = _head(model, options, batch.rows_out_of_range, batch.rows_unknown)
    answer["outputs"] = [  # the tensors of infer are those that it names
        {"name": name, "shape": list(tensor.shape), "datatype": "FP32", "data": tensor.ravel()}
        for name, tensor in zip(names, tensors, strict=True)
    ]
    return EncodedResponse(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), batch.size)


class _Output:
    """Output tensor of a response, as JSON or as bytes after it.

    Args:
        model: Model of the response.
        wanted: Output as the request names it.
    """

    def __init__(self, model: ServedModel, wanted: NamedOutput) -> None:
        self._card, self.wanted = model.card, wanted
        self._classes = min(wanted.classes, model.network.outputs)
        self.data = Pieces(b"" if wanted.binary else b",")
        self._shape = _shape(model, wanted.name)[1:]
        self._datatype = "BYTES" if self._classes else "BOOL" if wanted.name == "set" else "FP32"
        number = (4 if wanted.binary else NUMBER_BYTES + 1) * prod(self._shape)
        self.bytes_per_row = CLASS_BYTES * self._classes or number

    def add(self, array: NDArray[Any]) -> None:
        """Append the values of some rows, or their best classes."""
        if self._classes:
            rows = classification_strings(self._card, array, self._classes)
            self._shape, texts = [len(rows[0])], [text for row in rows for text in row]
            self.data.append(pack_bytes(texts) if self.wanted.binary else orjson.dumps(texts)[1:-1])
        elif self.wanted.binary:
            self.data.append(array.astype("?" if self._datatype == "BOOL" else "<f4", copy=False).tobytes())
        else:
            self.data.append(orjson.dumps(array.ravel(), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1])

    def json(self, rows: int) -> list[bytes]:
        """Return the tensor as parts of a JSON text, without its data if those follow as bytes."""
        tensor = {"name": self.wanted.name, "shape": [rows, *self._shape], "datatype": self._datatype}
        if self.wanted.binary:
            return [orjson.dumps(tensor | {"parameters": {"binary_data_size": self.data.size}})]
        return [orjson.dumps(tensor)[:-1], b',"data":[', *self.data.blocks(), b"]}"]


class _Tensors:
    """Answer of infer or explain, as `_encode` describes it."""

    def __init__(self, model: ServedModel, call: InferenceCall[InferOptions]) -> None:
        self._model, self._names, self._options = model, call.tensors, call.options
        self._outputs = [_Output(model, wanted) for wanted in call.options.request.outputs]
        self._explanations = Pieces()

    @property
    def bytes_per_row(self) -> int:
        explain = self._options.explain
        explained = 0 if explain is None else explanation_bytes(self._model, explain)
        return explained + sum(output.bytes_per_row for output in self._outputs)

    @property
    def size(self) -> int:
        return self._explanations.size + sum(output.data.size for output in self._outputs)

    def add(self, batch: Batch, tensors: Sequence[Array]) -> Iterable[None]:
        named: dict[str, NDArray[Any]] = dict(zip(self._names, tensors, strict=True))
        if self._options.coverage is not None:
            encoder = self._model.coverage_encoder
            named |= encoder.regions(batch.array(), named["output"], named.get("bumps"), self._options.coverage)
        for output in self._outputs:
            output.add(named[output.wanted.name])
        if (explain := self._options.explain) is not None:
            pair = named["output"], named["bumps"]
            self._explanations.append(*(yield from encode_explanations(self._model, batch, explain, pair)))

    def finish(self, rows: int, outside: int, unknown: int) -> EncodedResponse:
        parts = [orjson.dumps(_head(self._model, self._options, outside, unknown))[:-1], b',"outputs":[']
        for number, output in enumerate(self._outputs):
            parts += [b",", *output.json(rows)] if number else output.json(rows)
        parts.append(b"]")
        if self._options.explain is not None:
            parts += [b',"explanations":[', *self._explanations.blocks(), b"]"]
        parts.append(b"}")
        blobs = [block for output in self._outputs if output.wanted.binary for block in output.data.blocks()]
        response = in_blocks([*parts, *blobs], rows)
        if any(output.wanted.binary for output in self._outputs):
            response.content_type = BINARY_TYPE
            response.headers = [(JSON_LENGTH, str(sum(map(len, parts))))]
        return response


INFER = Endpoint(_decode_infer, _encode, _Tensors)
EXPLAIN_TENSORS = Endpoint(_decode_explain, _encode, _Tensors)


def _parse_body(
    model: ServedModel, request: InferenceRequest, decoder: Decoder
) -> tuple[ParsedRequest, str | None, list[Any] | Numbers | RowSource, Field]:
    """Return the parsed JSON part, its id, the rows, JSON or numbers [batch, features], and their field."""
    if request.json_length == 0:
        return RAW_FP32, None, parse_raw_fp32(request.body, model.features), DATA
    text, binary = (request.body, NO_BYTES) if request.json_length is None else _split_binary(request)
    parsed, own_id, values = parse_request(text, model.features, decoder, request)
    if parsed.parameters is not None and parsed.parameters.coverage is not None:
        model.coverage_encoder.check(parsed.parameters.coverage)
        parsed = add_outputs(parsed, model.coverage_encoder.shapes)
    if parsed.outputs is not OUTPUT_AS_JSON:
        _check_outputs(model, parsed)
    if parsed.columns is not None:
        return parsed, own_id, *parse_columns(model, request, parsed.columns, binary)
    return parsed, own_id, parse_tensor(model, request, parsed.tensor, values, binary), DATA


def _split_binary(request: InferenceRequest) -> tuple[bytes, memoryview]:
    """Return the JSON part of the body and the bytes that follow it."""
    body, length = request.body, request.json_length
    if length is None:
        return body, NO_BYTES
    if length > len(body):
        raise InvalidRequestError(f"{JSON_LENGTH}: {length}; the body has {len(body)} bytes")
    if length > SMALL_BYTES:
        request.reserve(length, "the JSON part")
    return body[:length], memoryview(body)[length:]


def _check_outputs(model: ServedModel, parsed: ParsedRequest) -> None:
    """Check that the model gives the outputs that a request asks for."""
    covered = parsed.parameters is not None and parsed.parameters.coverage is not None
    for name in parsed.names:
        place = f"outputs[{parsed.names.index(name)}].name"
        if name in model.coverage_encoder.shapes:
            if not covered:
                raise InvalidRequestError(f"{place}: {name!r} is of a coverage; expected parameters.coverage as well")
        elif name not in model.shapes:
            raise InvalidRequestError(f"{place}: {describe_value(name)}; the model gives {', '.join(model.shapes)}")
    for name in parsed.class_names:
        if model.card.classes is None or name != "output":
            place = f"outputs[{parsed.names.index(name)}].parameters.classification"
            raise InvalidRequestError(f"{place}: {name!r} of this model has no classes; leave it out")


def _numbers_per_row(model: ServedModel, parsed: ParsedRequest) -> int:
    """Return the count of numbers that the JSON part of the response has for each row."""
    if parsed.outputs is OUTPUT_AS_JSON:
        return model.sizes["output"]
    return sum(prod(_shape(model, name)[1:]) for name in parsed.json_names)


def _shape(model: ServedModel, name: str) -> list[int]:
    """Return the shape of an output, with -1 for the batch."""
    return model.coverage_encoder.shapes.get(name) or model.shapes[name]


def _computed(model: ServedModel, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of outputs that the network computes, each once."""
    return tuple(name for name in dict.fromkeys(names) if name in model.shapes)


def _encode_output_alone(model: ServedModel, request_id: str, output: Array) -> bytes:
    """Return the JSON of the most frequent response, `output` alone: a template is faster than `orjson` of dicts."""
    numbers = orjson.dumps(output.ravel(), option=orjson.OPT_SERIALIZE_NUMPY)
    encoded_id = orjson.dumps(request_id) if request_id else b'""'
    return _output_template(model.name, model.version) % (encoded_id, *output.shape, numbers)


@lru_cache(CACHED_TEMPLATES)
def _output_template(model: str, version: str) -> bytes:
    """Return the response with slots for id, shape and data."""
    names = template(model), template(version)
    head = b'{"model_name":%b,"model_version":%b,"id":%%b,"outputs":' % names
    return head + b'[{"name":"output","shape":[%d,%d],"datatype":"FP32","data":%b}]}'


def _head(model: ServedModel, options: InferOptions, outside: int, unknown: int) -> dict[str, Any]:
    """Return the fields of a response before its outputs.

    Args:
        model: Model of the response.
        options: Options of the request.
        outside: Number of rows with values outside their training ranges.
        unknown: Number of rows with unknown values.
    """
    head: dict[str, Any] = {"model_name": model.name, "model_version": model.version, "id": options.id}
    counts = {"rows_out_of_range": outside, "rows_unknown": unknown}
    return head | {"parameters": found} if (found := {name: rows for name, rows in counts.items() if rows}) else head

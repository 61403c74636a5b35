"""KServe V1: decoders and encoders of predict and explain.

Source: the KServe V1 protocol, https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from enn_service.errors import InvalidRequestError
from enn_service.inference.answer import Pieces, encode_at_once, in_blocks
from enn_service.inference.cost import SMALL_BYTES, json_object_bytes
from enn_service.inference.explain_options import (
    ExplainOptions,
    encode_explanations,
    encode_plain_row,
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
from enn_service.protocols import large_rows, numeric_json, request_bodies
from enn_service.protocols.body_decoder import BodyDecoder
from enn_service.protocols.request_bodies import PredictRequest
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import EXPLAIN_OUTPUTS, PREDICT_OUTPUTS, Array

Body = TypeVar("Body", bound=PredictRequest)
FIELDS = ("instances", "inputs")
ROWS = re.compile(rb'"(?:instances|inputs)"\s*:\s*')


def _decode_predict(model: ServedModel, request: InferenceRequest) -> InferenceCall[float | None]:
    """Decode {"instances": [...]} or {"inputs": [...]}; the options of the call are the coverage.

    Raises:
        InvalidRequestError: The body is not such an object, or the model has no regions of the coverage.
    """
    rows, field, body = _parse_body(model, request, request_bodies.PREDICT)
    if body.parameters is None or (coverage := body.parameters.coverage) is None:
        return InferenceCall(rows, field, PREDICT_OUTPUTS, model.sizes["output"], None)
    numbers, row_ns = model.coverage_encoder.row_cost(coverage)
    numbers += model.sizes["output"]
    tensors = model.coverage_encoder.tensors
    return InferenceCall(rows, field, tensors, numbers, coverage, extra_ns=len(rows) * row_ns)


def _decode_explain(model: ServedModel, request: InferenceRequest) -> InferenceCall[ExplainOptions]:
    """Decode a predict body that may have "parameters" as well.

    Raises:
        InvalidRequestError: The body is not such an object, or a parameter is unknown or has an invalid value.
    """
    rows, field, body = _parse_body(model, request, request_bodies.EXPLAIN)
    options = parse_explain_options(model, body.parameters, len(rows))
    return InferenceCall(rows, field, EXPLAIN_OUTPUTS, options.numbers, options, extra_ns=options.extra_cost_ns)


def _encode_predictions(
    model: ServedModel, call: InferenceCall[float | None], batch: Batch, tensors: Sequence[Array]
) -> EncodedResponse:
    """Return {"predictions": [...]}, one per row, and "out_of_range" and "unknown" where rows have such values."""
    if batch.is_flagged or call.options is not None:
        return encode_at_once(_Predictions(model, call), batch, tensors)
    encoder, output = model.prediction_encoder, tensors[0]
    if batch.size == 1:
        return EncodedResponse(b'{"predictions":[%b]}' % encoder.encode_row(output[0]), 1)
    return EncodedResponse(b'{"predictions":%b}' % encoder.encode(output), batch.size)


def _encode_explanations(
    model: ServedModel, call: InferenceCall[ExplainOptions], batch: Batch, tensors: Sequence[Array]
) -> EncodedResponse:
    """Return {"predictions": [...], "explanations": [...]}, one each per row."""
    if isinstance(batch.rows, list) and (text := encode_plain_row(model, call.options, tensors)) is not None:
        prediction = model.prediction_encoder.encode_row(tensors[0][0])
        return EncodedResponse(b'{"predictions":[%b],"explanations":[%b]}' % (prediction, text), 1)
    return encode_at_once(_Explanations(model, call), batch, tensors)


class _Predictions:
    """Answer of predict, as `_encode_predictions` describes it."""

    def __init__(self, model: ServedModel, call: InferenceCall[float | None]) -> None:
        self._model, self._coverage = model, call.options
        self._encoder, self._predictions = model.prediction_encoder, Pieces()
        self._outside, self._unknown = Pieces(), Pieces()

    @property
    def bytes_per_row(self) -> int:
        return _prediction_bytes(self._model, self._coverage)

    @property
    def size(self) -> int:
        return self._predictions.size + self._outside.size + self._unknown.size

    def add(self, batch: Batch, tensors: Sequence[Array]) -> Iterable[None]:
        self._predictions.append(*_encode_rows(self._model, batch, tensors, self._coverage))
        if batch.out_of_range is not None:
            self._outside.append(b",".join(self._encoder.out_of_range.rows(batch.out_of_range, batch.first)))
        if batch.unknown is not None:
            self._unknown.append(b",".join(self._encoder.out_of_range.rows(batch.unknown.flags, batch.first)))
        return ()

    def finish(self, rows: int, outside: int, unknown: int) -> EncodedResponse:
        parts = [b'{"predictions":[', *self._predictions.blocks()]
        if outside:
            parts += [b'],"out_of_range":[', *self._outside.blocks()]
        if unknown:
            parts += [b'],"unknown":[', *self._unknown.blocks()]
        return in_blocks([*parts, b"]}"], rows)


class _Explanations:
    """Answer of explain, as `_encode_explanations` describes it."""

    def __init__(self, model: ServedModel, call: InferenceCall[ExplainOptions]) -> None:
        self._model, self._options = model, call.options
        self._predictions, self._explanations = Pieces(), Pieces()

    @property
    def bytes_per_row(self) -> int:
        predicted = _prediction_bytes(self._model, self._options.coverage)
        return predicted + explanation_bytes(self._model, self._options)

    @property
    def size(self) -> int:
        return self._predictions.size + self._explanations.size

    def add(self, batch: Batch, tensors: Sequence[Array]) -> Iterable[None]:
        output, bumps = tensors
        self._predictions.append(*_encode_rows(self._model, batch, tensors, self._options.coverage))
        self._explanations.append(*(yield from encode_explanations(self._model, batch, self._options, (output, bumps))))

    def finish(self, rows: int, outside: int, unknown: int) -> EncodedResponse:  # noqa: ARG002  (each explanation names its own)
        predictions, explanations = self._predictions.blocks(), self._explanations.blocks()
        return in_blocks([b'{"predictions":[', *predictions, b'],"explanations":[', *explanations, b"]}"], rows)


def _prediction_bytes(model: ServedModel, coverage: float | None) -> int:
    """Return the estimated length of a prediction, with its interval or set if there is a coverage."""
    return model.prediction_encoder.bytes_per_row + (0 if coverage is None else model.coverage_encoder.bytes_per_row)


def _encode_rows(model: ServedModel, batch: Batch, tensors: Sequence[Array], coverage: float | None) -> list[bytes]:
    """Return the predictions of a batch, joined by commas or one by one, with their intervals or sets if wanted."""
    output, *others = tensors
    if coverage is None:
        return [model.prediction_encoder.encode(output)[1:-1]]
    encoder = model.coverage_encoder
    return encoder.encode(output, encoder.regions(batch.array(), output, others[0] if others else None, coverage))


PREDICT = Endpoint(_decode_predict, _encode_predictions, _Predictions)
EXPLAIN = Endpoint(_decode_explain, _encode_explanations, _Explanations)


def _parse_body(
    model: ServedModel, request: InferenceRequest, decoder: BodyDecoder[Body]
) -> tuple[list[Any] | NDArray[np.float64] | RowSource, str, Body]:
    """Return the rows, JSON or numbers [batch, features] or not parsed, the name of their field, and the rest."""
    text = request.body
    if len(text) > SMALL_BYTES:
        return _parse_large_body(model, request, decoder)
    if len(text) >= numeric_json.MIN_BYTES and not model.card.non_numeric_features:
        rest, array = numeric_json.extract_number_array(text, ROWS)
        if array and (numbers := numeric_json.parse_matrix(array, len(model.card.features))) is not None:
            try:
                body = decoder.decode(rest)
                rows, field = _rows(body)
            except InvalidRequestError:
                pass  # the text would describe the body without its numbers: the whole is decoded below
            else:
                if rows == numeric_json.PLACEHOLDER:
                    return numbers, field, body
    body = decoder.decode(text)
    rows, field = _rows(body)
    return rows, field, body


def _parse_large_body(
    model: ServedModel, request: InferenceRequest, decoder: BodyDecoder[Body]
) -> tuple[list[Any] | RowSource, str, Body]:
    """Return the rows, not parsed unless their place in the text is hard to find, and as `_parse_body` the others."""
    text = request.body
    for rest, span in large_rows.possible_spans(text, ROWS):
        try:
            body = decoder.decode(rest)
            rows, field = _rows(body)
        except InvalidRequestError:
            if large_rows.is_json(rest):
                raise
            continue  # the rows end elsewhere
        if rows == numeric_json.PLACEHOLDER:
            return large_rows.ListedRows(request, text, span, model.features), field, body
    request.reserve(json_object_bytes(text), "the body, parsed as a whole,")
    body = decoder.decode(text)
    rows, field = _rows(body)
    return rows, field, body


def _rows(body: PredictRequest) -> tuple[list[Any], str]:
    """Return the rows and the name of the one field that contains them."""
    instances, inputs = body.instances, body.inputs
    if instances is UNSET:
        if inputs is not UNSET:
            return inputs, "inputs"
    elif inputs is UNSET:
        return instances, "instances"
    given = "no rows" if instances is UNSET else list(FIELDS)
    raise InvalidRequestError(f'the body has {given}; expected one of "instances" and "inputs"')

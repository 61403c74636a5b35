"""KServe V1: decoders and encoders of predict and explain.

Source: the KServe V1 protocol, https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from enn_service.errors import InvalidRequestError
from enn_service.inference.explain_options import ExplainOptions, encode_explanations, parse_explain_options
from enn_service.inference.types import Batch, EncodedResponse, Endpoint, InferenceCall, InferenceRequest
from enn_service.protocols import numeric_json
from enn_service.protocols.json_object import parse_object
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import EXPLAIN_OUTPUTS, PREDICT_OUTPUTS, Array

FIELDS = ("instances", "inputs")
ROWS = re.compile(rb'"(?:instances|inputs)"\s*:\s*')


def _decode_predict(model: ServedModel, request: InferenceRequest) -> InferenceCall[None]:
    """Decode {"instances": [...]} or {"inputs": [...]}.

    Raises:
        InvalidRequestError: The body is not such an object.
    """
    rows, field, _ = _parse_body(model, request.body)
    return InferenceCall(rows, field, PREDICT_OUTPUTS, model.sizes["output"], None)


def _decode_explain(model: ServedModel, request: InferenceRequest) -> InferenceCall[ExplainOptions]:
    """Decode a predict body that may have "parameters" as well.

    Raises:
        InvalidRequestError: The body is not such an object, or a parameter is unknown or has an invalid value.
    """
    rows, field, body = _parse_body(model, request.body)
    # Rows that are no list are refused when they are validated.
    count = len(rows) if isinstance(rows, list | np.ndarray) else 0
    options = parse_explain_options(model, body.get("parameters"), count)
    return InferenceCall(rows, field, EXPLAIN_OUTPUTS, options.numbers, options, extra_ns=options.besides)


def _encode_predictions(
    model: ServedModel, _: InferenceCall[None], batch: Batch, tensors: Sequence[Array]
) -> EncodedResponse:
    """Return {"predictions": [...]}, one per row, and "out_of_range" where rows leave the training ranges."""
    output, outside = tensors[0], batch.out_of_range
    if batch.size == 1 and outside is None:
        return EncodedResponse(b'{"predictions":[%b]}' % model.prediction_encoder.encode_row(output[0]), 1)
    predictions = model.prediction_encoder.encode(output)
    if outside is None:
        return EncodedResponse(b'{"predictions":%b}' % predictions, batch.size)
    named = model.prediction_encoder.out_of_range(outside).items()
    extrapolated = orjson.dumps([{"row": row, "features": features} for row, features in named])
    return EncodedResponse(b'{"predictions":%b,"out_of_range":%b}' % (predictions, extrapolated), batch.size)


def _encode_explanations(
    model: ServedModel, call: InferenceCall[ExplainOptions], batch: Batch, tensors: Sequence[Array]
) -> EncodedResponse:
    """Return {"predictions": [...], "explanations": [...]}, one each per row."""
    output, bumps = tensors
    predictions = (
        model.prediction_encoder.encode(output)
        if batch.size > 1
        else b"[%b]" % model.prediction_encoder.encode_row(output[0])
    )
    explanations = encode_explanations(model, batch, call.options, (output, bumps))
    return EncodedResponse(b'{"predictions":%b,"explanations":%b}' % (predictions, explanations), batch.size)


PREDICT = Endpoint(_decode_predict, _encode_predictions)
EXPLAIN = Endpoint(_decode_explain, _encode_explanations)


def _parse_body(model: ServedModel, body: bytes) -> tuple[Any, str, dict[str, Any]]:
    """Return the rows, JSON or numbers [batch, features], the name of their field, and the body's fields."""
    if len(body) >= numeric_json.MIN_BYTES and not model.card.non_numeric_features:
        rest, text = numeric_json.extract_number_array(body, ROWS)
        if text and (numbers := numeric_json.parse_matrix(text, len(model.card.features))) is not None:
            try:
                request = parse_object(rest)
                field = _rows_field(request)
            except InvalidRequestError:
                pass  # the text would describe the body without its numbers: the whole is parsed below
            else:
                if request[field] == numeric_json.PLACEHOLDER:
                    return numbers, field, request
    request = parse_object(body)
    field = _rows_field(request)
    return request[field], field, request


def _rows_field(body: dict[str, Any]) -> str:
    """Return the name of the one field that holds the rows."""
    instances = "instances" in body
    if instances == ("inputs" in body):
        given = [field for field in FIELDS if field in body]
        raise InvalidRequestError(f'the body has {given or "no rows"}; expected one of "instances" and "inputs"')
    return "instances" if instances else "inputs"

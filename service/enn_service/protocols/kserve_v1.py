"""KServe V1: decoders and encoders of predict and explain.

Source: the KServe V1 protocol, https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
"""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import orjson
from msgspec import UNSET
from numpy.typing import NDArray

from enn_service.errors import InvalidRequestError
from enn_service.inference.explain_options import ExplainOptions, encode_explanations, parse_explain_options
from enn_service.inference.types import Batch, EncodedResponse, Endpoint, InferenceCall, InferenceRequest
from enn_service.protocols import numeric_json, request_bodies
from enn_service.protocols.body_decoder import BodyDecoder
from enn_service.protocols.request_bodies import PredictRequest
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import EXPLAIN_OUTPUTS, PREDICT_OUTPUTS, Array

Body = TypeVar("Body", bound=PredictRequest)
FIELDS = ("instances", "inputs")
ROWS = re.compile(rb'"(?:instances|inputs)"\s*:\s*')


def _decode_predict(model: ServedModel, request: InferenceRequest) -> InferenceCall[None]:
    """Decode {"instances": [...]} or {"inputs": [...]}.

    Raises:
        InvalidRequestError: The body is not such an object.
    """
    rows, field, _ = _parse_body(model, request.body, request_bodies.PREDICT)
    return InferenceCall(rows, field, PREDICT_OUTPUTS, model.sizes["output"], None)


def _decode_explain(model: ServedModel, request: InferenceRequest) -> InferenceCall[ExplainOptions]:
    """Decode a predict body that may have "parameters" as well.

    Raises:
        InvalidRequestError: The body is not such an object, or a parameter is unknown or has an invalid value.
    """
    rows, field, body = _parse_body(model, request.body, request_bodies.EXPLAIN)
    options = parse_explain_options(model, body.parameters, len(rows))
    return InferenceCall(rows, field, EXPLAIN_OUTPUTS, options.numbers, options, extra_ns=options.extra_cost_ns)


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


def _parse_body(
    model: ServedModel, text: bytes, decoder: BodyDecoder[Body]
) -> tuple[list[Any] | NDArray[np.float64], str, Body]:
    """Return the rows, JSON or numbers [batch, features], the name of their field, and the decoded body."""
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

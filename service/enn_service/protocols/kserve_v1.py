"""KServe V1: the bytes of a predict or explain request to the bytes of its answer.

Source: the KServe V1 protocol, https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson

from enn_service.errors import InvalidRequestError
from enn_service.http.responses import Response
from enn_service.inference import explain_options as explaining
from enn_service.inference.types import InferenceCall, InferenceRequest, UsualOperation, UsualRows
from enn_service.protocols import numeric_json as json_numbers
from enn_service.protocols.json_object import parse_object
from enn_service.runtime.model import ServedModel
from enn_service.runtime.range_check import Numbers
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import EXPLAIN_OUTPUTS, PREDICT_OUTPUTS, Array

FIELDS = ("instances", "inputs")
ROWS = re.compile(rb'"(?:instances|inputs)"\s*:\s*')


def predict(model: ServedModel, request: InferenceRequest) -> InferenceCall:
    """Read {"instances": [...]} or {"inputs": [...]}, which is answered with {"predictions": [...]}, one per row.

    Raises:
        InvalidRequestError: The body is not such an object, or a row in it is not what the model takes.
    """
    numbers, field, _ = _read(model, request.body)
    rows, outside = model.reach.admit(numbers, field)

    def answer(tensors: Sequence[Array]) -> Response:
        predictions = model.results.predictions(tensors[0])
        if outside is None:
            return Response(200, b'{"predictions":%b}' % predictions)
        named = model.results.out_of_range(outside).items()
        told = orjson.dumps([{"row": row, "features": features} for row, features in named])
        return Response(200, b'{"predictions":%b,"out_of_range":%b}' % (predictions, told))

    return InferenceCall(rows, outside, PREDICT_OUTPUTS, answer, model.network.outputs)


def explain(model: ServedModel, request: InferenceRequest) -> InferenceCall:
    """Read a request as predict does; its answer has "explanations" beside the predictions, one per row.

    Raises:
        InvalidRequestError: As for predict; or a parameter is not known or has no such value.
    """
    numbers, field, body = _read(model, request.body)
    rows, outside = model.reach.admit(numbers, field)
    wish = explaining.parse_explain_options(model, body.get("parameters"), len(rows))

    def answer(tensors: Sequence[Array]) -> Response:
        output, bumps = tensors
        predictions = model.results.predictions(output)
        explanations = explaining.encode_explanations(model, rows, outside, wish, (output, bumps))
        return Response(200, b'{"predictions":%b,"explanations":%b}' % (predictions, explanations))

    return InferenceCall(rows, outside, explaining.TENSORS, answer, wish.numbers, wish.besides)


def _read_usual(model: ServedModel, request: InferenceRequest) -> tuple[UsualRows, str] | None:
    if len(request.body) >= json_numbers.MIN_BYTES:
        numbers, _, body = _read(model, request.body)
    else:
        body = parse_object(request.body)
        if (row := _row(body)) is not None:
            return row
        numbers, _ = _listed(model, body)
    return (numbers, "") if len(body) == 1 else None


def _read_row_to_explain(model: ServedModel, request: InferenceRequest) -> tuple[UsualRows, str] | None:
    if len(request.body) >= json_numbers.MIN_BYTES or not model.explanations.by_row:
        return None
    body = parse_object(request.body)
    parameters = body.pop("parameters", None)
    if parameters is not None and not explaining.parse_explain_options(model, parameters, 1).plain:
        return None
    return _row(body)


def _row(body: dict[str, Any]) -> tuple[UsualRows, str] | None:
    """Return the row of a body that has nothing else."""
    rows = body.get("instances") or body.get("inputs")
    if len(body) != 1 or not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], list):
        return None
    return rows[0], ""


def _write_predictions(model: ServedModel, _: str, tensors: Sequence[Array]) -> bytes:
    output = tensors[0]
    if len(output) > 1:
        return b'{"predictions":%b}' % model.results.predictions(output)
    return b'{"predictions":[%b]}' % model.results.prediction(output[0])


def _write_explanation(model: ServedModel, _: str, tensors: Sequence[Array]) -> bytes:
    output, bumps = tensors[0][0], tensors[1][0]
    explanation = model.explanations.of_row(output.tolist(), bumps.tolist())
    return b'{"predictions":[%b],"explanations":[%b]}' % (model.results.prediction(output), explanation)


USUAL_PREDICT = UsualOperation(PREDICT_OUTPUTS, _read_usual, _write_predictions)
USUAL_EXPLAIN = UsualOperation(EXPLAIN_OUTPUTS, _read_row_to_explain, _write_explanation)


def _read(model: ServedModel, body: bytes) -> tuple[Numbers, str, dict[str, Any]]:
    """Return the rows, the name of their field, and the rest of the body."""
    if len(body) >= json_numbers.MIN_BYTES and not model.card.worded:
        rest, text = json_numbers.extract_number_array(body, ROWS)
        if text and (numbers := json_numbers.parse_matrix(text, len(model.card.features))) is not None:
            with suppress(InvalidRequestError):  # what is wrong is told of the whole body
                request = parse_object(rest)
                field = _field(request)
                if request[field] == json_numbers.PLACEHOLDER:
                    return numbers, field, request
    request = parse_object(body)
    return *_listed(model, request), request


def _listed(model: ServedModel, request: dict[str, Any]) -> tuple[Numbers, str]:
    """Return the rows of a request as read by an ordinary parser, and the name of their field."""
    field = _field(request)
    return parse_rows(model.card, request[field], field), field


def _field(request: dict[str, Any]) -> str:
    given = [field for field in FIELDS if field in request]
    if len(given) != 1:
        raise InvalidRequestError(f'the body has {given or "no rows"}; expected one of "instances" and "inputs"')
    return given[0]

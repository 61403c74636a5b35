"""Open Inference Protocol V2: the bytes of an infer or explain request to the bytes of its answer.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from enn_service import explaining
from enn_service.errors import InvalidRequestError, shown
from enn_service.exchange import Question, Request, Row, RowOperation
from enn_service.forms import Form, Wanted, read_form
from enn_service.model import Model
from enn_service.reach import Outside
from enn_service.replies import Reply
from enn_service.session import PREDICTION, Array
from enn_service.tensors import DATA, classified, pack_texts, read_raw, read_tensor

JSON_LENGTH = "Inference-Header-Content-Length"
BINARY_TYPE = b"application/octet-stream"
DEFAULT = {binary: (Wanted("output", binary),) for binary in (False, True)}
"""What is given where no output is named: as bytes, and not."""


class Inference(NamedTuple):
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
    tensors = tuple([wanted.name for wanted in asked.outputs])

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


def _read_row(model: Model, request: Request) -> Row | None:
    if request.json_length is not None:
        return None
    features = len(model.card.features)
    form, values = read_form(request.body, features)
    if not form.usual or form.tensor.columns != features or type(values) is not list:
        return None
    identity = request.id if form.id is None else form.id
    return (values[0] if len(values) == 1 and type(values[0]) is list else values), identity


def _write_row(model: Model, identity: str, tensors: Sequence[Array]) -> bytes:
    values = tensors[0][0]
    output = {"name": "output", "shape": [1, len(values)], "datatype": "FP32", "data": values}
    answer = {"model_name": model.name, "model_version": model.version, "id": identity, "outputs": [output]}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


INFER_ROW = RowOperation(PREDICTION, _read_row, _write_row)


def _read(model: Model, request: Request) -> Inference:
    if request.json_length == 0:
        numbers = read_raw(request.body, len(model.card.features))
        return Inference(*model.reach.admit(numbers, DATA), DEFAULT[True], request.id, {})
    text, binary = _split(request)
    form, values = read_form(text, len(model.card.features))
    outputs = _outputs(model, form)
    numbers = read_tensor(model, form.tensor, values, binary)
    identity = request.id if form.id is None else form.id
    return Inference(*model.reach.admit(numbers, DATA), outputs, identity, form.parameters)


def _split(request: Request) -> tuple[bytes, memoryview]:
    """Return the JSON part of the body and the bytes that follow it."""
    body, length = request.body, request.json_length
    if length is None:
        return body, memoryview(b"")
    if length > len(body):
        raise InvalidRequestError(f"{JSON_LENGTH}: {length}; the body has {len(body)} bytes")
    return body[:length], memoryview(body)[length:]


def _outputs(model: Model, form: Form) -> Sequence[Wanted]:
    """Return the outputs that a request asks for, each of which the model gives."""
    for name, _, classes, place in form.outputs or ():
        if name not in model.shapes:
            raise InvalidRequestError(f"{place}.name: {shown(name)}; the model gives {', '.join(model.shapes)}")
        if classes and (model.card.classes is None or name != "output"):
            raise InvalidRequestError(
                f"{place}.parameters.classification: {name!r} of this model has no classes; leave it out"
            )
    return form.outputs or DEFAULT[form.binary]


def _written(model: Model, outputs: Sequence[Wanted]) -> int:
    """Return how many numbers a row has in the JSON part of the answer."""
    return sum([model.sizes[wanted.name] for wanted in outputs if not wanted.binary])


def _reply(model: Model, asked: Inference, arrays: dict[str, Array], more: dict[str, Any]) -> Reply:
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version, "id": asked.id}
    if asked.outside is not None:
        answer["parameters"] = {"rows_out_of_range": asked.outside.rows}
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
        rows = classified(model.card, array, min(wanted.classes, model.network.outputs))
        texts = [text for row in rows for text in row]
        tensor |= {"shape": [len(rows), len(rows[0])], "datatype": "BYTES"}
    if wanted.binary:
        blob = pack_texts(texts) if wanted.classes else array.astype("<f4", copy=False).data.cast("B")
        blobs.append(blob)
        return tensor | {"parameters": {"binary_data_size": len(blob)}}
    return tensor | {"data": texts if wanted.classes else array.ravel()}

"""Forms: what an inference request says besides its numbers, read once for all requests that differ in those alone.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md, and the extensions
binary tensor data and classification as Triton documents them.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from enn_service.errors import InvalidRequestError, describe_value
from enn_service.protocols import numeric_json as json_numbers
from enn_service.protocols.json_object import parse_object
from enn_service.protocols.v2_tensors import FLOATS, TensorSpec, parse_tensor_spec

VALUES = re.compile(rb'"data"\s*:\s*')
NESTED = re.compile(rb"\[\s*\[")
KEPT = 256
"""How many forms are kept."""
KEPT_BYTES = 1024
"""A longer form, such as one with numbers in it, is not kept."""


class OutputRequest(NamedTuple):
    """An output asked for.

    Attributes:
        name: Its name.
        binary: Whether it is sent as bytes after the JSON part.
        classes: How many classes to give in its place; 0 for the output itself.
        place: Where it was asked for.
    """

    name: str
    binary: bool
    classes: int = 0
    place: str = ""


class ParsedRequest(NamedTuple):
    """An inference request without its numbers; nothing in it is ever changed.

    Attributes:
        tensor: What it says of its input.
        outputs: Those it asks for, whether a model gives them or not; `output` where it names none.
        names: Their names.
        id: Its identity; None where it has none.
        parameters: Its parameters.
    """

    tensor: TensorSpec
    outputs: Sequence[OutputRequest]
    names: tuple[str, ...]
    id: str | None
    parameters: dict[str, Any]


RAW_FP32 = ParsedRequest(
    TensorSpec("FP32", None, 0, 0, None, None),
    [OutputRequest("output", binary=True)],
    ("output",),
    None,
    {},
)
"""What a body without a JSON part says."""

OUTPUT_AS_JSON = (OutputRequest("output", binary=False),)
"""The outputs of a request that asks for nothing but `output` as JSON."""

_last_template = list[tuple[bytes, bytes, ParsedRequest]]()
"""What stood before and after the values that were cut last, and their form: who asks again mostly asks alike."""


def parse_request(text: bytes, features: int) -> tuple[ParsedRequest, Any]:
    """Return the form of a request's JSON part, and its tensor's values: an array of numbers, or JSON of any kind.

    Raises:
        InvalidRequestError: It is no inference request.
    """
    try:
        form, numbers = split_template(text)
        values = parse_values(numbers, form.tensor.datatype, features)
        if values is not None:
            return form, values
    except (ValueError, InvalidRequestError):
        pass  # the text would describe the request without its values: the whole is parsed to describe what is wrong
    form = _form(text)
    return form, form.tensor.data


def split_template(text: bytes) -> tuple[ParsedRequest, bytes]:
    """Return the form of a request's JSON part without its tensor's values, and their text, which may be anything.

    Raises:
        ValueError: There is no array of values, or the rest is no JSON.
        InvalidRequestError: The rest is no inference request.
    """
    for before, after, form in _last_template:  # the whole is JSON where what stands between them is
        if text.startswith(before) and text.endswith(after):
            return form, text[len(before) : len(text) - len(after)]
    rest, numbers = json_numbers.extract_number_array(text, VALUES)
    form = _form(rest)
    if form.tensor.data != json_numbers.PLACEHOLDER:
        raise ValueError("no array of values")
    if len(rest) <= KEPT_BYTES:
        before, _, after = rest.partition(json_numbers.PLACEHOLDER_JSON)
        _last_template[:] = [(before, after, form)]
    return form, numbers


def parse_values(text: bytes, datatype: str, features: int) -> Any:  # noqa: ANN401  (JSON, where it is short)
    """Return values: an array of numbers, or JSON of any kind where they are few; None where they are not numbers.

    Raises:
        ValueError: They are few and no JSON.
    """
    if len(text) < json_numbers.MIN_BYTES:
        return orjson.loads(text)
    if datatype not in FLOATS:
        return None
    return json_numbers.parse_matrix(text, features) if NESTED.match(text) else json_numbers.parse_vector(text)


def _form(text: bytes) -> ParsedRequest:
    return _cached_parse(text) if len(text) <= KEPT_BYTES else _parse(text)


def _parse(text: bytes) -> ParsedRequest:
    body = parse_object(text)
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise InvalidRequestError('inputs: expected a list of one tensor, {"name": "input", ...}')
    identity = body.get("id")
    if identity is not None and not isinstance(identity, str):
        raise InvalidRequestError(f"id: {describe_value(identity)}; expected a string")
    parameters = _object(body.get("parameters"), "parameters")
    binary = _flag(parameters, "binary_data_output", "parameters") or False
    tensor, outputs = parse_tensor_spec(inputs[0]), _outputs(body.get("outputs"), binary)
    names = tuple([wanted.name for wanted in outputs])
    return ParsedRequest(tensor, outputs, names, identity, parameters)


_cached_parse = lru_cache(KEPT)(_parse)


def _outputs(outputs: object, binary: bool) -> Sequence[OutputRequest]:  # noqa: FBT001  (not a choice of the caller)
    if outputs is None:
        return [OutputRequest("output", binary=True)] if binary else OUTPUT_AS_JSON
    if not isinstance(outputs, list) or not outputs or not all(isinstance(output, dict) for output in outputs):
        raise InvalidRequestError('outputs: expected a list of at least one {"name": ...}')
    result = [_wanted(output, f"outputs[{index}]", binary) for index, output in enumerate(outputs)]
    if len({wanted.name for wanted in result}) != len(result):
        raise InvalidRequestError("outputs: a name stands twice")
    name, binary, classes, _ = result[0]
    return OUTPUT_AS_JSON if len(result) == 1 and name == "output" and not (binary or classes) else result


def _wanted(output: dict[str, Any], place: str, binary: bool) -> OutputRequest:  # noqa: FBT001  (as above)
    name = output.get("name")
    if not isinstance(name, str):
        raise InvalidRequestError(f"{place}.name: {describe_value(name)}; expected the name of an output")
    parameters = _object(output.get("parameters"), f"{place}.parameters")
    own = _flag(parameters, "binary_data", f"{place}.parameters")
    classes = parameters.get("classification")
    if classes is not None and (type(classes) is not int or classes < 1):
        raise InvalidRequestError(
            f"{place}.parameters.classification: {describe_value(classes)}; expected a number of classes"
        )
    return OutputRequest(name, binary if own is None else own, classes or 0, place)


def _object(value: object, place: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise InvalidRequestError(f"{place}: {describe_value(value)}; expected an object")
    return value or {}


def _flag(parameters: dict[str, Any], name: str, place: str) -> bool | None:
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidRequestError(f"{place}.{name}: {describe_value(value)}; expected true or false")
    return value

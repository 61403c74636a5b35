"""Parser of the JSON part of a V2 request; requests that differ only in their values are parsed once.

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
from enn_service.protocols.datatypes import JSON_FLOATS
from enn_service.protocols.json_object import parse_object
from enn_service.protocols.v2_tensors import TensorSpec, parse_tensor_spec

VALUES = re.compile(rb'"data"\s*:\s*')
NESTED = re.compile(rb"\[\s*\[")
CACHE_SIZE = 256
"""Maximum number of cached requests."""
MAX_CACHED_BYTES = 1024
"""Maximum size of a cached request in bytes, without its values; longer ones may contain values."""


class OutputRequest(NamedTuple):
    """Output tensor that a request names.

    Attributes:
        name: Name of the tensor.
        binary: True to send it as bytes after the JSON part.
        classes: Number of classes to send in its place; 0 for the tensor itself.
        place: Place in the request, for error messages.
    """

    name: str
    binary: bool
    classes: int = 0
    place: str = ""


class ParsedRequest(NamedTuple):
    """Inference request without its values; several requests may share one, so it is never changed.

    Attributes:
        tensor: Input tensor.
        outputs: Named outputs, not yet checked against the model; `output` if the request names none.
        names: Names of these outputs.
        id: Identity of the request; None without one.
        parameters: Parameters of the request.
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
"""Request of a body without a JSON part."""

OUTPUT_AS_JSON = (OutputRequest("output", binary=False),)
"""The outputs of a request that asks for nothing but `output` as JSON."""

_last_template = list[tuple[bytes, bytes, ParsedRequest]]()
"""Cache of the last request template: the JSON before and after the data array, and its parsed form."""


def parse_request(text: bytes, features: int) -> tuple[ParsedRequest, Any]:
    """Parse the JSON part of a request; return it and the values of its tensor, an array or any JSON value.

    Raises:
        InvalidRequestError: The text is not a valid inference request.
    """
    try:
        parsed, numbers = split_template(text)
        values = parse_values(numbers, parsed.tensor.datatype, features)
        if values is not None:
            return parsed, values
    except (ValueError, InvalidRequestError):
        pass  # the text would describe the request without its values: the whole is parsed to describe what is wrong
    parsed = _parse_cached(text)
    return parsed, parsed.tensor.data


def split_template(text: bytes) -> tuple[ParsedRequest, bytes]:
    """Split the values of the tensor from a request; return the parsed rest and the text of the values, not checked.

    Raises:
        ValueError: The request has no array of values.
        InvalidRequestError: The rest is not a valid inference request.
    """
    for before, after, parsed in _last_template:  # the request is JSON if the values are
        if text.startswith(before) and text.endswith(after):
            return parsed, text[len(before) : len(text) - len(after)]
    rest, numbers = json_numbers.extract_number_array(text, VALUES)
    parsed = _parse_cached(rest)
    if parsed.tensor.data != json_numbers.PLACEHOLDER:
        raise ValueError("no array of values")
    if len(rest) <= MAX_CACHED_BYTES:
        before, _, after = rest.partition(json_numbers.PLACEHOLDER_JSON)
        _last_template[:] = [(before, after, parsed)]
    return parsed, numbers


def parse_values(text: bytes, datatype: str, features: int) -> Any:  # noqa: ANN401  (JSON, where it is short)
    """Parse the text of the values: any JSON value if it is short, else an array; None if that is not possible.

    Raises:
        ValueError: The text is short and not valid JSON.
    """
    if len(text) < json_numbers.MIN_BYTES:
        return orjson.loads(text)
    if datatype not in JSON_FLOATS:
        return None
    return json_numbers.parse_matrix(text, features) if NESTED.match(text) else json_numbers.parse_vector(text)


def _parse_cached(text: bytes) -> ParsedRequest:
    return _cached_parse(text) if len(text) <= MAX_CACHED_BYTES else _parse(text)


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
    tensor, outputs = parse_tensor_spec(inputs[0]), _parse_outputs(body.get("outputs"), binary)
    names = tuple([wanted.name for wanted in outputs])
    return ParsedRequest(tensor, outputs, names, identity, parameters)


_cached_parse = lru_cache(CACHE_SIZE)(_parse)


def _parse_outputs(outputs: object, binary: bool) -> Sequence[OutputRequest]:  # noqa: FBT001  (not a choice of the caller)
    if outputs is None:
        return [OutputRequest("output", binary=True)] if binary else OUTPUT_AS_JSON
    if not isinstance(outputs, list) or not outputs or not all(isinstance(output, dict) for output in outputs):
        raise InvalidRequestError('outputs: expected a list of at least one {"name": ...}')
    result = [_parse_output(output, f"outputs[{index}]", binary) for index, output in enumerate(outputs)]
    if len({wanted.name for wanted in result}) != len(result):
        raise InvalidRequestError("outputs: a name is given twice")
    name, binary, classes, _ = result[0]
    return OUTPUT_AS_JSON if len(result) == 1 and name == "output" and not (binary or classes) else result


def _parse_output(output: dict[str, Any], place: str, binary: bool) -> OutputRequest:  # noqa: FBT001  (as above)
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

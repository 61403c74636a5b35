"""Parser of the JSON part of a V2 request; requests that differ only in their values are decoded once.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md, and the extensions
binary tensor data and classification as Triton documents them.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from enn_service.errors import InvalidRequestError
from enn_service.inference.cost import SMALL_BYTES, json_object_bytes
from enn_service.inference.types import InferenceRequest
from enn_service.protocols import numeric_json
from enn_service.protocols.body_decoder import BodyDecoder
from enn_service.protocols.datatypes import DATATYPES, JSON_FLOATS
from enn_service.protocols.large_rows import Span, is_json, possible_spans
from enn_service.protocols.request_bodies import (
    INFER,
    ExplainTensorsParameters,
    ExplainTensorsRequest,
    InferParameters,
    InferRequest,
    InputTensor,
    OutputParameters,
    OutputRequest,
)

VALUES = re.compile(rb'"data"\s*:\s*')
NESTED = re.compile(rb"\[\s*\[")
Decoder = BodyDecoder[InferRequest] | BodyDecoder[ExplainTensorsRequest]


class NamedOutput(NamedTuple):
    """Output tensor that a request names.

    Attributes:
        name: Name of the tensor.
        binary: True to send it as bytes after the JSON part.
        classes: Number of classes to send in its place; 0 for the tensor itself.
    """

    name: str
    binary: bool
    classes: int = 0


class ParsedRequest(Struct, gc=False):
    """Inference request without its values and its id; many requests may share one, so it is never changed.

    Attributes:
        tensor: Input tensor, the first one if there are several.
        outputs: Named outputs, not yet checked against the model; `output` if the request names none.
        names: Names of these outputs.
        json_names: Names of those that are sent as JSON.
        class_names: Names of those that are sent as classes.
        parameters: Parameters of the request; None without any.
        columns: Input tensors of one feature each; None if the tensor is that of all features.
    """

    tensor: InputTensor
    outputs: Sequence[NamedOutput]
    names: tuple[str, ...]
    json_names: tuple[str, ...]
    class_names: tuple[str, ...]
    parameters: InferParameters | ExplainTensorsParameters | None
    columns: Sequence[InputTensor] | None = None


RAW_FP32 = ParsedRequest(
    InputTensor("input", [0, 0], "FP32"), [NamedOutput("output", binary=True)], ("output",), (), (), None
)
"""Request of a body without a JSON part."""

INPUT_NAMES = frozenset(("input", "input-0", "input-1"))
"""Names of the tensor of all features; clients that give it no name of their own count inputs, from 0 or 1."""
OUTPUT_AS_JSON = (NamedOutput("output", binary=False),)
"""The outputs of a request that asks for nothing but `output` as JSON."""
OUTPUT_NAME = ("output",)
Resolved = tuple[Sequence[NamedOutput], tuple[str, ...], tuple[str, ...], tuple[str, ...]]
OUTPUT_AS_BYTES: Resolved = ((NamedOutput("output", binary=True),), OUTPUT_NAME, (), ())
OUTPUT_ALONE: Resolved = (OUTPUT_AS_JSON, OUTPUT_NAME, OUTPUT_NAME, ())
NO_PARAMETERS = OutputParameters()
CACHE_SIZE = 64
"""Maximum number of cached combinations of outputs."""
MAX_CACHED_BYTES = 1024
"""Maximum size of a cached request in bytes, without its values."""
MAX_FRAMES = 4
"""Maximum number of cached frames: a request that fits none is compared with each."""
CACHE_EVERY = 16
"""One in so many small requests that fit no frame yields a new one: to find it takes as long as to decode two."""
ID = re.compile(rb'"id"\s*:\s*"([^"\\]*)"')
OTHER_ID = numeric_json.PLACEHOLDER[0]
"""Id that no client can send."""


class Frame(NamedTuple):
    """JSON text that requests share: all but their values, and their ids if those come before the values.

    Attributes:
        decoder: Decoder of the requests.
        before: Text up to the id, or up to the values.
        between: Text from the end of the id to the values; empty if requests have the same id, or none.
        after: Text after the values.
        parsed: The parsed request.
        id: Identity of the requests if they have the same.
    """

    decoder: Decoder
    before: bytes
    between: bytes
    after: bytes
    parsed: ParsedRequest
    id: str | None


_frames: tuple[Frame, ...] = ()
"""Frames of the last requests, the newest first."""
_misses = 0
"""Number of small requests that fit no frame."""
_decode_list = msgspec.json.Decoder(list[Any]).decode
_decode_string = msgspec.json.Decoder(str).decode


class LargeValues(NamedTuple):
    """Values of a tensor that are not parsed yet.

    Attributes:
        text: JSON text of the request.
        span: Place of the values.
    """

    text: bytes
    span: Span


def parse_request(
    text: bytes, features: int, decoder: Decoder = INFER, request: InferenceRequest | None = None
) -> tuple[ParsedRequest, str | None, Any]:
    """Parse the JSON part of a request; return it, its id, and the values of its tensor, an array or any JSON value.

    Args:
        text: JSON text.
        features: Number of features of the model.
        decoder: Decoder of the body of infer or explain.
        request: Request that reserves memory; the values of a large text are then left unparsed.

    Raises:
        InvalidRequestError: The text is not a valid inference request.
    """
    if request is not None and len(text) > SMALL_BYTES:
        return _parse_large(text, features, decoder, request)
    try:
        parsed, own_id, array = _split_values(text, features, decoder)
        if (values := _parse_values(array, parsed.tensor.datatype, features)) is not None:
            return parsed, own_id, values
    except (ValueError, RecursionError, InvalidRequestError):
        pass  # the text would describe the request without its values: the whole is decoded below
    parsed, own_id = _parse(decoder, text, features)
    return parsed, own_id, parsed.tensor.data


def _parse_large(
    text: bytes, features: int, decoder: Decoder, request: InferenceRequest
) -> tuple[ParsedRequest, str | None, Any]:
    """Parse a large request, if possible without its values."""
    for rest, span in possible_spans(text, VALUES):
        try:
            parsed, own_id = _parse(decoder, rest, features)
        except InvalidRequestError:
            if is_json(rest):
                raise
            continue  # the values end elsewhere
        if parsed.columns is None and parsed.tensor.data == numeric_json.PLACEHOLDER:
            return parsed, own_id, LargeValues(text, span)
    request.reserve(json_object_bytes(text), "the body, parsed as a whole,")
    parsed, own_id = _parse(decoder, text, features)
    return parsed, own_id, parsed.tensor.data


def _split_values(text: bytes, features: int, decoder: Decoder) -> tuple[ParsedRequest, str | None, bytes]:
    """Split the values of the tensor from a request; return the parsed rest, the id, and their text, not checked.

    Raises:
        ValueError: The request has no array of values, or is small and fits no frame.
        InvalidRequestError: The rest is not a valid inference request.
    """
    global _frames, _misses  # noqa: PLW0603  (threads may share them: a lost frame or count does not matter)
    for kind, before, between, after, parsed, own_id in _frames:  # the request is JSON if id and values are
        if kind is not decoder or not text.startswith(before) or not text.endswith(after):
            continue
        start = len(before)
        if between:
            end = text.find(b'"', start)
            if not text.startswith(between, end):
                continue
            own_id = _decode_string(text[start - 1 : end + 1])  # noqa: PLW2901  (None in a frame with gaps)
            start = end + len(between)
        return parsed, own_id, text[start : len(text) - len(after)]
    if len(text) < numeric_json.MIN_BYTES:
        _misses += 1
        if _misses % CACHE_EVERY != 1:
            raise ValueError("a small request that fits no frame")
    if text.count(b'"data"') > 1:
        raise ValueError("a tensor of each feature")
    rest, array = numeric_json.extract_number_array(text, VALUES)
    parsed, own_id = _parse(decoder, rest, features)
    if parsed.tensor.data != numeric_json.PLACEHOLDER or parsed.columns is not None:
        raise ValueError("the array is not that of the tensor of all features")
    if len(rest) <= MAX_CACHED_BYTES:
        _frames = (_frame(decoder, rest, features, parsed, own_id), *_frames[: MAX_FRAMES - 1])
    return parsed, own_id, array


def _frame(decoder: Decoder, rest: bytes, features: int, parsed: ParsedRequest, own_id: str | None) -> Frame:
    """Return the frame of a request, given its text with the placeholder of its values, and this text parsed."""
    before, _, after = rest.partition(numeric_json.PLACEHOLDER_JSON)
    if own_id is not None and (found := ID.search(before)):
        start, end = found.span(1)
        other = before[:start] + OTHER_ID.encode() + before[end:] + numeric_json.PLACEHOLDER_JSON + after
        if _parse(decoder, other, features)[1] == OTHER_ID:  # an `id` elsewhere is another field
            return Frame(decoder, before[:start], before[end:], after, parsed, None)
    return Frame(decoder, before, b"", after, parsed, own_id)


def _parse_values(text: bytes, datatype: str, features: int) -> NDArray[np.float64] | list[Any] | None:
    """Parse the text of values, of many to an array; return None if many are not numbers alone, or integers.

    Raises:
        ValueError: The values are few and no JSON list.
        RecursionError: They are nested too deep.
    """
    if len(text) < numeric_json.MIN_BYTES:
        return _decode_list(text)
    if datatype not in JSON_FLOATS:
        return None
    return numeric_json.parse_matrix(text, features) if NESTED.match(text) else numeric_json.parse_vector(text)


def _parse(decoder: Decoder, text: bytes, features: int) -> tuple[ParsedRequest, str | None]:
    """Parse a request or its rest; return it and its id."""
    body = decoder.decode(text, features)
    parameters, outputs = body.parameters, body.outputs
    binary = parameters is not None and parameters.binary_data_output is True
    if outputs is not None:
        resolve = _cached_outputs if len(text) <= MAX_CACHED_BYTES else _resolve_outputs
        resolved = resolve(outputs, binary)
    else:
        resolved = OUTPUT_AS_BYTES if binary else OUTPUT_ALONE
    tensor, *others = body.inputs
    # The tensor of all features has numbers only, so another datatype is that of a feature with this name.
    single = not others and tensor.name in INPUT_NAMES and tensor.datatype in DATATYPES
    return ParsedRequest(tensor, *resolved, parameters, None if single else body.inputs), body.id


def add_outputs(parsed: ParsedRequest, names: Iterable[str]) -> ParsedRequest:
    """Return a request with further outputs, if it does not name them, in the format of those that choose none."""
    binary = parsed.parameters is not None and parsed.parameters.binary_data_output is True
    added = [NamedOutput(name, binary) for name in names if name not in parsed.names]
    outputs, every = [*parsed.outputs, *added], (*parsed.names, *(output.name for output in added))
    json_names = tuple(output.name for output in outputs if not output.binary)
    return replace(parsed, outputs=outputs, names=every, json_names=json_names)


def _resolve_outputs(
    outputs: tuple[OutputRequest, ...],
    binary: bool,  # noqa: FBT001  (keyword arguments are slower to cache)
) -> Resolved:
    """Return the outputs of a request, their names, and the names of those sent as JSON and as classes.

    Args:
        outputs: Outputs as the request names them.
        binary: True to send outputs as bytes that do not say so themselves.

    Raises:
        InvalidRequestError: Two outputs have the same name.
    """
    named: list[NamedOutput] = []
    for output in outputs:
        parameters = output.parameters or NO_PARAMETERS
        own = parameters.binary_data
        named.append(NamedOutput(output.name, binary if own is None else own, parameters.classification or 0))
    names = tuple(output.name for output in named)
    if len(set(names)) != len(names):
        raise InvalidRequestError("outputs: a name is given twice")
    json_names = tuple(output.name for output in named if not output.binary)
    class_names = tuple(output.name for output in named if output.classes)
    return OUTPUT_AS_JSON if named == [*OUTPUT_AS_JSON] else named, names, json_names, class_names


_cached_outputs = lru_cache(CACHE_SIZE)(_resolve_outputs)

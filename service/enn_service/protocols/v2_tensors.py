"""Tensors of the Open Inference Protocol V2: rows of the input tensor, encoder of BYTES and classification outputs.

Source: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md, and the extensions
binary tensor data and classification as Triton documents them.
"""

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec import UNSET

from enn_models.card import Card
from enn_service.errors import InvalidRequestError, describe_value
from enn_service.inference.cost import PIECE_NUMBERS, SMALL_BYTES
from enn_service.inference.types import InferenceRequest, RowSource
from enn_service.protocols.datatypes import DATATYPES, JSON_FLOATS
from enn_service.protocols.large_rows import FlatRows, ListedRows
from enn_service.protocols.request_bodies import JSON_DATATYPES, InputTensor
from enn_service.protocols.v2_request import NESTED, LargeValues
from enn_service.runtime.model import ServedModel
from enn_service.runtime.range_check import Numbers
from enn_service.runtime.row_parser import parse_rows
from enn_service.runtime.session import Array

DATA = "inputs[0].data"
NO_LIST = f"{DATA}: expected a list of numbers, flat or nested as the shape says"
SIZE = "inputs[0].parameters.binary_data_size"


def parse_tensor(
    model: ServedModel,
    request: InferenceRequest,
    tensor: InputTensor,
    values: Any,  # noqa: ANN401  (JSON from outside)
    binary: memoryview,
) -> list[Any] | Numbers | RowSource:
    """Return the rows of the input tensor, JSON or numbers [batch, features]; their values are validated later.

    Args:
        model: The model.
        request: Request of the tensor.
        tensor: Name, shape, datatype and parameters of the tensor.
        values: Data of the tensor: an array, JSON, or not parsed yet.
        binary: The bytes after the JSON part.

    Raises:
        InvalidRequestError: It is not what the model takes; the text says where.
    """
    features = model.features
    try:
        batch, columns = tensor.shape
    except ValueError:
        raise _shape_error(tensor, features) from None
    if (
        batch == 1
        and type(values) is list
        and len(values) == features == columns
        and type(values[0]) is not list
        and tensor.parameters is None
        and tensor.datatype in JSON_FLOATS
        and not len(binary)
    ):
        return [values]  # one flat row of floats, the most frequent tensor
    size = tensor.size
    _check_tensor(tensor, features)
    if size is not None:
        _check_size(size, len(binary), DATATYPES[tensor.datatype].numpy.itemsize * batch * features)
        return _rows_of(np.frombuffer(binary, DATATYPES[tensor.datatype].numpy), features)
    if len(binary):
        raise InvalidRequestError(f"{len(binary)} bytes follow the JSON part; expected none, or {SIZE}")
    if isinstance(values, LargeValues):
        return _large_rows(model, request, tensor, values)
    if isinstance(values, np.ndarray):
        if values.size != batch * features or (values.ndim == 2 and len(values) != batch):
            raise InvalidRequestError(f"{DATA}: {_extent(values)}; the shape says {batch} x {features}")
        return values.reshape(batch, features)
    rows = _as_rows(values, batch, features)
    if tensor.datatype in JSON_FLOATS:
        return rows
    return _parse_integers(model, rows, tensor.datatype)


def _large_rows(model: ServedModel, request: InferenceRequest, tensor: InputTensor, values: LargeValues) -> RowSource:
    """Return the rows of a large JSON array, of which only the number is checked."""
    (batch, _), features, floats = tensor.shape, model.features, tensor.datatype in JSON_FLOATS

    def convert(rows: list[Any], first: int) -> list[Any] | Numbers:
        _check_rows(rows)
        if floats:
            return rows
        return _parse_integers(model, rows, tensor.datatype, first)

    kind = ListedRows if NESTED.match(values.text, values.span.start) else FlatRows
    source = kind(request, values.text, values.span, features, convert, numbers=floats)
    if isinstance(source, FlatRows) and source.values != batch * features:
        raise InvalidRequestError(f"{DATA}: {source.values} values; the shape says {batch} x {features}")
    if len(source) != batch:
        raise InvalidRequestError(f"{DATA}: {len(source)} rows; the shape says {batch}")
    return source


class _RawRows(RowSource):
    """Rows of a large binary tensor, converted piece by piece.

    Args:
        rows: Values as they came, [batch, features].
    """

    def __init__(self, rows: np.ndarray[Any, Any]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def pieces(self) -> Iterator[Numbers]:
        """Yield the rows in order, some at a time."""
        count = max(1, PIECE_NUMBERS // self._rows.shape[1])
        for start in range(0, len(self._rows), count):
            yield _numbers(self._rows[start : start + count])


def parse_raw_fp32(body: bytes, features: int) -> Numbers | RowSource:
    """Return a body that contains only the bytes of an FP32 input as float32 [batch, features].

    Raises:
        InvalidRequestError: The body is empty or not a whole number of rows.
    """
    if not body or len(body) % (4 * features):
        raise InvalidRequestError(
            f"the body has {len(body)} raw bytes; expected rows of {features} FP32 values, {4 * features} bytes each"
        )
    return _rows_of(np.frombuffer(body, "<f4"), features)


def classification_strings(card: Card, output: Array, most: int) -> list[list[str]]:
    """Return the classes of each row as "value:index:label", the highest value first.

    A single score of two classes yields only the class that its sign decides for.

    Args:
        card: Card of a classifier.
        output: Output of the classifier, [batch, outputs].
        most: Maximum number of classes per row.
    """
    labels = [str(label) for label in card.classes or ()]
    if output.shape[1] == 1:
        scores = ((score, int(score > 0)) for score in output[:, 0].tolist())
        return [[f"{score:f}:{index}:{labels[index]}"] for score, index in scores]
    best = np.argsort(-output, axis=1, kind="stable")[:, :most]
    values = np.take_along_axis(output, best, axis=1)
    return [
        [f"{value:f}:{index}:{labels[index]}" for value, index in zip(*row, strict=True)]
        for row in zip(values.tolist(), best.tolist(), strict=True)
    ]


def pack_bytes(texts: list[str]) -> bytes:
    """Encode BYTES elements for the binary extension: each follows its length, four bytes little-endian."""
    encoded = (text.encode() for text in texts)
    return b"".join(struct.pack("<I", len(text)) + text for text in encoded)


def _check_tensor(tensor: InputTensor, features: int) -> None:
    """Check what the JSON part says about the tensor against its datatype and the model."""
    (batch, columns), size = tensor.shape, tensor.size
    if size is None and not DATATYPES[tensor.datatype].in_json:
        raise InvalidRequestError(
            f"inputs[0].datatype: {tensor.datatype!r}; expected one of {', '.join(JSON_DATATYPES)}"
        )
    if size is not None and tensor.data is not UNSET:
        raise InvalidRequestError(f"{DATA}: is given beside {SIZE}; expected one of them")
    if batch < 1 or columns != features:
        raise _shape_error(tensor, features)


def _shape_error(tensor: InputTensor, features: int) -> InvalidRequestError:
    return InvalidRequestError(
        f"inputs[0].shape: {describe_value(tensor.shape)}; expected [rows, {features}] with at least one row"
    )


def _check_size(announced: int, received: int, expected: int) -> None:
    if announced != expected:
        raise InvalidRequestError(f"{SIZE}: {announced}; datatype and shape have {expected} bytes")
    if received != expected:
        raise InvalidRequestError(f"{received} bytes follow the JSON part; {SIZE} says {announced}")


def _rows_of(values: np.ndarray[Any, Any], features: int) -> Numbers | RowSource:
    """Return the values of a binary tensor as rows, which are converted later if they are many."""
    rows = values.reshape(-1, features)
    return _RawRows(rows) if rows.nbytes > SMALL_BYTES else _numbers(rows)


def _numbers(rows: np.ndarray[Any, Any]) -> Numbers:
    return np.require(rows, np.float32, "A") if rows.dtype == np.float32 else rows.astype(np.float64)


def _as_rows(data: object, batch: int, features: int) -> list[Any]:
    """Return data, flat or nested, as a list of rows."""
    if not isinstance(data, list) or not data:
        raise InvalidRequestError(NO_LIST)
    _check_rows(data)
    rows = data if isinstance(data[0], list) else _split_rows(data, batch, features)
    if len(rows) != batch:
        raise InvalidRequestError(f"{DATA}: {len(rows)} rows; the shape says {batch}")
    return rows


def _check_rows(data: list[Any]) -> None:
    if dict in map(type, data):
        raise InvalidRequestError(NO_LIST)


def _split_rows(data: list[Any], batch: int, features: int) -> list[list[Any]]:
    if len(data) != batch * features:
        raise InvalidRequestError(f"{DATA}: {len(data)} values; the shape says {batch} x {features}")
    return [data[start : start + features] for start in range(0, len(data), features)]


def _extent(numbers: np.ndarray[Any, Any]) -> str:
    return f"{len(numbers)} rows" if numbers.ndim == 2 else f"{numbers.size} values"


def _parse_integers(model: ServedModel, rows: list[list[Any]], datatype: str, first: int = 0) -> Numbers:
    """Return JSON rows, the first of which has this index, as numbers that are all of an integer datatype."""
    result = parse_rows(model.card, rows, DATA, tensor=True, first=first, unknown=model.unknown_values.mode)
    limits = np.iinfo(datatype.lower())
    for row, values in enumerate(rows, first):
        for column, value in enumerate(values):
            if value is not None and (type(value) is not int or not limits.min <= value <= limits.max):
                raise InvalidRequestError(f"{DATA}[{row}][{column}]: {describe_value(value)} is not {datatype}")
    return result

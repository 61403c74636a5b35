"""Tensors of one feature each, in which clients of the Open Inference Protocol V2 send tables.

Sources: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md; the codec `pd` of
MLServer, https://mlserver.readthedocs.io/en/stable/user-guide/content-type.html
"""

from collections.abc import Iterator, Sequence

import numpy as np

from enn_service.errors import InvalidRequestError, describe_value
from enn_service.inference.cost import PIECE_NUMBERS, SMALL_BYTES
from enn_service.inference.types import InferenceRequest, RowSource
from enn_service.protocols.datatypes import BOOL, BYTES, DATATYPES, OUTPUT_DATATYPES
from enn_service.protocols.request_bodies import JSON_DATATYPES, InputTensor
from enn_service.protocols.v2_columns.values import LENGTH, Column, JsonValues, PackedTexts, RawNumbers, Values
from enn_service.protocols.v2_request import INPUT_NAMES
from enn_service.runtime.model import ServedModel
from enn_service.runtime.range_check import ColumnFields, Numbers
from enn_service.runtime.row_parser import join_names


def parse_columns(
    model: ServedModel, request: InferenceRequest, tensors: Sequence[InputTensor], binary: memoryview
) -> tuple[Numbers | RowSource, ColumnFields]:
    """Return the rows of a table, and the fields of its columns; the ranges of the values are checked later.

    Args:
        model: The model.
        request: Request of the tensors.
        tensors: Tensors of one feature each, in any order.
        binary: The bytes after the JSON part.

    Raises:
        InvalidRequestError: The tensors are not those of the model's features; the text names the place.
    """
    columns = _match_features(model, tensors)
    rows = _count_rows(tensors)
    parts = _split_bytes(tensors, rows, binary)
    values = [_open_values(column, rows, parts.get(column.place)) for column in columns]
    fields = ColumnFields([f"{column.place}.data" for column in columns])
    table = _TableRows(values, rows)
    return (table if len(request.body) > SMALL_BYTES else table.read(0, rows)), fields


class _TableRows(RowSource):
    """Rows of a table, converted some at a time.

    Args:
        columns: Values of each feature, in the card's order.
        rows: Number of rows.
    """

    def __init__(self, columns: Sequence[Values], rows: int) -> None:
        self._columns, self._rows = columns, rows

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows

    def pieces(self) -> Iterator[Numbers]:
        """Yield the rows in order, some at a time."""
        most = max(1, PIECE_NUMBERS // len(self._columns))
        for first in range(0, self._rows, most):
            yield self.read(first, min(most, self._rows - first))

    def read(self, first: int, count: int) -> Numbers:
        """Return some rows, those after the rows read before."""
        result = np.empty((count, len(self._columns)))
        for index, column in enumerate(self._columns):
            result[:, index] = column.take(first, count)
        return result


def _match_features(model: ServedModel, tensors: Sequence[InputTensor]) -> list[Column]:
    """Return the column of each feature, in the card's order, with a datatype that fits it."""
    features = {feature.name: feature for feature in model.card.features}
    columns: dict[str, Column] = {}
    for index, tensor in enumerate(tensors):
        place = f"inputs[{index}]"
        if (feature := features.get(tensor.name)) is None:
            raise _unknown_name(place, tensor, [*features], alone=len(tensors) == 1)
        if tensor.name in columns:
            raise InvalidRequestError(
                f"{place}.name: {describe_value(tensor.name)} is that of {columns[tensor.name].place} too;"
                " expected one tensor of each feature"
            )
        columns[tensor.name] = Column(place, tensor, feature, model.unknown_values.mode)
    if missing := [name for name in features if name not in columns]:
        raise InvalidRequestError(
            f"inputs: feature {describe_value(missing[0])} has no tensor; expected one of each of"
            f" {join_names([*features])}"
        )
    for column in columns.values():
        _check_datatype(column)
    return [columns[name] for name in features]


def _unknown_name(place: str, tensor: InputTensor, names: list[str], *, alone: bool) -> InvalidRequestError:
    """Return the refusal of a tensor whose name is not that of a feature."""
    if alone and tensor.name in INPUT_NAMES:
        return InvalidRequestError(
            f"{place}.datatype: {tensor.datatype!r}; expected one of {', '.join(JSON_DATATYPES)},"
            " or one tensor of each feature"
        )
    return InvalidRequestError(
        f"{place}.name: {describe_value(tensor.name)} is not the name of a feature; expected one tensor of each of"
        f" {join_names(names)}, or 'input' alone"
    )


def _check_datatype(column: Column) -> None:
    """Check that a feature may have the datatype of its tensor."""
    place, tensor, feature = column.place, column.tensor, column.feature
    if column.has_json_texts:
        return
    accepted = [] if feature.kind == "categorical" and feature.has_numeric_names else [*DATATYPES]
    accepted += {"numeric": [], "boolean": [BOOL], "categorical": [BYTES]}[feature.kind]
    if tensor.size is None:
        accepted = [name for name in accepted if name not in DATATYPES or DATATYPES[name].in_json]
    if tensor.datatype not in accepted:
        raise InvalidRequestError(
            f"{place}.datatype: {tensor.datatype!r} for feature {feature.name!r}; expected"
            f" {'one of ' if len(accepted) > 1 else ''}{', '.join(accepted)}"
        )


def _count_rows(tensors: Sequence[InputTensor]) -> int:
    """Return the number of rows, which all tensors have."""
    rows = tensors[0].shape[0]
    for index, tensor in enumerate(tensors):
        if tensor.shape[0] < 1 or tensor.shape[1:] not in ([], [1]):
            raise InvalidRequestError(
                f"inputs[{index}].shape: {describe_value(tensor.shape)}; expected [rows, 1] or [rows] with at least one"
                " row, the values of one feature"
            )
        if tensor.shape[0] != rows:
            raise InvalidRequestError(f"inputs[{index}].shape: {tensor.shape[0]} rows; inputs[0] has {rows}")
    return rows


def _split_bytes(tensors: Sequence[InputTensor], rows: int, binary: memoryview) -> dict[str, memoryview]:
    """Return the bytes of each tensor that has any, by its place."""
    parts, start = {}, 0
    for index, tensor in enumerate(tensors):
        place = f"inputs[{index}]"
        if (size := tensor.size) is None:
            continue
        size_place = f"{place}.parameters.binary_data_size"
        if tensor.data:
            raise InvalidRequestError(f"{place}.data: is given beside {size_place}; expected one of them")
        if tensor.datatype == BYTES:
            if size < LENGTH.size * rows:
                raise InvalidRequestError(
                    f"{size_place}: {size}; {rows} texts have at least {LENGTH.size * rows} bytes"
                )
        elif size != (expected := OUTPUT_DATATYPES[tensor.datatype].numpy.itemsize * rows):
            raise InvalidRequestError(f"{size_place}: {size}; datatype and shape have {expected} bytes")
        if start + size > len(binary):
            raise InvalidRequestError(f"{size_place}: {size}; {len(binary) - start} bytes are left after the JSON part")
        parts[place] = binary[start : start + size]
        start += size
    if start != len(binary):
        raise InvalidRequestError(f"{len(binary)} bytes follow the JSON part; the tensors in it have {start}")
    return parts


def _open_values(column: Column, rows: int, part: memoryview | None) -> Values:
    """Return the values of a column, which are the given number."""
    place, tensor = column.place, column.tensor
    if part is not None:
        return PackedTexts(column, rows, part) if tensor.datatype == BYTES else RawNumbers(column, part)
    if not isinstance(tensor.data, list):
        raise InvalidRequestError(f"{place}.data: is missing; expected a list of {rows} values")
    if len(tensor.data) != rows:
        raise InvalidRequestError(f"{place}.data: {len(tensor.data)} values; the shape says {rows}")
    return JsonValues(column, tensor.data)

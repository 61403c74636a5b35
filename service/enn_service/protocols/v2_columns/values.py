"""Values of the tensor of one feature, JSON or bytes, converted to codes some rows at a time."""

import struct
from typing import Any, NamedTuple, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_models.card.feature_values import NUMBERS, Unknown, describe_expected, value_decoder
from enn_models.card.features import Feature
from enn_service.errors import InvalidRequestError, describe_value
from enn_service.protocols.datatypes import BOOL, BYTES, DATATYPES, JSON_FLOATS, OUTPUT_DATATYPES
from enn_service.protocols.request_bodies import InputTensor
from enn_service.runtime.row_parser import MAX_FLOAT64

JSON_TEXTS = "pd_json"
"""Content type of BYTES whose elements are JSON texts: MLServer's codec `pd` sends columns of mixed values so."""
LENGTH = struct.Struct("<I")
"""Length of an element of BYTES, which precedes it."""
NULL = type(None)
TYPES: dict[str, set[type]] = {
    **{name: {int, NULL} for name in DATATYPES},
    **{name: {int, float, NULL} for name in JSON_FLOATS},
    BOOL: {bool, NULL},
    BYTES: {str, NULL},
}
"""Types of the JSON values of each datatype."""


class Column(NamedTuple):
    """A tensor and its feature.

    Attributes:
        place: Place of the tensor in the request.
        tensor: The tensor.
        feature: Feature of its values.
        unknown: Treatment of names that are not known and of missing values.
    """

    place: str
    tensor: InputTensor
    feature: Feature
    unknown: Unknown

    @property
    def has_json_texts(self) -> bool:
        """True if the elements are JSON texts."""
        tensor = self.tensor
        given = None if tensor.parameters is None else tensor.parameters.content_type
        return tensor.datatype == BYTES and given == JSON_TEXTS

    def refusal(self, row: int, value: object, expected: str) -> InvalidRequestError:
        """Return the refusal of a value.

        Args:
            row: Index of the row.
            value: The value.
            expected: Text of what is expected.
        """
        return InvalidRequestError(
            f"{self.place}.data[{row}]: {describe_value(value)} for feature {self.feature.name!r}; expected {expected}"
        )


class Values(Protocol):
    """Values of a column, which are read in order."""

    def take(self, first: int, count: int) -> NDArray[Any]:
        """Return the codes of some rows.

        Args:
            first: Index of the first row, the one after those taken before.
            count: Number of rows.
        """
        ...


class JsonValues:
    """Values of a JSON list; each may be in a list of its own, as the shape [rows, 1] has them.

    Args:
        column: Column of the values.
        values: All values.
    """

    def __init__(self, column: Column, values: list[Any]) -> None:
        self._convert, self._values = Conversion(column), values

    def take(self, first: int, count: int) -> NDArray[Any]:
        """Return the codes of some rows."""
        return self._convert(self._values[first : first + count], first)


class RawNumbers:
    """Numbers or booleans of a binary tensor.

    Args:
        column: Column of the values.
        data: Bytes of all values.
    """

    def __init__(self, column: Column, data: memoryview) -> None:
        self._column, datatype = column, OUTPUT_DATATYPES[column.tensor.datatype].numpy
        self._is_boolean = datatype.kind == "b"
        self._array = np.frombuffer(data, np.uint8 if self._is_boolean else datatype)

    def take(self, first: int, count: int) -> NDArray[Any]:
        """Return the codes of some rows."""
        array = self._array[first : first + count]
        if self._is_boolean and array.max() > 1:
            row = int((array > 1).argmax())
            raise self._column.refusal(first + row, int(array[row]), "a byte 0 or 1")
        return array


class PackedTexts:
    """Texts of a binary tensor, each after its length in four bytes.

    Args:
        column: Column of the values.
        rows: Number of texts.
        data: Bytes of all texts.
    """

    def __init__(self, column: Column, rows: int, data: memoryview) -> None:
        self._column, self._convert, self._rows, self._data, self._at = column, Conversion(column), rows, data, 0

    def take(self, first: int, count: int) -> NDArray[Any]:
        """Return the codes of some rows."""
        texts = [self._next(row) for row in range(first, first + count)]
        if first + count == self._rows and self._at < len(self._data):
            left = len(self._data) - self._at
            raise InvalidRequestError(f"{self._column.place}: {left} bytes follow its {self._rows} texts")
        return self._convert(texts, first)

    def _next(self, row: int) -> str:
        start, left = self._at + LENGTH.size, len(self._data) - self._at - LENGTH.size
        length = LENGTH.unpack_from(self._data, self._at)[0] if left >= 0 else 0
        if length > left:
            place = f"{self._column.place}.data[{row}]"
            raise InvalidRequestError(f"{place}: a text of {length} bytes; {max(left, 0)} bytes of the tensor are left")
        self._at = start + length
        try:
            return str(self._data[start : self._at], "utf-8")
        except UnicodeDecodeError:
            raise self._column.refusal(row, bytes(self._data[start : start + 20]), "UTF-8") from None


class Conversion:
    """Conversion of JSON values of a feature to codes.

    Args:
        column: Column of the values.
    """

    def __init__(self, column: Column) -> None:
        self._column, self._json_texts, datatype = column, column.has_json_texts, column.tensor.datatype
        self._decode = value_decoder(column.feature, tensor=False, unknown=column.unknown)
        self._datatype, self._types = datatype, TYPES[datatype]
        self._limits = np.iinfo(datatype.lower()) if "INT" in datatype else None

    def __call__(self, values: list[Any], first: int) -> NDArray[np.float64]:
        """Return the codes of some values.

        Args:
            values: The values.
            first: Index of the row of the first value.

        Raises:
            InvalidRequestError: A value is not of the tensor's datatype, or the feature does not have it.
        """
        if self._column.tensor.shape[1:] and list in map(type, values):
            values = [value[0] if type(value) is list and len(value) == 1 else value for value in values]
        if not (kinds := set(map(type, values))) <= self._types or self._limits is not None:
            self._check_datatype(values, first)
        if self._json_texts:
            values = [None if text is None else self._load(text, row) for row, text in enumerate(values, first)]
        elif self._column.feature.kind == "numeric" and NULL not in kinds:
            return self._to_array(values, values, first)
        return self._to_array([*map(self._decode, values)], values, first)

    def _check_datatype(self, values: list[Any], first: int) -> None:
        limits, types = self._limits, self._types
        for row, value in enumerate(values, first):
            if type(value) not in types or (
                limits is not None and value is not None and not limits.min <= value <= limits.max
            ):
                raise self._column.refusal(row, value, self._datatype)

    def _load(self, text: str, row: int) -> Any:  # noqa: ANN401  (any JSON)
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            raise self._column.refusal(row, text, "the text of a JSON value") from None

    def _to_array(self, codes: list[Any], values: list[Any], first: int) -> NDArray[np.float64]:
        """Return codes as an array; a code that is no number is that of an invalid value."""
        if set(map(type, codes)) <= NUMBERS:
            try:
                return np.array(codes, dtype=np.float64)
            except OverflowError:  # of an integer with more than 308 digits
                pass
        for row, (code, value) in enumerate(zip(codes, values, strict=True), first):
            if type(code) not in NUMBERS or abs(code) > MAX_FLOAT64:
                raise self._column.refusal(row, value, describe_expected(self._column.feature, tensor=False))
        raise AssertionError("one of the codes is invalid")

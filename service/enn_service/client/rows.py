"""Conversion of lists, NumPy arrays and pandas frames to JSON or to a tensor; NaN, a missing value, becomes null."""

from collections.abc import Sequence
from math import isinf
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_service.client.errors import InvalidRowsError


class Frame(Protocol):
    """The interface of a pandas frame that is used here, so that pandas need not be installed."""

    @property
    def columns(self) -> Any: ...  # noqa: D102, ANN401
    def to_dict(self, orient: Any) -> Any: ...  # noqa: D102, ANN401


Row = Sequence[Any] | dict[str, Any]
Rows = Sequence[Row] | NDArray[Any] | Frame
"""Rows as vectors in the order of the model's features, or as values by feature name, [rows, features]."""


def to_instances(rows: Rows) -> Any:  # noqa: ANN401  (anything that orjson writes)
    """Convert rows to the value of `instances`: an array, or a list of vectors or of objects by feature name.

    Raises:
        InvalidRowsError: An array is not a table of numbers, or a value is infinite, which JSON cannot represent.
    """
    if isinstance(rows, np.ndarray):
        return to_matrix(rows)
    records = _records(rows) if _is_frame(rows) else list(rows)  # type: ignore[arg-type]
    for index, row in enumerate(records):
        for key, value in row.items() if isinstance(row, dict) else enumerate(row):
            if isinstance(value, (float, np.floating)) and isinf(value):
                raise InvalidRowsError(f"rows[{index}][{key!r}]: {value}; expected a finite number")
    return records


def to_matrix(rows: Rows) -> NDArray[Any]:
    """Convert rows to a C-contiguous little-endian array of numbers, [rows, features]; float16 becomes float32.

    Raises:
        InvalidRowsError: The rows have feature names or unequal lengths, or a value is not a finite number.
    """
    if _is_frame(rows):
        raise InvalidRowsError(
            "infer expects vectors, not a frame with column names: use predict, or frame[names].to_numpy() in the "
            "order of the model's features"
        )
    try:
        array = np.asarray(rows)
    except ValueError as error:
        raise InvalidRowsError(f"rows of unequal length: {error}") from None
    if array.ndim != 2 or array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        found = f"{array.ndim} dimensions of {array.dtype}"
        raise InvalidRowsError(f"rows with {found}; expected numbers of at most 64 bits, [rows, features]")
    if np.isinf(array).any():
        row, column = np.argwhere(np.isinf(array))[0].tolist()
        raise InvalidRowsError(f"rows[{row}][{column}]: {array[row, column]}; expected a finite number")
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def to_json(body: dict[str, Any]) -> bytes:
    """Serialize a body, including NumPy arrays, as JSON.

    Raises:
        InvalidRowsError: A value has a type without a JSON equivalent.
    """
    try:
        return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:
        raise InvalidRowsError(f"a value in the rows is not a number, text, boolean or null: {error}") from None


def _is_frame(rows: object) -> bool:
    """Return True for a pandas frame."""
    return hasattr(rows, "columns") and hasattr(rows, "to_dict")


def _records(frame: Any) -> list[dict[str, Any]]:  # noqa: ANN401  (a pandas frame, whose type is not imported)
    """Return the rows of a frame by column name, missing values of every kind as None."""
    if len(set(frame.columns)) != len(frame.columns):
        raise InvalidRowsError(f"the frame has duplicate columns: {list(frame.columns)}; expected unique names")
    return frame.astype(object).where(frame.notna(), None).to_dict(orient="records")

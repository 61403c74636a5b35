"""Rows: lists, NumPy arrays and pandas frames as JSON or as a tensor. A missing value, NaN, travels as null."""

from collections.abc import Sequence
from math import isinf
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_service.client.errors import InvalidRowsError


class Frame(Protocol):
    """What is used of a pandas frame; pandas itself is imported by who has one."""

    @property
    def columns(self) -> Any: ...  # noqa: D102, ANN401
    def to_dict(self, orient: Any) -> Any: ...  # noqa: D102, ANN401


Row = Sequence[Any] | dict[str, Any]
Rows = Sequence[Row] | NDArray[Any] | Frame
"""Vectors in the order of the model's features, or values by feature name: [rows, features]."""


def to_instances(rows: Rows) -> Any:  # noqa: ANN401  (anything that orjson writes)
    """Return rows as what `instances` holds: an array, or a list of vectors or of objects by feature name.

    Raises:
        InvalidRowsError: An array is no table of numbers, or a value is infinite, which JSON cannot say.
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
    """Return rows as a little-endian array [rows, features] of numbers, laid out row after row; float16 as float32.

    Raises:
        InvalidRowsError: They are named, uneven or no numbers, or one is infinite.
    """
    if _is_frame(rows):
        raise InvalidRowsError(
            "infer takes vectors and a frame has names: use predict, or frame[names].to_numpy() in the model's order"
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
    """Return a body as JSON; arrays go as they are.

    Raises:
        InvalidRowsError: A value in it is of a type that JSON does not have.
    """
    try:
        return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:
        raise InvalidRowsError(f"a value in the rows is no number, text or null: {error}") from None


def _is_frame(rows: object) -> bool:
    return hasattr(rows, "columns") and hasattr(rows, "to_dict")


def _records(frame: Any) -> list[dict[str, Any]]:  # noqa: ANN401  (a pandas frame, whose type is not imported)
    """Return the rows of a frame by column name, missing values of every kind as None."""
    if len(set(frame.columns)) != len(frame.columns):
        raise InvalidRowsError(f"the frame has a column twice: {list(frame.columns)}")
    return frame.astype(object).where(frame.notna(), None).to_dict(orient="records")

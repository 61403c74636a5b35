"""Conversion of the caller's rows to JSON or to a tensor; NaN, a missing value, becomes null."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import isinf
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from enn_service.client import frames
from enn_service.client.errors import InvalidRowsError
from enn_service.client.frames import ArrowTable, Frame, PolarsFrame, Series

Row = Sequence[Any] | dict[str, Any] | NDArray[Any] | Series
Rows = Row | Sequence[Row] | NDArray[Any] | Frame | PolarsFrame | ArrowTable
"""Rows as vectors in the order of the model's features, or as values by feature name, [rows, features]; or one row."""
FLOATS = (float, np.floating)
CONTAINERS = (list, dict, tuple, np.ndarray)
EXPECTED = (
    "expected rows: lists, dictionaries, a NumPy array, or a frame of pandas, polars or pyarrow; or a single row as a "
    "list, a dictionary or a pandas Series with the names of the features"
)


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a call.

    Attributes:
        instances: Array, or list of vectors or of objects by feature name.
        index: Index of the pandas frame or Series that the rows come from; None otherwise.
        from_frame: True if the rows come from a frame, where a number in a column of categories is one of their names.
    """

    instances: Any
    index: Any = None
    from_frame: bool = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.instances)

    def part(self, start: int, stop: int) -> "Table":
        """Return a range of rows."""
        return self if (start, stop) == (0, len(self)) else replace(self, instances=self.instances[start:stop])

    def unused_columns(self, features: Mapping[str, bool]) -> list[str]:
        """Return the columns of a frame that are no features of a model; none for rows of another kind."""
        named = [row for row in self.instances[:1] if isinstance(row, dict)] if self.from_frame else []
        return [name for row in named for name in row if name not in features]

    def for_features(self, features: Mapping[str, bool]) -> "Table":
        """Return rows of a frame with the features alone, some as text; rows of another kind unchanged.

        Args:
            features: Features of the model in their order, True for those whose numbers become text.
        """
        if not self.from_frame:
            return self
        chosen = list(features.values())

        def converted(row: Any) -> Any:  # noqa: ANN401  (a row of either kind)
            if isinstance(row, dict):
                known = {name: value for name, value in row.items() if name in features}
                return {name: frames.text_of(value) if features[name] else value for name, value in known.items()}
            if len(row) != len(chosen):
                return row  # the service refuses it, and says so better
            return [frames.text_of(value) if to_text else value for value, to_text in zip(row, chosen, strict=True)]

        return replace(self, instances=[converted(row) for row in self.instances])


def to_table(rows: Rows) -> Table:
    """Convert rows of any accepted kind.

    Raises:
        InvalidRowsError: The rows are of another kind, or a value is infinite, which JSON cannot represent.
    """
    if (found := frames.read(rows)) is not None:
        records, index = found
        return Table(_checked(records), index, from_frame=True)
    if isinstance(rows, Mapping):
        return Table(_checked([dict(rows)]))
    given = _as_array(rows)
    if isinstance(given, np.ndarray):
        if given.ndim == 2 and given.dtype.kind in "fiu" and not isinstance(given, np.ma.MaskedArray):
            return Table(to_matrix(given))
        if given.ndim not in (1, 2):
            raise InvalidRowsError(f"rows with {given.ndim} dimensions; expected [rows, features]")
        names = given.dtype.names
        given = given.tolist() if names is None else [dict(zip(names, row, strict=True)) for row in given.tolist()]
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InvalidRowsError(f"rows: {_short(given)}; {EXPECTED}")
    listed = list(given)
    from_frame = any(map(frames.is_series, listed[:1]))
    return Table(_checked(_listed(listed)), from_frame=from_frame)


def to_single_row(row: Row, name: str) -> Table:
    """Convert a single row to a table of one row.

    Args:
        row: Row of any accepted kind.
        name: Name of the argument, for the error message.

    Raises:
        InvalidRowsError: There are several rows, or as for `to_table`.
    """
    table = to_table(row)
    if len(table) != 1:
        raise InvalidRowsError(f"{name}: {len(table)} rows; expected one")
    return table


def to_matrix(rows: Rows) -> NDArray[Any]:
    """Convert rows to a C-contiguous little-endian array of numbers, [rows, features]; float16 becomes float32.

    Raises:
        InvalidRowsError: The rows have feature names or unequal lengths, or a value is not a finite number.
    """
    if frames.is_frame(rows):
        raise InvalidRowsError(
            f"infer expects vectors, not a {type(rows).__name__} with column names: use predict, or "
            "frame[names].to_numpy() in the order of the model's features"
        )
    try:
        array = np.asarray(rows)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidRowsError(f"rows of unequal length, or no rows: {error}") from None
    if array.ndim != 2 or array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        found = f"{array.ndim} dimensions of {array.dtype}"
        raise InvalidRowsError(f"rows with {found}; expected numbers of at most 64 bits, [rows, features]")
    if isinstance(rows, np.ma.MaskedArray) and rows.mask.any():
        raise InvalidRowsError("rows with masked values; expected numbers, and NaN for a missing value")
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
        return orjson.dumps(body, default=_to_json_value, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:
        raise InvalidRowsError(f"a value in the rows is not a number, text, boolean or null: {error}") from None


def _to_json_value(value: object) -> Any:  # noqa: ANN401  (what orjson writes)
    """Return the JSON value of types that orjson does not know: decimals, and the missing value of pandas."""
    if isinstance(value, Decimal) and value.is_finite():
        return float(value)
    if type(value).__name__ == "NAType":
        return None
    raise TypeError(f"{_short(value)} of type {type(value).__name__}")


def _as_array(rows: Any) -> Any:  # noqa: ANN401  (rows of any kind)
    """Return an array for an object that converts itself to one, such as a tensor; any other object unchanged."""
    if isinstance(rows, np.ndarray) or not hasattr(rows, "__array__"):
        return rows
    try:
        return np.asarray(rows)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidRowsError(f"a {type(rows).__name__} that is not an array: {error}; {EXPECTED}") from None


def _listed(rows: list[Any]) -> list[Any]:
    """Return rows as lists and dictionaries; a list of values is a single row."""
    if rows and not any(map(_is_row, rows)):
        return [rows]
    for index, row in enumerate(rows):
        if isinstance(row, dict | list):
            continue
        if not _is_row(row):
            raise InvalidRowsError(f"rows[{index}]: {_short(row)}; expected a row, as rows[0] or another one is")
        if (found := frames.read(row)) is not None:
            (rows[index],), _ = found
        else:
            rows[index] = dict(row) if isinstance(row, Mapping) else row.tolist() if _is_array(row) else list(row)
    return rows


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def _is_row(value: object) -> bool:
    """Return True for an element of the rows that contains values and is not a value itself."""
    if isinstance(value, float | int | str | bytes) or value is None:
        return False
    return isinstance(value, Mapping | Sequence) or _is_array(value) or frames.is_series(value)


def _checked(records: list[Any]) -> list[Any]:
    """Check that rows have names that are text, and values that are finite and contain no others.

    Raises:
        InvalidRowsError: They do not; the text names the place.
    """
    for index, row in enumerate(records):
        if isinstance(row, dict):
            for name in row:
                if not isinstance(name, str):
                    kind = type(name).__name__
                    raise InvalidRowsError(f"rows[{index}]: name {_short(name)} of type {kind}; expected text")
        for key, value in row.items() if isinstance(row, dict) else enumerate(row):
            if isinstance(value, FLOATS):
                if isinf(value):
                    raise InvalidRowsError(f"rows[{index}][{key!r}]: {value}; expected a finite number")
            elif isinstance(value, CONTAINERS):
                raise InvalidRowsError(
                    f"rows[{index}][{key!r}]: a {type(value).__name__}; expected a single number, text, boolean or null"
                )
    return records


def _short(value: object) -> str:
    return f"{value!r:.60}"

"""Rows of pandas, polars and pyarrow, read by their own methods, so that none of them need be installed."""

from typing import Any, Protocol

import numpy as np

from enn_service.client.errors import InvalidRowsError


class Frame(Protocol):
    """Interface of a pandas frame."""

    @property
    def columns(self) -> Any: ...  # noqa: D102, ANN401
    def to_dict(self, orient: Any) -> Any: ...  # noqa: D102, ANN401


class Series(Protocol):
    """Interface of a pandas Series."""

    @property
    def index(self) -> Any: ...  # noqa: D102, ANN401
    def to_frame(self) -> Any: ...  # noqa: D102, ANN401


class PolarsFrame(Protocol):
    """Interface of a polars frame."""

    def to_dicts(self) -> list[dict[str, Any]]: ...  # noqa: D102


class ArrowTable(Protocol):
    """Interface of a table or record batch of pyarrow."""

    @property
    def column_names(self) -> list[str]: ...  # noqa: D102
    def to_pylist(self) -> Any: ...  # noqa: D102, ANN401


def is_series(rows: object) -> bool:
    """Return True for a pandas Series."""
    return hasattr(rows, "iloc") and hasattr(rows, "to_frame")


def is_frame(rows: object) -> bool:
    """Return True for a frame, table or column of one of the libraries."""
    return any(hasattr(rows, name) for name in ("iloc", "to_dicts", "to_pylist", "collect_schema", "to_frame"))


def read(rows: Any) -> tuple[list[Any], Any] | None:  # noqa: ANN401  (an object of any library)
    """Return the rows of a frame, and its pandas index or None; return None for an object of another kind.

    Missing values of every kind are None. Rows are objects by column name, or vectors if the columns of a pandas frame
    have no names.

    Raises:
        InvalidRowsError: The columns are not names of features, or the object is a column or a query.
    """
    if not is_frame(rows):
        return None
    if hasattr(rows, "iloc"):
        return _read_series(rows) if is_series(rows) else (_read_pandas(rows), rows.index)
    if hasattr(rows, "to_dicts"):
        return rows.to_dicts(), None
    if hasattr(rows, "column_names"):
        _refuse_duplicates(list(rows.column_names))
        return rows.to_pylist(), None
    kind = type(rows).__name__
    raise InvalidRowsError(f"rows: a {kind}; expected a frame with all features, or for a query its collected frame")


def text_of(value: Any) -> Any:  # noqa: ANN401  (a value of a row)
    """Return the name of a category: the text of a number, any other value unchanged; a float may be an integer."""
    if isinstance(value, bool | str) or value is None or value != value:  # noqa: PLR0124  (NaN)
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _read_series(series: Any) -> tuple[list[dict[str, Any]], Any]:  # noqa: ANN401  (a pandas Series)
    """Return a Series, whose index has the names of the features, as a row."""
    names = list(series.index)
    if not all(isinstance(name, str) for name in names):
        raise InvalidRowsError(
            f"rows: a Series with the index {names[:3]}, which has no feature names; expected a row, or a frame with "
            "all features: for a column series.to_frame()"
        )
    _refuse_duplicates(names)
    return [dict(zip(names, _values(series), strict=True))], [series.name]


def _read_pandas(frame: Any) -> list[Any]:  # noqa: ANN401  (a pandas frame)
    """Return the rows of a pandas frame, as vectors if its columns are numbered from 0 on in their order."""
    names = list(frame.columns)
    values = zip(*(_values(frame.iloc[:, place]) for place in range(len(names))), strict=True)
    rows = list(map(list, values)) if names else [[] for _ in range(len(frame))]
    if names and all(isinstance(name, int | np.integer) for name in names) and names == list(range(len(names))):
        return rows
    _refuse_duplicates(names)
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise InvalidRowsError(
            f"the frame has the column {wrong[0]!r} of type {type(wrong[0]).__name__}; expected names of features, or "
            f"columns numbered from 0 to {len(names) - 1} in the order of the features"
        )
    return [dict(zip(names, row, strict=True)) for row in rows]


def _values(series: Any) -> list[Any]:  # noqa: ANN401  (a pandas Series)
    """Return the values of a column, missing ones as None; a category other than a text or boolean is its text."""
    values = series.astype(object).where(series.notna(), None).tolist()
    categories = getattr(series.dtype, "categories", None)
    if categories is None or all(isinstance(each, str) for each in categories):
        return values
    if all(isinstance(each, bool | np.bool_) for each in categories):
        return values
    return [text_of(value) for value in values]


def _refuse_duplicates(names: list[Any]) -> None:
    if len(set(names)) != len(names):
        raise InvalidRowsError(f"the frame has duplicate columns: {names}; expected unique names")

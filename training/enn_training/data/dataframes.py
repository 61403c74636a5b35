"""Pandas frames: infer the kind of each column, and encode the values as float64 rows."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from types import UnionType
from typing import Any, TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from enn_models.card.features import MAX_NAME, Feature, valid_values
from enn_models.card.unknown_values import UNSEEN
from enn_training.data.columns import MAX_CATEGORIES, OTHER, Column, describe_pool, pool
from enn_training.data.dataset import to_label
from enn_training.data.float32_range import refuse_beyond_float32
from enn_training.errors import DataError

FEW_CATEGORIES = 10
"""Largest number of categories that can exceed half the number of rows."""
MAX_SHOWN = 10
SCALARS = str | int | float | np.number | np.bool_ | Decimal
DATE = re.compile(r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
Row = Callable[[NDArray[np.bool_]], str]


class UnusableColumnError(DataError):
    """A column has no information to train on.

    Args:
        name: Name of the column.
        reason: Fault of the column.
        remedy: Action that the user can take.
    """

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(f"column {name!r}: {reason}: {remedy}")
        self.name = name
        self.reason = reason


def position(mask: NDArray[np.bool_]) -> str:
    """Return the place of the first row for which mask is true, counted from 0 as in pandas and NumPy."""
    return f"row {int(np.flatnonzero(mask)[0])}"


def infer_columns(frame: pd.DataFrame, row: Row = position) -> tuple[Column, ...]:
    """Return the kind of every column of a frame.

    Texts become categories in sorted order. A pandas categorical keeps its categories in their order, including those
    that no row has; an ordered one is ordinal. Of more than 50 categories the rare ones become one, "other".

    Args:
        frame: Rows to train on; None and NaN are missing values.
        row: Function that names the first row of a mask, for error messages.

    Raises:
        DataError: A column holds dates, a text among numbers, two categories of one text, or one too long.
        UnusableColumnError: A column has no value at all, or too many different texts.
    """
    return tuple(infer_column(frame.iloc[:, index], row) for index in range(frame.shape[1]))


def infer_column(values: pd.Series, row: Row = position) -> Column:
    """Return the kind of one column; arguments and errors as in `infer_columns`."""
    name, missing = str(values.name), bool(values.isna().any())
    known = values.dropna()
    if known.empty:
        raise UnusableColumnError(name, "no row has a value", "leave the column out")
    _refuse_dates(values, row)
    if _all_of(known, bool | np.bool_):
        return Column(name, "boolean", missing=missing)
    if not isinstance(values.dtype, pd.CategoricalDtype):
        if _is_numeric(known):
            return Column(name, missing=missing)
        _refuse_foreign(values, row)
        _refuse_text_among_numbers(values, row)
    categories = _categories(values, row)
    ordered = isinstance(values.dtype, pd.CategoricalDtype) and bool(values.dtype.ordered)
    if len(categories) <= MAX_CATEGORIES:
        return Column(name, "categorical", categories, missing, ordered=ordered)
    return Column(name, "categorical", pool(categories, Counter(map(_text, known))), missing, OTHER)


def pool_note(column: Column, values: pd.Series) -> str | None:
    """Return a sentence about the pooled categories of a column, given its values; None if none are pooled."""
    return None if column.other is None else describe_pool(column, Counter(map(_text, values.dropna())))


def encode(
    columns: Sequence[Column], frame: pd.DataFrame, row: Row = position, *, unknown: bool = False
) -> NDArray[np.float64]:
    """Return the values of a frame as float64 [rows, columns].

    A category becomes its index, false 0, true 1, and a missing value NaN.

    Args:
        columns: Kind of each column.
        frame: Values.
        row: Function that names the first row of a mask, for error messages.
        unknown: Return `UNSEEN` for an unseen category and NaN for a missing value of any column, instead of an error.

    Raises:
        DataError: A value is not of the kind of its column, not one of its categories, or missing although the column
            has no missing values.
    """
    pairs = zip(columns, frame.items(), strict=True)
    return np.column_stack([_codes(column, values, row, unknown=unknown) for column, (_, values) in pairs])


def numeric_columns(names: Sequence[str], x: NDArray[np.float64]) -> tuple[Column, ...]:
    """Return the columns of an array of numbers [rows, columns]; NaN is a missing value.

    Raises:
        DataError: A value is beyond float32.
        UnusableColumnError: A column has no value at all.
    """
    for name, values in zip(names, x.T, strict=True):
        refuse_beyond_float32(f"column {name!r}", values, position)
    columns = tuple(Column(name, missing=bool(np.isnan(values).any())) for name, values in zip(names, x.T, strict=True))
    if (empty := np.isnan(x).all(axis=0)).any():
        raise UnusableColumnError(names[int(np.argmax(empty))], "no row has a value", "leave the column out")
    return columns


def encode_frame(columns: Sequence[Column], frame: pd.DataFrame, *, unknown: bool = False) -> pd.DataFrame:
    """Return a frame of the same names with the values as numbers; arguments and errors as in `encode`."""
    return pd.DataFrame(encode(columns, frame, unknown=unknown), frame.index, frame.columns)


def to_pandas(x: Any) -> Any:  # noqa: ANN401 - a frame, or whatever else has rows
    """Return a frame of polars, a table of pyarrow or another one with a method `to_pandas` as a pandas frame."""
    convert = None if isinstance(x, pd.DataFrame | pd.Series) else getattr(x, "to_pandas", None)
    return x if convert is None else convert()


def is_dataframe(x: object) -> TypeGuard[pd.DataFrame]:
    """Return True if x is a pandas frame."""
    return isinstance(x, pd.DataFrame)


def has_non_numeric_columns(x: object) -> TypeGuard[pd.DataFrame]:
    """Return True if x is a pandas frame with a column that is not numeric."""
    return is_dataframe(x) and any(dtype.kind == "b" or not pd.api.types.is_numeric_dtype(dtype) for dtype in x.dtypes)


def validate(features: Sequence[Feature], x: NDArray[np.float64], *, unknown: bool = False) -> None:
    """Check that every value of the rows x [rows, features] is valid for its feature.

    Args:
        features: Kind and range of each column.
        x: Raw rows.
        unknown: Accept `UNSEEN` as a category, and missing values of any feature.

    Raises:
        DataError: A value is missing although the feature has no missing values, a code is out of its range, or a
            number is beyond float32.
    """
    for feature, values in zip(features, x.T, strict=True):
        wrong = ~valid_values(feature, values)
        if unknown:
            wrong &= ~(np.isnan(values) | ((values == UNSEEN) & (feature.kind == "categorical")))
        if wrong.any():
            what = "a number" if feature.kind == "numeric" else f"a code from 0 to {feature.maximum:g}"
            raise DataError(
                f"column {feature.name!r}, {position(wrong)}: {values[wrong][0]:g}; expected {what}, as in the training"
                " rows"
            )
        refuse_beyond_float32(f"column {feature.name!r}", values, position)


def _codes(column: Column, values: pd.Series, row: Row, *, unknown: bool) -> NDArray[np.float64]:
    missing = values.isna().to_numpy()
    if missing.any() and not column.missing and not unknown:
        raise DataError(
            f"column {column.name!r}, {row(missing)}: no value ({int(missing.sum())} in all);"
            " fill them in, or leave the rows or the column out"
        )
    if column.kind == "numeric":
        return _numbers(column.name, values, missing, row)
    indices = {text: index for index, text in enumerate(column.categories or ("False", "True"))}
    unseen_code = UNSEEN if column.other is None else indices[column.other]
    codes = [
        np.nan if absent else indices.get(_text(value), unseen_code)
        for value, absent in zip(values, missing, strict=True)
    ]
    result = np.array(codes, dtype=np.float64)
    if (unseen := result == UNSEEN).any() and not (unknown and column.kind == "categorical"):
        shown = ", ".join(map(repr, [*indices][:MAX_SHOWN])) + (", ..." if len(indices) > MAX_SHOWN else "")
        value = _first(values, unseen)
        raise DataError(f"column {column.name!r}, {row(unseen)}: {value!r:.80} is not known; expected one of {shown}")
    return result


def _numbers(name: str, values: pd.Series, missing: NDArray[np.bool_], row: Row) -> NDArray[np.float64]:
    known = values[~missing]
    if not _is_numeric(known):
        wrong = np.array([not isinstance(value, int | float | np.number | Decimal) for value in values]) & ~missing
        raise DataError(f"column {name!r}, {row(wrong)}: {_first(values, wrong)!r:.80} is not a number")
    result = np.full(len(values), np.nan)
    result[~missing] = known.to_numpy(dtype=np.float64)
    refuse_beyond_float32(f"column {name!r}", result, row)
    return result


def _categories(values: pd.Series, row: Row) -> tuple[str, ...]:
    """Return the texts of the categories of a column."""
    dtype, known = values.dtype, values.dropna()
    observed = set(known.astype(object))
    if isinstance(dtype, pd.CategoricalDtype):
        declared = list(dtype.categories)
        found = declared if len(declared) <= MAX_CATEGORIES else [value for value in declared if value in observed]
    else:
        found = sorted(observed, key=_text)
    if len(found) > max(FEW_CATEGORIES, len(known) / 2):
        raise UnusableColumnError(
            str(values.name),
            f"{len(found)} different texts in {len(known)} rows; categories recur",
            "group the rare ones, or leave the column out",
        )
    texts = [_text(value) for value in found]
    if long := [value for value, text in zip(found, texts, strict=True) if len(text) > MAX_NAME]:
        place = row((values.astype(object) == long[0]).to_numpy())
        raise DataError(
            f"column {str(values.name)!r}, {place}: a text of {len(_text(long[0]))} characters; a category has at most"
            f" {MAX_NAME}: shorten it, or leave the column out"
        )
    if twice := [text for text, count in Counter(texts).items() if count > 1]:
        raise DataError(
            f"column {str(values.name)!r}: two categories are written {twice[0]!r}; make them one, of one type"
        )
    return tuple(texts)


def _refuse_dates(values: pd.Series, row: Row) -> None:
    known = values.dropna()
    typed = values.dtype.kind in "mM" or isinstance(values.dtype, pd.PeriodDtype)
    typed = typed or _all_of(known, date | time | timedelta | pd.Period)
    if typed or (_all_of(known, str) and all(map(DATE.fullmatch, known))):
        present = values.notna().to_numpy()
        raise DataError(
            f"column {str(values.name)!r}, {row(present)}: {str(known.iloc[0])[:60]!r} is a date or time; replace it by"
            " numbers, as the year, the month, the weekday or the days since some day, or leave the column out"
        )


def _refuse_foreign(values: pd.Series, row: Row) -> None:
    """Refuse a column with a value that is not a scalar."""
    foreign = np.array([not isinstance(value, SCALARS) for value in values]) & values.notna().to_numpy()
    if foreign.any():
        kind = type(_first(values, foreign)).__name__
        raise DataError(
            f"column {str(values.name)!r}, {row(foreign)}: a {kind}; expected numbers, booleans or texts:"
            " leave the column out"
        )


def _refuse_text_among_numbers(values: pd.Series, row: Row) -> None:
    """Refuse a column in which most texts, but not all, are numbers: the others are typing errors or missing values."""
    number = pd.to_numeric(values.astype(str), errors="coerce").notna().to_numpy() & values.notna().to_numpy()
    text = ~number & values.notna().to_numpy()
    if text.any() and number.sum() > text.sum():
        raise DataError(
            f"column {str(values.name)!r}, {row(text)}: {_first(values, text)!r:.80} is not a number; expected numbers:"
            " replace it by one, by nothing if it is missing, or leave the column out"
        )


def _is_numeric(known: pd.Series) -> bool:
    """Return True if values, none of them missing, are numbers by the type of the column or each by its own."""
    if isinstance(known.dtype, pd.CategoricalDtype) or known.dtype.kind in "mMbc":
        return False
    return pd.api.types.is_numeric_dtype(known) or (
        _all_of(known, int | float | np.number | Decimal) and not _all_of(known, bool)
    )


def _all_of(known: pd.Series, kinds: type | UnionType) -> bool:
    """Return True if every value is an instance of these types."""
    if known.dtype.kind in "iuf":
        return False
    return all(isinstance(value, kinds) for value in known)


def _text(value: object) -> str:
    return str(to_label(value))


def _first(values: pd.Series, mask: ArrayLike) -> object:
    value = values[np.asarray(mask)].iloc[0]
    return value.item() if isinstance(value, np.generic) else value

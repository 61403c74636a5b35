"""Rows to predict: frames, arrays, lists and dictionaries as raw rows of a model's features."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from enn_models.card.feature_values import describe_expected, value_decoder
from enn_models.card.features import MAX_RANGES, Feature, valid_values
from enn_training.data.dataframes import Row, position
from enn_training.data.dataset import to_label
from enn_training.data.float32_range import refuse_beyond_float32, to_float32
from enn_training.errors import DataError, UnusedColumnsWarning
from enn_training.learned_model import LearnedModel

Floats = NDArray[np.float64]
MAX_NAMES = 40
"""Maximum number of names listed in an error message."""


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """Rows as the first layer of a network takes them.

    Attributes:
        columns: Encoded values, float64 [rows, columns].
        outside: Mask of the numbers outside their training range, [rows, features].
        frame: Values as given, one column per feature.
        index: Index of the frame that the rows come from; None for other rows.
    """

    columns: Floats
    outside: NDArray[np.bool_]
    frame: pd.DataFrame
    index: Any

    @property
    def data(self) -> NDArray[Any]:
        """Values as given, with None for a missing one, object [rows, features]."""
        values = self.frame.astype(object)
        return values.where(values.notna(), None).to_numpy()


def encode_rows(model: LearnedModel, given: Any, row: Row = position) -> EncodedRows:  # noqa: ANN401
    """Return rows of any kind as rows of a model, checked as the service checks a request.

    Args:
        model: Model that takes the rows.
        given: Frame of pandas, polars or pyarrow with the features by name in any order, or with numbered columns in
            their order; array, lists or dictionaries; or a single row as a list, a dictionary or a pandas Series.
        row: Function that names the first row of a mask, for error messages.

    Raises:
        DataError: A feature is absent, or a value is not one that the feature can have; the text names the place.
    """
    features, index = model.features, None
    names = [feature.name for feature in features]
    if hasattr(given, "to_pandas"):  # polars and pyarrow
        given = given.to_pandas()
    if isinstance(given, pd.Series):
        given = given.to_frame().T.infer_objects()
    from_frame = isinstance(given, pd.DataFrame)
    if from_frame:
        index = given.index
    frame = _select(names, given) if from_frame else _listed(names, given)
    if frame.empty:
        raise DataError("no rows; expected at least one")
    columns = [
        _codes(feature, frame.iloc[:, place], row, from_frame=from_frame) for place, feature in enumerate(features)
    ]
    values = np.column_stack(columns)
    return EncodedRows(model.network.encode(values), out_of_range(features, values), frame, index)


def out_of_range(features: Sequence[Feature], values: Floats) -> NDArray[np.bool_]:
    """Return a mask of the numbers outside their training range, [rows, features]; missing values are inside.

    Args:
        features: Features of the model.
        values: Raw values, rounded to float32, [rows, features].
    """
    numeric = np.array([feature.kind == "numeric" for feature in features])
    low = np.array([feature.minimum for feature in features], dtype=np.float32)
    high = np.array([feature.maximum for feature in features], dtype=np.float32)
    return ((values < low) | (values > high)) & numeric


def _select(names: Sequence[str], frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of a frame with these names, in this order."""
    found = list(frame.columns)
    if found == list(range(len(found))):
        if len(found) != len(names):
            raise DataError(f"the rows have {len(found)} columns; the model takes {len(names)}: {_join(names)}")
        return frame.set_axis(list(names), axis="columns")
    if absent := [name for name in names if name not in found]:
        raise DataError(f"the rows lack the columns {_join(absent)}; the model takes {_join(names)}")
    if twice := [name for name in names if found.count(name) > 1]:
        raise DataError(f"the rows have several columns {twice[0]!r}; expected one")
    if unused := [name for name in found if name not in names]:
        warnings.warn(
            f"columns that are no features of the model are not used: {_join(unused)}", UnusedColumnsWarning, 4
        )
    return frame[list(names)]


def _listed(names: Sequence[str], given: Any) -> pd.DataFrame:  # noqa: ANN401  (rows of any kind)
    """Return an array, lists or dictionaries as a frame."""
    if isinstance(given, Mapping):
        given = [given]
    if hasattr(given, "__array__"):
        given = np.asarray(given)
    if isinstance(given, np.ndarray):
        given = given[None] if given.ndim == 1 else given
        if given.ndim == 2 and given.shape[1] == len(names):
            return pd.DataFrame(given, columns=list(names))
        raise DataError(f"rows of shape {list(given.shape)}; expected [rows, {len(names)}]")
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise DataError(f"rows: {given!r:.60}; expected a frame, an array, lists or dictionaries")
    rows = list(given)
    if rows and not any(map(_is_row, rows)):
        rows = [rows]
    vectors = [_vector(names, each, place) for place, each in enumerate(rows)]
    return pd.DataFrame(vectors, columns=list(names), dtype=object)


def _is_row(value: object) -> bool:
    return isinstance(value, Mapping | Sequence | np.ndarray) and not isinstance(value, str | bytes)


def _vector(names: Sequence[str], given: Any, place: int) -> list[Any]:  # noqa: ANN401  (a row of any kind)
    """Return one row as a list of values in the order of the features."""
    if isinstance(given, Mapping):
        if absent := [name for name in names if name not in given]:
            raise DataError(f"row {place}: {_join(absent)} missing; the model takes {_join(names)}")
        if unknown := [name for name in given if name not in names]:
            raise DataError(f"row {place}: {_join(unknown)} not known; the model takes {_join(names)}")
        return [given[name] for name in names]
    if not _is_row(given):
        raise DataError(f"row {place}: {given!r:.60}; expected a list or a dictionary")
    if len(given) != len(names):
        raise DataError(f"row {place}: {len(given)} values; the model takes {len(names)}: {_join(names)}")
    return list(given)


def _codes(feature: Feature, values: pd.Series, row: Row, *, from_frame: bool) -> Floats:
    """Return the values of one feature as the graph receives them, float64 [rows]."""
    subject = f"column {feature.name!r}"
    missing = values.isna().to_numpy()
    if feature.kind == "numeric" and values.dtype.kind in "iuf":
        codes = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        decode = _decoder(feature, from_frame=from_frame)
        decoded = [None if absent else decode(value) for value, absent in zip(values, missing, strict=True)]
        _refuse(feature, values, np.array([code is None for code in decoded], dtype=np.bool_) & ~missing, row)
        codes = np.array(decoded, dtype=np.float64)
    refuse_beyond_float32(subject, codes, row)
    codes = to_float32(codes)
    _refuse(feature, values, ~valid_values(feature, codes), row)
    if feature.kind == "numeric":
        _refuse_far(feature, codes, row)
    return codes


def _decoder(feature: Feature, *, from_frame: bool) -> Callable[[Any], Any]:
    """Return a function from a value to its code, or None; in a frame, a number can be the name of a category."""
    decode = value_decoder(feature, tensor=False)
    named = from_frame and feature.kind == "categorical" and feature.has_numeric_names

    def convert(value: Any) -> Any:  # noqa: ANN401  (a value of any kind)
        value = value.item() if isinstance(value, np.generic) else value
        value = float(value) if isinstance(value, Decimal) else value
        return decode(str(to_label(value)) if named and not isinstance(value, bool) else value)

    return convert


def _refuse(feature: Feature, values: pd.Series, wrong: NDArray[np.bool_], row: Row) -> None:
    """Refuse values that a feature cannot have."""
    if not wrong.any():
        return
    value = values[wrong].iloc[0]
    found = "no value" if pd.isna(value) else f"{value.item() if isinstance(value, np.generic) else value!r:.80}"
    expected = describe_expected(feature, tensor=False)
    raise DataError(f"column {feature.name!r}, {row(wrong)}: {found}; expected {expected}")


def _refuse_far(feature: Feature, codes: Floats, row: Row) -> None:
    """Refuse numbers too far from the training range, as the service does."""
    low, high = np.float32(feature.minimum), np.float32(feature.maximum)
    margin = MAX_RANGES * (high - low)
    far = (codes < low - margin) | (codes > high + margin)
    if far.any():
        raise DataError(
            f"column {feature.name!r}, {row(far)}: {codes[far][0]:.8g} is more than {MAX_RANGES} ranges away from where"
            f" the model was trained, [{feature.minimum:.8g}, {feature.maximum:.8g}]"
        )


def _join(names: Sequence[Any]) -> str:
    return ", ".join(map(repr, names[:MAX_NAMES])) + (", ..." if len(names) > MAX_NAMES else "")

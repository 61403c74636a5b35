"""Declared kinds of columns: numbers that are names, and categories that have an order."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from enn_training.data.dataset import to_label
from enn_training.errors import DataError, OptionError

Row = Callable[[NDArray[np.bool_]], str]


def declare(
    frame: pd.DataFrame, categorical: Collection[str], ordinal: Mapping[str, Sequence[object]], row: Row
) -> pd.DataFrame:
    """Return a frame whose declared columns are pandas categoricals, ordered or not.

    Args:
        frame: Columns of any kind.
        categorical: Names of the columns whose values are names, also if they are numbers.
        ordinal: Categories of each ordinal column, from the lowest to the highest.
        row: Function that names the first row of a mask, for error messages.

    Raises:
        OptionError: A column is absent or declared twice, or an order has fewer than two categories or one twice.
        DataError: A value is not among the declared categories.
    """
    _check(frame, categorical, ordinal)
    declared = {name: _to_categorical(frame[name], None, row) for name in categorical}
    declared |= {name: _to_categorical(frame[name], [*map(_text, order)], row) for name, order in ordinal.items()}
    return frame.assign(**declared) if declared else frame


def _check(frame: pd.DataFrame, categorical: Collection[str], ordinal: Mapping[str, Sequence[object]]) -> None:
    for name in (*categorical, *ordinal):
        if name not in frame.columns:
            raise OptionError(f"no column {name!r} to declare; it has {', '.join(map(repr, frame.columns))}")
    if both := sorted(set(categorical) & set(ordinal)):
        raise OptionError(f"column {both[0]!r} is declared categorical and ordinal; expected one of the two")
    for name, order in ordinal.items():
        texts = [*map(_text, order)]
        if isinstance(order, str) or len(texts) < 2 or len(set(texts)) < len(texts):
            raise OptionError(f"order {order!r} of column {name!r}: expected two or more different categories")


def _to_categorical(values: pd.Series, order: list[str] | None, row: Row) -> pd.Series:
    """Return a column as texts of categories: in their order, or in that of the values."""
    texts = values.map(_text, na_action="ignore").astype(object)
    if order is None:
        known = values.dropna()
        observed = known.sort_values() if pd.api.types.is_numeric_dtype(known) else known.map(_text).sort_values()
        order, ordered = [*dict.fromkeys(map(_text, observed))], False
    else:
        unknown = ~texts.isin(order).to_numpy() & values.notna().to_numpy()
        if unknown.any():
            known = ", ".join(map(repr, order))
            raise DataError(
                f"column {str(values.name)!r}, {row(unknown)}: {texts[unknown].iloc[0]!r:.80} is not in the order;"
                f" expected one of {known}"
            )
        ordered = True
    return pd.Series(pd.Categorical(texts, order, ordered=ordered), values.index, name=values.name)


def _text(value: object) -> str:
    return str(to_label(value))

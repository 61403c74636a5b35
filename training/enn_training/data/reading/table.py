"""Table: the named columns of a CSV or Parquet file; errors name the column and the row."""

import csv
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from enn_models.card.features import MAX_NAME
from enn_training.data.reading.csv_layout import detect_layout
from enn_training.data.reading.source import OPENERS, STANDARD_INPUT, Source
from enn_training.data.splits import MIN_ROWS
from enn_training.errors import DataError, TableWarning

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
DECIMAL_COMMA = r"\s*[-+]?(\d+(,\d*)?|,\d+)(e[-+]?\d+)?\s*"
THOUSANDS = r"\s*[-+]?\d{1,3}(,\d{3})+\s*"


@dataclass(frozen=True, eq=False)
class Table:
    """Hold the columns of a file.

    Attributes:
        frame: Columns of the file.
        path: Path of the file.
        lines: Line of a text on which each row begins, counted from 1, int64 [rows]; None for Parquet.
    """

    frame: pd.DataFrame
    path: Path
    lines: NDArray[np.int64] | None

    def row(self, mask: ArrayLike) -> str:
        """Return the line of a text, or the row of Parquet from 1 on, for the first row for which mask is true."""
        index = int(np.flatnonzero(np.asarray(mask))[0])
        return f"row {index + 1}" if self.lines is None else f"line {self.lines[index]}"


def read_table(path: Path) -> Table:
    """Return the table of a text with separated values or of a Parquet file, by the suffix of the name.

    Args:
        path: File that ends in .csv, .tsv, .txt or .parquet, a text also compressed (.gz, .bz2 or .xz); "-" for a text
            on standard input.

    Raises:
        DataError: The file has another suffix, cannot be read or is empty, or two columns have the same name.
    """
    try:
        return _check(_read(Source.of(path)))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except (OSError, EOFError, ValueError, ImportError, csv.Error) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path}: cannot be read: {reason}") from None


def _read(source: Source) -> Table:
    """Return the table of a source, by the suffix of its name."""
    if source.suffix == ".parquet":
        return Table(_read_parquet(source.path), source.path, None)
    if source.suffix in TEXT_SUFFIXES or source.path == STANDARD_INPUT:
        return _read_text(source)
    known = ", ".join((*TEXT_SUFFIXES, ".parquet"))
    raise DataError(f"ending {source.path.suffix!r}; expected one of {known}, a text also with {', '.join(OPENERS)}")


def _read_parquet(path: Path) -> pd.DataFrame:
    """Return the columns of a Parquet file; a named index is a column like any other, and decimals are numbers."""
    frame = pd.read_parquet(path)
    if frame.index.names != [None]:
        frame = frame.reset_index()
    frame.columns = [str(name) for name in frame.columns]
    for position in range(frame.shape[1]):
        values = frame.iloc[:, position]
        if pd.api.types.infer_dtype(values) == "decimal":
            frame.isetitem(position, values.to_numpy(dtype=np.float64, na_value=np.nan))
    return frame


def _read_text(source: Source) -> Table:
    """Return the table of a text with separated values."""
    layout = detect_layout(source)
    with layout.open_records(source) as text:
        # The types are those of whole columns: in parts, one text among numbers would leave both in the column.
        frame = pd.read_csv(
            text,
            sep=layout.separator,
            header=None,
            names=range(len(layout.names)),
            index_col=False,
            skip_blank_lines=True,
            low_memory=False,
        )
    if len(frame) != len(layout.lines):
        raise DataError(f"{len(frame)} rows in {len(layout.lines)} records; expected as many: quote every text")
    frame, names = _name_columns(frame, layout.names)
    frame.columns = names
    return Table(frame if layout.separator == "," else _read_decimal_commas(frame), source.path, layout.lines)


def _read_decimal_commas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which columns of numbers with a decimal comma are numbers; a warning names each of them.

    A comma before three digits can also separate thousands: such values alone leave the column as it is.
    """
    for place, name in enumerate(frame.columns):
        values = frame.iloc[:, place]
        if not pd.api.types.is_string_dtype(values.dtype):
            continue
        known = values.dropna().astype(str)
        certain = known.str.contains(",") & ~known.str.fullmatch(THOUSANDS)
        if certain.any() and known.str.fullmatch(DECIMAL_COMMA).all():
            numbers = values.str.replace(",", ".").to_numpy(dtype=np.float64, na_value=np.nan)
            frame = frame.assign(**{str(name): numbers})
            warnings.warn(f"column {name!r}: commas are read as decimal points", TableWarning, 4)
    return frame


def _name_columns(frame: pd.DataFrame, header: tuple[str, ...]) -> tuple[pd.DataFrame, list[str]]:
    """Return a frame with a name for each column; a warning states which column without a name is left out or named."""
    kept, names = list[int](), list[str]()
    for place, name in enumerate(header):
        values, title = frame.iloc[:, place], f"column {place + 1}"
        if name.strip():
            kept.append(place)
            names.append(name)
        elif values.isna().all():
            warnings.warn(f"{title} is left out: it has neither a name nor a value", TableWarning, 4)
        elif place == 0 and values.is_unique and values.notna().all():
            warnings.warn(
                f"{title} is left out: it has no name and different values, as the names or numbers of rows have;"
                " give it a name in the header to learn from it",
                TableWarning,
                4,
            )
        else:
            warnings.warn(f"{title} has no name in the header and is called {title!r}", TableWarning, 4)
            kept.append(place)
            names.append(title)
    return frame.iloc[:, kept], names


def _check(table: Table) -> Table:
    """Return the table.

    Raises:
        DataError: It has no rows, a column name is too long, or two columns have the same name.
    """
    names = table.frame.columns
    if long := [name for name in names if not 1 <= len(name) <= MAX_NAME]:
        raise DataError(f"column name {long[0][:60]!r}: expected 1 to {MAX_NAME} characters; rename it")
    if not names.is_unique:
        twice = min(names[names.duplicated()])
        raise DataError(f"column {twice!r} is there {int((names == twice).sum())} times; rename all but one")
    if table.frame.empty:
        raise DataError(f"no rows; expected at least {MIN_ROWS}")
    return table

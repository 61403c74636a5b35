"""Table: the named columns of a CSV or Parquet file; errors name the column and the row."""

import csv
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from enn_models.card.features import MAX_NAME
from enn_training.data.columns.declarations import declare
from enn_training.data.reading.csv_layout import Layout, detect_layout
from enn_training.data.reading.names import name_columns
from enn_training.data.reading.options import ReadingOptions
from enn_training.data.reading.source import OPENERS, STANDARD_INPUT, Source
from enn_training.data.reading.values import read_values
from enn_training.data.sampling.splits import MIN_ROWS
from enn_training.errors import DataError, TableWarning

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class TextForm:
    """Describe the form in which a text was read.

    Attributes:
        encoding: Name of the encoding.
        separator: Character between two values.
        decimal: Character before decimals; empty if the text does not tell.
    """

    encoding: str
    separator: str
    decimal: str


@dataclass(frozen=True, eq=False)
class Table:
    """Hold the columns of a file.

    Attributes:
        frame: Columns of the file.
        path: Path of the file.
        lines: Line of a text on which each row begins, counted from 1, int64 [rows]; None for Parquet.
        notes: Sentences by column about values that are not read as they stand.
        text: Form of a text; None for Parquet.
    """

    frame: pd.DataFrame
    path: Path
    lines: NDArray[np.int64] | None
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    text: TextForm | None = None

    def take(self, mask: NDArray[np.bool_]) -> "Table":
        """Return the table of the rows for which mask is true."""
        return replace(self, frame=self.frame[mask], lines=None if self.lines is None else self.lines[mask])

    def declare(self, categorical: Collection[str], ordinal: Mapping[str, Sequence[object]]) -> "Table":
        """Return the table with columns that are categories as the user says; arguments and errors as in `declare`."""
        return replace(self, frame=declare(self.frame, categorical, ordinal, self.row))

    def row(self, mask: ArrayLike) -> str:
        """Return the line of a text, or the row of Parquet from 1 on, for the first row for which mask is true."""
        index = int(np.flatnonzero(np.asarray(mask))[0])
        return f"row {index + 1}" if self.lines is None else f"line {self.lines[index]}"


def read_table(path: Path, options: ReadingOptions | None = None) -> Table:
    """Return the table of a text with separated values or of a Parquet file, by the suffix of the name.

    Args:
        path: File that ends in .csv, .tsv, .txt or .parquet, a text also compressed (.gz, .bz2 or .xz); "-" for a text
            on standard input.
        options: Form of a text; None to infer all of it.

    Raises:
        DataError: The file has another suffix, cannot be read or is empty, or two columns have the same name.
    """
    try:
        return _check(_read(Source.of(path), options or ReadingOptions()))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except (OSError, EOFError, ValueError, ImportError, csv.Error) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path}: cannot be read: {reason}") from None


def _read(source: Source, options: ReadingOptions) -> Table:
    """Return the table of a source, by the suffix of its name."""
    if source.suffix == ".parquet":
        return Table(_read_parquet(source.path), source.path, None)
    if source.suffix in TEXT_SUFFIXES or source.path == STANDARD_INPUT:
        return _read_text(source, options)
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


def _read_text(source: Source, options: ReadingOptions) -> Table:
    """Return the table of a text with separated values."""
    layout = detect_layout(source, options)
    frame = _read_records(source, layout, options)
    if len(frame) != len(layout.lines):
        raise DataError(
            f"{len(frame)} rows in {len(layout.lines)} records; expected as many: quote every text, or name another"
            " separator with --separator"
        )

    def read_texts(places: Sequence[int]) -> pd.DataFrame:
        return _read_records(source, layout, options, places) if places else pd.DataFrame()

    values = read_values(frame, read_texts, options, layout.separator)
    kept, names = name_columns(values.frame, layout.names)
    kept.columns = list(names.values())
    notes = {name: tuple(values.notes.get(place, ())) for place, name in names.items()}
    for name, sentences in notes.items():
        if sentences:
            warnings.warn(f"column {name!r}: {'; '.join(sentences)}", TableWarning, 4)
    text = TextForm(layout.encoding, layout.separator, values.decimal)
    return Table(kept, source.path, layout.lines, notes, text)


def _read_records(
    source: Source, layout: Layout, options: ReadingOptions, places: Sequence[int] | None = None
) -> pd.DataFrame:
    """Return the columns as pandas infers them, or some of them as texts."""
    with layout.open_records(source) as text:
        # The types are those of whole columns: in parts, one text among numbers would leave both in the column.
        return pd.read_csv(
            text,
            sep=layout.separator,
            header=None,
            names=range(len(layout.names)),
            index_col=False,
            skip_blank_lines=True,
            low_memory=False,
            usecols=None if places is None else list(places),
            dtype=None if places is None else str,
            keep_default_na=False,
            na_filter=places is None,
            na_values=list(options.number_markers),
            decimal=options.decimal or ".",
        )


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

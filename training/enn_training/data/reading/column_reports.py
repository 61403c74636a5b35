"""Understanding of one column: kind, range or categories, missing values, and the reason if it is left out."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from enn_training.data import dataframes as frames
from enn_training.data.columns import Column
from enn_training.data.dataset import to_label
from enn_training.errors import DataError

BOOLEAN_WORDS = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"))
"""Pairs of words for true and false in any case."""
SENTINELS = (-9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999)
"""Numbers that people write for a missing value."""
IDENTIFIER_NAME = re.compile(r"(.*[\W_])?(id|uuid|guid|index|key|row)", re.IGNORECASE)
CAMEL_IDENTIFIER = re.compile(r".*[a-z](Id|ID)")
FREE_TEXT_SPACES = 2
"""Smallest mean number of spaces in a free text."""
MAX_SHOWN = 10
MAX_TEXT = 40


@dataclass(frozen=True)
class ColumnReport:
    """State the way in which a column is understood.

    Attributes:
        name: Name of the column.
        role: "feature", "target" or "left out".
        kind: "numeric", "categorical", "boolean", or "text" for a column that cannot be used.
        missing: Number of missing values.
        minimum: Smallest number; None for other kinds.
        maximum: Largest number; None for other kinds.
        categories: Texts of the categories.
        notes: Sentences about values that are not read as they stand, or that look wrong.
        reason: Reason for which the column is left out; empty if it is used.
        column: Column to learn from; None if it is left out or the target.
    """

    name: str
    role: Literal["feature", "target", "left out"]
    kind: str
    missing: int
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    column: Column | None = None

    def line(self) -> str:
        """Return the report as one line."""
        begin = f"{'target' if self.role == 'target' else 'column'} {self.name!r}"
        if self.role == "left out":
            return f"{begin}: left out: {self.reason}"
        values = self.kind
        if self.minimum is not None:
            values += f", {self.minimum:g} to {self.maximum:g}"
        elif self.categories:
            texts = [text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..." for text in self.categories[:MAX_SHOWN]]
            more = ", ..." if len(self.categories) > MAX_SHOWN else ""
            values += f", {len(self.categories)}: {', '.join(texts)}{more}"
        parts = [values, *([f"{self.missing} missing"] if self.missing else []), *self.notes]
        return f"{begin}: {'; '.join(parts)}"

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON types; what does not apply is left out."""
        found = {
            "name": self.name,
            "role": self.role,
            "kind": self.kind,
            "missing": self.missing,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "categories": list(self.categories),
            "notes": list(self.notes),
            "reason": self.reason,
        }
        return {key: value for key, value in found.items() if value not in (None, "", [])}


def to_booleans(values: pd.Series) -> pd.Series | None:
    """Return a column of texts as booleans; None if it does not hold both words of a pair, and no others."""
    known = values.dropna()
    if pd.api.types.infer_dtype(known) != "string" or known.nunique() > MAX_SHOWN:
        return None
    found = {str(text).lower() for text in known.unique()}
    pair = next((pair for pair in BOOLEAN_WORDS if found == set(pair)), None)
    if pair is None:
        return None
    return values.map(lambda text: str(text).lower() == pair[0], na_action="ignore").astype(object)


def words_to_booleans(frame: pd.DataFrame, names: Collection[str]) -> pd.DataFrame:
    """Return a frame in which words for true and false are booleans; other values are unchanged.

    Args:
        frame: Columns.
        names: Names of the columns that a model knows as booleans.
    """
    words = {word: pair[0] == word for pair in BOOLEAN_WORDS for word in pair}
    texts = [name for name in names if frame[name].dtype.kind not in "biuf"]

    def converted(value: object) -> object:
        return words.get(value.lower(), value) if isinstance(value, str) else value

    return frame.assign(**{name: frame[name].map(converted).astype(object) for name in texts})


def understand_feature(
    values: pd.Series, row: frames.Row, notes: Sequence[str] = (), *, asked: bool = False, as_text: bool = False
) -> tuple[ColumnReport, pd.Series]:
    """Return the report of a column to learn from, and its values.

    A column without information, of identifiers or of free text is left out.

    Args:
        values: Values of the column.
        row: Function that names the first row of a mask, for error messages.
        notes: Notes of reading.
        asked: True to use the column although it seems to hold identifiers.
        as_text: True to keep words for true and false as texts.

    Raises:
        DataError: A value cannot be used, or a column that is asked for has no information.
    """
    booleans = None if as_text else to_booleans(values)
    if booleans is not None:
        true = next(str(text) for text, value in zip(values, booleans, strict=True) if value is True)
        notes = (*notes, f"{true!r} is read as true, the other word as false")
        values = booleans
    report = describe(values, "feature", notes)
    try:
        column = frames.infer_column(values, row)
    except frames.UnusableColumnError as error:
        reason = error.reason if values.isna().all() else f"{_kind_of_texts(values)}: {error.reason}"
        if asked:
            raise
        return replace(report, role="left out", kind="text", reason=reason, notes=()), values
    reason = _without_information(values, column)
    if not reason and not asked and (found := _identifiers(values, column)):
        reason = f"{found}; --with {column.name} keeps it"
    if reason:
        if asked:
            raise DataError(f"column {column.name!r} cannot be kept: {reason}")
        return replace(report, role="left out", reason=reason), values
    if note := frames.pool_note(column, values):
        report = replace(report, notes=(*report.notes, note))
    return replace(report, kind=column.kind, categories=column.categories, column=column), values


def describe(values: pd.Series, role: Literal["feature", "target"], notes: Sequence[str] = ()) -> ColumnReport:
    """Return the report of a column with its kind by the type of its values."""
    known, name = values.dropna(), str(values.name)
    missing = int(values.isna().sum())
    if known.empty or not pd.api.types.is_numeric_dtype(known) or known.dtype.kind == "b":
        kind = "boolean" if len(known) and all(isinstance(value, bool | np.bool_) for value in known) else "categorical"
        return ColumnReport(name, role, kind, missing, notes=tuple(notes))
    low, high = float(known.min()), float(known.max())
    return ColumnReport(name, role, "numeric", missing, low, high, notes=(*notes, *_sentinel_notes(known)))


def _kind_of_texts(values: pd.Series) -> str:
    """Return the kind of a column of too many different texts."""
    known = values.dropna()
    if known.astype(str).str.count(" ").mean() >= FREE_TEXT_SPACES:
        return "free text"
    return "identifiers" if known.is_unique else "too many categories"


def _without_information(values: pd.Series, column: Column) -> str:
    """Return the reason for which nothing can be learned from a column; empty if something can."""
    constant = not column.missing and values.nunique() == 1
    return f"all its values are {to_label(values.iloc[0])}" if constant else ""


def _identifiers(values: pd.Series, column: Column) -> str:
    """Return a description of a column of row numbers or identifiers; empty for another one."""
    if column.kind != "numeric" or column.missing or values.dtype.kind not in "iu" or not values.is_unique:
        return ""
    if (np.diff(values.to_numpy(dtype=np.float64)) == 1).all():
        return "numbers of the rows, one more in each"
    named = IDENTIFIER_NAME.fullmatch(column.name) or CAMEL_IDENTIFIER.fullmatch(column.name)
    return f"identifiers: {len(values)} different whole numbers" if named else ""


def _sentinel_notes(known: pd.Series) -> list[str]:
    """Return a note for each number that seems to stand for a missing value."""
    notes = list[str]()
    for number in SENTINELS:
        count = int((known == number).sum())
        others = known[known != number]
        if count < 2 or others.nunique() < 2:
            continue
        low, high = float(others.min()), float(others.max())
        if max(low - number, number - high) > high - low:
            notes.append(
                f"{count} values are {number}, far from the others ({low:g} to {high:g}), and are read as numbers;"
                f" --missing {number} reads them as missing values"
            )
    return notes

"""Values of the columns of a text: numbers in many forms, texts, and the markers of missing values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from enn_training.data.reading import number_formats
from enn_training.data.reading.number_formats import Written
from enn_training.data.reading.options import MARKERS, ReadingOptions

MAX_MARKERS = 5
"""Largest number of markers that a note shows."""
LEADING_ZERO = r"[-+]?0\d+"
ReadTexts = Callable[[Sequence[int]], pd.DataFrame]


@dataclass(eq=False)
class Values:
    """Values of all columns, with notes about what does not stand in the text as it is read.

    Attributes:
        frame: Columns by place in the text.
        notes: Sentences by place of the column.
        decimal: Character before decimals.
    """

    frame: pd.DataFrame
    decimal: str
    notes: dict[int, list[str]] = field(default_factory=dict[int, list[str]])

    def set(self, place: int, values: pd.Series | np.ndarray, notes: list[str]) -> None:
        """Replace the values of a column and add notes."""
        self.frame.isetitem(place, values.array if isinstance(values, pd.Series) else values)
        self.note(place, notes)

    def note(self, place: int, notes: list[str]) -> None:
        """Add notes about a column."""
        if notes:
            self.notes.setdefault(place, []).extend(notes)


def read_values(frame: pd.DataFrame, read_texts: ReadTexts, options: ReadingOptions, separator: str) -> Values:
    """Return the values of the columns of a text.

    Args:
        frame: Columns as pandas reads them, with the markers of missing numbers as NaN.
        read_texts: Function that reads the columns at some places as they are written.
        options: Options of the user.
        separator: Character between two values.
    """
    places = [place for place in range(frame.shape[1]) if not _is_complete(frame.iloc[:, place])]
    texts = read_texts(places)
    found = Values(frame, options.decimal or ".")
    numbers = dict[int, tuple[pd.Series, list[Written]]]()
    for place in places:
        stripped = texts[place].str.strip()
        known = ~stripped.isin(options.number_markers)
        if _is_typed(frame.iloc[:, place]):
            found.note(place, [*_marker_notes(stripped[~known]), *_zero_notes(frame.iloc[:, place], stripped)])
        elif (written := _parse(stripped[known], options)) is not None:
            numbers[place] = (stripped, written)
        else:
            _set_texts(found, place, texts[place], stripped, options)
    found.decimal = options.decimal or _decimal([written for _, written in numbers.values()], frame, separator)
    for place, (stripped, written) in numbers.items():
        _set_numbers(found, place, stripped, written, options)
    if found.decimal == "," and options.decimal is None:
        _reread_thousands(found, [place for place in range(frame.shape[1]) if place not in places], read_texts)
    return found


def _is_complete(values: pd.Series) -> bool:
    """Return True if pandas has read values of which nothing else is to be known."""
    return values.dtype.kind == "b" or (values.dtype.kind == "f" and bool(values.notna().all()))


def _is_typed(values: pd.Series) -> bool:
    """Return True if pandas has read numbers or booleans."""
    if values.dtype.kind in "iuf":
        return True
    return values.dtype == object and all(isinstance(value, bool) for value in values.dropna())


def _parse(known: pd.Series, options: ReadingOptions) -> list[Written] | None:
    """Return the parts of the different texts of a column; None if it holds no numbers."""
    written = number_formats.parse_all(known.unique())
    if not written:
        return None
    possible = number_formats.conventions(written)
    return written if (options.decimal in possible if options.decimal else possible) else None


def _decimal(columns: Sequence[Sequence[Written]], frame: pd.DataFrame, separator: str) -> str:
    """Return the character before decimals in a text; empty if nothing tells.

    A comma that can be nothing else decides, if no point can be nothing else. Where commas separate values, or pandas
    has read numbers with a point, commas separate thousands.
    """
    certain = {number_formats.conventions(written) for written in columns}
    if (",",) in certain and (".",) not in certain:
        return ","
    return "." if separator == "," or (".",) in certain or any(dtype.kind == "f" for dtype in frame.dtypes) else ""


def _set_numbers(
    found: Values, place: int, stripped: pd.Series, written: list[Written], options: ReadingOptions
) -> None:
    """Store a column of numbers; one that the decimal character of the text leaves open stays as it is, with a note."""
    missing = stripped.isin(options.number_markers)
    ambiguous = number_formats.is_ambiguous(written)
    decimal = found.decimal if ambiguous else number_formats.conventions(written)[0]
    if not decimal:
        value = next(each.body for each in written if "," in each.body or "." in each.body)
        note = f"{value!r} can have decimals or thousands: the column stays text; --decimal . or --decimal , tells"
        found.set(place, stripped.mask(missing), [note])
        return
    codes, _ = pd.factorize(stripped[~missing])
    numbers = np.full(len(stripped), np.nan)
    numbers[~missing.to_numpy()] = np.array([each.value(decimal) for each in written])[codes]
    notes = number_formats.describe(written, decimal)
    hint = ["--decimal changes this"] if ambiguous and options.decimal is None else []
    found.set(place, numbers, [*notes, *hint, *_marker_notes(stripped[missing])])


def _set_texts(found: Values, place: int, texts: pd.Series, stripped: pd.Series, options: ReadingOptions) -> None:
    """Store a column of texts without the spaces around them."""
    missing = stripped.isin(options.text_markers)
    notes = _marker_notes(stripped[missing])
    if kept := [text for text in options.text_markers if text in MARKERS and text and (stripped == text).any()]:
        notes.append(f"--keep {kept[0]} keeps it as a category")
    if spaces := int(((texts != stripped) & ~missing).sum()):
        notes.append(f"spaces around {spaces} text(s) are left out")
    found.set(place, stripped.mask(missing), notes)


def _reread_thousands(found: Values, places: Sequence[int], read_texts: ReadTexts) -> None:
    """Read the points between three digits as those of thousands, in a text with decimal commas."""
    floats = [place for place in places if found.frame.dtypes.iloc[place].kind == "f"]
    texts = read_texts(floats)
    for place in floats:
        stripped = texts[place].str.strip()
        written = number_formats.parse_all(stripped.unique())
        if written and number_formats.is_ambiguous(written):
            notes = [*number_formats.describe(written, ","), "--decimal . changes this"]
            codes, _ = pd.factorize(stripped)
            found.set(place, np.array([each.value(",") for each in written])[codes], notes)


def _marker_notes(markers: pd.Series) -> list[str]:
    """Return a note about the texts of a column that are taken for missing values."""
    counts = markers[markers != ""].value_counts()
    if counts.empty:
        return []
    shown = ", ".join(f"{text!r} ({count})" for text, count in counts.head(MAX_MARKERS).items())
    more = ", ..." if len(counts) > MAX_MARKERS else ""
    return [f"{shown}{more} {'is' if len(counts) == 1 else 'are'} read as missing"]


def _zero_notes(values: pd.Series, texts: pd.Series) -> list[str]:
    """Return a note about whole numbers with leading zeros, which codes have."""
    if values.dtype.kind not in "iuf":
        return []
    zeros = texts[texts.str.fullmatch(LEADING_ZERO)]
    return [f"leading zeros are left out, as those of {zeros.iloc[0]!r}"] if len(zeros) else []

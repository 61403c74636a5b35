"""Layout of a CSV text: encoding, separator, header, and the line on which each record begins."""

import csv
import warnings
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from enn_training.data.reading.options import ReadingOptions
from enn_training.data.reading.source import Source
from enn_training.errors import DataError, TableWarning

SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 50
"""Number of lines from which the separator is inferred."""
FALLBACK = "cp1252"
"""Encoding of a text that is not UTF-8: that of Western versions of Windows."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Describe how a text is divided into values.

    Attributes:
        encoding: Name of the encoding.
        separator: Character between two values.
        comments: Number of lines before the header that are comments.
        names: Name of each value of a record as the header writes it; empty for a value that the header does not name.
        lines: Number of the line on which each record begins, counted from 1, int64 [records].
    """

    encoding: str
    separator: str
    comments: int
    names: tuple[str, ...]
    lines: NDArray[np.int64]

    def open_records(self, source: Source) -> TextIOWrapper:
        """Open the text at the first record after the header."""
        text = source.open_text(self.encoding)
        _read_header(text, self.separator, self.comments)
        return text


def detect_layout(source: Source, options: ReadingOptions) -> Layout:
    """Return the layout of a text; a warning states each part of it that is left out.

    The encoding is that of the byte order mark, or else UTF-8, or else Windows-1252, if no option names it.

    Raises:
        DataError: The text is empty or not in its encoding, or a record has another number of values than the header.
    """
    encoding = options.encoding or source.marked_encoding()
    try:
        return _layout(source, encoding or "utf-8", options)
    except UnicodeError as error:
        if encoding is not None:
            raise DataError(f"the text is not in {encoding}: {error}; name another one with --encoding") from None
    try:
        layout = _layout(source, FALLBACK, options)
    except UnicodeError:
        raise DataError(f"the text is neither in UTF-8 nor in {FALLBACK}; name the encoding with --encoding") from None
    warnings.warn(
        f"the text is not in UTF-8: it is read as {FALLBACK}; if it is in another one, name it with --encoding",
        TableWarning,
        2,
    )
    return layout


def _layout(source: Source, encoding: str, options: ReadingOptions) -> Layout:
    """Return the layout of a text in a known encoding."""
    with source.open_text(encoding) as text:
        lines = list(islice(text, SAMPLE))
    comments = next((number for number, line in enumerate(lines) if not line.startswith("#")), 0)
    separator = options.character or _detect_separator(lines[comments:])
    widths = [_widths(lines[start : start + 1], separator) for start in (comments - 1, comments)]
    if comments and widths[0] == widths[1]:
        comments -= 1  # the last line that begins with "#" has a name for each value: it is the header
    with source.open_text(encoding) as text:
        names, header_end = _read_header(text, separator, comments)
        layout = _scan(text, Layout(encoding, separator, comments, names, np.zeros(0, np.int64)), header_end)
    if comments:
        warnings.warn(f"the first {comments} line(s) are left out: comments", TableWarning, 2)
    return layout


def _detect_separator(lines: Sequence[str]) -> str:
    """Return the separator that gives all records as many values as the header, or one more, and the most of them."""
    best, most = SEPARATORS[0], 1
    for regular in (True, False):
        for separator in SEPARATORS:
            header, *others = _widths(lines, separator) or [0]
            if header > most and (not regular or set(others) <= {header} or set(others) <= {header + 1}):
                best, most = separator, header
        if most > 1:
            break
    return best


def _widths(lines: Sequence[str], separator: str) -> list[int]:
    """Return the number of values of each record of some lines; a last one that they may cut off is left out."""
    widths = [len(record) for record in csv.reader(lines, delimiter=separator) if record]
    return widths[:-1] if len(lines) == SAMPLE and len(widths) > 2 else widths


def _read_header(text: TextIOWrapper, separator: str, comments: int) -> tuple[tuple[str, ...], int]:
    """Read to the end of the header, and return its names and the number of its last line.

    Raises:
        DataError: The text has no header.
    """
    for _ in range(comments):
        next(text)
    reader = csv.reader(text, delimiter=separator)
    for record in reader:
        if any(name.strip() for name in record):
            return tuple(record), comments + reader.line_num
    raise DataError("no header; expected the names of the columns on the first line")


def _scan(text: TextIOWrapper, layout: Layout, header_end: int) -> Layout:
    """Return the layout with the lines of all records, and with an empty first name if the header lacks it.

    Raises:
        DataError: A record has another number of values than the header.
    """
    names, lines, blank = layout.names, array("q"), array("q")
    expected = len(names)
    last_is_empty = True
    reader = csv.reader(text, delimiter=layout.separator)
    begin = header_end + 1
    for record in reader:
        width = len(record)
        if not lines and width == len(names) + 1:
            expected = width
        if width == expected:
            lines.append(begin)
            last_is_empty = last_is_empty and not record[-1]
        elif width < 2 and not "".join(record).strip():
            blank.append(begin)
        else:
            raise DataError(_describe_width(layout, begin, width, expected))
        begin = header_end + reader.line_num + 1
    if blank:
        warnings.warn(f"{len(blank)} blank line(s) are left out, the first of them line {blank[0]}", TableWarning, 2)
    if lines and expected > len(names):
        names = (*names, "") if last_is_empty else ("", *names)
    return Layout(layout.encoding, layout.separator, layout.comments, names, np.array(lines, dtype=np.int64))


def _describe_width(layout: Layout, line: int, found: int, expected: int) -> str:
    more = "" if expected == len(layout.names) else f", the first record {expected}"
    return (
        f"line {line}: {found} value(s); the header has {len(layout.names)} name(s){more}, separated by"
        f" {layout.separator!r}; complete the line, close its quotes, or name another separator with --separator"
    )

"""CSV files in blocks of whole lines, which several threads parse at once."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from enn_models.card import Card
from enn_service.scoring.errors import ScoreError
from enn_service.scoring.rows import Rows

MISSING = frozenset(
    [
        "",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "NA",
        "NULL",
        "NaN",
        "None",
        "nan",
        "null",
        "?",
        "-",
        "--",
        ".",
        "..",
        "n.a.",
        "(null)",
    ]
) | {"N/A", "n/a", "#N/A", "#N/A N/A"}
"""Texts that stand for a missing value, as in training; a text that is the name of a category is that category."""
BOM = b"\xef\xbb\xbf"
MAX_LINE_BYTES = 2**26
"""Maximum length of a line, and of lines that a quoted text joins."""
CELL_BYTES = 8
"""Number of bytes of a cell for which the size of a block is chosen."""


@dataclass(frozen=True)
class CsvOptions:
    """Form of a CSV file.

    Attributes:
        separator: Character between two cells; None for a tab in .tsv files and a comma in others.
        decimal: Character before the decimals.
    """

    separator: str | None = None
    decimal: str = "."


class CsvFile:
    """Lines of a CSV file in UTF-8 with a header.

    Args:
        file: Open file.
        options: Form of the file; its separator is given.

    Attributes:
        names: Names of the columns.

    Raises:
        ScoreError: The file has no header.
    """

    def __init__(self, file: BinaryIO, options: CsvOptions) -> None:
        self._file, self._options = file, options
        header = file.readline(MAX_LINE_BYTES)
        while header.count(b'"') % 2 and len(header) < MAX_LINE_BYTES and (more := file.readline(MAX_LINE_BYTES)):
            header += more
        lines = _read_lines(header.removeprefix(BOM), options.separator or ",")
        if not lines:
            raise ScoreError("no header; expected the names of the features in the first line")
        self.names = lines[0]

    def blocks(self, rows: int) -> Iterator[bytes]:
        """Yield whole lines, some at a time.

        Args:
            rows: Number of rows of the usual length in a block.

        Raises:
            ScoreError: A line is too long.
        """
        size, pending = max(2**16, rows * CELL_BYTES * len(self.names)), b""
        while data := self._file.read(size):
            pending += data
            end = _end_of_lines(pending)
            if end == 0 and len(pending) > MAX_LINE_BYTES:
                raise ScoreError(f"a line of more than {MAX_LINE_BYTES} bytes, or a quotation mark that is not closed")
            if end:
                yield pending[:end]
                pending = pending[end:]
        if pending:
            yield pending

    def parse(self, block: bytes, card: Card, columns: Sequence[str]) -> Rows:
        """Parse a block.

        Args:
            block: Whole lines.
            card: Card of the model; its numeric features become numbers.
            columns: Names of the columns to read; the others are texts.

        Raises:
            ScoreError: The text is not UTF-8.
        """
        numeric = {feature.name for feature in card.features if feature.kind == "numeric"}
        kinds = {name: pa.float64() if name in numeric else pa.string() for name in columns}
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(block),
                arrow_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=self.names),
                arrow_csv.ParseOptions(delimiter=self._options.separator, newlines_in_values=True),
                arrow_csv.ConvertOptions(
                    column_types=kinds,
                    include_columns=list(columns),
                    null_values=list(MISSING),
                    decimal_point=self._options.decimal,
                ),
            )
        except pa.ArrowInvalid:  # a cell or a line to refuse; the slower way finds which
            return self._parse_texts(block, columns, numeric)
        return Rows(table.combine_chunks().to_batches()[0] if len(table) else _empty(kinds), MISSING)

    def _parse_texts(self, block: bytes, columns: Sequence[str], numeric: set[str]) -> Rows:
        """Parse a block as texts, and find lines that are not as long as the header."""
        width, broken = len(self.names), {}
        lines = [line for line in _read_lines(block, self._options.separator or ",") if line]
        for row, line in enumerate(lines):
            if len(line) != width:
                broken[row] = f"{len(line)} values; the header has {width} columns"
                line[:] = [*line, *[""] * width][:width]
        places = {name: self.names.index(name) for name in columns}
        arrays = {name: [line[place] for line in lines] for name, place in places.items()}
        if self._options.decimal != ".":
            for name in numeric:
                arrays[name] = [text.replace(self._options.decimal, ".") for text in arrays[name]]
        kinds = [pa.field(name, pa.string()) for name in columns]
        return Rows(pa.record_batch([*map(pa.array, arrays.values())], pa.schema(kinds)), MISSING, broken)


def _empty(kinds: dict[str, pa.DataType]) -> pa.RecordBatch:
    return pa.record_batch([pa.array([], kind) for kind in kinds.values()], list(kinds))


def _end_of_lines(text: bytes) -> int:
    """Return the end of the last line whose line break is not in quotation marks; 0 without any."""
    quotes, end = text.count(b'"'), text.rfind(b"\n") + 1
    inside = quotes - text.count(b'"', end)
    while end and inside % 2:
        earlier = text.rfind(b"\n", 0, end - 1) + 1
        inside -= text.count(b'"', earlier, end)
        end = earlier
    return end


def _read_lines(text: bytes, separator: str) -> list[list[str]]:
    """Return the cells of each line.

    Raises:
        ScoreError: The text is not UTF-8, or a cell is too long.
    """
    try:
        return [*csv.reader(io.StringIO(text.decode(), newline=""), delimiter=separator)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScoreError(f"not a CSV file in UTF-8: {error}") from None

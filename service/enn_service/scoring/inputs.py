"""Files of rows as tasks that read some rows each."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import ipc, parquet

from enn_service.errors import InvalidRequestError
from enn_service.scoring.csv_blocks import CsvFile, CsvOptions
from enn_service.scoring.errors import ScoreError
from enn_service.scoring.files import Place
from enn_service.scoring.rows import Rows, check_columns
from enn_service.scoring.scorer import Scorer

ARROW_FILE = b"ARROW1"
"""First bytes of a file of the Arrow format; a stream begins otherwise."""


@dataclass(frozen=True)
class Source:
    """Rows of a file.

    Attributes:
        tasks: Tasks that read some rows each, in order.
        rows: Number of rows; None if the file does not state it.
        kept: Types of the columns to keep.
    """

    tasks: Iterator[Callable[[], Rows]]
    rows: int | None
    kept: dict[str, pa.DataType]


@contextmanager
def opened(where: Place, kind: str, options: CsvOptions, scorer: Scorer) -> Iterator[Source]:
    """Open a file of rows.

    Args:
        where: Place of the file.
        kind: Format: csv, parquet or arrow.
        options: Form of a CSV file.
        scorer: Scorer that takes the rows.

    Raises:
        ScoreError: The file is not of its format.
        InvalidRequestError: A column is missing or exists twice.
    """
    with where.reading() as file:
        try:
            if kind == "csv":
                separator = options.separator or ("\t" if ".tsv" in where.name else ",")
                yield _csv(file, replace(options, separator=separator), scorer)
            elif kind == "parquet":
                yield from _parquet(file, scorer, seekable=where.files is not None)
            else:
                yield _arrow(file, scorer)
        except pa.ArrowException as error:
            raise ScoreError(f"no valid {kind} file: {str(error).splitlines()[0]}") from None


def _csv(file: BinaryIO, options: CsvOptions, scorer: Scorer) -> Source:
    lines = CsvFile(file, options)
    _check(scorer, lines.names)
    card, columns = scorer.model.card, scorer.columns
    blocks = lines.blocks(scorer.rows_at_once)
    tasks = (partial(lines.parse, block, card, columns) for block in blocks)
    return Source(tasks, None, dict.fromkeys(scorer.keep, pa.string()))


def _parquet(file: BinaryIO, scorer: Scorer, *, seekable: bool) -> Iterator[Source]:
    """Yield the rows of a Parquet file; one from standard input is first copied to a file, because its end is read."""
    with tempfile.TemporaryFile() as copy:
        if not seekable:
            shutil.copyfileobj(file, copy)
        source = parquet.ParquetFile(file if seekable else copy, pre_buffer=False)
        _check(scorer, source.schema_arrow.names)
        batches = source.iter_batches(scorer.rows_at_once, columns=list(scorer.columns))
        tasks = (partial(Rows, batch) for batch in batches)
        yield Source(tasks, source.metadata.num_rows, _kept(scorer, source.schema_arrow))


def _arrow(file: Any, scorer: Scorer) -> Source:  # noqa: ANN401  (files of fsspec)
    """Return the rows of an Arrow file or stream."""
    if _first_bytes(file) == ARROW_FILE:
        reader = ipc.open_file(file)
        batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
    else:
        reader = batches = ipc.open_stream(file)
    _check(scorer, reader.schema.names)

    def pieces() -> Iterator[Callable[[], Rows]]:
        for batch in batches:
            for start in range(0, batch.num_rows, scorer.rows_at_once):
                yield partial(Rows, batch.select(list(scorer.columns)).slice(start, scorer.rows_at_once))

    return Source(pieces(), None, _kept(scorer, reader.schema))


def _first_bytes(file: Any) -> bytes:  # noqa: ANN401  (files of fsspec)
    """Return the first bytes of a file without reading them."""
    if file.seekable():
        first = file.read(len(ARROW_FILE))
        file.seek(0)
        return first
    return file.peek(len(ARROW_FILE))[: len(ARROW_FILE)]


def _kept(scorer: Scorer, schema: pa.Schema) -> dict[str, pa.DataType]:
    return {name: schema.field(name).type for name in scorer.keep}


def _check(scorer: Scorer, names: list[str]) -> None:
    """Check the names of the columns of a file."""
    check_columns(scorer.model.card, names)
    if unknown := [name for name in scorer.keep if name not in names]:
        raise InvalidRequestError(f"--keep {unknown[0]!r}: the file has no such column")

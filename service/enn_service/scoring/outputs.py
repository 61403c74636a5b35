"""Files of answers in each format."""

import io
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import ipc, parquet
from typing_extensions import Buffer


class Sink(ABC):
    """Open file of answers.

    Args:
        file: File to write.
        schema: Columns of the answers.
    """

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file, self._schema = _File(file), schema

    def encode(self, table: pa.Table) -> Any:  # noqa: ANN401  (what `write` takes)
        """Convert answers to what `write` takes; any thread may call this."""
        return table

    @abstractmethod
    def write(self, encoded: Any) -> None:  # noqa: ANN401  (what `encode` returns)
        """Write answers after those before."""

    @abstractmethod
    def close(self) -> None:
        """Write the end of the file."""

    def abandon(self) -> None:
        """Release what the writer holds without writing the end, so that what is there does not look finished."""
        self._file.abandoned = True
        with suppress(pa.ArrowException, OSError):
            self.close()


class _File(io.RawIOBase):
    """File that ignores what is written once it is abandoned, and that writers do not close."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file, self.abandoned = file, False

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        size = memoryview(data).nbytes
        if not self.abandoned:
            self._file.write(data)
        return size


class _CsvSink(Sink):
    """CSV; lists are JSON texts."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        super().__init__(file, schema)
        self.write(_csv_bytes(_flat(schema.empty_table()), header=True))

    def encode(self, table: pa.Table) -> bytes:
        return _csv_bytes(_flat(table), header=False)

    def write(self, encoded: bytes) -> None:
        self._file.write(encoded)

    def close(self) -> None:
        pass


class _TableSink(Sink):
    """Parquet or Arrow, by a writer of pyarrow."""

    _writer: Any

    def write(self, encoded: pa.Table) -> None:
        self._writer.write_table(encoded)

    def close(self) -> None:
        self._writer.close()


class _ParquetSink(_TableSink):
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        super().__init__(file, schema)
        self._writer = parquet.ParquetWriter(self._file, schema)


class _ArrowSink(_TableSink):
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        super().__init__(file, schema)
        self._writer = ipc.new_file(self._file, schema)


class _ArrowStreamSink(_TableSink):
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        super().__init__(file, schema)
        self._writer = ipc.new_stream(self._file, schema)


SINKS: dict[str, type[Sink]] = {
    "csv": _CsvSink,
    "parquet": _ParquetSink,
    "arrow": _ArrowSink,
    "stream": _ArrowStreamSink,
}
"""Sink of each format; an Arrow stream is for pipes."""


def _flat(table: pa.Table) -> pa.Table:
    """Return a table with lists as JSON texts."""
    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            column = table.column(place).combine_chunks()
            if not column.null_count and not len(column.flatten()):
                texts = pa.repeat("[]", len(column))
            else:
                values = column.to_pylist()
                texts = pa.array(
                    [None if each is None else orjson.dumps(each).decode() for each in values], pa.string()
                )
            table = table.set_column(place, field.name, texts)
    return table


def _csv_bytes(table: pa.Table, *, header: bool) -> bytes:
    sink = pa.BufferOutputStream()
    arrow_csv.write_csv(table, sink, arrow_csv.WriteOptions(include_header=header, batch_size=2**14))
    return sink.getvalue().to_pybytes()

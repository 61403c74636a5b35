"""Files at any address of fsspec: they are written under a temporary name, and renamed when they are complete."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast
from uuid import uuid4

import fsspec
from fsspec.utils import infer_compression

from enn_service.scoring.errors import ScoreError

STANDARD = "-"
"""Name of standard input and output."""
KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
"""Format of a file by the end of its name."""
PACKED = (".gz", ".bz2", ".xz", ".zst")
"""Ends of the names of compressed CSV files."""


@dataclass(frozen=True)
class Place:
    """File or folder in a filesystem of fsspec, or standard input or output.

    Attributes:
        files: Filesystem; None for standard input or output.
        path: Path there.
    """

    files: Any
    path: str

    @property
    def name(self) -> str:
        """Last part of the path."""
        return PurePosixPath(self.path).name

    @property
    def kind(self) -> str | None:
        """Format that the name states: csv, parquet or arrow; None for another name."""
        path = PurePosixPath(self.path)
        return KINDS.get(PurePosixPath(path.stem).suffix if path.suffix in PACKED else path.suffix)

    @property
    def is_folder(self) -> bool:
        """True for a folder that exists."""
        return self.files is not None and self.files.isdir(self.path)

    def child(self, path: str) -> "Place":
        """Return a file in this folder."""
        return Place(self.files, f"{self.path.rstrip('/')}/{path}")

    def exists(self) -> bool:
        """Return True if the file exists, complete."""
        return self.files.exists(self.path)

    def remove(self) -> None:
        """Remove the file if it exists."""
        if self.exists():
            self.files.rm(self.path)

    @contextmanager
    def reading(self) -> Iterator[BinaryIO]:
        """Open the file to read its bytes, decompressed."""
        if self.files is None:
            yield sys.stdin.buffer
            return
        try:
            opened = self.files.open(self.path, "rb", compression=infer_compression(self.path))
        except FileNotFoundError:
            raise ScoreError(f"{self.path}: no such file") from None
        with opened as file:
            yield file

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """Open the file to write it: under a hidden temporary name, until it is complete."""
        if self.files is None:
            yield cast("BinaryIO", sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        parent = PurePosixPath(self.path).parent
        temporary = f"{parent}/.{self.name}.{uuid4().hex}.partial"
        try:
            self.files.makedirs(str(parent), exist_ok=True)
            with self.files.open(temporary, "wb", compression=infer_compression(self.path)) as file:
                yield file
                _flush(file)
            self.files.mv(temporary, self.path)
        except BaseException:
            if self.files.exists(temporary):
                self.files.rm(temporary)
            raise


def place(address: str) -> Place:
    """Return the place of an address: a path, an address of fsspec such as s3://bucket/path, or -.

    Raises:
        ScoreError: The filesystem of such addresses is not installed or not known.
    """
    if address == STANDARD:
        return Place(None, STANDARD)
    try:
        files, path = fsspec.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise ScoreError(f"{address}: {error}") from None
    return Place(files, path)


def _flush(file: Any) -> None:  # noqa: ANN401  (files of fsspec)
    """Write what the system holds in memory to the disk, for a file that is on one."""
    file.flush()
    try:
        number = file.fileno()
    except (AttributeError, OSError):
        return
    os.fsync(number)

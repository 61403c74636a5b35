"""Source: the bytes of a file, of standard input or of a pipe, decompressed and decoded as often as they are read."""

import bz2
import codecs
import gzip
import lzma
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

STANDARD_INPUT = Path("-")
OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File, ".xz": lzma.LZMAFile}
"""Functions that open a compressed file for reading, by suffix."""
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""First bytes of a text and its encoding; those of UTF-32 begin with those of UTF-16."""


@dataclass(frozen=True, eq=False)
class Source:
    """Hold a place to read from.

    Attributes:
        path: Path of the file, for messages too; "-" is standard input.
        content: Decompressed bytes of a source that can be read only once; None for a file.
    """

    path: Path
    content: bytes | None

    @classmethod
    def of(cls, path: Path) -> "Source":
        """Return the source of a path; read standard input or a pipe to its end.

        Raises:
            OSError: The path cannot be read.
        """
        if path == STANDARD_INPUT:
            return cls(path, sys.stdin.buffer.read())
        if path.is_file():
            return cls(path, None)
        opener = OPENERS.get(path.suffix.lower())
        if opener is None:
            return cls(path, path.read_bytes())
        with opener(path) as file:
            return cls(path, file.read())

    @property
    def suffix(self) -> str:
        """Suffix of the table in lower case, without that of the compression; empty for standard input."""
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        return next((suffix for suffix in reversed(suffixes) if suffix not in OPENERS), "")

    def open_bytes(self) -> BinaryIO:
        """Open the decompressed bytes from the first one on."""
        opener = OPENERS.get(self.path.suffix.lower())
        if self.content is not None:
            return BytesIO(self.content)
        return self.path.open("rb") if opener is None else opener(self.path)

    def open_text(self, encoding: str) -> TextIOWrapper:
        """Open the text from its first character on, with its line endings as they are."""
        return TextIOWrapper(self.open_bytes(), encoding=encoding, newline="")

    def marked_encoding(self) -> str | None:
        """Return the encoding that a byte order mark names; None without one."""
        with self.open_bytes() as file:
            start = file.read(4)
        return next((encoding for mark, encoding in BYTE_ORDER_MARKS if start.startswith(mark)), None)

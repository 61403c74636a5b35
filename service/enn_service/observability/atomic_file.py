"""Atomic replacement of a file."""

from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file in one step, so that a reader sees either the old content or the new.

    The data is not flushed to disk: after a power failure the file may have neither content.

    Args:
        path: File to replace or create.
        data: New content.
    """
    hidden = path.with_name(f".{path.name}")
    hidden.write_bytes(data)
    hidden.replace(path)

"""The run folder: what the workers of one service tell each other through files, each of them written whole.

`unloaded/<name>` is there while a model is unloaded; `tallies/<seat>.json` is what a worker has counted;
`draining` is there once the service is to end; who copies from the source has a lock on `source`.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enn_models.repository import check_name


class RunDirectory:
    """A folder that the workers of one service share, made if it is not there.

    Args:
        path: The folder; made for its owner alone.
    """

    def __init__(self, path: Path) -> None:
        self._unloaded = path / "unloaded"
        self._draining = path / "draining"
        self.tallies = path / "tallies"
        self.source = path / "source"
        for folder in (path, self._unloaded, self.tallies):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def forget(self) -> None:
        """Remove what the workers of an earlier service have counted, and that it was to end; locks stay."""
        for path in (*self.tallies.glob("[0-9]*.json"), self._draining):
            path.unlink(missing_ok=True)

    def drain(self) -> None:
        """Say that the service is to end."""
        self._draining.touch()

    def draining(self) -> bool:
        """Return whether the service is to end."""
        return self._draining.exists()

    def unloaded(self) -> frozenset[str]:
        """Return the names of the models that are not to be served."""
        return frozenset(path.name for path in self._unloaded.iterdir())

    def unload(self, name: str) -> None:
        """Say that a model is not to be served, until load."""
        (self._unloaded / check_name(name)).touch()

    def load(self, name: str) -> None:
        """Say that a model is to be served again."""
        (self._unloaded / check_name(name)).unlink(missing_ok=True)


@contextmanager
def run_directory(path: Path | None) -> Iterator[Path]:
    """Yield the folder named, or one that is made and removed again."""
    if path is not None:
        yield path
        return
    made = Path(tempfile.mkdtemp(prefix="enn-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one; a failure of power may leave neither."""
    hidden = path.with_name(f".{path.name}")
    hidden.write_bytes(data)
    hidden.replace(path)

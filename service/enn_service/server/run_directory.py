"""The folder that the workers of one service share, or of several services with the same models."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enn_service.observability.worker_slots import free_slots


class RunDirectory:
    """Paths of the files that the workers share; creates the folders that do not exist.

    Every file is written in one step: a reader never sees half of one.

    Args:
        path: The folder. If it does not exist, it is created with access for its owner only.

    Attributes:
        unloaded: Folder with one empty file for each unloaded model.
        counters: Folder with one file of counters for each worker slot.
        source: Lock file of the worker that copies the remote repository.
    """

    def __init__(self, path: Path) -> None:
        self.unloaded = path / "unloaded"
        self.counters = path / "counters"
        self.source = path / "source"
        for folder in (path, self.unloaded, self.counters):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def reset(self) -> None:
        """Remove the counters that workers of an earlier service left.

        The counters of running workers stay: they belong to another service that shares the folder. Lock files stay:
        removing one would let two workers take the same slot. Unloaded models stay unloaded.
        """
        for path in free_slots(self.counters):
            path.unlink(missing_ok=True)


@contextmanager
def run_directory(path: Path | None) -> Iterator[Path]:
    """Yield the given folder, or a temporary one that is removed afterwards.

    Args:
        path: Folder from the settings; None to create a temporary one.
    """
    if path is not None:
        yield path
        return
    created = Path(tempfile.mkdtemp(prefix="enn-"))
    try:
        yield created
    finally:
        shutil.rmtree(created, ignore_errors=True)

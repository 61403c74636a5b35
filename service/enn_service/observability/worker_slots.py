"""Numbered slots for the workers' files: a worker takes over the slot, and the file, of one that terminated.

Files are therefore never merged or moved, which a worker killed meanwhile would leave half done, and there are hardly
more slots than workers have run at the same time.
"""

import fcntl
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path


class WorkerSlot:
    """The first free slot of a folder, taken by this worker until it releases the slot or terminates.

    An exclusive file lock marks a slot as taken. The operating system releases the lock however the worker terminates.
    Unlike a process ID, the lock is visible to workers in other containers, and on other machines if their file system
    shares locks. NFS mounted with `nolock` does not: there, workers of two machines would take the same slot.

    Args:
        folder: Existing folder of the slots. `<number>.json` is a slot's file; `<number>.lock` is its lock and is never
            removed.

    Attributes:
        path: The slot's file, which may not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        for number in count():
            self.path = folder / f"{number}.json"
            if (lock := _try_lock(self.path, fcntl.LOCK_EX)) is not None:
                self._lock = lock
                return

    def other_slots(self) -> Iterator[tuple[Path, bool]]:
        """Yield each other slot's file, and True if a running worker holds the slot."""
        for path in self.path.parent.glob("[0-9]*.json"):
            if path != self.path:
                yield path, _is_held(path)

    def release(self) -> None:
        """Release the slot; its file stays for the next worker."""
        os.close(self._lock)


def free_slots(folder: Path) -> Iterator[Path]:
    """Yield the file of each slot that no running worker holds."""
    for path in folder.glob("[0-9]*.json"):
        if not _is_held(path):
            yield path


def _is_held(path: Path) -> bool:
    """Return True if a running worker holds a slot."""
    # A shared lock: two workers that look at a free slot at the same time do not see each other in it.
    if (lock := _try_lock(path, fcntl.LOCK_SH)) is None:
        return True
    os.close(lock)
    return False


def _try_lock(path: Path, kind: int) -> int | None:
    """Lock a slot without waiting.

    Args:
        path: The slot's file.
        kind: `fcntl.LOCK_EX` or `fcntl.LOCK_SH`.

    Returns:
        File descriptor that holds the lock until it is closed; None if another process holds the lock.
    """
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor

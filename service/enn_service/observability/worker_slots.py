"""Seats: each worker has one for its life, and who comes after takes over the seat with what lies on it.

So what the dead have left is never moved, which a worker killed meanwhile could do by half; and there are hardly more
seats than there were workers at once.
"""

import fcntl
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path


class WorkerSlot:
    """The first seat of a folder that nobody has.

    A lock says who has it. The system lets go of it when the worker ends, however it ends, and shows it to whoever
    sees the folder, whatever they call the worker's process: other containers, and other machines as far as their file
    system tells of locks. Where it keeps them to itself, as NFS mounted with `nolock` does, workers of two machines
    would take the same seat.

    Args:
        folder: Where the seats are: `<number>.json`, what lies on one, and `<number>.lock`, which is never removed.

    Attributes:
        path: What lies on this seat.
    """

    def __init__(self, folder: Path) -> None:
        for number in count():
            self.path = folder / f"{number}.json"
            if (lock := _lock(self.path, fcntl.LOCK_EX)) is not None:
                self._lock = lock
                return

    def others(self) -> Iterator[tuple[Path, bool]]:
        """Yield what lies on each other seat, and whether somebody has it."""
        for path in self.path.parent.glob("[0-9]*.json"):
            if path != self.path:
                if (lock := _lock(path, fcntl.LOCK_SH)) is not None:
                    os.close(lock)
                yield path, lock is None

    def leave(self) -> None:
        """Leave the seat to the next."""
        os.close(self._lock)


def _lock(path: Path, kind: int) -> int | None:
    """Return the lock of a seat, to be closed; None where somebody has it."""
    file = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file

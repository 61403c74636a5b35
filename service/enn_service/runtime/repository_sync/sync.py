"""RepositorySync: threads of one worker that look at the remote repository and copy its versions, each on its own."""

import fcntl
import logging
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

import orjson

from enn_models.errors import RepositoryError
from enn_models.repository import list_versions, write_atomically
from enn_models.signature import Verify
from enn_service.runtime.repository_sync.local_copy import LocalCopy
from enn_service.runtime.repository_sync.remote import Files, RemoteRepository, Version, describe, fingerprint

logger = logging.getLogger(__name__)

START_SECONDS = 3.0
"""Time that a start waits for the storage if an earlier copy is whole."""
COPIES_AT_ONCE = 4
"""Number of versions that are copied at the same time; each needs about twice the memory of its files."""
CLOSE_SECONDS = 1.0
"""Time that `close` gives the threads to finish; a copy that takes longer is repeated at the next start."""
START_POLL_SECONDS = 0.1
"""Interval in seconds at which a starting worker looks whether the copying one is done."""
WARNING_SECONDS = 60.0
"""Shortest time between two equal warnings that the source cannot be listed."""
LISTING = "*"
"""Name of the problem of the whole source; the others are named <name>/<version>."""


class SourceStatus:
    """Problems that the copying worker has met, in a file that all workers read.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, problems: dict[str, str]) -> None:
        """Replace the problems; do nothing if the folder is gone, as it is once the service has ended."""
        with suppress(FileNotFoundError):
            write_atomically(self._path, orjson.dumps(problems))

    def problems(self) -> dict[str, str]:
        """Return the reason of each problem, by "<name>/<version>", and by LISTING that of the whole source."""
        try:
            return orjson.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}


class RepositorySync:
    """Keep the repository on disk like a remote one, in one worker at a time.

    The worker that holds the lock looks at the source; if it terminates, another one takes over. All threads are daemon
    threads: storage that does not answer keeps no process alive.

    Args:
        url: Address of the remote repository, `s3://bucket/folder` or any other that fsspec supports.
        models: Folder of the repository on disk.
        lock: File that the copying worker locks; a file beside it has the problems.
        seconds: Interval in seconds between two looks at the remote repository.
        verify: Signature check of each version; None to accept unsigned versions.

    Attributes:
        status: Problems of the last look.

    Raises:
        RepositoryError: fsspec, or its filesystem for this kind of address, is not installed.
    """

    def __init__(self, url: str, models: Path, lock: Path, seconds: float, verify: Verify | None = None) -> None:
        self._remote, self._copy = RemoteRepository(url), LocalCopy(models, url, verify)
        self._models, self._lock, self._interval = models, lock, seconds
        self.status = SourceStatus(lock.with_suffix(".json"))
        self._problems: dict[str, str] = {}
        self._queue: SimpleQueue[tuple[Version, Files] | None] = SimpleQueue()
        self._queued: set[Version] = set()
        self._missing: set[Version] = set()
        self._changing = threading.Lock()  # guards _problems, _queued and their files
        self._next_warning = 0.0
        self._closing, self._looked = threading.Event(), threading.Event()
        names = ["look at the source", *["copy from the source"] * COPIES_AT_ONCE]
        targets = [self._run, *[self._copy_queued] * COPIES_AT_ONCE]
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True) for target, name in zip(targets, names, strict=True)
        ]

    def start(self) -> None:
        """Start the threads, and wait until every remote version has been tried once.

        If an earlier copy is whole, wait `START_SECONDS` at most.

        Raises:
            RepositoryError: The remote repository cannot be read, and no earlier copy is on disk.
        """
        is_whole = self._copy.is_whole()
        for thread in self._threads:
            thread.start()
        if not self._looked.wait(START_SECONDS if is_whole else None):
            logger.warning("the source has not answered within %g s; serving what was copied before", START_SECONDS)
        if not self._models.is_dir() or not any(list_versions(self._models)):
            self.close()
            reasons = "; ".join(self.status.problems().values())
            raise RepositoryError(f"the source cannot be read, and there is no copy yet: {reasons}")

    def close(self) -> None:
        """Stop the threads; one that waits for the storage ends with the process."""
        self._closing.set()
        for _ in range(COPIES_AT_ONCE):
            self._queue.put(None)
        end = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        """Look at the source at the interval while this worker holds the lock, else wait for the lock."""
        leading = False
        try:
            with self._lock.open("ab") as file:
                while not self._closing.is_set():
                    leading = leading or self._try_lead(file.fileno())
                    if leading:
                        self._look()
                    elif self._copy.is_whole():
                        self._looked.set()
                    self._closing.wait(self._interval if leading or self._looked.is_set() else START_POLL_SECONDS)
        finally:
            self._looked.set()  # whatever ends this thread, `start` does not wait for it

    def _try_lead(self, descriptor: int) -> bool:
        """Take the lock if no other worker holds it, and clear the problems that an earlier one has left."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.status.write({})
        return True

    def _look(self) -> None:
        """List the source, queue new and changed versions, and remove the copies of versions that are gone.

        A version is gone if two complete listings in a row lack it.
        """
        try:
            found = self._remote.list_versions()
            self._copy.remove_leftovers()
            for name in self._problems.keys() - {"/".join(version) for version in found}:
                self._solve(name)  # LISTING too: this one is complete
            missing = self._copy.versions() - found.keys()
            for version in missing & self._missing:
                self._copy.remove(version)
            self._missing = missing
            self._enqueue(found)
        except Exception as error:  # noqa: BLE001  (the look is repeated, whatever the storage library raises)
            self._report_listing(error)

    def _enqueue(self, found: dict[Version, Files]) -> None:
        """Queue the versions to copy, those that failed before last."""
        tasks: list[tuple[Version, Files]] = []
        for version, files in found.items():
            if self._copy.is_current(version, fingerprint(files)):
                self._solve("/".join(version))
            elif version not in self._queued:
                tasks.append((version, files))
        with self._changing:
            self._queued.update(version for version, _ in tasks)
        for task in sorted(tasks, key=lambda each: "/".join(each[0]) in self._problems):
            self._queue.put(task)
        self._end_first_look()

    def _copy_queued(self) -> None:
        """Copy the versions of the queue until `close`."""
        while (task := self._queue.get()) is not None and not self._closing.is_set():
            version, files = task
            try:
                contents = {name: self._remote.read(name, file) for name, file in files.items()}
                self._copy.install(version, contents, fingerprint(files))
            except Exception as error:  # noqa: BLE001  (as above; the other versions are copied)
                self._report("/".join(version), error)
            else:
                self._solve("/".join(version))
                logger.info("copied %s/%s from the source", *version)
            with self._changing:
                self._queued.discard(version)
            self._end_first_look()

    def _end_first_look(self) -> None:
        """Let the service start once every version of a listing has been tried."""
        with self._changing:
            if not self._looked.is_set() and not self._queued:
                if self._models.is_dir():
                    self._copy.mark_whole()
                self._looked.set()

    def _report_listing(self, error: Exception) -> None:
        """Log that the source cannot be read, at once if the reason is new, else once a minute."""
        text, now = describe(error), time.monotonic()
        if self._problems.get(LISTING) != text:
            self._next_warning = now
        if now >= self._next_warning:
            logger.warning("%s; still serving what was copied", text)
            self._next_warning = now + WARNING_SECONDS
        self._change_problem(LISTING, text)
        self._looked.set()

    def _report(self, version: str, error: Exception) -> None:
        """Log that a version cannot be copied, once for each reason."""
        text = describe(error)
        if self._problems.get(version) != text:
            logger.warning("%s is not copied: %s", version, text)
            self._change_problem(version, text)

    def _solve(self, name: str) -> None:
        """Forget a problem."""
        if name in self._problems:
            self._change_problem(name, None)

    def _change_problem(self, name: str, text: str | None) -> None:
        """Set or remove a problem, for this worker and the others."""
        with self._changing:
            self._problems.pop(name, None)
            if text is not None:
                self._problems[name] = text
            self.status.write(self._problems)

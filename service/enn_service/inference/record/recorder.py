"""Recorder: takes the rows of each answer without waiting, and writes them to the store in a thread."""

import logging
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from enn_service.inference.record.entries import Entry, stored_rows
from enn_service.inference.record.store import MICROSECONDS_PER_DAY, Store, now_microseconds
from enn_service.inference.types import Batch, InferenceObserver
from enn_service.runtime.model import ServedModel
from enn_service.runtime.session import Array
from enn_service.settings import Settings
from enn_service.settings.checks import SettingError

OUTPUT = "output"
"""Name of the tensor of outputs."""
CLIENT_HEADER = b"x-client-id"
MAX_ENTRIES = 20_000
"""Maximum number of answers that wait to be written; further ones are dropped."""
MAX_BYTES = 32 * 2**20
"""Maximum memory of the rows that wait to be written, besides those of few numbers."""
FEW_NUMBERS = 64
"""Number of values up to which the memory of a single row is not counted: the count would take longer than the rest."""
DELAY_SECONDS = 0.25
"""Time that a batch collects rows: with the time of a write, less than a second is lost if the process is killed."""
ROWS_AT_ONCE = 2_000
"""Number of rows from which a transaction takes no further entry."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
"""Pauses before the next attempt after a failed write: the first, doubled until the longest."""
SWEEP_SECONDS = 60.0
"""Interval between two deletions of old rows, in seconds."""
CLOSE_SECONDS = 5.0
"""Longest time that `close` waits for the last rows, in seconds."""
CLOCK_JUMP_SECONDS = 3600.0
"""Difference between wall clock and running time from which the clock has jumped: then nothing is deleted by age."""

logger = logging.getLogger(__name__)


class Recorder:
    """Record of all answers of a worker.

    Rows wait in a bounded queue; those that do not fit are dropped and counted. If the store fails, the rows wait, and
    the thread tries again.

    Args:
        store: Database to write to.
        settings: Share, retention and excluded features.
        counts: Counter of the rows, "written" and "dropped", and "failing", 1 while the store cannot be used.
    """

    def __init__(self, store: Store, settings: Settings, counts: Counter[str]) -> None:
        self._store, self._counts = store, counts
        self._share, self._excluded = settings.record_share, frozenset(settings.record_exclude)
        self._days, self._bytes = settings.record_days, settings.record_bytes
        self._entries, self._lock = deque[Entry](), threading.Lock()
        self._size = 0
        self._closing = threading.Event()
        self._clock, self._next_sweep = time.time() - time.monotonic(), 0.0
        counts["failing"] = 0
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def start(self) -> None:
        """Open the store and start the thread; a store that cannot be reached now is tried again by the thread.

        Raises:
            SettingError: The schema of the store is of a newer release.
        """
        try:
            with self._store.begin(write=False):
                pass
        except (SQLAlchemyError, OSError) as error:
            self._report(error)
        self._thread.start()

    @property
    def failing(self) -> bool:
        """True while the store cannot be used."""
        return bool(self._counts["failing"])

    def observer(self, request_id: bytes, headers: Mapping[bytes, bytes], key_name: str) -> InferenceObserver | None:
        """Return the observer of one request; None if the request is not among the share to record.

        Args:
            request_id: Request ID sent in the response.
            headers: Request headers, names in lower case.
            key_name: Name of the API key; empty if none is required.
        """
        if self._share < 1 and random.random() >= self._share:  # noqa: S311  (a sample, no secret)
            return None
        return partial(self._add, request_id, headers.get(CLIENT_HEADER, b""), key_name)

    def _add(  # noqa: PLR0917  (bound by `partial`)
        self,
        request_id: bytes,
        client: bytes,
        key_name: str,
        model: ServedModel,
        batch: Batch,
        names: Sequence[str],
        tensors: Sequence[Array],
    ) -> None:
        """Queue the rows of an answer, or drop them if the queue is full."""
        if len(self._entries) >= MAX_ENTRIES or self._size >= MAX_BYTES:
            self._counts["dropped"] += batch.size
            return
        outputs, rows = tensors[names.index(OUTPUT)] if OUTPUT in names else None, batch.rows
        if not isinstance(rows, list) and rows.base is not None:  # a piece would keep the whole array
            batch = Batch(rows.copy(), batch.size, batch.out_of_range, batch.first)
        entry = Entry(request_id, client, key_name, time.time_ns(), model, batch, outputs)
        if _is_counted(entry):
            with self._lock:  # the threads of large requests add rows too
                self._size += entry.size
        self._entries.append(entry)

    def close(self) -> None:
        """Write the queued rows and end the thread; rows that take longer than `CLOSE_SECONDS` are lost."""
        self._closing.set()
        if self._thread.ident is not None:  # it has started
            self._thread.join(CLOSE_SECONDS)
        if lost := sum(entry.batch.size for entry in self._entries.copy()):
            self._counts["dropped"] += lost
            logger.warning("%d rows could not be recorded before the end", lost)
        self._store.disconnect()

    def _run(self) -> None:
        pause, waited = FIRST_PAUSE_SECONDS, DELAY_SECONDS
        while True:
            self._closing.wait(waited)
            closing, failed = self._closing.is_set(), False
            try:
                self._write_queued()
                self._sweep()
            except (SQLAlchemyError, OSError, SettingError) as error:
                self._report(error)
                failed = True
            except Exception:
                logger.exception("the record failed; it goes on")
            waited = pause if failed else DELAY_SECONDS
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS) if failed else FIRST_PAUSE_SECONDS
            if closing:
                return

    def _write_queued(self) -> None:
        """Write all queued entries; one leaves the queue after it is written."""
        probing = bool(self._counts["failing"])
        while self._entries:
            taken = list(_some(self._entries))
            self._write(taken)
            for _ in taken:
                self._entries.popleft()
            with self._lock:
                self._size -= sum(entry.size for entry in taken if _is_counted(entry))
        if probing:
            with self._store.begin():
                self._recovered()

    def _write(self, taken: Sequence[Entry]) -> None:
        """Write entries in one transaction; those that can never be written are dropped.

        Raises:
            SQLAlchemyError: The database cannot be used now.
        """
        number = sum(entry.batch.size for entry in taken)
        try:
            self._store.add([row for entry in taken for row in stored_rows(entry, self._excluded)])
        except Exception as error:
            passing = isinstance(error, SQLAlchemyError | OSError | SettingError)
            if passing and not isinstance(error, DataError | IntegrityError):
                raise
            logger.exception("%d rows cannot be recorded; they are dropped", number)
            self._counts["dropped"] += number
        else:
            self._counts["written"] += number

    def _report(self, error: Exception) -> None:
        """Log the beginning of a failure once, and connect anew at the next attempt."""
        if not self._counts["failing"]:
            self._counts["failing"] = 1
            logger.error("the record cannot be written: %s; predictions go on, and it is tried again", _brief(error))
        self._store.disconnect()

    def _recovered(self) -> None:
        self._counts["failing"] = 0
        logger.info("the record is written again; %d rows were dropped so far", self._counts["dropped"])

    def _sweep(self) -> None:
        """Delete rows that are too old, and the oldest of a record that is too large."""
        if (now := time.monotonic()) < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_SECONDS
        if abs(time.time() - now - self._clock) > CLOCK_JUMP_SECONDS:
            logger.warning("the clock has jumped: no row is deleted by its age until the service starts again")
        else:
            self._store.delete_before(now_microseconds() - int(self._days * MICROSECONDS_PER_DAY))
        self._store.delete_beyond(self._bytes)


def _is_counted(entry: Entry) -> bool:
    """Return True if the memory of an entry is counted; few numbers are limited by the number of entries."""
    return not isinstance(entry.batch.rows, list) or len(entry.batch.rows) > FEW_NUMBERS


def _some(entries: deque[Entry]) -> Iterator[Entry]:
    """Yield the oldest entries, with at least one row and few more than `ROWS_AT_ONCE`."""
    rows = 0
    for index in range(len(entries)):
        yield entries[index]
        if (rows := rows + entries[index].batch.size) >= ROWS_AT_ONCE:
            return


def _brief(error: Exception) -> str:
    """Return the first line of an error, of a driver's error without the statement."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0][:300]

"""Tallies: what was asked of each model and how long it took, counted in this process and added up over all workers.

Counting is a few additions to plain numbers; metrics and statistics are made of them when somebody asks.
"""

import fcntl
import logging
import math
import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from enn_service.run_folder import write_whole

logger = logging.getLogger(__name__)

BUCKETS = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper ends of the buckets of durations, in seconds; one more holds what is longer."""
_EDGES = tuple(int(edge * 1e9) for edge in BUCKETS)
STALE_SECONDS = 10.0
"""A worker that has not told its requests in flight for so long is gone."""
FORGET_SECONDS = 60.0
"""What was counted of a version that is gone is kept so long: until every worker has seen it, and none tells of it."""


@dataclass(slots=True)
class Tally:
    """What one version of a model did for one verb; durations in nanoseconds.

    Attributes:
        answered: Requests answered.
        refused: Requests refused once the model was known.
        rows: Rows answered.
        outside: Rows answered that left the training range.
        last: When the last one was answered, milliseconds since 1970.
        total: Time from whole body to whole answer.
        refusing: The same of refused requests.
        reading: The part spent on reading and checking.
        running: The part spent in the network.
        writing: The part spent on the answer's text.
        buckets: How many answers took up to each of BUCKETS, and longer than the one before.
    """

    answered: int = 0
    refused: int = 0
    rows: int = 0
    outside: int = 0
    last: int = 0
    total: int = 0
    refusing: int = 0
    reading: int = 0
    running: int = 0
    writing: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))

    def took(self, total: int, reading: int, running: int, writing: int, *, rows: int = 1, outside: int = 0) -> None:
        """Count an answer: what it took in all and by its stages, its rows, and those that left the training range."""
        self.answered += 1
        self.last = time.time_ns() // 1_000_000
        self.buckets[bisect_left(_EDGES, total)] += 1
        self.total += total
        self.reading += reading
        self.running += running
        self.writing += writing
        self.rows += rows
        self.outside += outside

    def add(self, other: "Tally") -> None:
        """Add what another worker counted of the same."""
        for name in ("answered", "refused", "rows", "outside", "total", "refusing", "reading", "running", "writing"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.last = max(self.last, other.last)
        self.buckets = [own + its for own, its in zip(self.buckets, other.buckets, strict=True)]


Version = tuple[str, str]
"""Model and version."""
Key = tuple[str, str, str]
"""Model, version and verb."""


@dataclass
class Count:
    """Everything counted, by one worker or by all.

    Attributes:
        tallies: By model, version and verb.
        refusals: Requests refused, by reason.
        loads: Versions loaded and refused.
        in_flight: Requests that are being answered.
    """

    tallies: dict[Key, Tally] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    loads: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0

    def tally(self, model: str, version: str, verb: str) -> Tally:
        """Return the tally of a version and verb."""
        key = (model, version, verb)
        if (tally := self.tallies.get(key)) is None:
            tally = self.tallies[key] = Tally()
        return tally

    def add(self, other: "Count") -> None:
        """Add what another worker counted."""
        for key, tally in list(other.tallies.items()):
            self.tally(*key).add(tally)
        self.refusals += other.refusals
        self.loads += other.loads
        self.in_flight += other.in_flight

    def of(self, versions: AbstractSet[Version]) -> "Count":
        """Return the count with the tallies of these versions alone."""
        return replace(self, tallies={key: tally for key, tally in self.tallies.items() if key[:2] in versions})


class Tallies:
    """What this worker has counted, and what the others wrote down.

    Args:
        folder: Where every worker writes its count, a file each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.own = Count()
        self._gone: dict[Version, float] = {}
        self._inherit()

    def forget(self, known: AbstractSet[Version]) -> None:
        """Forget what was counted of versions that have been gone for FORGET_SECONDS.

        Args:
            known: Those that are there.
        """
        now = time.monotonic()
        counted = {key[:2] for key in list(self.own.tallies)}
        self._gone = {version: self._gone.get(version, now) for version in counted - known}
        for key in list(self.own.tallies):
            if now - self._gone.get(key[:2], math.inf) >= FORGET_SECONDS:
                del self.own.tallies[key]

    def save(self) -> None:
        """Write this worker's count down for the others."""
        own = self.own
        tallies = [[*key, tally] for key, tally in list(own.tallies.items())]
        saved = {"tallies": tallies, "refusals": own.refusals, "loads": own.loads, "in_flight": own.in_flight}
        write_whole(self._folder / f"{os.getpid()}.json", orjson.dumps(saved))

    def total(self) -> Count:
        """Return what all workers have counted; of the others as of their last saving."""
        result = Count()
        with self._locked(fcntl.LOCK_SH):
            result.add(self.own)
            for process, path in self._files():
                if process != os.getpid():
                    result.add(_read(path))
        return result

    def _inherit(self) -> None:
        """Make this worker's own what those counted that are dead: their files would add up over the years."""
        with self._locked(fcntl.LOCK_EX):
            dead = [path for process, path in self._files() if process == os.getpid() or not _lives(process)]
            for path in dead:
                self.own.add(_read(path))
            self.own.in_flight = 0
            self.save()
            for path in dead:
                if path.stem != str(os.getpid()):
                    path.unlink()

    def _files(self) -> list[tuple[int, Path]]:
        return [(int(path.stem), path) for path in self._folder.glob("[0-9]*.json")]

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Wait until nobody inherits, so that what a dead worker counted is found once."""
        with (self._folder / "lock").open("ab") as file:
            fcntl.flock(file, kind)
            yield


def _read(path: Path) -> Count:
    """Return what a worker wrote down; nothing where that cannot be read."""
    try:
        saved = orjson.loads(path.read_bytes())
        fresh = time.time() - path.stat().st_mtime < STALE_SECONDS
    except (OSError, ValueError) as error:
        logger.warning("the count of worker %s cannot be read: %s", path.stem, error)
        return Count()
    return Count(
        {(model, version, verb): Tally(**tally) for model, version, verb, tally in saved["tallies"]},
        Counter(saved["refusals"]),
        Counter(saved["loads"]),
        saved["in_flight"] if fresh else 0,
    )


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and another user's
        return True
    return True

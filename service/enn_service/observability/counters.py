"""Tallies: what was asked of each model and how long it took, counted in this process and added up over all workers.

Counting is a few additions to plain numbers; metrics and statistics are made of them when somebody asks.
"""

import logging
import math
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import Field, TypeAdapter

from enn_service.errors import RequestError
from enn_service.observability.atomic_file import replace_file
from enn_service.observability.worker_slots import WorkerSlot

logger = logging.getLogger(__name__)

BUCKETS = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper ends of the buckets of durations, in seconds; one more holds what is longer."""
_EDGES = tuple(int(edge * 1e9) for edge in BUCKETS)
_PLACES = len(BUCKETS) + 1
FORGET_SECONDS = 60.0
"""What was counted of a version that is gone is kept so long: until every worker has seen it, and none tells of it."""


@dataclass(slots=True)
class EndpointStats:
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
    buckets: Annotated[list[int], Field(min_length=_PLACES, max_length=_PLACES)] = field(
        default_factory=lambda: [0] * _PLACES
    )

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

    def add(self, other: "EndpointStats") -> None:
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
class Counters:
    """Everything counted, by one worker or by all.

    Attributes:
        tallies: By model, version and verb.
        refusals: Requests refused, by reason.
        loads: Versions loaded and refused.
        in_flight: Requests that are being answered.
    """

    tallies: dict[Key, EndpointStats] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    loads: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0

    def tally(self, model: str, version: str, verb: str) -> EndpointStats:
        """Return the tally of a version and verb."""
        key = (model, version, verb)
        if (tally := self.tallies.get(key)) is None:
            tally = self.tallies[key] = EndpointStats()
        return tally

    def refuse(self, error: Exception) -> None:
        """Count a refusal by its reason; what is none is a fault of the service."""
        self.refusals[error.reason if isinstance(error, RequestError) else "internal"] += 1

    def add(self, other: "Counters") -> None:
        """Add what another worker counted."""
        for key, tally in list(other.tallies.items()):
            self.tally(*key).add(tally)
        # Another thread may be counting: a copy is made at once, a loop may meet a new reason.
        self.refusals.update(dict(other.refusals))
        self.loads.update(dict(other.loads))
        self.in_flight += other.in_flight

    def by_version(self, *verbs: str) -> dict[Version, EndpointStats]:
        """Return what each version did for these verbs, or for all, in the order of models and versions."""
        result: dict[Version, EndpointStats] = {}
        for (model, version, verb), tally in sorted(self.tallies.items()):
            if not verbs or verb in verbs:
                result.setdefault((model, version), EndpointStats()).add(tally)
        return result

    def of(self, versions: AbstractSet[Version]) -> "Counters":
        """Return the count with the tallies of these versions alone."""
        return replace(self, tallies={key: tally for key, tally in self.tallies.items() if key[:2] in versions})


class SharedCounters:
    """What this worker has counted, and what the others wrote down.

    It goes on from what an earlier worker on its seat has counted.

    Args:
        folder: Where every worker writes its count, a file each.
    """

    def __init__(self, folder: Path) -> None:
        self._seat = WorkerSlot(folder)
        self._saving = threading.Lock()
        self._gone: dict[Version, float] = {}
        self.own = _read(self._seat.path, lives=False) if self._seat.path.exists() else Counters()
        self.save()

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
        """Write this worker's count down for the others; of two threads one after the other."""
        with self._saving:
            own = self.own
            tallies = [(*key, tally) for key, tally in list(own.tallies.items())]
            saved = _Saved(tallies, own.refusals, own.loads, own.in_flight)
            replace_file(self._seat.path, orjson.dumps(saved))

    def total(self) -> Counters:
        """Return what all workers have counted; of the others as of their last saving."""
        result = Counters()
        result.add(self.own)
        for path, lives in self._seat.others():
            result.add(_read(path, lives=lives))
        return result

    def close(self) -> None:
        """Write the count down for the last time, and leave it to the next worker."""
        self.save()
        self._seat.leave()


@dataclass
class _Saved:
    """A count as a worker writes it down."""

    tallies: list[tuple[str, str, str, EndpointStats]]
    refusals: Counter[str]
    loads: Counter[str]
    in_flight: int


_SAVED = TypeAdapter(_Saved)


def _read(path: Path, *, lives: bool) -> Counters:
    """Return what a worker that lives, or not, wrote down; nothing where that is not what this release writes."""
    try:
        saved = _SAVED.validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        logger.warning("what a worker counted in %s cannot be read: %s", path.name, error)
        return Counters()
    tallies = {(model, version, verb): tally for model, version, verb, tally in saved.tallies}
    return Counters(tallies, saved.refusals, saved.loads, saved.in_flight if lives else 0)

"""Counters of requests, rows and durations per model, summed over all workers.

Counting is a few integer additions per request; `prometheus` and `v2_statistics` format the counters on request.
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
from enn_service.observability.process_statistics import ProcessStatistics, read_process_statistics
from enn_service.observability.worker_slots import WorkerSlot

logger = logging.getLogger(__name__)

BUCKETS = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the histogram's buckets, in seconds; a last bucket holds all longer durations."""
_BOUNDS_NS = tuple(int(bound * 1e9) for bound in BUCKETS)
_BUCKET_COUNT = len(BUCKETS) + 1
STALE_SECONDS = 60.0
"""Time for which the counters of a removed version are kept, so that every worker has seen its removal by then."""


@dataclass(slots=True)
class EndpointStats:
    """Counters of one endpoint of one model version; durations are sums in nanoseconds.

    Attributes:
        succeeded: Number of requests with a successful response.
        failed: Number of requests that failed after their model was found.
        rows: Number of rows in successful responses.
        rows_out_of_range: Number of those rows outside the training range.
        last_success_ms: Time of the last success, milliseconds since 1970.
        total_ns: Time from the complete request body to the complete response.
        failed_ns: Time of failed requests, measured like `total_ns`.
        decode_ns: Part of `total_ns` for parsing and validation.
        run_ns: Part of `total_ns` for the network.
        encode_ns: Part of `total_ns` for writing the response.
        buckets: Number of successes in each bucket of BUCKETS, not cumulative.
    """

    succeeded: int = 0
    failed: int = 0
    rows: int = 0
    rows_out_of_range: int = 0
    last_success_ms: int = 0
    total_ns: int = 0
    failed_ns: int = 0
    decode_ns: int = 0
    run_ns: int = 0
    encode_ns: int = 0
    buckets: Annotated[list[int], Field(min_length=_BUCKET_COUNT, max_length=_BUCKET_COUNT)] = field(
        default_factory=lambda: [0] * _BUCKET_COUNT
    )

    def record(
        self, total_ns: int, decode_ns: int, run_ns: int, encode_ns: int, *, rows: int = 1, rows_out_of_range: int = 0
    ) -> None:
        """Count a successful request.

        Args:
            total_ns: Time from the complete request body to the complete response, in nanoseconds.
            decode_ns: Part of it for parsing and validation.
            run_ns: Part of it for the network.
            encode_ns: Part of it for writing the response.
            rows: Number of rows in the response.
            rows_out_of_range: Number of those rows outside the training range.
        """
        self.succeeded += 1
        self.last_success_ms = time.time_ns() // 1_000_000
        self.buckets[bisect_left(_BOUNDS_NS, total_ns)] += 1
        self.total_ns += total_ns
        self.decode_ns += decode_ns
        self.run_ns += run_ns
        self.encode_ns += encode_ns
        self.rows += rows
        self.rows_out_of_range += rows_out_of_range

    def record_failure(self, total_ns: int) -> None:
        """Count a failed request.

        Args:
            total_ns: Time from the complete request body to the failure, in nanoseconds.
        """
        self.failed += 1
        self.failed_ns += total_ns

    def add(self, other: "EndpointStats") -> None:
        """Add the counters of another worker for the same endpoint and version."""
        self.succeeded += other.succeeded
        self.failed += other.failed
        self.rows += other.rows
        self.rows_out_of_range += other.rows_out_of_range
        self.last_success_ms = max(self.last_success_ms, other.last_success_ms)
        self.total_ns += other.total_ns
        self.failed_ns += other.failed_ns
        self.decode_ns += other.decode_ns
        self.run_ns += other.run_ns
        self.encode_ns += other.encode_ns
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]


Version = tuple[str, str]
"""Name and version of a model."""
Key = tuple[str, str, str]
"""Name and version of a model, and an endpoint: predict, explain or infer."""


@dataclass
class Counters:
    """All counters, of one worker or summed over all.

    Attributes:
        endpoints: Counters by model, version and endpoint.
        errors: Number of failed requests by reason.
        loads: Number of versions by the result of loading: "loaded" or "refused".
        records: Number of rows for the record, "written" and "dropped", and of workers that cannot write, "failing".
        in_flight: Number of requests in progress.
        processes: Statistics of each running worker process.
    """

    endpoints: dict[Key, EndpointStats] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    loads: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    processes: list[ProcessStatistics] = field(default_factory=list)

    def stats_for(self, model: str, version: str, endpoint: str) -> EndpointStats:
        """Return the counters of an endpoint of a version, created on first use."""
        key = (model, version, endpoint)
        if (stats := self.endpoints.get(key)) is None:
            stats = self.endpoints[key] = EndpointStats()
        return stats

    def record_error(self, error: Exception) -> None:
        """Count a failed request under the error's reason; any exception but RequestError is an "internal" one."""
        self.errors[error.reason if isinstance(error, RequestError) else "internal"] += 1

    def add(self, other: "Counters") -> None:
        """Add the counters of another worker."""
        for key, stats in list(other.endpoints.items()):
            self.stats_for(*key).add(stats)
        # `dict(...)` copies in one step: another thread may add a reason while a loop in Python iterates.
        self.errors.update(dict(other.errors))
        self.loads.update(dict(other.loads))
        self.records.update(dict(other.records))
        self.in_flight += other.in_flight
        self.processes += other.processes

    def by_version(self, *endpoints: str) -> dict[Version, EndpointStats]:
        """Return the sums over some endpoints, or over all, for each version.

        Args:
            *endpoints: Endpoints to sum over; without any, all of them.

        Returns:
            Counters by model and version, in the order of both.
        """
        result: dict[Version, EndpointStats] = {}
        for (model, version, endpoint), stats in sorted(self.endpoints.items()):
            if not endpoints or endpoint in endpoints:
                result.setdefault((model, version), EndpointStats()).add(stats)
        return result

    def only(self, versions: AbstractSet[Version]) -> "Counters":
        """Return these counters without the endpoints of other versions."""
        return replace(self, endpoints={key: stats for key, stats in self.endpoints.items() if key[:2] in versions})


class SharedCounters:
    """The counters of this worker, saved to a file for the other workers to read.

    If a terminated worker left its counters in this worker's slot, counting continues from them.

    Args:
        folder: Existing folder that all workers share.

    Attributes:
        local: Counters of this worker.
    """

    def __init__(self, folder: Path) -> None:
        self._slot = WorkerSlot(folder)
        self._saving = threading.Lock()
        self._removed_at: dict[Version, float] = {}
        self.local = _read(self._slot.path, is_alive=False) if self._slot.path.exists() else Counters()
        self.save()

    def drop_stale(self, known: AbstractSet[Version]) -> None:
        """Drop the counters of versions that were removed more than STALE_SECONDS ago.

        Args:
            known: Versions in the repository.
        """
        now = time.monotonic()
        counted = {key[:2] for key in list(self.local.endpoints)}
        self._removed_at = {version: self._removed_at.get(version, now) for version in counted - known}
        for key in list(self.local.endpoints):
            if now - self._removed_at.get(key[:2], math.inf) >= STALE_SECONDS:
                del self.local.endpoints[key]

    def save(self) -> None:
        """Write this worker's counters to its file; threads that save at the same time wait for each other."""
        with self._saving:
            local = self.local
            endpoints = [(*key, stats) for key, stats in list(local.endpoints.items())]
            saved = _SavedCounters(
                endpoints, local.errors, local.loads, local.in_flight, read_process_statistics(), local.records
            )
            replace_file(self._slot.path, orjson.dumps(saved))

    def total(self) -> Counters:
        """Return the sum over all workers: this one's counters now, and those that the others last saved."""
        result = Counters()
        result.add(self.local)
        result.processes.append(read_process_statistics())
        for path, is_alive in self._slot.other_slots():
            result.add(_read(path, is_alive=is_alive))
        return result

    def close(self) -> None:
        """Save the counters and release the slot for another worker."""
        self.save()
        self._slot.release()


@dataclass
class _SavedCounters:
    """The content of a worker's file."""

    endpoints: list[tuple[str, str, str, EndpointStats]]
    errors: Counter[str]
    loads: Counter[str]
    in_flight: int
    process: ProcessStatistics
    records: Counter[str] = field(default_factory=Counter)


_SAVED = TypeAdapter(_SavedCounters)


def _read(path: Path, *, is_alive: bool) -> Counters:
    """Return the counters in a worker's file; empty ones if it is unreadable or in the format of another release.

    Args:
        path: The file.
        is_alive: True if the worker still runs; requests in flight and process of a terminated one do not count.
    """
    try:
        saved = _SAVED.validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        logger.warning("cannot read a worker's counters from %s: %s", path.name, error)
        return Counters()
    endpoints = {(model, version, endpoint): stats for model, version, endpoint, stats in saved.endpoints}
    if not is_alive:
        saved.records.pop("failing", None)
        return Counters(endpoints, saved.errors, saved.loads, saved.records)
    return Counters(endpoints, saved.errors, saved.loads, saved.records, saved.in_flight, [saved.process])

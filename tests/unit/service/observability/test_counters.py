"""Counters of several workers are summed, survive killed workers, and are dropped with removed versions."""

import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from enn_service.observability import counters
from enn_service.observability.counters import Counters, EndpointStats, SharedCounters
from enn_service.server.run_directory import RunDirectory

COUNT_AND_DIE = """
import os, signal, sys
from pathlib import Path
from enn_service.observability import counters
from enn_service.observability.counters import SharedCounters
exec(sys.argv[2])
shared = SharedCounters(Path(sys.argv[1]))
for model in ("ring", "gone"):
    shared.local.stats_for(model, "1", "predict").record(1000, 0, 0, 0)
shared.local.errors["invalid"] += 1
shared.local.in_flight += 1
shared.save()
os.kill(os.getpid(), signal.SIGKILL)
"""
WORKERS = 3
SAVES = 300
RING, GONE = ("ring", "1", "predict"), ("gone", "1", "predict")


def run_and_kill_worker(folder: Path, first: str = "") -> None:
    """Count requests in a worker that is killed.

    Args:
        folder: Folder that the workers share.
        first: Python code that the worker runs before it counts.
    """
    assert subprocess.run([sys.executable, "-c", COUNT_AND_DIE, str(folder), first], check=False).returncode == -9


def successes(found: Counters) -> dict[tuple[str, str, str], int]:
    return {key: stats.succeeded for key, stats in found.endpoints.items()}


def test_counters_of_killed_workers_stay_in_one_file(tmp_path: Path) -> None:
    before = SharedCounters(tmp_path)
    for number in range(1, 1 + WORKERS):
        run_and_kill_worker(tmp_path)
        assert successes(before.total()) == {RING: number, GONE: number}
        assert len(list(tmp_path.glob("*.json"))) == 2  # one of this worker, one of all the killed ones
    after = SharedCounters(tmp_path)
    expected = {RING: WORKERS, GONE: WORKERS}
    assert successes(after.local) == successes(after.total()) == successes(before.total()) == expected
    assert after.total().errors == Counter(invalid=WORKERS)
    assert after.total().in_flight == 0
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_worker_killed_during_start_counts_nothing_twice(tmp_path: Path) -> None:
    run_and_kill_worker(tmp_path)
    run_and_kill_worker(tmp_path, "counters.replace_file = lambda *_: os.kill(os.getpid(), signal.SIGKILL)")
    assert successes(SharedCounters(tmp_path).total()) == {RING: 1, GONE: 1}


def test_counters_of_workers_in_separate_containers_are_summed(tmp_path: Path) -> None:
    first = SharedCounters(tmp_path)
    second = SharedCounters(tmp_path)  # process IDs say nothing: two containers use the same ones
    for worker in (first, second):
        worker.local.stats_for(*RING).record(1000, 0, 0, 0)
        worker.local.in_flight += 1
        worker.save()
    for worker in (first, second, first):
        worker.save()
        assert successes(worker.total()) == {RING: 2}
        assert worker.total().in_flight == 2
    first.close()
    assert successes(second.total()) == {RING: 2}
    assert second.total().in_flight == 1
    assert successes(SharedCounters(tmp_path).local) == {RING: 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "[]",
        '{"endpoints": [["ring", "1"]], "errors": {}, "loads": {}, "in_flight": 0}',
        '{"endpoints": [["ring", "1", "predict", {"buckets": [1]}]], "errors": {}, "loads": {}, "in_flight": 0}',
        '{"endpoints": [], "errors": {"invalid": "many"}, "loads": {}, "in_flight": 0}',
    ],
)
@pytest.mark.parametrize("name", ["0.json", "7.json", "7a.json"])
def test_file_in_another_format_counts_as_empty(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    worker = SharedCounters(tmp_path)
    worker.local.stats_for(*RING).record(1000, 0, 0, 0)
    assert successes(worker.total()) == {RING: 1}


def test_reason_added_by_another_thread_does_not_break_the_sum() -> None:
    class Busy(Counter[str]):
        """A counter that gets a new key during each iteration, as from another thread."""

        def items(self) -> Any:
            for number, item in enumerate(super().items()):
                self[f"new {number}"] += 1
                yield item

    total = Counters(errors=Counter(invalid=1), loads=Counter(loaded=1))
    total.add(Counters(errors=Busy(invalid=1), loads=Busy(loaded=1)))
    assert (total.errors, total.loads) == (Counter(invalid=2), Counter(loaded=2))


def test_concurrent_saves_do_not_conflict(tmp_path: Path) -> None:
    worker = SharedCounters(tmp_path)
    with ThreadPoolExecutor(WORKERS) as pool:
        for saved in [pool.submit(worker.save) for _ in range(SAVES)]:
            saved.result()


def test_reset_leaves_the_slots_of_running_workers(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    first = SharedCounters(run.counters)
    run.reset()
    second = SharedCounters(run.counters)
    for worker in (first, second):
        worker.local.stats_for(*RING).record(1000, 0, 0, 0)
        worker.save()
    assert successes(first.total()) == successes(second.total()) == {RING: 2}


def test_removed_version_is_dropped_after_delay_and_counted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    worker = SharedCounters(tmp_path)
    here = {RING[:2]}
    for key in (RING, GONE):
        worker.local.stats_for(*key).record(1000, 0, 0, 0)
    assert successes(worker.local.only(here)) == {RING: 1}
    worker.drop_stale(here)
    now = counters.STALE_SECONDS - 1
    worker.drop_stale(here)
    assert successes(worker.local) == {RING: 1, GONE: 1}  # the other workers may not have seen the removal yet
    worker.drop_stale(here | {GONE[:2]})
    now = 2 * counters.STALE_SECONDS
    worker.drop_stale(here)
    assert successes(worker.local) == {RING: 1, GONE: 1}
    now = 4 * counters.STALE_SECONDS
    worker.drop_stale(here)
    assert successes(worker.local) == {RING: 1}
    worker.local.stats_for(*GONE).record(1000, 0, 0, 0)
    assert successes(worker.local) == {RING: 1, GONE: 1}


def test_thousand_removed_versions_leave_no_counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "STALE_SECONDS", 0)
    worker = SharedCounters(tmp_path)
    for version in range(1000):
        worker.local.stats_for("ring", str(version), "predict").record(1000, 0, 0, 0)
        worker.drop_stale({("ring", str(version))})
        assert len(worker.local.endpoints) == 1
    worker.save()
    (file,) = tmp_path.glob("*.json")
    assert file.stat().st_size < 1000


def test_failed_request_is_counted_apart_from_successful_ones() -> None:
    stats = EndpointStats()
    stats.record(1000, 300, 500, 200, rows=3, rows_out_of_range=1)
    stats.record_failure(70)
    assert (stats.succeeded, stats.failed, stats.rows, stats.rows_out_of_range) == (1, 1, 3, 1)
    assert (stats.total_ns, stats.failed_ns) == (1000, 70)
    assert sum(stats.buckets) == 1


def test_sum_by_version_includes_only_given_endpoints() -> None:
    found = Counters()
    for endpoint in ("predict", "infer", "explain"):
        found.stats_for("ring", "1", endpoint).record(1000, 0, 0, 0)
    assert found.by_version("predict", "infer")["ring", "1"].succeeded == 2
    assert found.by_version()["ring", "1"].succeeded == 3

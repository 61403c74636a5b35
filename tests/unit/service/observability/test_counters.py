"""Counts of several workers add up, survive the workers that made them, and are not kept for what is gone."""

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from enn_service.observability import counters as tallies
from enn_service.observability.counters import SharedCounters
from enn_service.server.run_directory import RunDirectory

COUNT_AND_DIE = """
import os, signal, sys
from pathlib import Path
from enn_service.observability import counters as tallies
from enn_service.observability.counters import SharedCounters
exec(sys.argv[2])
own = SharedCounters(Path(sys.argv[1]))
for model in ("ring", "gone"):
    own.own.tally(model, "1", "predict").took(1000, 0, 0, 0)
own.own.refusals["invalid"] += 1
own.own.in_flight += 1
own.save()
os.kill(os.getpid(), signal.SIGKILL)
"""
WORKERS = 3
SAVES = 300
RING, GONE = ("ring", "1", "predict"), ("gone", "1", "predict")


def die(folder: Path, first: str = "") -> None:
    """Count something in a worker that is killed, which does something else first."""
    assert subprocess.run([sys.executable, "-c", COUNT_AND_DIE, str(folder), first], check=False).returncode == -9


def counts(found: tallies.Counters) -> dict[tuple[str, str, str], int]:
    return {key: tally.answered for key, tally in found.tallies.items()}


def test_what_dead_workers_counted_is_kept_in_one_file_however_many_they_were(tmp_path: Path) -> None:
    before = SharedCounters(tmp_path)
    for number in range(1, 1 + WORKERS):
        die(tmp_path)
        assert counts(before.total()) == {RING: number, GONE: number}
        assert len(list(tmp_path.glob("*.json"))) == 2  # this worker's, and the dead ones'
    after = SharedCounters(tmp_path)
    assert counts(after.own) == counts(after.total()) == counts(before.total()) == {RING: WORKERS, GONE: WORKERS}
    assert after.total().refusals == Counter(invalid=WORKERS)
    assert after.total().in_flight == 0
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_a_worker_killed_while_it_starts_counts_nothing_twice(tmp_path: Path) -> None:
    die(tmp_path)
    die(tmp_path, "tallies.replace_file = lambda *_: os.kill(os.getpid(), signal.SIGKILL)")
    assert counts(SharedCounters(tmp_path).total()) == {RING: 1, GONE: 1}


def test_workers_that_cannot_see_each_others_processes_add_up(tmp_path: Path) -> None:
    first = SharedCounters(tmp_path)
    second = SharedCounters(tmp_path)  # of the same number, as first processes of two containers are
    for worker in (first, second):
        worker.own.tally(*RING).took(1000, 0, 0, 0)
        worker.own.in_flight += 1
        worker.save()
    for worker in (first, second, first):
        worker.save()
        assert counts(worker.total()) == {RING: 2}
        assert worker.total().in_flight == 2
    first.close()
    assert counts(second.total()) == {RING: 2}
    assert second.total().in_flight == 1
    assert counts(SharedCounters(tmp_path).own) == {RING: 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "[]",
        '{"tallies": [["ring", "1"]], "refusals": {}, "loads": {}, "in_flight": 0}',
        '{"tallies": [["ring", "1", "predict", {"buckets": [1]}]], "refusals": {}, "loads": {}, "in_flight": 0}',
        '{"tallies": [], "refusals": {"invalid": "many"}, "loads": {}, "in_flight": 0}',
    ],
)
@pytest.mark.parametrize("name", ["0.json", "7.json", "7a.json"])
def test_a_file_that_another_release_wrote_counts_nothing(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    worker = SharedCounters(tmp_path)
    worker.own.tally(*RING).took(1000, 0, 0, 0)
    assert counts(worker.total()) == {RING: 1}


def test_a_reason_that_is_new_while_others_are_added_up_does_no_harm() -> None:
    class Busy(Counter[str]):
        """A counter that another thread counts in whenever somebody walks over it."""

        def items(self) -> Any:
            for number, item in enumerate(super().items()):
                self[f"new {number}"] += 1
                yield item

    total = tallies.Counters(refusals=Counter(invalid=1), loads=Counter(loaded=1))
    total.add(tallies.Counters(refusals=Busy(invalid=1), loads=Busy(loaded=1)))
    assert (total.refusals, total.loads) == (Counter(invalid=2), Counter(loaded=2))


def test_two_threads_save_one_after_the_other(tmp_path: Path) -> None:
    worker = SharedCounters(tmp_path)
    with ThreadPoolExecutor(WORKERS) as pool:
        for saved in [pool.submit(worker.save) for _ in range(SAVES)]:
            saved.result()


def test_a_second_start_leaves_the_seats_of_who_lives(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    first = SharedCounters(run.counters)
    run.reset()
    second = SharedCounters(run.counters)
    for worker in (first, second):
        worker.own.tally(*RING).took(1000, 0, 0, 0)
        worker.save()
    assert counts(first.total()) == counts(second.total()) == {RING: 2}


def test_a_version_that_is_gone_is_forgotten_after_a_while_and_counted_anew_if_it_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(tallies.time, "monotonic", lambda: now)
    worker = SharedCounters(tmp_path)
    here = {RING[:2]}
    for key in (RING, GONE):
        worker.own.tally(*key).took(1000, 0, 0, 0)
    assert counts(worker.own.of(here)) == {RING: 1}
    worker.forget(here)
    now = tallies.FORGET_SECONDS - 1
    worker.forget(here)
    assert counts(worker.own) == {RING: 1, GONE: 1}  # the other workers may not know yet
    worker.forget(here | {GONE[:2]})
    now = 2 * tallies.FORGET_SECONDS
    worker.forget(here)
    assert counts(worker.own) == {RING: 1, GONE: 1}
    now = 4 * tallies.FORGET_SECONDS
    worker.forget(here)
    assert counts(worker.own) == {RING: 1}
    worker.own.tally(*GONE).took(1000, 0, 0, 0)
    assert counts(worker.own) == {RING: 1, GONE: 1}


def test_years_of_publishing_leave_no_more_than_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "FORGET_SECONDS", 0)
    worker = SharedCounters(tmp_path)
    for version in range(1000):
        worker.own.tally("ring", str(version), "predict").took(1000, 0, 0, 0)
        worker.forget({("ring", str(version))})
        assert len(worker.own.tallies) == 1
    worker.save()
    (file,) = tmp_path.glob("*.json")
    assert file.stat().st_size < 1000

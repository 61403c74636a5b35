"""Counts of several workers add up, survive the workers that made them, and are not kept for what is gone."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from enn_service import tallies
from enn_service.tallies import Tallies

COUNT_AND_DIE = """
import os, signal, sys
from pathlib import Path
from enn_service.tallies import Tallies
own = Tallies(Path(sys.argv[1]))
for model in ("ring", "gone"):
    own.own.tally(model, "1", "predict").took(1000, 0, 0, 0)
own.own.refusals["invalid"] += 1
own.own.in_flight += 1
own.save()
os.kill(os.getpid(), signal.SIGKILL)
"""
WORKERS = 3
RING, GONE = ("ring", "1", "predict"), ("gone", "1", "predict")


def die(folder: Path) -> None:
    """Count something in a worker that is killed."""
    assert subprocess.run([sys.executable, "-c", COUNT_AND_DIE, str(folder)], check=False).returncode == -9


def counts(found: tallies.Count) -> dict[tuple[str, str, str], int]:
    return {key: tally.answered for key, tally in found.tallies.items()}


def test_what_dead_workers_counted_is_kept_in_one_file_however_many_they_were(tmp_path: Path) -> None:
    before = Tallies(tmp_path)
    for number in range(1, 1 + WORKERS):
        die(tmp_path)
        assert counts(before.total()) == {RING: number, GONE: number}
        assert len(list(tmp_path.glob("*.json"))) == 2  # this worker's, and the last dead one's
    after = Tallies(tmp_path)
    assert counts(after.own) == counts(after.total()) == {RING: WORKERS, GONE: WORKERS}
    assert after.total().refusals == Counter(invalid=WORKERS)
    assert after.total().in_flight == 0
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_a_version_that_is_gone_is_forgotten_after_a_while_and_counted_anew_if_it_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(tallies.time, "monotonic", lambda: now)
    worker = Tallies(tmp_path)
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
    worker = Tallies(tmp_path)
    for version in range(1000):
        worker.own.tally("ring", str(version), "predict").took(1000, 0, 0, 0)
        worker.forget({("ring", str(version))})
        assert len(worker.own.tallies) == 1
    worker.save()
    assert (tmp_path / f"{tallies.os.getpid()}.json").stat().st_size < 1000

"""The run directory: private folders, and what a new service removes."""

from pathlib import Path

from enn_service.observability.worker_slots import WorkerSlot
from enn_service.server.run_directory import RunDirectory, run_directory


def test_folders_are_created_for_their_owner_only(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    for folder in (tmp_path / "run", run.unloaded, run.counters):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_reset_keeps_locks_and_counters_of_running_workers(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    ended, running = WorkerSlot(run.counters), WorkerSlot(run.counters)
    for slot in (ended, running):
        slot.path.touch()
    ended.release()
    (run.unloaded / "ring").touch()
    run.reset()
    assert sorted(path.name for path in run.counters.iterdir()) == ["0.lock", "1.json", "1.lock"]
    assert [path.name for path in run.unloaded.iterdir()] == ["ring"]


def test_temporary_folder_is_removed_and_a_given_one_kept(tmp_path: Path) -> None:
    with run_directory(None) as temporary:
        assert temporary.is_dir()
    assert not temporary.exists()
    with run_directory(tmp_path) as given:
        assert given == tmp_path
    assert tmp_path.is_dir()

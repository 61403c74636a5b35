"""The run directory: private folders, the shutdown mark, and what a new service removes."""

from pathlib import Path

from enn_service.server.run_directory import RunDirectory, run_directory


def test_folders_are_created_for_their_owner_only(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    for folder in (tmp_path / "run", run.unloaded, run.counters):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_reset_removes_counters_and_mark_but_no_locks(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.shutdown.mark()
    for name in ("0.json", "0.lock"):
        (run.counters / name).touch()
    (run.unloaded / "ring").touch()
    run.reset()
    assert not run.shutdown.is_marked()
    assert [path.name for path in run.counters.iterdir()] == ["0.lock"]
    assert [path.name for path in run.unloaded.iterdir()] == ["ring"]


def test_mark_is_visible_to_other_workers(tmp_path: Path) -> None:
    first, second = RunDirectory(tmp_path), RunDirectory(tmp_path)
    assert not second.shutdown.is_marked()
    first.shutdown.mark()
    assert second.shutdown.is_marked()


def test_temporary_folder_is_removed_and_a_given_one_kept(tmp_path: Path) -> None:
    with run_directory(None) as temporary:
        assert temporary.is_dir()
    assert not temporary.exists()
    with run_directory(tmp_path) as given:
        assert given == tmp_path
    assert tmp_path.is_dir()

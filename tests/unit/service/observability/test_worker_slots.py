"""Worker slots: each worker has its own, a released one is taken again, and its file stays."""

from pathlib import Path

from enn_service.observability.worker_slots import WorkerSlot


def test_each_worker_takes_its_own_slot(tmp_path: Path) -> None:
    slots = [WorkerSlot(tmp_path) for _ in range(3)]
    assert [slot.path.name for slot in slots] == ["0.json", "1.json", "2.json"]


def test_released_slot_is_taken_over_with_its_file(tmp_path: Path) -> None:
    first, second = WorkerSlot(tmp_path), WorkerSlot(tmp_path)
    first.path.write_text("counters")
    first.release()
    third = WorkerSlot(tmp_path)
    assert third.path == first.path
    assert third.path.read_text() == "counters"
    assert second.path != third.path


def test_other_slots_tell_running_workers_from_terminated_ones(tmp_path: Path) -> None:
    first, second, third = (WorkerSlot(tmp_path) for _ in range(3))
    for slot in (first, second, third):
        slot.path.touch()
    second.release()
    assert dict(first.other_slots()) == {second.path: False, third.path: True}

"""Tests of the access log: all lines are written whole and in order, or counted as dropped."""

import json
import os
import threading
from pathlib import Path

import pytest

from enn_service.observability import access_log
from enn_service.observability.access_log import JOINED_LINES, AccessLog

COUNT = 10 * JOINED_LINES + 1


def record_numbers(log: AccessLog, count: int) -> None:
    """Record requests whose number of rows is their number."""
    record = log.recorder("POST", "/", "::1", {})
    for number in range(count):
        record("", b"id", 200, number, 0)


def numbers(text: bytes) -> list[int]:
    """Return the numbers of rows of all lines."""
    return [json.loads(line)["rows"] for line in text.splitlines()]


def test_lines_are_written_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "BATCH_SECONDS", 0)  # the thread takes lines while others come
    with (tmp_path / "log").open("wb") as file:
        log = AccessLog(file.fileno())
        record_numbers(log, COUNT)
        log.close()
    assert numbers((tmp_path / "log").read_bytes()) == [*range(COUNT)]


def test_single_line_is_written_without_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "BATCH_SECONDS", 0)
    read, write = os.pipe()
    log = AccessLog(write)
    for _ in range(3):
        record_numbers(log, 1)
        assert numbers(os.read(read, 2**16)) == [0]
    log.close()
    os.close(write)
    os.close(read)


def test_dropped_lines_are_counted(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(access_log, "BATCH_SECONDS", 60)
    monkeypatch.setattr(access_log, "MAX_QUEUED", 2 * JOINED_LINES)
    read, write = os.pipe()
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.extend(iter(lambda: os.read(read, 2**16), b"")))
    reader.start()
    log = AccessLog(write)
    record_numbers(log, 5 * JOINED_LINES)
    log.close()
    os.close(write)
    reader.join(30)
    os.close(read)
    assert numbers(b"".join(found)) == [*range(2 * JOINED_LINES)]
    assert f"{3 * JOINED_LINES} requests were not written to the access log" in caplog.text

"""Fixtures of all tests: the shipped models, and a client of a real server."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import settings

from support.serving import POLL_SECONDS, SHIPPED, WORKERS, address_of, command, serving

settings.register_profile("without wall time", deadline=None)
settings.load_profile("without wall time")


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    """A client of a server with the shipped models."""
    with serving(SHIPPED) as result:
        yield result


@pytest.fixture
def own_repository(tmp_path: Path) -> Path:
    """A repository to change: a copy of the shipped ring and product."""
    for name in ("ring", "product"):
        shutil.copytree(SHIPPED / name, tmp_path / "models" / name)
    return tmp_path / "models"


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something holds, without a fixed time; fail after many looks."""

    def wait(holds: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(600):
            if holds():
                return
            pause.wait(POLL_SECONDS)
        raise AssertionError("it did not come to hold")

    return wait


@pytest.fixture
def address(own_repository: Path, tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]) -> Iterator[str]:
    """The address of the service as the command starts it, with WORKERS workers and the token of TOKEN."""
    with command(own_repository, tmp_path / "log") as process:
        yield address_of(process, tmp_path / "log", WORKERS, eventually)

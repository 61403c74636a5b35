"""A real server on a real socket, with the shipped models or those of a test."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from enn_service.app import create_app
from enn_service.server.server import uvicorn_config
from enn_service.settings import Settings

SHIPPED = Path(__file__).parents[2] / "models" / "repository"
POLL_SECONDS = 0.05
MAX_BODY_BYTES = 2**20
WORKERS = 2
TOKEN = "word"


@contextmanager
def serving(models: Path, **more: Any) -> Iterator[httpx.Client]:
    """Run the service on a free port, with more settings, and yield a client of it."""
    usual = {"port": 0, "log_level": "warning", "poll_seconds": POLL_SECONDS, "max_body_bytes": MAX_BODY_BYTES}
    chosen: dict[str, Any] = usual | more
    settings = Settings(models=models, **chosen)
    server = uvicorn.Server(uvicorn_config(settings, create_app(settings)))
    started = threading.Event()

    async def startup(sockets: list | None = None) -> None:
        await uvicorn.Server.startup(server, sockets)
        started.set()

    server.startup = startup  # the library has no event to wait for
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(30), "the server did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def command(models: Path, log: Path, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command on a free port, with some workers and more settings, and end it if it has not ended."""
    usual = {"port": 0, "workers": WORKERS, "token": TOKEN, "poll_seconds": POLL_SECONDS, "drain_seconds": 0.1}
    settings = {"models": models, **usual, **more}
    environment = os.environ | {
        f"ENN_{name.upper()}": str(value) for name, value in settings.items() if value is not None
    }
    # Under nohup the tests ignore SIGHUP; what they start is not to inherit that.
    start = ["env", "--default-signal=HUP", sys.executable, "-m", "enn_service"]
    with log.open("wb") as output:
        process = subprocess.Popen(start, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGKILL), log.read_text()


def address_of(
    process: subprocess.Popen[bytes], log: Path, workers: int, eventually: Callable[[Callable[[], bool]], None]
) -> str:
    """Return the address of a command once all its workers serve."""
    running = re.compile(r"running on (http://127.0.0.1:\d+)")

    def serves() -> bool:
        text = log.read_text()
        return text.count("startup complete") == workers and running.search(text) is not None

    eventually(lambda: process.poll() is not None or serves())
    found = running.search(log.read_text())
    assert found, log.read_text()
    return found[1]


def write_digests(file: Path, *keys: str) -> None:
    """Make a file of keys as sha256sum prints them, replaced whole: nobody reads half of it."""
    lines = [f"{hashlib.sha256(key.encode()).hexdigest()}  -\n" for key in keys]
    replace(file, "# as sha256sum prints them\n" + "".join(lines))


def replace(file: Path, text: str) -> None:
    """Write a file's text under another name, then rename it."""
    file.with_suffix(".new").write_text(text)
    file.with_suffix(".new").replace(file)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]

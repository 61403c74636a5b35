"""Run the service on a real socket, in a thread of the test or as a process with workers."""

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
TOKEN = "a-token-of-the-tests"


@contextmanager
def serving(models: Path, **settings: Any) -> Iterator[httpx.Client]:
    """Run the service in a thread on a free port, and yield a client for it.

    Args:
        models: Model repository.
        settings: Settings that differ from those of this function.
    """
    defaults = {"port": 0, "log_level": "warning", "poll_seconds": POLL_SECONDS, "max_body_bytes": MAX_BODY_BYTES}
    parsed = Settings(models=models, **(defaults | settings))
    server = uvicorn.Server(uvicorn_config(parsed, create_app(parsed)))
    started = threading.Event()

    async def startup(sockets: list | None = None) -> None:
        await uvicorn.Server.startup(server, sockets)
        started.set()

    server.startup = startup  # uvicorn has no event for the end of its startup
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
def command(models: Path, log: Path, **settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start the service as a process on a free port, yield the process, and stop it.

    Args:
        models: Model repository.
        log: File for the output of the process.
        settings: Settings that differ from those of this function; None removes a setting.
    """
    defaults = {"port": 0, "workers": WORKERS, "token": TOKEN, "poll_seconds": POLL_SECONDS, "drain_seconds": 0.1}
    chosen = {"models": models, **defaults, **settings}
    environment = os.environ | {
        f"ENN_{name.upper()}": str(value) for name, value in chosen.items() if value is not None
    }
    # Tests under nohup ignore SIGHUP; the process must not inherit that.
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
    """Wait until all workers of a process have started, and return its address.

    Args:
        process: Process of `command`.
        log: File with its output.
        workers: Number of workers.
        eventually: Function that waits until a condition is true.
    """
    running = re.compile(r"running on (http://127.0.0.1:\d+)")

    def all_started() -> bool:
        text = log.read_text()
        return text.count("startup complete") == workers and running.search(text) is not None

    eventually(lambda: process.poll() is not None or all_started())
    match = running.search(log.read_text())
    assert match, log.read_text()
    return match[1]


def write_key_digests(file: Path, *keys: str) -> None:
    """Write the SHA-256 digests of API keys to a file, in the format of sha256sum; the file is replaced atomically."""
    lines = [f"{hashlib.sha256(key.encode()).hexdigest()}  -\n" for key in keys]
    replace_file(file, "# as sha256sum prints them\n" + "".join(lines))


def replace_file(file: Path, text: str) -> None:
    """Replace a file atomically: write the text under another name, then rename it."""
    file.with_suffix(".new").write_text(text)
    file.with_suffix(".new").replace(file)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]

"""Context managers that start a server on a free port, wait until it answers, and stop all its processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks.serving.environments import MissingPeerError
from benchmarks.serving.peers import FOLDER, Peer

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models" / "repository"
MODEL = MODELS / "ring" / "1" / "model.onnx"
START_SECONDS = 90
STOP_SECONDS = 10


@dataclass(frozen=True)
class Server:
    """Running server.

    Args:
        url: Address.
        session: Identifier of its first process, and of the session of all its processes.
        log: File that its output is written to.
    """

    url: str
    session: int
    log: Path

    def cpu_seconds(self) -> float:
        """Return the CPU time that all its processes have used, in seconds; needs the /proc folder of Linux."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # another process can end at any moment
                # The name of the command is in parentheses and can contain spaces; the session is the 4th field after.
                fields = path.read_text().rpartition(")")[2].split()
                ticks += (int(fields[11]) + int(fields[12])) * (int(fields[3]) == self.session)
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def this_service(workers: int = 1) -> Iterator[str]:
    """Serve the shipped models with every other setting at its default and yield the address."""
    with service({"ENN_WORKERS": str(workers)}) as server:
        yield server.url


@contextmanager
def service(settings: Mapping[str, str]) -> Iterator[Server]:
    """Serve the shipped models with environment variables besides the defaults and yield the server."""
    port = free_port()
    environment = {"ENN_MODELS": str(MODELS), "ENN_PORT": str(port), **settings}
    with serving([sys.executable, "-m", "enn_service"], environment, port, "/v2/health/ready") as server:
        yield server


@contextmanager
def peer_service(peer: Peer, python: Path) -> Iterator[str]:
    """Serve the same model file with a peer and yield the address."""
    port = free_port()
    command = [str(python), "-P", str(peer.launcher), str(MODEL), str(port)]
    path = "/v2/models/ring/ready" if peer.protocol == "v2" else "/"
    with serving(command, {"PYTHONPATH": str(FOLDER)}, port, path) as server:
        yield server.url


@contextmanager
def serving(command: Sequence[str], settings: Mapping[str, str], port: int, path: str) -> Iterator[Server]:
    """Run a command that serves on a port, with a home folder of its own, and yield the server.

    Raises:
        MissingPeerError: The command ended or did not answer in time; the message has the last line of its output.
    """
    with TemporaryDirectory(prefix="enn-benchmark-", ignore_cleanup_errors=True) as home:
        environment = {**os.environ, **settings, "HOME": home, "TMPDIR": home}
        log = Path(home) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=environment, cwd=FOLDER, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_answering(process, url + path, log)
            yield Server(url, process.pid, log)
        finally:
            _stop(process)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_answering(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until a URL answers with a status below 500.

    Raises:
        MissingPeerError: The process ended, or the time to start is over.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False).status_code < 500:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it has no output"]
    raise MissingPeerError(f"it did not start: {last[0][:200]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process, and kill its group after STOP_SECONDS."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

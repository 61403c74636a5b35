"""Context managers that start a server on a free port, wait until it answers, and stop all its processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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


@contextmanager
def this_service(workers: int = 1) -> Iterator[str]:
    """Serve the shipped models with every setting at its default and yield the address."""
    port = free_port()
    settings = {"ENN_MODELS": str(MODELS), "ENN_PORT": str(port), "ENN_WORKERS": str(workers)}
    with serving([sys.executable, "-m", "enn_service"], settings, port, "/v2/health/ready") as url:
        yield url


@contextmanager
def peer_service(peer: Peer, python: Path) -> Iterator[str]:
    """Serve the same model file with a peer and yield the address."""
    port = free_port()
    command = [str(python), "-P", str(peer.launcher), str(MODEL), str(port)]
    path = "/v2/models/ring/ready" if peer.protocol == "v2" else "/"
    with serving(command, {"PYTHONPATH": str(FOLDER)}, port, path) as url:
        yield url


@contextmanager
def serving(command: Sequence[str], settings: Mapping[str, str], port: int, path: str) -> Iterator[str]:
    """Run a command that serves on a port, with a home folder of its own, and yield its address.

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
            yield url
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

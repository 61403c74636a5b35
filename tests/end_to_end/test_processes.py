"""Tests of the processes of the service: signals at the start, hanging workers, shared folders, addresses, threads."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from support.serving import SHIPPED, TOKEN, WORKERS, address_of, command, free_port, serving

pytestmark = pytest.mark.slow

Eventually = Callable[[Callable[[], bool]], None]
MANY = 1000
HOLDER = {"authorization": f"Bearer {TOKEN}"}
AS_FIRST_PROCESS = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Command that runs another one as PID 1, where a signal without a handler is ignored."""
AS_IN_THE_IMAGE = ("env", "--block-signal=TERM", sys.executable, "-m", "enn_service")


@pytest.fixture(scope="module")
def many_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of MANY models."""
    root = tmp_path_factory.mktemp("many")
    for number in range(MANY):
        folder = root / f"ring-{number}" / "1"
        folder.mkdir(parents=True)
        for file in ("model.onnx", "SHA256SUMS"):
            (folder / file).hardlink_to(
                shutil.copy(SHIPPED / "ring/1" / file, root / f".{file}") if number == 0 else root / f".{file}"
            )
    return root


@contextmanager
def first_process(models: Path, log: Path, workers: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the service as PID 1 of its own namespace, and yield the process outside."""
    if subprocess.run([*AS_FIRST_PROCESS, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not create a PID namespace")
    settings = {"ENN_MODELS": str(models), "ENN_PORT": "0", "ENN_WORKERS": str(workers)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*AS_FIRST_PROCESS, *AS_IN_THE_IMAGE], env=os.environ | settings, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def blocks_or_catches_sigterm(pid: int) -> bool:
    """Return whether a process has blocked SIGTERM or has a handler of it."""
    masks = re.findall(r"Sig(?:Blk|Cgt):\s+(\w+)", Path(f"/proc/{pid}/status").read_text())
    return any(int(mask, 16) >> (signal.SIGTERM - 1) & 1 for mask in masks)


@pytest.mark.parametrize(("workers", "moment"), [(1, "exec"), (1, "import"), (1, "load"), (WORKERS, "load")])
def test_sigterm_during_start_ends_first_process(
    tmp_path: Path, many_models: Path, eventually: Eventually, workers: int, moment: str
) -> None:
    log = tmp_path / "log"
    with first_process(many_models, log, workers) as outside:
        eventually(lambda: bool(children(outside.pid)))
        (inside,) = children(outside.pid)
        if moment == "exec":
            eventually(lambda: blocks_or_catches_sigterm(inside))
        elif moment == "import":
            eventually(lambda: "onnxruntime" in Path(f"/proc/{inside}/maps").read_text() or bool(children(inside)))
        else:
            eventually(lambda: log.read_text().count("loaded ring") > workers)
        os.kill(inside, signal.SIGTERM)
        assert outside.wait(30) == 0, log.read_text()
    text = log.read_text()
    assert text.count("loaded ring") < MANY
    assert "startup complete" not in text
    assert "Traceback" not in text


def test_stopped_worker_delays_neither_replacement_nor_shutdown(
    tmp_path: Path, own_repository: Path, eventually: Eventually
) -> None:
    log = tmp_path / "log"
    with command(own_repository, log) as supervisor:
        address_of(supervisor, log, WORKERS, eventually)
        stopped, killed = map(int, re.findall(r"Started server process \[(\d+)\]", log.read_text()))
        os.kill(stopped, signal.SIGSTOP)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: log.read_text().count("startup complete") == WORKERS + 1)
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(30) == 0, log.read_text()
        assert f"worker [{stopped}] does not respond" in log.read_text()


def test_sigterm_right_after_start_ends_cleanly(tmp_path: Path, own_repository: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    with command(own_repository, log) as supervisor:
        eventually(lambda: log.read_text().count("startup complete") == WORKERS)
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(30) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def test_services_that_share_a_folder_drain_alone(tmp_path: Path, own_repository: Path, eventually: Eventually) -> None:
    logs, run = [tmp_path / "a", tmp_path / "b"], tmp_path / "run"
    with (
        command(own_repository, logs[0], workers=WORKERS, run=run) as one,
        command(own_repository, logs[1], workers=1, run=run, drain_seconds=60) as other,
    ):
        stays = address_of(one, logs[0], WORKERS, eventually)
        ends = address_of(other, logs[1], 1, eventually)
        assert httpx.post(f"{ends}/v2/repository/models/ring/unload", headers=HOLDER).status_code == 200
        eventually(lambda: httpx.get(f"{stays}/v1/models").json() == {"models": ["product"]})
        other.send_signal(signal.SIGTERM)
        eventually(lambda: httpx.get(f"{ends}/v2/health/ready").status_code == 503)
        assert {httpx.get(f"{stays}/v2/health/ready").status_code for _ in range(8)} == {200}
        other.send_signal(signal.SIGTERM)
        assert other.wait(30) == 0


@pytest.mark.parametrize(("host", "workers"), [("::", 1), ("", WORKERS)])
def test_all_addresses_are_served_by_one_and_several_workers(
    tmp_path: Path, own_repository: Path, eventually: Eventually, host: str, workers: int
) -> None:
    log = tmp_path / "log"
    with command(own_repository, log, host=host, workers=workers) as process:
        eventually(lambda: log.read_text().count("startup complete") == workers and "running on" in log.read_text())
        (port,) = re.findall(r"running on http://\[::\]:(\d+)", log.read_text())
        for address in ("127.0.0.1", "[::1]"):
            assert httpx.get(f"http://{address}:{port}/v2/health/ready").status_code == 200
        assert process.poll() is None


def check_health(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run the health check of the image."""
    proxy = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    run = [sys.executable, "-m", "enn_service.server.health_check"]
    return subprocess.run(run, env=os.environ | proxy | environment, capture_output=True, text=True, check=False)


def test_health_check_honours_address_and_no_proxy(tmp_path: Path, own_repository: Path) -> None:
    with serving(own_repository, port=(port := free_port()), allowed_hosts=("example.com",)):
        for host in ("127.0.0.1", "0.0.0.0", "", "::"):
            assert check_health(ENN_HOST=host, ENN_PORT=str(port)).returncode == 0
    refused = check_health(ENN_PORT=str(port))
    assert (refused.returncode, f"127.0.0.1:{port}" in refused.stderr) == (1, True)
    with serving(tmp_path / "absent", port=(port := free_port())):
        unready = check_health(ENN_PORT=str(port))
        assert (unready.returncode, "No such file or directory" in unready.stderr) == (1, True)


THREADS = """
import json, threadpoolctl

def middleware(app):
    async def answer(scope, receive, send):
        if scope["type"] != "http" or scope["path"] != "/threads":
            return await app(scope, receive, send)
        found = [each["num_threads"] for each in threadpoolctl.threadpool_info()]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(found).encode()})
    return answer
"""


def test_workers_have_one_blas_thread(
    tmp_path: Path, own_repository: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "threads.py").write_text(THREADS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    log = tmp_path / "log"
    with command(own_repository, log, middleware="threads:middleware") as process:
        address = address_of(process, log, WORKERS, eventually)
        found = httpx.get(f"{address}/threads").json()
    assert found
    assert set(found) == {1}

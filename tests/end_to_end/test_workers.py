"""Several processes behind one address: each of them follows the repository, unloading and the others' counts."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from enn_models import repository
from serving import SHIPPED

Eventually = Callable[[Callable[[], bool]], None]
WORKERS = 2
ASKED = 16
HOLDER = {"authorization": "Bearer word"}
BODY = {"instances": [[0.1, 0.2], [0.3, 0.4]]}


@contextmanager
def running(models: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command with two workers on a free port, and end it."""
    settings = {"MODELS": str(models), "PORT": "0", "WORKERS": str(WORKERS), "TOKEN": "word", "POLL_SECONDS": "0.05"}
    environment = os.environ | {f"ENN_{name}": value for name, value in settings.items()}
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "enn_service"], env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()


@pytest.fixture
def address(own_repository: Path, tmp_path: Path, eventually: Eventually) -> Iterator[str]:
    """The address of the service with two workers."""
    log = tmp_path / "log"
    with running(own_repository, log) as process:
        eventually(lambda: process.poll() is not None or log.read_text().count("startup complete") == WORKERS)
        found = re.search(r"running on (http://127.0.0.1:\d+)", log.read_text())
        assert found, log.read_text()
        yield found[1]


def every(address: str, ask: Callable[[httpx.Client], bool]) -> bool:
    """Return whether something holds over many connections, which both workers accept some of."""

    def once() -> bool:
        with httpx.Client(base_url=address) as client:
            return ask(client)

    return all(once() for _ in range(ASKED))


def predicts(client: httpx.Client, name: str = "ring") -> bool:
    return client.post(f"/v1/models/{name}:predict", json=BODY).status_code == 200


def rows(address: str) -> float:
    text = httpx.get(f"{address}/metrics").text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "rows_total"
    )


def test_all_workers_converge_and_add_up(address: str, own_repository: Path, eventually: Eventually) -> None:
    assert every(address, predicts)
    wanted = 2 * ASKED
    eventually(lambda: every(address, lambda _: rows(address) == wanted))
    (found,) = httpx.get(f"{address}/v2/models/ring/stats").json()["model_stats"]
    assert (found["inference_count"], found["execution_count"]) == (wanted, ASKED)

    assert httpx.post(f"{address}/v2/repository/models/ring/unload", headers=HOLDER).status_code == 200
    eventually(lambda: every(address, lambda client: not predicts(client)))
    assert httpx.post(f"{address}/v2/repository/models/ring/load", headers=HOLDER).status_code == 200
    eventually(lambda: every(address, predicts))

    repository.publish(own_repository, "face", (SHIPPED / "face/1/model.onnx").read_bytes())
    eventually(lambda: every(address, lambda client: predicts(client, "face")))

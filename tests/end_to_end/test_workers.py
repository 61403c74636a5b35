"""Tests of several worker processes behind one address."""

import os
import re
import shutil
import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from enn_models import repository
from support.serving import SHIPPED, TOKEN, WORKERS, address_of, command

Eventually = Callable[[Callable[[], bool]], None]
ASKED = 16
LOOKS = 30
HOLDER = {"authorization": f"Bearer {TOKEN}"}
BODY = {"instances": [[0.1, 0.2], [0.3, 0.4]]}


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


def test_workers_share_state_and_sum_counters(address: str, own_repository: Path, eventually: Eventually) -> None:
    assert every(address, predicts)
    wanted = 2 * ASKED
    eventually(lambda: every(address, lambda _: rows(address) == wanted))
    (found,) = httpx.get(f"{address}/v2/models/ring/stats").json()["model_stats"]
    assert (found["inference_count"], found["execution_count"]) == (wanted, ASKED)

    assert httpx.post(f"{address}/v2/repository/models/ring/unload", headers=HOLDER).status_code == 200
    eventually(lambda: every(address, lambda client: not predicts(client)))
    assert httpx.post(f"{address}/v2/repository/models/ring/load", headers=HOLDER).status_code == 200
    eventually(lambda: every(address, predicts))

    folder = repository.publish_version(own_repository, "face", (SHIPPED / "face/1/model.onnx").read_bytes())
    eventually(lambda: every(address, lambda client: predicts(client, "face")))
    eventually(lambda: every(address, lambda client: 'model_name="face"' in client.get("/metrics").text))
    counted = rows(address)
    shutil.rmtree(folder)
    eventually(lambda: every(address, lambda client: 'model_name="face"' not in client.get("/metrics").text))
    assert wanted < rows(address) < counted


def test_worker_killed_during_health_check_is_replaced(
    tmp_path: Path, own_repository: Path, eventually: Eventually
) -> None:
    log = tmp_path / "log"
    looks: deque[int] = deque(maxlen=LOOKS)
    with command(own_repository, log) as supervisor:
        address = address_of(supervisor, log, WORKERS, eventually)
        worker, *_ = re.findall(r"Started server process \[(\d+)\]", log.read_text())

        def waits() -> bool:
            """Whether the supervisor, which else looks around twice a second, has not moved for a while."""
            looks.append(moves(supervisor.pid))
            return len(looks) == LOOKS and len(set(looks)) == 1

        os.kill(int(worker), signal.SIGSTOP)
        eventually(waits)
        os.kill(int(worker), signal.SIGKILL)
        eventually(lambda: log.read_text().count("startup complete") == WORKERS + 1)
        assert every(address, predicts)


def moves(process: int) -> int:
    """Return how often a process has waited for something."""
    status = Path(f"/proc/{process}/status").read_text()
    (found,) = re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", status, flags=re.MULTILINE)
    return int(found)

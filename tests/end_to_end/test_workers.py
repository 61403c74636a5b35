"""Tests of several worker processes behind one address."""

import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from enn_models import repository
from support.serving import SHIPPED, TOKEN

Eventually = Callable[[Callable[[], bool]], None]
ASKED = 16
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
        if sample.name == "enn_rows_total"
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

"""Tests of monitoring: Prometheus scrapes two workers, and every dashboard query returns series."""

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from support.serving import WORKERS, address_of, command, write_key_digests

WATCH = Path(__file__).parents[2] / "deploy" / "watch"
KEY = "spring-and-autumn"
Eventually = Callable[[Callable[[], bool]], None]

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")


@pytest.fixture
def service(own_repository: Path, tmp_path: Path, eventually: Eventually) -> Iterator[httpx.Client]:
    """A service with two workers that requires a key."""
    write_key_digests(tmp_path / "keys", KEY)
    log = tmp_path / "log"
    with command(own_repository, log, api_keys_file=tmp_path / "keys") as process:
        url = address_of(process, log, WORKERS, eventually)
        with httpx.Client(base_url=url, headers={"x-api-key": KEY}) as client:
            yield client


@pytest.fixture
def prometheus(service: httpx.Client, tmp_path: Path, eventually: Eventually) -> Iterator[httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    target = f"127.0.0.1:{service.base_url.port}"
    (tmp_path / "enn-key").write_text(KEY)
    shipped = yaml.safe_load((WATCH / "prometheus.yml").read_text())
    (job,) = shipped["scrape_configs"]
    assert job.pop("dns_sd_configs")
    job["static_configs"] = [{"targets": [target]}]
    job["authorization"]["credentials_file"] = str(tmp_path / Path(job["authorization"]["credentials_file"]).name)
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(json.dumps(shipped | {"global": {"scrape_interval": "500ms"}}))
    command = ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            eventually(lambda: query(client, "up") == [1.0])
            yield client
    finally:
        process.terminate()
        process.wait(30)


def query(prometheus: httpx.Client, expression: str) -> list[float]:
    try:
        reply = prometheus.get("/api/v1/query", params={"query": expression})
    except httpx.TransportError:
        return []
    if reply.status_code == 503:  # not ready yet
        return []
    assert reply.status_code == 200, reply.text
    return [float(series["value"][1]) for series in reply.json()["data"]["result"]]


def test_every_dashboard_query_returns_series(
    service: httpx.Client, prometheus: httpx.Client, eventually: Eventually
) -> None:
    panels = json.loads((WATCH / "dashboards" / "enn.json").read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]

    def all_found() -> bool:
        service.post("/v1/models/ring:predict", json={"instances": [[0.1, 3.5]]})
        service.post("/v1/models/ring:explain", json={"instances": [[0.1, 0.2]]})
        service.post("/v1/models/ring:predict", json={"instances": []})
        return all(query(prometheus, expression) for expression in queries)

    eventually(all_found)
    assert len(queries) > len(panels)

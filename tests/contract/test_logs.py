"""Logs of all workers: one record per line, JSON on request, one line per request at debug, and no secrets."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support.serving import TOKEN, address_of, command

ROW = {"instances": [[0.1, 0.2], [0.1, 0.3]]}
KEY = "spring-and-autumn"
Eventually = Callable[[Callable[[], bool]], None]


def requests(log: Path) -> list[dict]:
    return [
        line
        for line in map(json.loads, log.read_text().splitlines())
        if line["logger"] == "enn_service.observability.log_config"
    ]


def test_json_log_describes_each_request_without_secrets(
    own_repository: Path, tmp_path: Path, eventually: Eventually
) -> None:
    log = tmp_path / "log"
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    settings = {"log_format": "json", "log_level": "debug", "api_keys": json.dumps([digest])}
    with command(own_repository, log, **settings) as process:
        address = address_of(process, log, 2, eventually)
        headers = {"x-api-key": KEY, "x-request-id": "mine-1"}
        with httpx.Client(base_url=address, headers=headers) as client:
            client.post("/v1/models/ring:predict?key=" + KEY, json=ROW)
            client.post("/v2/models/moon/infer", json={})
            client.post("/v1/models/ring:predict", json={"instances": 1})
            client.post("/v2/repository/models/ring/load", headers={"authorization": f"Bearer {TOKEN}"})
            httpx.get(f"{address}/v2/models/ring")
        eventually(lambda: len(requests(log)) == 5)
    good, unknown, wrong, load, keyless = requests(log)
    assert (good["request_id"], good["model"], good["version"], good["rows"]) == ("mine-1", "ring", "1", 2)
    assert (good["method"], good["path"], good["status"]) == ("POST", "/v1/models/ring:predict", 200)
    assert 0 < good["seconds"] < 60
    assert {"time", "level", "message"} < set(good)
    assert (unknown["status"], unknown["model"], unknown["rows"]) == (404, "", 0)
    assert (wrong["status"], wrong["model"], wrong["rows"]) == (400, "ring", 0)
    assert (load["status"], keyless["status"]) == (200, 401)
    everything = [json.loads(line) for line in log.read_text().splitlines()]
    assert sum("loaded ring/1" in line["message"] for line in everything) >= 2
    for secret in (KEY, digest, f"Bearer {TOKEN}"):
        assert secret not in log.read_text()


@pytest.mark.parametrize("level", ["debug", "info"])
def test_console_log_has_requests_only_at_debug(
    own_repository: Path, tmp_path: Path, eventually: Eventually, level: str
) -> None:
    log = tmp_path / "log"
    with command(own_repository, log, log_level=level, workers=1) as process:
        address = address_of(process, log, 1, eventually)
        httpx.post(f"{address}/v1/models/ring:predict", json=ROW, headers={"x-request-id": "mine-1"})
        httpx.get(f"{address}/a%0Ab")
    lines = [line for line in log.read_text().splitlines() if " request " in line]
    assert len(lines) == (2 if level == "debug" else 0)
    if lines:
        assert "request_id='mine-1' method='POST' path='/v1/models/ring:predict' status=200 model='ring'" in lines[0]
        assert r"path='/a\nb' status=404" in lines[1]


def test_access_log_names_client_key_status_and_time(
    own_repository: Path, tmp_path: Path, eventually: Eventually
) -> None:
    log = tmp_path / "log"
    (tmp_path / "keys").write_text(f"{hashlib.sha256(KEY.encode()).hexdigest()}  reports\n")
    with command(own_repository, log, api_keys_file=tmp_path / "keys", access_log="true") as process:
        address = address_of(process, log, 2, eventually)
        headers = {"x-api-key": KEY, "x-request-id": 'a"\\b', "x-forwarded-for": "10.0.0.7"}
        with httpx.Client(base_url=address, headers=headers) as client:
            client.post("/v1/models/ring:predict", json=ROW)
            client.get("/v2/models/moon")
            client.post("/v1/models/ring:predict", json={"instances": 1}, headers={"x-api-key": "moon"})
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert [(line["path"], line["key"], line["status"], line["rows"]) for line in lines] == [
        ("/v1/models/ring:predict", "reports", 200, 2),
        ("/v2/models/moon", "reports", 404, 0),
        ("/v1/models/ring:predict", "", 401, 0),
    ]
    assert {(line["client"], line["forwarded_for"], line["request_id"]) for line in lines} == {
        ("127.0.0.1", "10.0.0.7", 'a"\\b')
    }
    assert all(line["time"].endswith("+00:00") and 0 < line["microseconds"] < 60_000_000 for line in lines)
    assert KEY not in log.read_text()

"""Record of predictions in a real database of a real server: content, limits, failures and recovery."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from enn_service.inference.record.store import Store
from enn_service.settings.checks import SettingError
from support.serving import SHIPPED, TOKEN, address_of, command, serving

Eventually = Callable[[Callable[[], bool]], None]
ROW = {"instances": [[0.1, 0.2]]}


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def stored(path: Path) -> list[dict[str, Any]]:
    with database(path) as connection:
        return [dict(row) for row in connection.execute("SELECT * FROM enn_predictions ORDER BY id")]


def metric(client: httpx.Client, name: str) -> float:
    return float(client.get("/metrics").text.partition(f"\n{name} ")[2].split()[0])


def written(client: httpx.Client) -> float:
    return metric(client, 'enn_record_rows_total{result="written"}')


def test_record_has_rows_outputs_flags_and_client(tmp_path: Path, eventually: Eventually) -> None:
    path = tmp_path / "record.db"
    with serving(SHIPPED, record=f"sqlite:///{path}", record_exclude=("x1",)) as client:
        headers = {"x-client-id": "anna'; DROP TABLE enn_predictions; --"}
        rows = {"instances": [[0.1, 5.0], [1.5, 0.2]]}
        first = client.post("/v1/models/ring:predict", json=rows, headers=headers)
        tensor = {"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 0.25]}]}
        client.post("/v2/models/ring/infer", json=tensor | {"outputs": [{"name": "bumps"}]})
        client.post("/v1/models/ring:predict", json={"instances": [[0.1]]})
        eventually(lambda: written(client) == 3)
    found = stored(path)
    assert [row["request_id"] for row in found[:2]] == [first.headers["x-request-id"]] * 2
    assert [row["row_index"] for row in found] == [0, 1, 0]
    assert [row["client"] for row in found] == [headers["x-client-id"]] * 2 + [""]
    assert [json.loads(row["features"]) for row in found] == [{"x0": 0.1}, {"x0": 1.5}, {"x0": 0.5}]
    assert [json.loads(row["out_of_range"]) for row in found] == [[], ["x0"], []]
    scores = [[prediction["score"]] for prediction in first.json()["predictions"]]
    assert [json.loads(row["outputs"]) for row in found[:2]] == scores
    assert found[2]["outputs"] is None
    assert {(row["model"], row["version"]) for row in found} == {("ring", "1")}


def test_predictions_go_on_while_the_record_is_locked(tmp_path: Path, eventually: Eventually) -> None:
    path = tmp_path / "record.db"
    with serving(SHIPPED, record=f"sqlite:///{path}", token=TOKEN) as client:
        assert client.post("/v1/models/ring:predict", json=ROW).status_code == 200
        eventually(lambda: written(client) == 1)
        with database(path) as other:
            other.execute("BEGIN EXCLUSIVE")
            answer = client.post("/v1/models/ring:predict", json=ROW)
            eventually(lambda: metric(client, "enn_record_failing") == 1)
            entry = {"id": answer.headers["x-request-id"], "truth": 1}
            refused = client.post(
                "/v1/models/ring:feedback",
                json={"feedback": [entry]},
                headers={"authorization": f"Bearer {TOKEN}"},
            )
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            other.execute("ROLLBACK")
        eventually(lambda: written(client) == 2 and metric(client, "enn_record_failing") == 0)


def test_a_removed_file_is_made_again(tmp_path: Path, eventually: Eventually) -> None:
    path = tmp_path / "record.db"
    with serving(SHIPPED, record=f"sqlite:///{path}") as client:
        for number in (1, 2):
            client.post("/v1/models/ring:predict", json=ROW)
            eventually(lambda number=number: written(client) == number)
            assert len(stored(path)) == 1
            for file in tmp_path.glob("record.db*"):
                file.unlink()


def test_schema_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/record.db"
    with Store(url).begin() as connection:
        connection.execute(sa.text("UPDATE enn_record_schema SET version_num = '999'"))
    with pytest.raises(SettingError, match="version '999' of the schema; this release knows versions up to '1'"):
        Store(url).begin().__enter__()
    environment = os.environ | {"ENN_RECORD": url, "ENN_MODELS": str(SHIPPED), "ENN_PORT": "0"}
    start = [sys.executable, "-m", "enn_service"]
    ended = subprocess.run(start, check=False, env=environment, capture_output=True, timeout=60)
    assert (ended.returncode, b"version '999'" in ended.stderr) == (2, True)


@pytest.mark.slow
def test_full_disk_and_kill_lose_no_written_row(tmp_path: Path, eventually: Eventually) -> None:
    path, log = tmp_path / "record.db", tmp_path / "log"
    with command(SHIPPED, log, record=f"sqlite:///{path}", workers=1) as process:
        with httpx.Client(base_url=address_of(process, log, 1, eventually)) as client:
            client.post("/v1/models/ring:predict", json=ROW)
            eventually(lambda: written(client) == 1)
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2**16, hard))
            rows = {"instances": [[0.1, 0.2]] * 2000}
            assert client.post("/v1/models/ring:predict", json=rows).status_code == 200
            eventually(lambda: metric(client, "enn_record_failing") == 1)
            assert client.post("/v1/models/ring:predict", json=ROW).status_code == 200
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            eventually(lambda: written(client) == 2002)
        os.kill(process.pid, signal.SIGKILL)
    assert len(stored(path)) == 2002
    assert log.read_text().count("the record cannot be written") == 1

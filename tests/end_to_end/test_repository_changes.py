"""Tests of repository changes: new, changed, removed and broken versions."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx

from enn_models import repository
from support.serving import SHIPPED, serving

Eventually = Callable[[Callable[[], bool]], None]
RING = "ring/1/model.onnx"


def index(client: httpx.Client) -> dict[str, dict]:
    return {f"{entry['name']}/{entry['version']}": entry for entry in client.post("/v2/repository/index").json()}


def answers(client: httpx.Client, name: str) -> bool:
    return client.post(f"/v1/models/{name}:predict", json={"instances": [[0.1, 0.2]]}).status_code == 200


def test_published_model_answers_and_removed_model_gets_404(own_repository: Path, eventually: Eventually) -> None:
    with serving(own_repository) as client:
        assert not answers(client, "face")
        repository.publish_version(own_repository, "face", (SHIPPED / "face/1/model.onnx").read_bytes())
        eventually(lambda: answers(client, "face"))
        shutil.rmtree(own_repository / "face")
        eventually(lambda: not answers(client, "face"))
        assert answers(client, "ring")


def test_highest_version_answers_by_default(own_repository: Path, eventually: Eventually) -> None:
    with serving(own_repository) as client:
        for _ in range(9):
            repository.publish_version(own_repository, "ring", (SHIPPED / "stripes/1/model.onnx").read_bytes())
        eventually(lambda: client.get("/v2/models/ring").json()["versions"][-1] == "10")
        tensor = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.1, 0.2]}
        reply = client.post("/v2/models/ring/infer", json={"inputs": [tensor]})
        assert reply.json()["model_version"] == "10"
        reply = client.post("/v2/models/ring/versions/1/infer", json={"inputs": [tensor]})
        assert reply.json()["model_version"] == "1"


def test_broken_file_is_refused_with_reason_others_answer(own_repository: Path, eventually: Eventually) -> None:
    good = (SHIPPED / RING).read_bytes()
    broken = {"truncated": good[: len(good) // 2], "foreign": b"GIF89a", "empty": b""}
    for name, data in broken.items():
        repository.publish_version(own_repository, name, data)
    (own_repository / "half" / "1").mkdir(parents=True)
    (own_repository / "half" / "1" / "model.onnx").write_bytes(good)
    for name in (b"odd name", b"by\xffte"):
        (own_repository / os.fsdecode(name) / "1").mkdir(parents=True)
    with serving(own_repository) as client:
        found = index(client)
        for name in (*broken, "half", "odd name", "by\\udcffte"):
            assert found[f"{name}/1"]["state"] == "UNAVAILABLE"
            assert found[f"{name}/1"]["reason"]
            assert str(own_repository) not in found[f"{name}/1"]["reason"]
        assert answers(client, "ring")
        reply = client.post("/v1/models/truncated:predict", json={"instances": [[0, 0]]})
        assert reply.status_code == 503
        assert found["truncated/1"]["reason"] in reply.json()["error"]
        shutil.copy(own_repository / "ring/1/SHA256SUMS", own_repository / "half/1/SHA256SUMS")
        eventually(lambda: answers(client, "half"))


def test_version_with_damaged_file_keeps_answering(own_repository: Path, eventually: Eventually) -> None:
    with serving(own_repository) as client:
        (own_repository / RING).write_bytes(b"not a model")
        eventually(lambda: index(client)["ring/1"]["reason"] != "")
        assert "SHA-256" in index(client)["ring/1"]["reason"]
        assert index(client)["ring/1"]["state"] == "READY"
        assert answers(client, "ring")


def test_empty_or_missing_repository_serves_models_published_later(tmp_path: Path, eventually: Eventually) -> None:
    with serving(tmp_path / "later") as client:
        assert client.get("/v1/models").json() == {"models": []}
        repository.publish_version(tmp_path / "later", "ring", (SHIPPED / RING).read_bytes())
        eventually(lambda: answers(client, "ring"))

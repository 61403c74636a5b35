"""Tests of the model repository extension: load, unload, token, origin."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from enn_models import repository
from enn_service.runtime.unload_state import UnloadState
from support.serving import SHIPPED, serving, write_key_digests

TOKEN = "a-token-of-the-test"
HOLDER = {"authorization": f"Bearer {TOKEN}"}
Eventually = Callable[[Callable[[], bool]], None]


def ask(client: httpx.Client, verb: str, name: str = "ring", **options: Any) -> httpx.Response:
    options.setdefault("headers", HOLDER)
    return client.post(f"/v2/repository/models/{name}/{verb}", **options)


def states(client: httpx.Client) -> dict[str, tuple[str, str]]:
    return {
        f"{e['name']}/{e['version']}": (e["state"], e["reason"]) for e in client.post("/v2/repository/index").json()
    }


def answers(client: httpx.Client, name: str = "ring") -> int:
    return client.post(f"/v1/models/{name}:predict", json={"instances": [[0.1, 0.2]]}).status_code


def test_without_token_load_and_unload_are_disabled(client: httpx.Client) -> None:
    for verb in ("load", "unload"):
        reply = ask(client, verb)
        assert reply.status_code == 403
        assert "ENN_TOKEN" in reply.json()["error"]
    assert "model_repository" not in client.get("/v2").json()["extensions"]
    assert answers(client) == 200


def test_unloaded_model_stays_unloaded_until_load(own_repository: Path, eventually: Eventually) -> None:
    with serving(own_repository, token=TOKEN) as client:
        assert "model_repository" in client.get("/v2").json()["extensions"]
        assert ask(client, "unload", json={"parameters": {"unload_dependents": True}}).json()["reach"] == "this replica"
        assert answers(client) == 503
        assert states(client)["ring/1"] == ("UNAVAILABLE", "unloaded")
        assert client.get("/v1/models").json() == {"models": ["product"]}
        assert client.get("/v2/models/ring/ready").status_code == 503
        repository.publish_version(own_repository, "ring", (SHIPPED / "ring/1/model.onnx").read_bytes())
        eventually(lambda: "ring/2" in states(client))
        assert states(client)["ring/2"] == ("UNAVAILABLE", "unloaded")
        assert answers(client, "product") == 200
        assert ask(client, "load").json()["reach"] == "this replica"
        assert answers(client) == 200
        assert client.get("/v2/models/ring").json()["versions"] == ["1", "2"]


def test_load_overtaken_by_unload_gets_409(own_repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(own_repository, token=TOKEN) as client:
        assert ask(client, "unload").status_code == 200
        monkeypatch.setattr(UnloadState, "mark_loaded", lambda *_: None)
        reply = ask(client, "load")
        assert (reply.status_code, "unloaded by another request" in reply.json()["error"]) == (409, True)
        monkeypatch.undo()
        assert ask(client, "load").status_code == 200


def test_new_model_is_ready_when_load_returns(own_repository: Path) -> None:
    with serving(own_repository, token=TOKEN) as client:
        assert ask(client, "load", "face").status_code == 404
        shutil.copytree(SHIPPED / "face", own_repository / "face")
        assert ask(client, "load", "face").status_code == 200
        assert answers(client, "face") == 200


def test_load_of_broken_files_fails_and_keeps_old_version(own_repository: Path) -> None:
    with serving(own_repository, token=TOKEN) as client:
        (own_repository / "ring/1/model.onnx").write_bytes(b"not a model")
        reply = ask(client, "load")
        assert reply.status_code == 400
        assert "SHA-256" in reply.json()["error"]
        assert states(client)["ring/1"][0] == "READY"
        assert answers(client) == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer moon"}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": f"Bearer {TOKEN}".replace("t", "ť").encode()}, 401),
        (HOLDER | {"origin": "https://moon.example"}, 403),
        (HOLDER | {"origin": "null"}, 403),
        (HOLDER | {"origin": "http://[::1"}, 403),
    ],
    ids=["none", "wrong", "scheme", "no ascii", "cross-site", "opaque", "no address"],
)
def test_load_requires_token_and_refuses_other_origins(own_repository: Path, headers: dict, status: int) -> None:
    with serving(own_repository, token=TOKEN) as client:
        for verb in ("load", "unload"):
            reply = ask(client, verb, headers=headers)
            assert reply.status_code == status
            assert list(reply.json()) == ["error"]
            assert (reply.headers.get("www-authenticate") == "Bearer") == (status == 401)
        assert answers(client) == 200
        own = str(client.base_url).rstrip("/")
        assert ask(client, "load", headers=HOLDER | {"origin": own}).status_code == 200


def test_load_refuses_model_files_in_requests(own_repository: Path) -> None:
    with serving(own_repository, token=TOKEN) as client:
        for parameters in ({"config": "{}"}, {"file:1/model.onnx": "AAAA"}):
            reply = ask(client, "load", json={"parameters": parameters})
            assert reply.status_code == 400
        for name in ("moon", "%2e%2e", "..%2fetc"):
            assert ask(client, "unload", name).status_code == 404
        assert ask(client, "load", content=b"{").status_code == 400


def test_unloaded_state_survives_restart_with_run_directory(own_repository: Path, tmp_path: Path) -> None:
    with serving(own_repository, token=TOKEN, run=tmp_path / "run") as client:
        ask(client, "unload")
    with serving(own_repository, token=TOKEN, run=tmp_path / "run") as client:
        assert answers(client) == 503
        assert answers(client, "product") == 200


def test_token_file_is_reloaded_at_runtime(own_repository: Path, tmp_path: Path, eventually: Eventually) -> None:
    file = tmp_path / "tokens"

    def opens(token: str) -> bool:
        return ask(client, "load", headers={"authorization": f"Bearer {token}"}).status_code == 200

    write_key_digests(file, "spring")
    with serving(own_repository, token_file=file) as client:
        assert "model_repository" in client.get("/v2").json()["extensions"]
        assert opens("spring")
        write_key_digests(file, "spring", "autumn")
        eventually(lambda: opens("autumn"))
        assert opens("spring")
        write_key_digests(file, "autumn")
        eventually(lambda: not opens("spring"))
        file.unlink()
        assert opens("autumn")
        write_key_digests(file)
        eventually(lambda: not opens("autumn"))
        assert ask(client, "load").status_code == 401
    with serving(own_repository, token=TOKEN, token_file=file) as client:
        assert opens(TOKEN)


def test_replicas_that_share_unloaded_models_follow(
    own_repository: Path, tmp_path: Path, eventually: Eventually
) -> None:
    shared = {"token": TOKEN, "unloaded_models": tmp_path / "unloaded"}
    with serving(own_repository, **shared) as one, serving(own_repository, **shared) as other:
        assert ask(one, "unload").json()["reach"] == "all replicas"
        eventually(lambda: answers(other) == 503)
        assert ask(other, "load").status_code == 200
        eventually(lambda: answers(one) == 200)


def test_audit_log_names_who_loads_which_model(
    own_repository: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tokens").write_text(f"{sha256(TOKEN.encode()).hexdigest()}  operator\n")
    (tmp_path / "keys").write_text(f"{sha256(b'spring').hexdigest()}  reports\n")
    files = {"token_file": tmp_path / "tokens", "api_keys_file": tmp_path / "keys"}
    with caplog.at_level("INFO", "enn_service.audit"), serving(own_repository, **files) as client:
        client.headers["x-api-key"] = "spring"
        assert ask(client, "unload").status_code == 200
        assert ask(client, "load", "moon%0Aring").status_code == 404
        assert client.post("/v2/repository/models/ring/load").status_code == 401
    who = "client='127.0.0.1' key='reports'"
    assert [record.getMessage() for record in caplog.records if record.name == "enn_service.audit"] == [
        f"action='unload' model='ring' {who} token='operator' result='200 done'",
        rf"action='load' model='moon\nring' {who} token='operator' result='404 unknown_model'",
        f"action='load' model='ring' {who} token='' result='401 unauthorized'",
    ]


def test_404_lists_no_other_model(client: httpx.Client) -> None:
    for path in ("/v1/models/moon", "/v2/models/moon/stats", "/v1/models/ring/versions/7"):
        reply = client.get(path)
        assert reply.status_code == 404
        assert not any(name in reply.text for name in ("face", "product", "stripes", "breast-cancer"))

"""Tests of readiness and of a repository that cannot be read: at the start, later, as a whole or in part."""

import errno
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from enn_models import repository
from support.serving import SHIPPED, TOKEN, serving

Eventually = Callable[[Callable[[], bool]], None]
MODEL = (SHIPPED / "ring/1/model.onnx").read_bytes()
HOLDER = {"authorization": f"Bearer {TOKEN}"}


def readiness(client: httpx.Client) -> tuple[int, bool, str]:
    """Return the status of readiness, `ready` in the body of liveness, and the error."""
    reply, live = client.get("/v2/health/ready"), client.get("/v2/health/live")
    assert live.status_code == 200
    return reply.status_code, live.json()["ready"], reply.json().get("error", "")


def predicts(client: httpx.Client, name: str = "ring") -> bool:
    return client.post(f"/v1/models/{name}:predict", json={"instances": [[0.1, 0.2]]}).status_code == 200


def reasons(client: httpx.Client) -> dict[str, str]:
    """Return the reason of each version in the index, and check that each is served."""
    entries = client.post("/v2/repository/index").json()
    assert {entry["state"] for entry in entries} == {"READY"}
    return {f"{entry['name']}/{entry['version']}": entry["reason"] for entry in entries}


def gauges(client: httpx.Client, name: str) -> list[str]:
    """Return the lines of a metric."""
    return [line for line in client.get("/metrics").text.splitlines() if name in line and not line.startswith("#")]


@pytest.mark.parametrize("found", ["nothing", "a file", "an unreadable folder"])
def test_repository_that_was_never_read_is_not_ready(
    tmp_path: Path,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
    found: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = tmp_path / "models"
    expected = {"nothing": "No such file", "a file": "Not a directory", "an unreadable folder": "Permission denied"}[
        found
    ]
    if found == "a file":
        root.write_bytes(b"")
    with monkeypatch.context() as fault:
        if found == "an unreadable folder":
            fail_reads(fault, root, errno.EACCES)
        with serving(root, token=TOKEN, allow_empty=True) as client:
            status, ready, error = readiness(client)
            assert (status, ready) == (503, False)
            assert expected in error
            assert str(tmp_path) not in error
            for path in ("/v2/repository/index", "/v1/models/ring:predict"):
                reply = client.post(path, json={"instances": [[0.1, 0.2]]})
                assert (reply.status_code, expected in reply.json()["error"]) == (503, True)
            assert client.post("/v2/repository/models/ring/load", headers=HOLDER).status_code == 503
            assert gauges(client, "enn_repository_readable")[0].endswith(" 0.0")
            assert "still served" not in caplog.text
            assert f"{root} cannot be read: {expected}" in caplog.text
            fault.undo()
            root.unlink(missing_ok=True)
            repository.publish_version(root, "ring", MODEL)
            eventually(lambda: predicts(client))
            assert readiness(client) == (200, True, "")


def test_repository_without_models_is_ready_only_if_allowed(tmp_path: Path, eventually: Eventually) -> None:
    with serving(tmp_path, allow_empty=True) as client:
        assert readiness(client) == (200, True, "")
        assert client.post("/v2/repository/index").json() == []
    with serving(tmp_path) as client:
        assert "has no model; with ENN_ALLOW_EMPTY=true" in readiness(client)[2]
        folder = repository.publish_version(tmp_path, "broken", b"GIF89a")
        eventually(lambda: "1 versions, none of which can be served" in readiness(client)[2])
        repository.publish_version(tmp_path, "ring", MODEL)
        eventually(lambda: readiness(client) == (200, True, ""))
        shutil.rmtree(tmp_path / "ring")
        shutil.rmtree(folder.parent)
        eventually(lambda: not predicts(client))
        assert readiness(client) == (200, True, "")  # removed on purpose


@pytest.mark.parametrize("left", ["nothing", "an empty folder"])
def test_vanished_repository_keeps_serving_and_says_so(
    own_repository: Path, eventually: Eventually, caplog: pytest.LogCaptureFixture, left: str
) -> None:
    with serving(own_repository) as client:
        own_repository.rename(own_repository.with_name("volume"))
        if left == "an empty folder":
            own_repository.mkdir()
        eventually(lambda: any(reasons(client).values()))
        expected = "a volume may not be mounted" if left == "an empty folder" else "No such file"
        assert all(expected in reason for reason in reasons(client).values())
        assert predicts(client)
        assert readiness(client)[0] == 200
        assert gauges(client, "enn_repository_readable")[0].endswith(" 0.0")
        assert len(gauges(client, "enn_model_stale")) == 2
        *_, line = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert expected in line
        assert "2 loaded versions are still served" in line
        shutil.rmtree(own_repository, ignore_errors=True)
        own_repository.with_name("volume").rename(own_repository)
        eventually(lambda: not any(reasons(client).values()))
        assert gauges(client, "enn_repository_readable")[0].endswith(" 1.0")
        assert gauges(client, "enn_model_stale") == []
        shutil.rmtree(own_repository / "product")
        eventually(lambda: set(reasons(client)) == {"ring/1"})


def fail_reads(patch: pytest.MonkeyPatch, below: Path, code: int) -> None:
    """Let each read of a folder, and of all below it, fail as a network file system does."""

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def fail(path: Any, *args: Any, **options: Any) -> Any:
            folder = options.get("dir_fd")
            full = Path(f"/proc/self/fd/{folder}").readlink() / path if folder is not None else path
            if isinstance(full, str | Path) and Path(full).is_relative_to(below):
                raise OSError(code, os.strerror(code), str(path))
            return call(path, *args, **options)

        return fail

    for name in ("open", "scandir", "stat", "lstat"):
        patch.setattr(os, name, failing(getattr(os, name)))


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("below", ["ring", "ring/1", "ring/1/model.onnx"])
def test_unreadable_model_is_kept_and_index_says_why(
    own_repository: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, below: str, code: int
) -> None:
    with serving(own_repository, token=TOKEN) as client:
        with monkeypatch.context() as fault:
            fail_reads(fault, own_repository / below, code)
            eventually(lambda: os.strerror(code) in reasons(client).get("ring/1", ""))
            assert reasons(client)["product/1"] == ""
            assert predicts(client)
            assert len(gauges(client, "enn_model_stale")) == 1
            reply = client.post("/v2/repository/models/ring/load", headers=HOLDER)
            assert (reply.status_code, os.strerror(code) in reply.json()["error"]) == (503, True)
            loads = gauges(client, "enn_model_loads_total")
            repository.publish_version(own_repository, "face", (SHIPPED / "face/1/model.onnx").read_bytes())
            eventually(lambda: predicts(client, "face"))
        eventually(lambda: reasons(client)["ring/1"] == "")
        refused = [line for line in loads if "refused" in line]
        assert [line for line in gauges(client, "enn_model_loads_total") if "refused" in line] == refused
        assert predicts(client)


def test_model_never_readable_is_listed_with_its_reason(
    own_repository: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as fault:
        fail_reads(fault, own_repository / "ring", errno.EACCES)
        with serving(own_repository) as client:
            found = {entry["name"]: entry for entry in client.post("/v2/repository/index").json()}
            assert found["ring"]["state"] == "UNAVAILABLE"
            assert "Permission denied" in found["ring"]["reason"]
            reply = client.post("/v1/models/ring:predict", json={"instances": [[0.1, 0.2]]})
            assert (reply.status_code, "Permission denied" in reply.json()["error"]) == (503, True)
            assert readiness(client)[0] == 200
            fault.undo()
            eventually(lambda: predicts(client))
            assert reasons(client) == {"product/1": "", "ring/1": ""}


def test_config_map_update_is_served(tmp_path: Path, eventually: Eventually) -> None:
    for number, name in enumerate(("ring", "product")):
        shutil.copytree(SHIPPED / name, tmp_path / f"..2026_{number}" / "ring")
    (tmp_path / "..data").symlink_to("..2026_0")
    (tmp_path / "ring").symlink_to("..data/ring")
    (tmp_path / "leak").symlink_to("/etc")
    with serving(tmp_path) as client:
        before = client.post("/v1/models/ring:predict", json={"instances": [[0.1, 0.2]]}).json()
        found = {entry["name"]: entry["reason"] for entry in client.post("/v2/repository/index").json()}
        assert found == {"ring": "", "leak": "leak is a link that leaves the repository; expected a link within it"}
        (tmp_path / "..data_tmp").symlink_to("..2026_1")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        eventually(lambda: client.post("/v1/models/ring:predict", json={"instances": [[0.1, 0.2]]}).json() != before)

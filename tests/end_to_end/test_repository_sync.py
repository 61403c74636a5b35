"""Tests of repositories in object storage, with a real S3 server."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from enn_models import repository
from enn_models.errors import RepositoryError
from enn_models.graph_checks import MAX_FILE_BYTES
from enn_service.runtime.repository_sync import SYNC_MARK, RepositorySync
from support.examples import network
from support.serving import SHIPPED, serving
from support.tiny import package

ROW = {"instances": [[0.1, 0.2]]}
Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an S3 server, as the libraries of AWS find it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "access")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, request: pytest.FixtureRequest) -> Iterator[s3fs.S3FileSystem]:
    """The storage, with the shipped ring and product in its bucket `models`."""
    storage = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    storage.mkdir("models")
    for name in ("ring", "product"):
        put(storage, SHIPPED / name / "1", f"models/repository/{name}/1")
    yield storage
    storage.rm("models", recursive=True)


def put(storage: s3fs.S3FileSystem, folder: Path, target: str) -> None:
    for file in sorted(folder.iterdir()):
        storage.pipe_file(f"{target}/{file.name}", file.read_bytes())


def states(client: httpx.Client) -> dict[tuple[str, str], str]:
    index = client.post("/v2/repository/index").json()
    return {(entry["name"], entry["version"]): entry["reason"] for entry in index}


def test_storage_changes_appear_in_the_service(
    bucket: s3fs.S3FileSystem, tmp_path: Path, eventually: Eventually
) -> None:
    own = repository.publish_version(tmp_path / "copy", "own", package())
    with serving(tmp_path / "copy", source="s3://models/repository") as client:
        assert set(states(client)) == {("own", "1"), ("product", "1"), ("ring", "1")}
        answer = client.post("/v1/models/ring:predict", json=ROW)
        assert answer.status_code == 200

        made = repository.publish_version(tmp_path / "made", "ring", package(network((2, 5, 1))))
        put(bucket, made, "models/repository/ring/2")
        eventually(lambda: states(client).get(("ring", "2")) == "")
        assert client.post("/v1/models/ring:predict", json=ROW).content != answer.content
        assert client.post("/v1/models/ring/versions/1:predict", json=ROW).content == answer.content

        bucket.pipe_file("models/repository/ring/2/model.onnx", b"moon")
        eventually(lambda: "not the one published" in states(client)["ring", "2"])
        put(bucket, made, "models/repository/ring/2")
        eventually(lambda: states(client)["ring", "2"] == "")

        bucket.pipe_file("models/repository/large/1/model.onnx", bytes(MAX_FILE_BYTES + 2))
        bucket.pipe_file("models/repository/../evil/1/model.onnx", b"evil")
        bucket.pipe_file("models/repository/-rf/1/model.onnx", b"evil")
        eventually(lambda: "not a regular file of at most" in states(client).get(("large", "1"), ""))
        bucket.rm("models/repository/product", recursive=True)
        eventually(lambda: ("product", "1") not in states(client))
        bucket.rm("models", recursive=True)
        assert client.post("/v1/models/ring/versions/1:predict", json=ROW).content == answer.content
        bucket.mkdir("models")
    assert own.is_dir()
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["large", "own", "ring"]
    assert not list((tmp_path / "copy").glob("*/.*"))


def test_unreachable_source_fails_only_without_local_copy(bucket: s3fs.S3FileSystem, tmp_path: Path) -> None:
    def source(url: str, models: str) -> RepositorySync:
        return RepositorySync(url, tmp_path / models, tmp_path / "lock", 0)

    with pytest.raises(RepositoryError, match="there is no copy yet"):
        source("s3://models/moon", "copy").initial_sync()
    source("s3://models/repository", "copy").initial_sync()
    before = sorted(path.name for path in (tmp_path / "copy").iterdir())
    source("s3://models/moon", "copy").initial_sync()
    source("s3://moon/models", "copy").sync()
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == before == ["product", "ring"]


def test_unknown_storage_scheme_names_package_to_install(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match=r"its extra storage"):
        RepositorySync("moon://models", tmp_path, tmp_path / "lock", 1)


def test_folder_source_is_read_once_for_all_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SHIPPED / "ring", tmp_path / "there" / "ring")
    workers = [
        RepositorySync(f"file://{tmp_path / 'there'}", tmp_path / "copy", tmp_path / "lock", 60) for _ in range(3)
    ]
    workers[0].initial_sync()
    assert (tmp_path / "copy" / "ring" / "1" / SYNC_MARK).is_file()
    looked: list[Any] = []
    for worker in workers:
        monkeypatch.setattr(worker, "_copy", lambda: looked.append(1))
        worker.sync()
    assert looked == []

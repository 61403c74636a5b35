"""Tests of repositories in object storage, with a real S3 server behind a proxy that injects faults."""

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
import s3fs

from enn_models import repository
from enn_models.errors import RepositoryError
from enn_models.graph_checks import MAX_FILE_BYTES
from enn_service.runtime.repository_sync import SYNC_MARK, RepositorySync, remote
from support.examples import network
from support.faulty_storage import (
    Answer,
    FaultyStorage,
    Request,
    cut,
    cut_second_page,
    deny,
    end_after_first_page,
    fail_second_page,
    faulty_storage,
    refuse,
    refuse_listing,
    shorten,
)
from support.serving import POLL_SECONDS, SHIPPED, address_of, command, serving
from support.tiny import package

ROW = {"instances": [[0.1, 0.2]]}
SOURCE = "s3://models/repository"
PAGE = 2
"""Keys in a page of a listing: that of two models has two pages or more."""
SHORT_SECONDS = 2.0
"""Time-out of a call in the tests in which the storage hangs."""
Eventually = Callable[[Callable[[], bool]], None]
Storage = tuple[FaultyStorage, s3fs.S3FileSystem]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[FaultyStorage]:
    """A proxy before an S3 server, which the libraries of AWS find by the environment."""
    with faulty_storage() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "access")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(PAGE))
        yield server


@pytest.fixture
def storage(endpoint: FaultyStorage) -> Iterator[Storage]:
    """The storage, with the shipped ring and product in its bucket `models`."""
    files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    files.mkdir("models")
    for name in ("ring", "product"):
        put(files, SHIPPED / name / "1", f"{name}/1")
    yield endpoint, files
    endpoint.release()
    files.rm("models", recursive=True)


def put(files: s3fs.S3FileSystem, folder: Path, target: str) -> None:
    for file in sorted(folder.iterdir()):
        files.pipe_file(f"models/repository/{target}/{file.name}", file.read_bytes())


def states(client: httpx.Client) -> dict[tuple[str, str], str]:
    index = client.post("/v2/repository/index").json()
    return {(entry["name"], entry["version"]): entry["reason"] for entry in index}


@contextmanager
def syncing(tmp_path: Path, url: str = SOURCE) -> Iterator[RepositorySync]:
    """Keep the folder `copy` like the source; `status` of the result says what is wrong."""
    sync = RepositorySync(url, tmp_path / "copy", tmp_path / "lock", POLL_SECONDS)
    sync.start()
    try:
        yield sync
    finally:
        sync.close()
        for thread in sync._threads:
            thread.join(30)


def copied(tmp_path: Path) -> set[str]:
    return {f"{entry.name}/{entry.version}" for entry in repository.list_versions(tmp_path / "copy")}


def test_storage_changes_appear_in_the_service(storage: Storage, tmp_path: Path, eventually: Eventually) -> None:
    _, bucket = storage
    own = repository.publish_version(tmp_path / "copy", "own", package())
    with serving(tmp_path / "copy", source=SOURCE) as client:
        assert set(states(client)) == {("own", "1"), ("product", "1"), ("ring", "1")}
        answer = client.post("/v1/models/ring:predict", json=ROW)
        assert answer.status_code == 200

        made = repository.publish_version(tmp_path / "made", "ring", package(network((2, 5, 1))))
        put(bucket, made, "ring/2")
        eventually(lambda: states(client).get(("ring", "2")) == "")
        newest = client.post("/v1/models/ring:predict", json=ROW)
        assert newest.content != answer.content
        assert client.post("/v1/models/ring/versions/1:predict", json=ROW).content == answer.content

        bucket.pipe_file("models/repository/ring/2/model.onnx", b"moon")
        eventually(lambda: "not the one published" in states(client)["ring", "2"])
        assert client.post("/v1/models/ring:predict", json=ROW).content == newest.content
        assert (tmp_path / "copy" / "ring" / "2" / "model.onnx").read_bytes() == (made / "model.onnx").read_bytes()
        put(bucket, made, "ring/2")
        eventually(lambda: states(client)["ring", "2"] == "")

        bucket.pipe_file("models/repository/large/1/model.onnx", bytes(MAX_FILE_BYTES + 2))
        bucket.pipe_file("models/repository/../evil/1/model.onnx", b"evil")
        bucket.pipe_file("models/repository/-rf/1/model.onnx", b"evil")
        eventually(lambda: f"expected at most {MAX_FILE_BYTES}" in states(client).get(("large", "1"), ""))
        bucket.rm("models/repository/product", recursive=True)
        eventually(lambda: ("product", "1") not in states(client))
        bucket.rm("models", recursive=True)
        assert client.post("/v1/models/ring/versions/1:predict", json=ROW).content == answer.content
        bucket.mkdir("models")
    assert own.is_dir()
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == [SYNC_MARK, "own", "ring"]
    assert not list((tmp_path / "copy").glob("*/.*"))


@pytest.mark.parametrize("fault", [fail_second_page, cut_second_page, end_after_first_page, refuse_listing])
def test_incomplete_listing_removes_nothing(
    storage: Storage, tmp_path: Path, eventually: Eventually, fault: Callable[[Request, Answer], Answer]
) -> None:
    proxy, bucket = storage
    with syncing(tmp_path) as sync:
        assert copied(tmp_path) == {"product/1", "ring/1"}
        proxy.fault = fault
        eventually(lambda: "cannot be listed" in sync.status.problems().get("*", ""))
        proxy.requests.clear()
        eventually(lambda: len([each for each in proxy.requests if each.is_listing]) > 4)
        assert copied(tmp_path) == {"product/1", "ring/1"}
        proxy.fault = None
        bucket.rm("models/repository/ring", recursive=True)
        eventually(lambda: copied(tmp_path) == {"product/1"} and not sync.status.problems())


def test_one_short_listing_removes_nothing(storage: Storage, tmp_path: Path, eventually: Eventually) -> None:
    proxy, _ = storage
    short: list[Request] = []

    def hide_ring_once(request: Request, answer: Answer) -> Answer:
        if not request.is_listing or b"repository/ring/" not in answer.body or short:
            return answer
        short.append(request)
        return answer._replace(body=answer.body.replace(b"repository/ring/", b"repository/.ring/"))

    with syncing(tmp_path):
        inode = (tmp_path / "copy" / "ring" / "1").stat().st_ino
        proxy.fault = hide_ring_once
        eventually(lambda: bool(short))
        proxy.requests.clear()
        eventually(lambda: len([each for each in proxy.requests if each.is_listing]) > 4)
        assert (tmp_path / "copy" / "ring" / "1").stat().st_ino == inode


def test_each_look_is_one_flat_listing(storage: Storage, tmp_path: Path, eventually: Eventually) -> None:
    proxy, bucket = storage
    bucket.pipe_file("models/repository/README", b"more than one page")
    pages = -(-len(bucket.find("models/repository")) // PAGE)
    with syncing(tmp_path):
        proxy.requests.clear()
        eventually(lambda: len(proxy.requests) >= 4 * pages)
        requests = proxy.requests[:]
    assert all(each.is_listing and "prefix=repository%2F&" in f"{each.target}&" for each in requests)
    first = next(index for index, each in enumerate(requests) if not each.is_next_page)
    assert [each.is_next_page for each in requests[first : first + 2 * pages]] == ([False] + [True] * (pages - 1)) * 2


@pytest.mark.parametrize("kind", ["deny", "cut", "shorten", "hang"])
def test_unreadable_object_is_reported_and_blocks_no_other(
    storage: Storage, tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    proxy, bucket = storage
    spoil = {"deny": deny, "cut": cut, "shorten": shorten, "hang": proxy.hang}[kind]
    reason = {"deny": "InvalidObjectState", "cut": "model.onnx", "shorten": "bytes came", "hang": "no answer"}

    def fault(request: Request, answer: Answer) -> Answer:
        target = request.target
        spoiled = not request.is_listing and ("a-poor/1/model.onnx" in target or "ring/1/model.onnx" in target)
        return spoil(request, answer) if spoiled else answer

    with serving(tmp_path / "copy", source=SOURCE) as client:
        before = client.post("/v1/models/ring:predict", json=ROW).content
        if kind == "hang":
            monkeypatch.setattr(remote, "CALL_SECONDS", SHORT_SECONDS)
        proxy.fault = fault
        made = repository.publish_version(tmp_path / "made", "ring", package(network((2, 5, 1))))
        for target in ("a-poor/1", "ring/1", "z-good/1"):
            put(bucket, made, target)
        eventually(lambda: states(client).get(("z-good", "1")) == "")
        eventually(lambda: all(reason[kind] in states(client).get((name, "1"), "-") for name in ("a-poor", "ring")))
        assert "model.onnx" in states(client)["a-poor", "1"]
        assert client.post("/v1/models/ring:predict", json=ROW).content == before
        assert "a-poor/1" not in copied(tmp_path)
        proxy.release()
        eventually(lambda: not any(states(client).values()) and ("a-poor", "1") in states(client))
        eventually(lambda: client.post("/v1/models/ring:predict", json=ROW).content != before)


@pytest.mark.slow
def test_hanging_storage_blocks_neither_start_nor_end(storage: Storage, tmp_path: Path, eventually: Eventually) -> None:
    proxy, _ = storage
    with syncing(tmp_path):
        assert copied(tmp_path) == {"product/1", "ring/1"}
    proxy.fault = proxy.hang
    log = tmp_path / "log"
    with command(tmp_path / "copy", log, source=SOURCE, workers=2) as process:
        address = address_of(process, log, 2, eventually)
        assert httpx.get(f"{address}/v2/health/ready").status_code == 200
        assert httpx.post(f"{address}/v1/models/ring:predict", json=ROW).status_code == 200
        process.send_signal(signal.SIGTERM)
        eventually(lambda: process.poll() is not None)
    assert "serving what was copied before" in log.read_text()


def test_rotated_credentials_are_read_again(
    storage: Storage, tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, bucket = storage

    def write_key(key: str) -> None:
        (tmp_path / "keys").write_text(f"[default]\naws_access_key_id={key}\naws_secret_access_key=secret\n")

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "keys"))
    write_key("old")
    with syncing(tmp_path) as sync:
        write_key("new")
        proxy.fault = lambda request, answer: refuse(403, "InvalidAccessKeyId") if request.key == "old" else answer
        put(bucket, SHIPPED / "ring" / "1", "after/1")
        eventually(lambda: "after/1" in copied(tmp_path) and not sync.status.problems())
    assert proxy.requests[-1].key == "new"


def test_unreachable_source_fails_only_without_local_copy(storage: Storage, tmp_path: Path) -> None:
    proxy, _ = storage
    start = partial(syncing, tmp_path)
    with (
        pytest.raises(RepositoryError, match="there is no copy yet: the source has no versions"),
        start("s3://models/x"),
    ):
        pass
    with start():
        before = copied(tmp_path)
    for url in ("s3://models/moon", "s3://moon/models"):
        with start(url):
            assert copied(tmp_path) == before == {"product/1", "ring/1"}
    proxy.fault = proxy.hang
    (tmp_path / "new").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote, "CALL_SECONDS", SHORT_SECONDS)
        with pytest.raises(RepositoryError, match=r"no copy yet: .* no answer within 2 s"), syncing(tmp_path / "new"):
            pass


def test_unknown_storage_scheme_names_package_to_install(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match=r"its extra storage"):
        RepositorySync("moon://models", tmp_path, tmp_path / "lock", 1)


def test_one_worker_looks_and_another_takes_over(tmp_path: Path, eventually: Eventually) -> None:
    there = tmp_path / "there"
    shutil.copytree(SHIPPED / "ring", there / "ring")
    with syncing(tmp_path, f"file://{there}") as first, syncing(tmp_path, f"file://{there}") as second:
        shutil.copytree(SHIPPED / "product", there / "product")
        eventually(lambda: "product/1" in copied(tmp_path))
        assert (tmp_path / "copy" / "ring" / "1" / SYNC_MARK).is_file()
        (there / "face" / "1").mkdir(parents=True)
        (there / "face" / "1" / "model.onnx").write_bytes(b"moon")
        eventually(lambda: "SHA256SUMS" in second.status.problems().get("face/1", ""))
        first.close()
        shutil.copytree(SHIPPED / "stripes", there / "stripes")
        eventually(lambda: "stripes/1" in copied(tmp_path))

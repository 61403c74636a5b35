"""Tests of the repository: atomic publication, checked reads, and limits on names and files."""

import errno
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from enn_models import repository
from enn_models.errors import InvalidModelError, RepositoryError, UnreadableError, UnsafeModelError
from enn_models.graph_checks import MAX_FILE_BYTES
from enn_models.repository import MODEL_FILE, SUMS_FILE, files, publishing

BAD_NAMES = ["", ".", "..", ".hidden", "-x", "a/b", "a\\b", "a b", "a\0", "a\n", "a:b", "%2e", "é", "٣", "a" * 129]


def names(root: Path) -> list[tuple[str, str]]:
    return [(entry.name, entry.version) for entry in repository.list_versions(root)]


def test_published_bytes_are_read_back(tmp_path):
    folder = repository.publish_version(tmp_path / "new", "ring", b"model")
    assert folder == tmp_path / "new" / "ring" / "1"
    assert repository.read_model(tmp_path / "new", "ring", "1") == b"model"
    assert names(tmp_path / "new") == [("ring", "1")]


def test_sums_have_the_format_of_sha256sum(tmp_path):
    folder = repository.publish_version(tmp_path, "ring", b"model")
    assert (folder / SUMS_FILE).read_text() == f"{hashlib.sha256(b'model').hexdigest()}  {MODEL_FILE}\n"


@pytest.mark.parametrize(("present", "expected"), [([], "1"), (["1", "9"], "10"), (["9", "10", "beta"], "11")])
def test_new_version_is_the_highest_integer_plus_one(tmp_path, present, expected):
    for version in present:
        (tmp_path / "ring" / version).mkdir(parents=True)
    assert repository.publish_version(tmp_path, "ring", b"model").name == expected


def test_file_named_as_number_takes_that_version(tmp_path):
    (tmp_path / "ring").mkdir()
    (tmp_path / "ring" / "1").write_text("not a version")
    assert repository.publish_version(tmp_path, "ring", b"model").name == "2"


def test_concurrent_writers_get_different_versions(tmp_path):
    contents = [str(number).encode() for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda data: repository.publish_version(tmp_path, "ring", data), contents))
    assert sorted(int(folder.name) for folder in folders) == list(range(1, 17))
    assert [repository.read_model(tmp_path, "ring", folder.name) for folder in folders] == contents


def test_version_is_never_visible_half_written(tmp_path, monkeypatch):
    seen = []
    write = files.write_file

    def look_then_write(path: Path, data: bytes) -> None:
        seen.append(names(tmp_path))
        write(path, data)
        seen.append(names(tmp_path))

    monkeypatch.setattr(publishing, "write_file", look_then_write)
    repository.publish_version(tmp_path, "ring", b"model")
    assert seen == [[]] * 4
    assert names(tmp_path) == [("ring", "1")]


def test_a_failed_publication_leaves_nothing(tmp_path, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "write_file", full)
    with pytest.raises(RepositoryError, match=r"cannot publish 'ring' .* No space left on device"):
        repository.publish_version(tmp_path, "ring", b"model")
    assert list((tmp_path / "ring").iterdir()) == []


def test_versions_sort_by_number_and_numbers_above_names():
    versions = ["10", "beta", "9", "1", "007", "alpha", "9" * 30]
    expected = ["9" * 30, "alpha", "beta", "1", "007", "9", "10"]
    assert sorted(versions, key=repository.version_key) == expected


def test_hidden_folders_and_files_are_not_listed(tmp_path):
    repository.publish_version(tmp_path, "ring", b"model")
    (tmp_path / ".git" / "1").mkdir(parents=True)
    (tmp_path / "ring" / ".publishing-x").mkdir()
    (tmp_path / "ring" / "notes.txt").write_text("")
    (tmp_path / "README").write_text("")
    assert names(tmp_path) == [("ring", "1")]


def test_unreadable_repository_folder_is_named(tmp_path):
    with pytest.raises(RepositoryError, match=r"model repository .*absent: No such file or directory"):
        names(tmp_path / "absent")


@pytest.mark.parametrize("missing", [MODEL_FILE, SUMS_FILE])
def test_version_without_a_file_is_refused(tmp_path, missing):
    (repository.publish_version(tmp_path, "ring", b"model") / missing).unlink()
    with pytest.raises(RepositoryError, match=f"{missing} cannot be read: No such file or directory"):
        repository.read_model(tmp_path, "ring", "1")


@pytest.mark.parametrize("data", [b"mode", b"model ", b"Model", b""])
def test_a_truncated_or_changed_file_is_refused(tmp_path, data):
    (repository.publish_version(tmp_path, "ring", b"model") / MODEL_FILE).write_bytes(data)
    with pytest.raises(InvalidModelError, match="is not the one published"):
        repository.read_model(tmp_path, "ring", "1")


@pytest.mark.parametrize("sums", [b"", b"moon", b"\xff\xfe\n", b"0" * 64 + b"  model.onnx\n"])
def test_sums_that_do_not_name_the_file_are_refused(tmp_path, sums):
    (repository.publish_version(tmp_path, "ring", b"model") / SUMS_FILE).write_bytes(sums)
    with pytest.raises(InvalidModelError, match=r"SUMS has (no entry for it|0000)"):
        repository.read_model(tmp_path, "ring", "1")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_invalid_name_is_refused_by_every_function(tmp_path, name):
    for attempt in (
        lambda: repository.publish_version(tmp_path, name, b"model"),
        lambda: repository.read_model(tmp_path, name, "1"),
        lambda: repository.read_model(tmp_path, "ring", name),
    ):
        with pytest.raises(RepositoryError, match="expected 1 to 128 of"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_the_stamp_of_a_version_changes_with_its_files(tmp_path):
    folder = repository.publish_version(tmp_path, "ring", b"model")
    (before,) = repository.list_versions(tmp_path)
    assert list(repository.list_versions(tmp_path)) == [before]
    (folder / MODEL_FILE).write_bytes(b"other")
    os.utime(folder / MODEL_FILE, ns=(0, 0))
    (after,) = repository.list_versions(tmp_path)
    assert after.stamp != before.stamp


def linked_version(root: Path, outside: Path) -> None:
    (root / "ring").mkdir()
    (root / "ring" / "1").symlink_to(outside / "ring" / "1")


def linked_model(root: Path, outside: Path) -> None:
    (root / "ring").symlink_to(outside / "ring")


def linked_file(root: Path, outside: Path) -> None:
    (root / "ring" / "1").mkdir(parents=True)
    for file in (MODEL_FILE, SUMS_FILE):
        (root / "ring" / "1" / file).symlink_to(outside / "ring" / "1" / file)


def linked_to_itself(root: Path, outside: Path) -> None:
    (root / "ring").symlink_to(root / "ring")


@pytest.mark.parametrize("link", [linked_version, linked_model, linked_file, linked_to_itself])
def test_link_out_of_the_repository_is_refused(tmp_path, link):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    repository.publish_version(outside, "ring", b"secret")
    link(root, outside)
    with pytest.raises((UnsafeModelError, UnreadableError), match=r"is a link that leaves|symbolic links"):
        repository.read_model(root, "ring", "1")


@pytest.mark.parametrize("link", [linked_version, linked_model, linked_file])
def test_link_within_the_repository_is_followed(tmp_path, link):
    repository.publish_version(tmp_path / ".store", "ring", b"model")
    link(tmp_path, tmp_path / ".store")
    assert names(tmp_path) == [("ring", "1")]
    assert repository.read_model(tmp_path, "ring", "1") == b"model"


def test_config_map_is_read_and_its_update_seen(tmp_path):
    for number in (1, 2):
        repository.publish_version(tmp_path / f"..2026_{number}", "ring", f"model {number}".encode())
    (tmp_path / "..data").symlink_to("..2026_1")
    (tmp_path / "ring").symlink_to("..data/ring")
    (before,) = repository.list_versions(tmp_path)
    assert repository.read_model(tmp_path, "ring", "1") == b"model 1"
    (tmp_path / "..data_tmp").symlink_to("..2026_2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    (after,) = repository.list_versions(tmp_path)
    assert (after.name, after.version, after.stamp != before.stamp) == ("ring", "1", True)
    assert repository.read_model(tmp_path, "ring", "1") == b"model 2"


def test_hugging_face_snapshot_is_read_from_its_blobs_alone(tmp_path):
    cached = tmp_path / "models--owner--networks"
    folder = repository.publish_version(cached / "snapshots" / "4f2a", "ring", b"model")
    (cached / "blobs").mkdir()
    for number, file in enumerate((MODEL_FILE, SUMS_FILE)):
        (folder / file).rename(cached / "blobs" / str(number))
        (folder / file).symlink_to(f"../../../../blobs/{number}")
    assert repository.read_model(cached / "snapshots" / "4f2a", "ring", "1") == b"model"
    (cached / "other").write_bytes(b"model")
    (folder / MODEL_FILE).unlink()
    (folder / MODEL_FILE).symlink_to("../../../../other")
    with pytest.raises(UnsafeModelError, match="is a link that leaves"):
        repository.read_model(cached / "snapshots" / "4f2a", "ring", "1")


def test_folder_replaced_by_link_while_read_is_not_followed(tmp_path, monkeypatch):
    root, outside = tmp_path / "root", tmp_path / "outside"
    for place in (root, outside):
        repository.publish_version(place, "ring", b"secret")
    resolve = files.Mount.resolve

    def resolve_then_replace(mount: files.Mount, path: Path) -> Path:
        real = resolve(mount, path)
        if path.name == MODEL_FILE:
            (root / "ring").rename(root / "moved")
            (root / "ring").symlink_to(outside / "ring")
        return real

    monkeypatch.setattr(files.Mount, "resolve", resolve_then_replace)
    with pytest.raises(RepositoryError, match="cannot be read"):
        repository.read_model(root, "ring", "1")


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("call", ["scandir", "open", "lstat"])
def test_read_error_is_told_from_removal(tmp_path, monkeypatch, call, code):
    for name in ("ring", "face"):
        repository.publish_version(tmp_path, name, b"model")
    real = getattr(os, call)

    def fail(path: Any, *args: Any, **options: Any) -> Any:
        inside = options.get("dir_fd") is not None or "ring" in Path(path).parts
        if inside:
            raise OSError(code, os.strerror(code), str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(os, call, fail)
    listing = repository.list_repository(tmp_path)
    found = {entry.name for entry in listing.entries}
    assert "face" in found
    assert "ring" in found or os.strerror(code) in listing.unreadable["ring"]
    if call == "open":
        with pytest.raises(UnreadableError, match=os.strerror(code)):
            repository.read_model(tmp_path, "ring", "1")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_special_file_is_refused_without_blocking(tmp_path, make):
    folder = repository.publish_version(tmp_path, "ring", b"model")
    (folder / MODEL_FILE).unlink()
    make(folder / MODEL_FILE)
    with pytest.raises(UnsafeModelError, match="not a regular file"):
        repository.read_model(tmp_path, "ring", "1")


def test_file_above_the_limit_is_refused_unread(tmp_path):
    folder = repository.publish_version(tmp_path, "ring", b"model")
    with (folder / MODEL_FILE).open("r+b") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(UnsafeModelError, match="not a regular file of at most"):
        repository.read_model(tmp_path, "ring", "1")


def test_versions_of_a_linked_model_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "secret").mkdir(parents=True)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "ring").symlink_to(tmp_path / "elsewhere")
    (entry,) = repository.list_versions(tmp_path / "root")
    assert (entry.name, entry.version) == ("ring", repository.LINKED_MODEL_VERSION)
    with pytest.raises(UnsafeModelError, match="is a link"):
        repository.read_model(tmp_path / "root", entry.name, entry.version)

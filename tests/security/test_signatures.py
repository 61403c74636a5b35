"""Tests of model signatures."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from enn_models import repository
from enn_models.errors import RepositoryError, UnsafeModelError
from enn_models.repository import SUMS_FILE
from enn_models.signature import SIGNATURE_FILE, signer, verifier
from enn_training.publishing.export import export
from support.examples import network
from support.learned import learned
from support.serving import serving
from support.tiny import package

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL is not installed")


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def key_pair(folder: Path) -> tuple[Path, Path]:
    """Make a key as the documentation says it; return the files of its private and public part."""
    folder.mkdir(exist_ok=True)
    private, public = folder / "key.pem", folder / "key.pub.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", str(private))
    openssl("pkey", "-in", str(private), "-pubout", "-out", str(public))
    return private, public


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return key_pair(tmp_path / "keys")


def test_only_correctly_signed_versions_are_served(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    root, (private, public) = tmp_path / "models", keys
    sign, foreign = signer(private), signer(key_pair(tmp_path / "foreign")[0])
    repository.publish_version(root, "signed", package(), sign)
    repository.publish_version(root, "unsigned", package())
    repository.publish_version(root, "foreign", package(), foreign)
    shutil.copytree(root / "signed" / "1", root / "renamed" / "1")
    shutil.copytree(root / "signed" / "1", root / "again" / "2")
    changed = repository.publish_version(root, "changed", package(), sign)
    other = repository.publish_version(tmp_path, "other", package(network((2, 5, 1))))
    for name in (repository.MODEL_FILE, SUMS_FILE):
        shutil.copy(other / name, changed / name)
    with serving(root, public_key=public) as client:
        index = {entry["name"]: entry for entry in client.post("/v2/repository/index").json()}
        reply = client.post("/v1/models/signed:predict", json={"instances": [[0.1, 0.2]]})
    assert reply.status_code == 200
    assert {name for name, entry in index.items() if entry["state"] == "READY"} == {"signed"}
    assert "is not signed" in index.pop("unsigned")["reason"]
    assert index.pop("signed")["reason"] == ""
    assert all("is not the signature of" in entry["reason"] for entry in index.values())


def test_without_public_key_signatures_are_optional(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    repository.publish_version(tmp_path, "m", package(), signer(keys[0]))
    assert repository.read_model(tmp_path, "m", "1") == package()


def test_openssl_verifies_signatures_of_export_and_command(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    private, public = keys
    root = tmp_path / "models"
    folders = [export(learned(network()), root, "m", key=private), export(learned(network()), root, "m")]
    command = [sys.executable, "-m", "enn_training", "sign", "m", "--models", str(root), "--key", str(private)]
    subprocess.run(command, check=True, capture_output=True)
    for folder in folders:
        message = tmp_path / "message"
        message.write_bytes(f"m/{folder.name}\n".encode() + (folder / SUMS_FILE).read_bytes())
        given = ["-inkey", str(public), "-in", str(message), "-sigfile", str(folder / SIGNATURE_FILE)]
        openssl("pkeyutl", "-verify", "-pubin", "-rawin", *given)
        assert repository.read_model(root, "m", folder.name, verifier(public))


@pytest.mark.parametrize("content", [None, b"moon", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_invalid_key_file_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    for read in (signer, verifier):
        with pytest.raises(RepositoryError, match=r"key .*key\.pem"):
            read(path)


def test_private_key_is_refused_as_public_key(keys: tuple[Path, Path]) -> None:
    with pytest.raises(RepositoryError, match="Ed25519 public key"):
        verifier(keys[0])


def test_signature_of_wrong_length_is_refused(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    folder = repository.publish_version(tmp_path, "m", package())
    (folder / SIGNATURE_FILE).write_bytes(b"short")
    with pytest.raises(UnsafeModelError, match="is not the signature"):
        repository.read_model(tmp_path, "m", "1", verifier(keys[1]))

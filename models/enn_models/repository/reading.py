"""Checked reading of a version: links, sizes, SHA-256 sum and signature."""

import hashlib
from pathlib import Path

from enn_models.errors import InvalidModelError, RepositoryError, UnreadableError, UnsafeModelError
from enn_models.graph_checks import MAX_FILE_BYTES
from enn_models.repository.files import MODEL_FILE, SUMS_FILE, Mount, read_error
from enn_models.repository.listing import check_name
from enn_models.signature import SIGNATURE_FILE, Verify

MAX_SUMS_BYTES = 2**16
MAX_SIGNATURE_BYTES = 2**10


def read_model(root: Path, name: str, version: str, verify: Verify | None = None) -> bytes:
    """Read a model file and check its SHA-256 sum.

    Args:
        root: Folder of the repository.
        name: Name of the model.
        version: Name of the version.
        verify: Check of the signature; None to accept unsigned versions.

    Returns:
        Bytes of the model file.

    Raises:
        UnreadableError: The version exists, or may exist, but a file cannot be read now.
        RepositoryError: The name is invalid, or a file does not exist.
        UnsafeModelError: A link leaves the repository, a file is not a regular file or is too large, or the signature
            is missing or wrong.
        InvalidModelError: The SHA-256 of the bytes is not the one in the sums file.
    """
    mount, folder = _open_version(root, name, version)
    data = mount.read_file(folder / MODEL_FILE, MAX_FILE_BYTES)
    found = hashlib.sha256(data).hexdigest()
    sums = mount.read_file(folder / SUMS_FILE, MAX_SUMS_BYTES)
    if verify is not None:
        verify(name, version, sums, _read_signature(mount, folder))
    expected = _parse_sums(sums).get(MODEL_FILE)
    if expected != found:
        raise InvalidModelError(
            f"{MODEL_FILE} has SHA-256 {found}; {SUMS_FILE} has {expected or 'no entry for it'}:"
            " the file is not the one published"
        )
    return data


def read_sums(root: Path, name: str, version: str) -> bytes:
    """Read the sums file of a version.

    Raises:
        ModelError: The file cannot be read, as for `read_model`.
    """
    mount, folder = _open_version(root, name, version)
    return mount.read_file(folder / SUMS_FILE, MAX_SUMS_BYTES)


def _open_version(root: Path, name: str, version: str) -> tuple[Mount, Path]:
    """Return the mount, and the folder of a version with all links followed.

    All files are read from that folder: the link `..data` of a ConfigMap may change between two of them.
    """
    model = root / check_name(name)
    check_name(version)
    try:
        mount = Mount(root)
        return mount, mount.resolve(mount.resolve(model) / version)
    except OSError as error:
        raise read_error(f"{name}/{version}", error) from None


def _read_signature(mount: Mount, folder: Path) -> bytes:
    try:
        return mount.read_file(folder / SIGNATURE_FILE, MAX_SIGNATURE_BYTES)
    except UnreadableError:
        raise
    except RepositoryError as error:
        raise UnsafeModelError(f"the version is not signed: {error}; sign it with enn-train sign") from None


def _parse_sums(text: bytes) -> dict[str, str]:
    """Parse the lines `<hex>  <name>` of sha256sum."""
    pairs = (line.split(maxsplit=1) for line in text.decode("utf-8", "replace").splitlines())
    return {pair[1].removeprefix("*"): pair[0].lower() for pair in pairs if len(pair) == 2}

"""Model repository: the folder `<root>/<name>/<version>/model.onnx`, with atomic writes and checked reads."""

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enn_models.errors import InvalidModelError, RepositoryError, UnsafeModelError
from enn_models.graph_checks import MAX_FILE_BYTES
from enn_models.signature import SIGNATURE_FILE, Sign, Verify

MODEL_FILE = "model.onnx"
SUMS_FILE = "SHA256SUMS"
MAX_SUMS_BYTES = 2**16
LINKED_MODEL_VERSION = "1"
"""Version listed for a model that is a symbolic link."""
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z", re.ASCII)

FileStamp = tuple[int, ...]


@dataclass(frozen=True, order=True)
class VersionEntry:
    """One version of one model on disk.

    Attributes:
        name: Name of the model.
        version: Name of the version.
        stamp: Inode, size and times of the files; a change of the files changes it.
    """

    name: str
    version: str
    stamp: FileStamp


def check_name(name: str) -> str:
    """Return the name of a model or version if it is valid.

    Raises:
        RepositoryError: The name is not 1 to 128 of the characters A-Z a-z 0-9 . _ - beginning with a letter or digit.
    """
    if not NAME_PATTERN.match(name):
        raise RepositoryError(
            f"name {name[:140]!r}: expected 1 to 128 of A-Z a-z 0-9 . _ - beginning with a letter or digit"
        )
    return name


def version_key(version: str) -> tuple[int, int, str]:
    """Return a sort key: integers by value, above all other names; the service serves the greatest by default."""
    return (1, int(version), version) if version.isdecimal() and len(version) < 19 else (0, 0, version)


def list_versions(root: Path) -> Iterator[VersionEntry]:
    """Yield every version under root, complete or not, except hidden ones.

    Symbolic links are listed, and `read_model` refuses them. A model that is a link has the single version
    LINKED_MODEL_VERSION, so that names outside the repository are not disclosed.

    Args:
        root: Folder of the repository.

    Raises:
        RepositoryError: The root cannot be read.
    """
    try:
        names = _visible_folders(root)
    except OSError as error:
        raise RepositoryError(f"model repository {root}: {error.strerror}") from None
    for name in names:
        try:
            versions = [LINKED_MODEL_VERSION] if (root / name).is_symlink() else _visible_folders(root / name)
        except OSError:
            continue
        for version in versions:
            yield VersionEntry(name, version, _file_stamp(root / name / version))


def latest_version(root: Path, name: str) -> str:
    """Return the greatest version of a model on disk.

    Raises:
        RepositoryError: The model has no version, or the root cannot be read.
    """
    versions = [entry.version for entry in list_versions(root) if entry.name == name]
    if not versions:
        raise RepositoryError(f"model {name[:140]!r} is not in {root}")
    return max(versions, key=version_key)


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
        RepositoryError: The name is invalid, or a file cannot be read.
        UnsafeModelError: The version is a link, a file is not a regular file or is too large, or the signature is
            missing or wrong.
        InvalidModelError: The SHA-256 of the bytes is not the one in the sums file.
    """
    folder = root / check_name(name) / check_name(version)
    if folder.is_symlink() or folder.parent.is_symlink() or not folder.resolve().is_relative_to(root.resolve()):
        raise UnsafeModelError(f"{name}/{version} is a link; a version must be a folder of the repository")
    data = _read_file(folder / MODEL_FILE, MAX_FILE_BYTES)
    found = hashlib.sha256(data).hexdigest()
    sums = _read_file(folder / SUMS_FILE, MAX_SUMS_BYTES)
    if verify is not None:
        verify(name, version, sums, _read_signature(folder))
    expected = _parse_sums(sums).get(MODEL_FILE)
    if expected != found:
        raise InvalidModelError(
            f"{MODEL_FILE} has SHA-256 {found}; {SUMS_FILE} has {expected or 'no entry for it'}:"
            " the file is not the one published"
        )
    return data


def publish_version(root: Path, name: str, data: bytes, sign: Sign | None = None) -> Path:
    """Write a model file as the next version of a model, atomically.

    Args:
        root: Folder of the repository, created if absent.
        name: Name of the model.
        data: Bytes of a package.
        sign: Function that signs the version; None for no signature.

    Returns:
        Folder of the new version, `<root>/<name>/<highest integer + 1>`.

    Raises:
        RepositoryError: The name is invalid, or the folder cannot be written.
    """
    model = root / check_name(name)
    try:
        model.mkdir(parents=True, exist_ok=True)
        return _write_version(model, data, sign)
    except OSError as error:
        raise RepositoryError(f"cannot publish {name!r} in {root}: {error.strerror}") from error


def sign_version(root: Path, name: str, version: str, sign: Sign) -> None:
    """Sign a version in the repository.

    Args:
        root: Folder of the repository.
        name: Name of the model.
        version: Name of the version.
        sign: Function that signs the version.

    Raises:
        ModelError: The version cannot be read, its sum is wrong, or the signature cannot be written.
    """
    read_model(root, name, version)
    folder = root / name / version
    try:
        write_atomically(folder / SIGNATURE_FILE, sign(name, version, _read_file(folder / SUMS_FILE, MAX_SUMS_BYTES)))
    except OSError as error:
        raise RepositoryError(f"cannot sign {name}/{version} in {root}: {error.strerror}") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file atomically: a reader sees the old or the new content, even after a power failure."""
    hidden = path.with_name(f".{path.name}")
    hidden.unlink(missing_ok=True)
    _write_file(hidden, data)
    hidden.replace(path)
    _sync_folder(path.parent)


def _write_version(model: Path, data: bytes, sign: Sign | None) -> Path:
    staging = Path(tempfile.mkdtemp(prefix=".publishing-", dir=model))
    try:
        staging.chmod(0o755)
        _write_file(staging / MODEL_FILE, data)
        sums = f"{hashlib.sha256(data).hexdigest()}  {MODEL_FILE}\n".encode()
        _write_file(staging / SUMS_FILE, sums)
        _sync_folder(staging)
        while True:
            # A file with a number for its name takes that number too.
            taken = (int(path.name) for path in model.iterdir() if path.name.isdecimal())
            target = model / str(1 + max(taken, default=0))
            if sign is not None:
                write_atomically(staging / SIGNATURE_FILE, sign(model.name, target.name, sums))
            try:
                staging.rename(target)
                break
            except OSError:
                if not target.exists():  # not because another writer took the number first
                    raise
        _sync_folder(model)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return target


def _visible_folders(folder: Path) -> list[str]:
    with os.scandir(folder) as found:
        return sorted(entry.name for entry in found if not entry.name.startswith(".") and entry.is_dir())


def _file_stamp(folder: Path) -> FileStamp:
    values: list[int] = []
    for path in (folder, *(folder / name for name in (MODEL_FILE, SUMS_FILE, SIGNATURE_FILE))):
        try:
            status = path.lstat()
            values += [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        except OSError:
            values += [0, 0, 0, 0]
    return tuple(values)


def _read_file(path: Path, limit: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RepositoryError(f"{path.name} cannot be read: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            raise UnsafeModelError(f"{path.name} is not a regular file of at most {limit} bytes")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(descriptor)


def _read_signature(folder: Path) -> bytes:
    try:
        return _read_file(folder / SIGNATURE_FILE, 2**10)
    except RepositoryError as error:
        raise UnsafeModelError(f"the version is not signed: {error}; sign it with enn-train sign") from None


def _parse_sums(text: bytes) -> dict[str, str]:
    """Parse the lines `<hex>  <name>` of sha256sum."""
    pairs = (line.split(maxsplit=1) for line in text.decode("utf-8", "replace").splitlines())
    return {pair[1].removeprefix("*"): pair[0].lower() for pair in pairs if len(pair) == 2}


def _write_file(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Publication of versions: written under a hidden name, flushed, then renamed."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from enn_models.errors import RepositoryError
from enn_models.repository.files import MODEL_FILE, SUMS_FILE, sync_folder, write_atomically, write_file
from enn_models.repository.listing import check_name
from enn_models.repository.reading import read_model, read_sums
from enn_models.signature import SIGNATURE_FILE, Sign


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
        write_atomically(folder / SIGNATURE_FILE, sign(name, version, read_sums(root, name, version)))
    except OSError as error:
        raise RepositoryError(f"cannot sign {name}/{version} in {root}: {error.strerror}") from error


def _write_version(model: Path, data: bytes, sign: Sign | None) -> Path:
    staging = Path(tempfile.mkdtemp(prefix=".publishing-", dir=model))
    try:
        staging.chmod(0o755)
        write_file(staging / MODEL_FILE, data)
        sums = f"{hashlib.sha256(data).hexdigest()}  {MODEL_FILE}\n".encode()
        write_file(staging / SUMS_FILE, sums)
        sync_folder(staging)
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
        sync_folder(model)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return target

"""Copy of a remote model repository, for example in object storage, to the repository on disk.

The registry checks the copied files like any others. The storage library reads its credentials from the environment;
no address comes from a request.
"""

import fcntl
import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from enn_models.errors import RepositoryError
from enn_models.graph_checks import MAX_FILE_BYTES
from enn_models.repository import MAX_SUMS_BYTES, MODEL_FILE, NAME_PATTERN, SUMS_FILE, list_versions, write_atomically
from enn_models.signature import SIGNATURE_FILE

logger = logging.getLogger(__name__)

LIMITS = {MODEL_FILE: MAX_FILE_BYTES, SUMS_FILE: MAX_SUMS_BYTES, SIGNATURE_FILE: 2**10}
"""Files of a version in the order of copying, with their maximum size in bytes.

At most one byte more than the maximum is copied: enough for the registry to refuse the file."""
SYNC_MARK = ".source"
"""File with a hash of the remote files in the folder of each copied version; folders without it are not changed."""

Version = tuple[str, str]
"""Name of a model and name of its version."""
Files = Mapping[str, tuple[str, dict[str, Any]]]
"""Remote path and properties of each file of a version, by file name."""


class RepositorySync:
    """Copy a remote repository to disk, in one worker at a time.

    Args:
        url: Address of the remote repository, `s3://bucket/folder` or any other that fsspec supports.
        models: Folder of the repository on disk.
        lock: File that the workers lock; its modification time is the time of the last copy.
        seconds: Interval in seconds between two copies, over all workers.

    Raises:
        RepositoryError: fsspec, or its filesystem for this kind of address, is not installed.
    """

    def __init__(self, url: str, models: Path, lock: Path, seconds: float) -> None:
        try:
            import fsspec  # noqa: PLC0415

            self._files, path = fsspec.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise RepositoryError(
                f"source {url.split('://', maxsplit=1)[0]}: {error}; install this project with its extra storage"
            ) from None
        self._path, self._models = path.rstrip("/"), models
        self._lock, self._interval = lock, seconds

    def initial_sync(self) -> None:
        """Copy the remote repository, or wait for the worker that does, before the first model is loaded.

        Raises:
            RepositoryError: The remote repository cannot be read, and no earlier copy is on disk.
        """
        with self._locked(wait=True):
            try:
                self._copy()
            except Exception as error:
                if not self._models.is_dir() or not any(list_versions(self._models)):
                    raise RepositoryError(f"the source cannot be read, and there is no copy yet: {error}") from error
                logger.exception("the source cannot be read; serving what was copied before")

    def sync(self) -> None:
        """Copy changes, unless another worker does so or did so within the interval; log a failure and go on."""
        with self._locked(wait=False) as locked:
            if not locked or time.time() - self._lock.stat().st_mtime < self._interval:
                return
            try:
                self._copy()
            except Exception:
                logger.exception("the source cannot be read; still serving what was copied")

    @contextmanager
    def _locked(self, *, wait: bool) -> Iterator[bool]:
        """Hold the workers' lock and yield True; yield False if another worker holds it and `wait` is False."""
        with self._lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    def _copy(self) -> None:
        """Copy new and changed versions and remove the copies of versions that are gone.

        Raises:
            RepositoryError: The remote repository has no version; nothing is removed.
        """
        self._lock.touch()
        found = self._remote_versions()
        if not found:
            raise RepositoryError("the source has no versions <name>/<version>/model.onnx; nothing is removed here")
        self._models.mkdir(parents=True, exist_ok=True)
        for (name, version), files in found.items():
            self._update(self._models / name / version, files, _fingerprint(files))
        for mark in self._models.glob(f"*/*/{SYNC_MARK}"):
            if (mark.parent.parent.name, mark.parent.name) not in found:
                _remove(mark.parent)

    def _remote_versions(self) -> dict[Version, Files]:
        """List the files of every version in the remote repository, without reading their contents."""
        self._files.invalidate_cache()
        result: dict[Version, dict[str, tuple[str, dict[str, Any]]]] = {}
        for path, info in self._files.find(self._path, maxdepth=3, detail=True).items():
            name, _, rest = path.removeprefix(self._path).strip("/").partition("/")
            version, _, file = rest.partition("/")
            if file in LIMITS and NAME_PATTERN.match(name) and NAME_PATTERN.match(version):
                result.setdefault((name, version), {})[file] = (path, {key: str(value) for key, value in info.items()})
        return {version: files for version, files in result.items() if MODEL_FILE in files}

    def _update(self, folder: Path, files: Files, fingerprint: str) -> None:
        """Download a version into its folder, unless the folder has this fingerprint or is not a copy.

        Args:
            folder: Folder of the version on disk.
            files: Remote files of the version.
            fingerprint: Content of the mark file of an up-to-date copy.
        """
        mark = folder / SYNC_MARK
        if folder.is_dir() and (not mark.is_file() or mark.read_text() == fingerprint):
            return
        folder.parent.mkdir(exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".copying-", dir=folder.parent))
        try:
            staging.chmod(0o755)
            for name, limit in LIMITS.items():
                if name in files:
                    path, info = files[name]
                    data = b"" if info.get("size") == "0" else self._files.cat_file(path, start=0, end=limit + 1)
                    write_atomically(staging / name, data)
            write_atomically(staging / SYNC_MARK, fingerprint.encode())
            _install(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        logger.info("copied %s/%s from the source", folder.parent.name, folder.name)


def _fingerprint(files: Files) -> str:
    """Return a hash of the properties of remote files, such as size and modification time."""
    properties = sorted((key, sorted(info.items())) for key, (_, info) in files.items())
    return hashlib.sha256(repr(properties).encode()).hexdigest()


def _install(staging: Path, folder: Path) -> None:
    """Move the staged files to the folder of a version: the whole folder if it is new, else file by file.

    The mark file comes last, so an interrupted update is repeated.
    """
    if not folder.exists():
        staging.rename(folder)
        return
    for name in (*LIMITS, SYNC_MARK):
        if (staging / name).exists():
            (staging / name).replace(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    """Remove a version, hidden from readers by one rename first, and its model's folder if it is then empty."""
    hidden = folder.with_name(f".removing-{folder.name}")
    folder.rename(hidden)
    shutil.rmtree(hidden)
    with suppress(OSError):  # another version is there
        folder.parent.rmdir()

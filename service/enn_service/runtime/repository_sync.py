"""The source: a model repository kept elsewhere, object storage say, of which the one on disk becomes a copy.

What is copied is checked by the registry like any other file. Credentials come from the environment, as the library of
the storage has them; no address comes from a request.
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
from enn_models.graph_checks import MAX_BYTES
from enn_models.repository import MAX_SUMS, MODEL_FILE, NAME, SUMS_FILE, entries, write_whole
from enn_models.signature import SIGNATURE_FILE

logger = logging.getLogger(__name__)

LIMITS = {MODEL_FILE: MAX_BYTES, SUMS_FILE: MAX_SUMS, SIGNATURE_FILE: 2**10}
"""The files of a version, in the order of copying; of a larger one a byte more comes, and is refused."""
SYNC_MARK = ".source"
"""In the folder of each version that was copied: what it is a copy of. Other versions are left alone."""

Version = tuple[str, str]
Files = Mapping[str, tuple[str, dict[str, Any]]]


class RepositorySync:
    """A repository elsewhere, copied by one worker at a time.

    Args:
        url: Its address, `s3://bucket/folder` or another that fsspec knows.
        models: The repository on disk.
        lock: A file that the workers share.
        seconds: How often the source is looked at, by all workers together.

    Raises:
        RepositoryError: fsspec, or its part for such an address, is not installed.
    """

    def __init__(self, url: str, models: Path, lock: Path, seconds: float) -> None:
        try:
            import fsspec  # noqa: PLC0415

            self._files, path = fsspec.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise RepositoryError(
                f"source {url.split('://', maxsplit=1)[0]}: {error}; install this project with its extra storage"
            ) from None
        self._path, self._models, self._lock, self._seconds = path.rstrip("/"), models, lock, seconds

    def start(self) -> None:
        """Copy before anything is served, or wait until another worker has; what was copied earlier is enough.

        Raises:
            RepositoryError: The source cannot be read, and there is nothing to serve.
        """
        with self._locked(wait=True):
            try:
                self._copy()
            except Exception as error:
                if not self._models.is_dir() or not any(entries(self._models)):
                    raise RepositoryError(f"the source cannot be read, and there is no copy yet: {error}") from error
                logger.exception("the source cannot be read; serving what was copied before")

    def look(self) -> None:
        """Copy what is new, unless another worker is at it or has just been; after a failure all stays as it is."""
        with self._locked(wait=False) as mine:
            if not mine or time.time() - self._lock.stat().st_mtime < self._seconds:
                return
            try:
                self._copy()
            except Exception:
                logger.exception("the source cannot be read; still serving what was copied")

    @contextmanager
    def _locked(self, *, wait: bool) -> Iterator[bool]:
        with self._lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    def _copy(self) -> None:
        self._lock.touch()
        found = self._found()
        if not found:
            raise RepositoryError("the source has no versions <name>/<version>/model.onnx; nothing is removed here")
        self._models.mkdir(parents=True, exist_ok=True)
        for (name, version), files in found.items():
            mark = hashlib.sha256(
                repr(sorted((key, sorted(info.items())) for key, (_, info) in files.items())).encode()
            )
            self._fetch(self._models / name / version, files, mark.hexdigest())
        for mark in self._models.glob(f"*/*/{SYNC_MARK}"):
            if (mark.parent.parent.name, mark.parent.name) not in found:
                _remove(mark.parent)

    def _found(self) -> dict[Version, Files]:
        """Return the files of every version in the source, with what is known of each without reading it."""
        self._files.invalidate_cache()
        result: dict[Version, dict[str, tuple[str, dict[str, Any]]]] = {}
        for path, info in self._files.find(self._path, maxdepth=3, detail=True).items():
            name, _, rest = path.removeprefix(self._path).strip("/").partition("/")
            version, _, file = rest.partition("/")
            if file in LIMITS and NAME.match(name) and NAME.match(version):
                result.setdefault((name, version), {})[file] = (path, {key: str(value) for key, value in info.items()})
        return {version: files for version, files in result.items() if MODEL_FILE in files}

    def _fetch(self, folder: Path, files: Files, mark: str) -> None:
        """Make the folder of a version what the source has, whole if it is new, else file by file, sums before mark."""
        known = folder / SYNC_MARK
        if folder.is_dir() and (not known.is_file() or known.read_text() == mark):
            return
        folder.parent.mkdir(exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".copying-", dir=folder.parent))
        try:
            staging.chmod(0o755)
            for name, limit in LIMITS.items():
                if name in files:
                    path, info = files[name]
                    data = b"" if info.get("size") == "0" else self._files.cat_file(path, start=0, end=limit + 1)
                    write_whole(staging / name, data)
            write_whole(staging / SYNC_MARK, mark.encode())
            _install(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        logger.info("copied %s/%s from the source", folder.parent.name, folder.name)


def _install(staging: Path, folder: Path) -> None:
    if not folder.exists():
        staging.rename(folder)
        return
    for name in (*LIMITS, SYNC_MARK):
        if (staging / name).exists():
            (staging / name).replace(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    """Remove a version at once for every reader, and its model's folder with the last."""
    hidden = folder.with_name(f".removing-{folder.name}")
    folder.rename(hidden)
    shutil.rmtree(hidden)
    with suppress(OSError):  # another version is there
        folder.parent.rmdir()

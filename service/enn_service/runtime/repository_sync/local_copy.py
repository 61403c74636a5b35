"""Copies of remote versions in the repository on disk, installed and removed so that no reader sees half of one."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from enn_models.repository import read_model, write_atomically
from enn_models.signature import Verify
from enn_service.runtime.repository_sync.remote import LIMITS, Version

SYNC_MARK = ".source"
"""File with a hash of the remote files in the folder of each copied version; folders without it are not changed.

In the folder of the repository it has a hash of the address, once every version has been tried."""
COPYING, REMOVING = ".copying-", ".removing-"
"""Prefixes of hidden folders; the repository's readers skip them."""
LEFTOVER_SECONDS = 600.0
"""Age at which a hidden folder belongs to a process that has ended."""


class LocalCopy:
    """The copied versions of one remote repository.

    Args:
        models: Folder of the repository on disk.
        url: Address of the remote repository.
        verify: Signature check of each version; None to accept unsigned versions.
    """

    def __init__(self, models: Path, url: str, verify: Verify | None) -> None:
        self._models, self._verify = models, verify
        self._address = hashlib.sha256(url.encode()).hexdigest()

    def is_whole(self) -> bool:
        """Return True if every version of this remote repository has been tried at least once."""
        return _read_mark(self._models) == self._address

    def mark_whole(self) -> None:
        """Record that every version has been tried."""
        if not self.is_whole():
            write_atomically(self._models / SYNC_MARK, self._address.encode())

    def is_current(self, version: Version, fingerprint: str) -> bool:
        """Return True if a version needs no copy: its mark has this fingerprint, or its folder is no copy."""
        folder = self._folder(version)
        return folder.is_dir() and _read_mark(folder) in (None, fingerprint)

    def versions(self) -> set[Version]:
        """Return the versions on disk that are copies."""
        return {(mark.parent.parent.name, mark.parent.name) for mark in self._models.glob(f"*/*/{SYNC_MARK}")}

    def install(self, version: Version, files: Mapping[str, bytes], fingerprint: str) -> None:
        """Write a version, checked before it replaces an older copy.

        Args:
            version: Name of the model and of the version.
            files: Content of the files, by name.
            fingerprint: Content of the mark file.

        Raises:
            ModelError: The files do not match their sums or their signature; the older copy stays.
            OSError: The files cannot be written.
        """
        self._models.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=COPYING, dir=self._models))
        try:
            staged = staging.joinpath(*version)
            staged.mkdir(parents=True)
            for name, data in files.items():
                write_atomically(staged / name, data)
            read_model(staging, *version, self._verify)
            write_atomically(staged / SYNC_MARK, fingerprint.encode())
            _install(staged, self._folder(version))
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def remove(self, version: Version) -> None:
        """Remove a version, hidden from readers by one rename first, and its model's folder if it is then empty."""
        folder = self._folder(version)
        hidden = folder.with_name(REMOVING + folder.name)
        shutil.rmtree(hidden, ignore_errors=True)
        folder.rename(hidden)
        shutil.rmtree(hidden)
        with suppress(OSError):  # another version is there
            folder.parent.rmdir()

    def remove_leftovers(self) -> None:
        """Remove the hidden folders of a process that was killed while it copied or removed a version."""
        for path in (*self._models.glob(f"{COPYING}*"), *self._models.glob(f"*/{REMOVING}*")):
            with suppress(OSError):  # another process has removed it
                if abs(time.time() - path.stat().st_mtime) > LEFTOVER_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)

    def _folder(self, version: Version) -> Path:
        return self._models.joinpath(*version)


def _read_mark(folder: Path) -> str | None:
    """Return the content of a folder's mark file; None if there is none."""
    try:
        return (folder / SYNC_MARK).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _install(staged: Path, folder: Path) -> None:
    """Move the staged files to the folder of a version: the whole folder if it is new, else file by file.

    The mark is emptied first and written last, so that an interrupted update is repeated.
    """
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        staged.rename(folder)
        return
    write_atomically(folder / SYNC_MARK, b"")
    for name in (*LIMITS, SYNC_MARK):
        if (staged / name).exists():
            (staged / name).replace(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)

"""List of the versions in a repository: their names, and a stamp that changes with their files."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enn_models.errors import RepositoryError, UnreadableError, UnsafeModelError
from enn_models.repository.files import MODEL_FILE, SUMS_FILE, Mount, describe_os_error, is_gone
from enn_models.signature import SIGNATURE_FILE

LINKED_MODEL_VERSION = "1"
"""Version listed for a model that is a link out of the repository."""
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


@dataclass(frozen=True)
class RepositoryListing:
    """Content of a repository at one moment.

    Attributes:
        folder: Device and inode of the repository's folder; another mount at the same path has other ones.
        entries: Every version of the models whose folders could be read.
        unreadable: Reason for each other model, by name; its versions are not known.
    """

    folder: tuple[int, int]
    entries: list[VersionEntry]
    unreadable: dict[str, str]


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


def list_repository(root: Path) -> RepositoryListing:
    """List every version under root, complete or not, except hidden ones.

    Links within the repository are followed. A model that is a link out of the repository is listed with the single
    version LINKED_MODEL_VERSION, so that names outside are not disclosed; `read_model` refuses it.

    Args:
        root: Folder of the repository.

    Raises:
        OSError: The root does not exist, is no folder, or cannot be read.
    """
    status, mount = root.stat(), Mount(root)
    entries: list[VersionEntry] = []
    unreadable: dict[str, str] = {}
    with os.scandir(root) as found:
        models = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for model in models:
        try:
            entries += _list_model(model, mount)
        except OSError as error:
            if not is_gone(error):
                unreadable[model.name] = f"its folder cannot be read: {describe_os_error(error)}"
    return RepositoryListing((status.st_dev, status.st_ino), entries, unreadable)


def list_versions(root: Path) -> Iterator[VersionEntry]:
    """Yield every version of the models that can be read, as `list_repository` does.

    Args:
        root: Folder of the repository.

    Raises:
        RepositoryError: The root cannot be read.
    """
    try:
        listing = list_repository(root)
    except OSError as error:
        raise RepositoryError(f"model repository {root}: {describe_os_error(error)}") from None
    yield from listing.entries


def latest_version(root: Path, name: str) -> str:
    """Return the greatest version of a model on disk.

    Raises:
        RepositoryError: The model has no version, or its folder or the root cannot be read.
    """
    try:
        listing = list_repository(root)
    except OSError as error:
        raise RepositoryError(f"model repository {root}: {describe_os_error(error)}") from None
    if name in listing.unreadable:
        raise UnreadableError(f"model {name!r} in {root}: {listing.unreadable[name]}")
    versions = [entry.version for entry in listing.entries if entry.name == name]
    if not versions:
        raise RepositoryError(f"model {name[:140]!r} is not in {root}")
    return max(versions, key=version_key)


def _list_model(model: os.DirEntry[str], mount: Mount) -> list[VersionEntry]:
    """Return the versions of a model; none if it is a file.

    Raises:
        OSError: The folder is gone or cannot be read.
    """
    folder = Path(model.path)
    try:
        if model.is_symlink():
            folder = mount.resolve(folder)
    except UnsafeModelError:
        versions = [LINKED_MODEL_VERSION] if model.is_dir() else []
        return [VersionEntry(model.name, version, _file_stamp(folder / version)) for version in versions]
    with os.scandir(folder) as found:
        versions = sorted(entry.name for entry in found if not entry.name.startswith(".") and _may_be_folder(entry))
    return [VersionEntry(model.name, version, _file_stamp(folder / version)) for version in versions]


def _may_be_folder(entry: os.DirEntry[str]) -> bool:
    """Return True if an entry is a folder or a link to one, or if nobody can tell."""
    try:
        return entry.is_dir()
    except OSError as error:
        return not is_gone(error)


def _file_stamp(folder: Path) -> FileStamp:
    values: list[int] = []
    for path in (folder, *(folder / name for name in (MODEL_FILE, SUMS_FILE, SIGNATURE_FILE))):
        try:
            status = path.lstat()
            values += [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        except OSError:
            values += [0, 0, 0, 0]
    return tuple(values)

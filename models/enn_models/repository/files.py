"""Files of a repository: reads that follow links only within the mount, and atomic writes."""

import errno
import os
import stat
from pathlib import Path

from enn_models.errors import RepositoryError, UnreadableError, UnsafeModelError

MODEL_FILE = "model.onnx"
SUMS_FILE = "SHA256SUMS"
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# A folder on the way to a file needs no permission to list it.
_FOLDER_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_GONE = (errno.ENOENT, errno.ENOTDIR)


class Mount:
    """The folders that a path of the repository may lie in once its links are followed.

    They are the repository and, if the repository is in a snapshot of a Hugging Face cache
    (`<cached>/snapshots/<revision>`), the folder `<cached>/blobs`, which holds the files of all snapshots.

    Args:
        root: Folder of the repository.

    Raises:
        OSError: The folder does not exist or cannot be read.
    """

    def __init__(self, root: Path) -> None:
        real = Path(os.path.realpath(root, strict=True))
        self._folders = [real]
        for folder in (real, *real.parents):
            if folder.parent.name == "snapshots":
                self._folders.append(folder.parent.parent / "blobs")
                break

    def resolve(self, path: Path) -> Path:
        """Return a path with all links followed.

        Raises:
            UnsafeModelError: A link leaves the mount.
            OSError: The path does not exist or cannot be read.
        """
        real = Path(os.path.realpath(path, strict=True))
        self._folder_of(real, path.name)
        return real

    def read_file(self, path: Path, limit: int) -> bytes:
        """Read a regular file.

        Args:
            path: Path of the file, which may be a link.
            limit: Maximum size in bytes.

        Raises:
            UnreadableError: The file exists, or may exist, but cannot be read now.
            RepositoryError: The file does not exist.
            UnsafeModelError: A link leaves the mount, or the file is not a regular file or is too large.
        """
        try:
            descriptor = self._open(self.resolve(path))
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
                    raise UnsafeModelError(f"{path.name} is not a regular file of at most {limit} bytes")
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    return file.read(limit + 1)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise read_error(path.name, error) from None

    def _folder_of(self, real: Path, name: str) -> Path:
        """Return the folder of the mount that contains a path without links, to which the path `name` led."""
        for folder in self._folders:
            if real.is_relative_to(folder):
                return folder
        raise UnsafeModelError(f"{name} is a link that leaves the repository; expected a link within it")

    def _open(self, real: Path) -> int:
        """Open a path without links, folder by folder: one that became a link meanwhile is not followed."""
        folder = self._folder_of(real, real.name)
        *parts, name = real.relative_to(folder).parts or (".",)
        descriptor = os.open(folder, _FOLDER_FLAGS)
        try:
            for part in parts:
                inner = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            return os.open(name, _FILE_FLAGS, dir_fd=descriptor)
        finally:
            os.close(descriptor)


def is_gone(error: OSError) -> bool:
    """Return True if an error means that a file or folder does not exist, False if it cannot be read now."""
    return error.errno in _GONE


def describe_os_error(error: OSError) -> str:
    """Return the text of an error without the path."""
    return error.strerror or type(error).__name__


def read_error(name: str, error: OSError) -> RepositoryError:
    """Return the exception for an error of the operating system.

    Args:
        name: Name of the file or folder.
        error: Error of the operating system.
    """
    kind = RepositoryError if is_gone(error) else UnreadableError
    return kind(f"{name} cannot be read: {describe_os_error(error)}")


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file atomically: a reader sees the old or the new content, even after a power failure."""
    hidden = path.with_name(f".{path.name}")
    hidden.unlink(missing_ok=True)
    write_file(hidden, data)
    hidden.replace(path)
    sync_folder(path.parent)


def write_file(path: Path, data: bytes) -> None:
    """Write a new file and flush it to the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush the entries of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

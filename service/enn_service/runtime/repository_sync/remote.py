"""Remote repository: one listing of all its versions, and the bytes of one file, each with a time-out."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from enn_models.errors import ModelError, RepositoryError
from enn_models.graph_checks import MAX_FILE_BYTES
from enn_models.repository import MAX_SIGNATURE_BYTES, MAX_SUMS_BYTES, MODEL_FILE, NAME_PATTERN, SUMS_FILE
from enn_models.signature import SIGNATURE_FILE

LIMITS = {MODEL_FILE: MAX_FILE_BYTES, SUMS_FILE: MAX_SUMS_BYTES, SIGNATURE_FILE: MAX_SIGNATURE_BYTES}
"""Files of a version, with their maximum size in bytes; a larger one is not copied."""
CALL_SECONDS = 30.0
"""Longest time for a whole listing, and for the copy of one file, with all attempts of the storage library."""
S3_OPTIONS = {
    "config_kwargs": {
        "connect_timeout": 5,
        "read_timeout": 10,
        "retries": {"mode": "standard", "total_max_attempts": 2},
    }
}
"""Options of s3fs: a connection or a read without an answer is tried again before `CALL_SECONDS` are over."""
MAX_DEPTH = 3
"""Depth of the files of a version below the address: name, version, file."""
MAX_ERROR = 300
"""Maximum number of characters kept of an error of the storage."""

Version = tuple[str, str]
"""Name of a model and name of its version."""


class RemoteFile(NamedTuple):
    """A file of the remote repository, as the listing describes it.

    Attributes:
        path: Path for the storage library.
        size: Size in bytes; None if the storage does not tell it.
        stamp: Text that changes with the content: size and ETag, or all properties if the storage has no ETag.
    """

    path: str
    size: int | None
    stamp: str


Files = dict[str, RemoteFile]
"""Remote files of a version, by file name."""


class RemoteRepository:
    """A repository behind an address that fsspec supports.

    Args:
        url: Address of the repository, such as `s3://bucket/folder`.

    Raises:
        RepositoryError: fsspec, or its filesystem for this kind of address, is not installed.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connect()

    def list_versions(self) -> dict[Version, Files]:
        """List the files of every version, without reading their contents.

        Object storage is asked for one flat listing, page by page. After a failure the credentials are read again.

        Returns:
            Files of each version that has a model file.

        Raises:
            RepositoryError: The listing is not complete, or has no version.
        """
        result: dict[Version, Files] = {}
        try:
            listing = self._call("find", self._path, detail=True, **self._listing_options())
        except Exception as error:
            self._connect()
            raise RepositoryError(f"the source cannot be listed: {describe(error)}") from error
        for path, info in listing.items():
            name, _, rest = path.removeprefix(self._path).strip("/").partition("/")
            version, _, file = rest.partition("/")
            if file in LIMITS and NAME_PATTERN.match(name) and NAME_PATTERN.match(version):
                result.setdefault((name, version), {})[file] = _remote_file(path, info)
        found = {version: files for version, files in result.items() if MODEL_FILE in files}
        if not found:
            raise RepositoryError("the source has no versions <name>/<version>/model.onnx; nothing is removed here")
        return found

    def read(self, name: str, file: RemoteFile) -> bytes:
        """Return the content of a file.

        Args:
            name: Name of the file, a key of `LIMITS`.
            file: Entry of the listing.

        Raises:
            RepositoryError: The file is too large or cannot be read, or its size is not that of the listing.
        """
        limit = LIMITS[name]
        if file.size is not None and file.size > limit:
            raise RepositoryError(f"{name} has {file.size} bytes in the source; expected at most {limit}")
        if file.size == 0:  # an empty file has no first byte to ask for
            return b""
        try:
            data: bytes = self._call("cat_file", file.path, start=0, end=limit + 1)
        except Exception as error:
            raise RepositoryError(f"{name} cannot be read from the source: {describe(error)}") from error
        if file.size is not None and len(data) != file.size:
            raise RepositoryError(f"{name}: {len(data)} bytes came from the source; expected {file.size}")
        return data

    def _connect(self) -> None:
        """Create the filesystem, with the credentials as they are now."""
        options = S3_OPTIONS if self._url.startswith(("s3://", "s3a://")) else {}
        try:
            import fsspec  # noqa: PLC0415  (the extra `storage`)

            self._files, path = fsspec.url_to_fs(
                self._url, skip_instance_cache=True, use_listings_cache=False, **options
            )
        except (ImportError, ValueError) as error:
            scheme = self._url.split("://", maxsplit=1)[0]
            raise RepositoryError(f"source {scheme}: {error}; install this project with its extra storage") from None
        self._path: str = path.rstrip("/")

    def _listing_options(self) -> dict[str, Any]:
        """Return the options of `find`: a filesystem that walks its folders must raise the error of a folder."""
        from fsspec import AbstractFileSystem  # noqa: PLC0415
        from fsspec.asyn import AsyncFileSystem  # noqa: PLC0415

        kind = type(self._files)
        flat = (
            kind._find is not AsyncFileSystem._find  # noqa: SLF001  (object storage lists flat in its own)
            if isinstance(self._files, AsyncFileSystem)
            else kind.find is not AbstractFileSystem.find
        )
        return {} if flat else {"maxdepth": MAX_DEPTH, "on_error": "raise"}

    def _call(self, method: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the methods of fsspec
        """Call a method of the filesystem; one over the network ends after `CALL_SECONDS`."""
        timeout = {"timeout": CALL_SECONDS} if self._files.async_impl else {}
        return getattr(self._files, method)(*args, **options, **timeout)


def fingerprint(files: Files) -> str:
    """Return a hash of the stamps of a version's files."""
    stamps = sorted((name, file.stamp) for name, file in files.items())
    return hashlib.sha256(repr(stamps).encode()).hexdigest()


def describe(error: Exception) -> str:
    """Return an error as a short text; those of this project are texts for users already."""
    if isinstance(error, ModelError):
        return str(error)
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return f"no answer within {CALL_SECONDS:g} s"
    told = error.__cause__ or error  # s3fs keeps the code of S3, such as AccessDenied, in the cause alone
    return f"{type(told).__name__}: {told}"[:MAX_ERROR]


def _remote_file(path: str, info: Mapping[str, Any]) -> RemoteFile:
    size = info.get("size")
    known = info if not info.get("ETag") else {"ETag": info["ETag"], "size": size}
    stamp = repr(sorted((key, str(value)) for key, value in known.items()))
    return RemoteFile(path, size if isinstance(size, int) else None, stamp)

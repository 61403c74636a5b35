"""Model repository: the folder `<root>/<name>/<version>/model.onnx`, with atomic writes and checked reads."""

from enn_models.repository.files import MODEL_FILE, SUMS_FILE, write_atomically
from enn_models.repository.listing import (
    LINKED_MODEL_VERSION,
    NAME_PATTERN,
    FileStamp,
    RepositoryListing,
    VersionEntry,
    check_name,
    latest_version,
    list_repository,
    list_versions,
    version_key,
)
from enn_models.repository.publishing import publish_version, sign_version
from enn_models.repository.reading import MAX_SIGNATURE_BYTES, MAX_SUMS_BYTES, read_model

__all__ = [
    "LINKED_MODEL_VERSION",
    "MAX_SIGNATURE_BYTES",
    "MAX_SUMS_BYTES",
    "MODEL_FILE",
    "NAME_PATTERN",
    "SUMS_FILE",
    "FileStamp",
    "RepositoryListing",
    "VersionEntry",
    "check_name",
    "latest_version",
    "list_repository",
    "list_versions",
    "publish_version",
    "read_model",
    "sign_version",
    "version_key",
    "write_atomically",
]

"""Copy of a remote model repository, for example in object storage, to the repository on disk.

The registry checks the copied files like any others. The storage library reads its credentials from the environment;
no address comes from a request.
"""

from enn_service.runtime.repository_sync.local_copy import SYNC_MARK
from enn_service.runtime.repository_sync.sync import RepositorySync, SourceStatus

__all__ = ["SYNC_MARK", "RepositorySync", "SourceStatus"]

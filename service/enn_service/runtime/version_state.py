"""State of each version in the repository, and the models that are ready."""

from dataclasses import dataclass

from enn_models.repository import VersionEntry, version_key
from enn_service.runtime.model import ServedModel

UNLOADED = "unloaded"
"""Reason of a version that a management request unloaded."""
UNKNOWN_VERSION = ""
"""Version in the index of a model whose folder was never readable."""


@dataclass(frozen=True)
class VersionState:
    """State of one version in the repository.

    Attributes:
        entry: Path of the version and the stamp of its file at the last refresh.
        model: Loaded model; None if no file of this version ever passed the checks.
        reason: Reason why the file on disk is not served; empty if it is.
        unreadable: True if the files could not be read; the next refresh tries again.
    """

    entry: VersionEntry
    model: ServedModel | None
    reason: str
    unreadable: bool = False

    @property
    def needs_load(self) -> bool:
        """True if the version has to be loaded although its files did not change."""
        return self.unreadable or self.reason == UNLOADED


VersionTable = dict[str, dict[str, VersionState]]
"""State of each version, by model name and version."""
ReadyModels = dict[tuple[str, str | None], ServedModel]
"""Loaded models by name and version; the version None is the highest one of the name."""


def ready_models(table: VersionTable) -> ReadyModels:
    """Return the loaded models by name and version; the highest loaded version also under the version None."""
    ready: ReadyModels = {}
    for name, versions in table.items():
        for version in sorted(versions, key=version_key):
            if (model := versions[version].model) is not None:
                ready[name, version] = ready[name, None] = model
    return ready

"""Registry of the models that this process serves, reloaded when the repository on disk changes."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enn_models import repository
from enn_models.errors import ModelError
from enn_models.repository import VersionEntry, version_key
from enn_models.signature import Verify
from enn_service.errors import ConflictError, InvalidRequestError, ModelNotReadyError, RequestError, UnknownModelError
from enn_service.runtime.model import ServedModel, load_model
from enn_service.runtime.unload_state import UnloadState

logger = logging.getLogger(__name__)

MAX_REASON = 500
"""Maximum number of characters kept of a refusal; a model file can put long texts into it."""
UNLOADED = "unloaded"
"""Reason of a version that a management request unloaded."""


@dataclass(frozen=True)
class VersionState:
    """State of one version in the repository.

    Attributes:
        entry: Path of the version and the stamp of its file at the last refresh.
        model: Loaded model; None if no file of this version ever passed the checks.
        reason: Reason why the file on disk is not served; empty if it is.
    """

    entry: VersionEntry
    model: ServedModel | None
    reason: str


VersionTable = dict[str, dict[str, VersionState]]
"""State of each version, by model name and version."""
ReadyModels = dict[tuple[str, str | None], ServedModel]
"""Loaded models by name and version; the version None is the highest one of the name."""


class ModelRegistry:
    """Hold every version of every model in a repository folder.

    A refresh builds a new table and replaces the old one in one assignment, so each request sees a consistent table.

    Args:
        root: Folder of the repository.
        unload_state: Unloaded models, shared by all workers.
        loads: Counter of the versions "loaded" and "refused".
        verify: Signature check of each version; None to accept unsigned versions.
    """

    def __init__(
        self, root: Path, unload_state: UnloadState, loads: Counter[str], verify: Verify | None = None
    ) -> None:
        self._root, self._unload_state, self._loads, self._verify = root, unload_state, loads, verify
        self._refreshing = threading.Lock()
        self._table: VersionTable = {}
        self._ready: ReadyModels = {}

    def refresh(self, force: str | None = None) -> None:
        """Load new and changed versions and drop removed and unloaded ones.

        A changed version that fails its checks keeps its old model.

        Args:
            force: Name of a model to load again even if its files did not change.
        """
        with self._refreshing:
            try:
                found = list(repository.list_versions(self._root))
            except ModelError as error:
                logger.warning("%s; still serving what was loaded", error)
                return
            unloaded = self._unload_state.names()
            table: VersionTable = {}
            for entry in found:
                old = self._table.get(entry.name, {}).get(entry.version)
                if entry.name in unloaded:
                    state = VersionState(entry, None, UNLOADED)
                elif old is not None and old.entry == entry and old.reason != UNLOADED and entry.name != force:
                    state = old
                else:
                    state = self._load(entry, old)
                table.setdefault(entry.name, {})[entry.version] = state
            for state in self.version_states():
                if state.entry.version not in table.get(state.entry.name, {}):
                    logger.info("removed %s/%s", state.entry.name, state.entry.version)
            self._table, self._ready = table, _ready_models(table)

    def load(self, name: str) -> None:
        """Load a model from its files now, also if it was unloaded.

        Raises:
            UnknownModelError: The repository has no such model.
            ConflictError: Another request unloaded the model at the same time.
            InvalidRequestError: A version was refused; the version loaded before stays in use.
        """
        if name in self._unload_state.names():
            self._unload_state.mark_loaded(name)
        self.refresh(force=name)
        versions = self._states_of(name)
        if any(state.reason == UNLOADED for state in versions):
            raise ConflictError(f"model {name!r} was unloaded by another request meanwhile; load it again")
        if reasons := [f"version {state.entry.version!r}: {state.reason}" for state in versions if state.reason]:
            raise InvalidRequestError(f"model {name!r} is not loaded whole: {'; '.join(reasons)}")

    def unload(self, name: str) -> None:
        """Stop serving a model in every worker until `load`.

        Raises:
            UnknownModelError: The repository has no such model.
            InvalidRequestError: The name is not a valid model name.
        """
        self._states_of(name)
        try:
            self._unload_state.mark_unloaded(name)
        except ModelError as error:
            raise InvalidRequestError(str(error)) from None
        self.refresh()

    def _states_of(self, name: str) -> list[VersionState]:
        if name not in self._table:
            raise self._unavailable_error(name, None)
        return list(self._table[name].values())

    def _load(self, entry: VersionEntry, old: VersionState | None) -> VersionState:
        kept = old.model if old else None
        try:
            model = load_model(self._root, entry.name, entry.version, self._verify)
        except ModelError as error:
            reason = str(error)[:MAX_REASON]
            logger.warning("refused %r/%r: %s", entry.name, entry.version, reason)
            self._loads["refused"] += 1
            return VersionState(entry, kept, reason)
        except Exception:
            logger.exception("refused %r/%r", entry.name, entry.version)
            self._loads["refused"] += 1
            return VersionState(entry, kept, "its checks ended unexpectedly; the log says more")
        logger.info("loaded %s/%s", entry.name, entry.version)
        self._loads["loaded"] += 1
        return VersionState(entry, model, "")

    def version_states(self) -> Iterator[VersionState]:
        """Yield the state of every version, sorted by name, then by version."""
        for _, versions in sorted(self._table.items()):
            for version in sorted(versions, key=version_key):
                yield versions[version]

    def known_versions(self) -> set[tuple[str, str]]:
        """Return the name and version of every entry of the repository, loaded or not."""
        return {(state.entry.name, state.entry.version) for state in self.version_states()}

    def ready_names(self) -> list[str]:
        """Return the names of the models with a loaded version, sorted."""
        return sorted({state.entry.name for state in self.version_states() if state.model is not None})

    def ready_versions(self, name: str) -> list[str]:
        """Return the loaded versions of a model, the default version last."""
        return [model.version for model in self.ready_models(name)]

    def ready_models(self, name: str | None = None) -> list[ServedModel]:
        """Return every loaded version of one model, or of all models."""
        return [state.model for state in self.version_states() if state.model and name in (None, state.entry.name)]

    def get(self, name: str, version: str | None = None) -> ServedModel:
        """Return one version of a model; without a version the highest integer version that is loaded.

        Raises:
            UnknownModelError: The repository has no such model or version.
            ModelNotReadyError: The version is in the repository, but its file was refused or it was unloaded.
        """
        if (model := self._ready.get((name, version))) is not None:
            return model
        raise self._unavailable_error(name, version)

    def _unavailable_error(self, name: str, version: str | None) -> RequestError:
        table = self._table.get(name)
        if table is None:
            return UnknownModelError(f"model {name[:140]!r} is not known; known are {self.ready_names()}")
        version = max(table, key=version_key) if version is None else version
        if (state := table.get(version)) is None:
            return UnknownModelError(
                f"model {name!r} has no version {version[:140]!r}; it has {self.ready_versions(name)}"
            )
        return ModelNotReadyError(f"model {name!r} version {version!r} is not served: {state.reason}")


def _ready_models(table: VersionTable) -> ReadyModels:
    """Return the loaded models by name and version; the highest loaded version also under the version None."""
    ready: ReadyModels = {}
    for name, versions in table.items():
        for version in sorted(versions, key=version_key):
            if (model := versions[version].model) is not None:
                ready[name, version] = ready[name, None] = model
    return ready

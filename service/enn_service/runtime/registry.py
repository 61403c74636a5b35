"""Registry of the models that this process serves, reloaded when the repository on disk changes."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from enn_models.errors import ModelError, UnreadableError
from enn_models.repository import RepositoryListing, VersionEntry, list_repository, version_key
from enn_models.signature import Verify
from enn_service.errors import ConflictError, InvalidRequestError, ModelNotReadyError, RequestError, UnknownModelError
from enn_service.runtime.model import ServedModel, load_model
from enn_service.runtime.unload_state import UnloadState
from enn_service.runtime.version_state import (
    UNKNOWN_VERSION,
    UNLOADED,
    ReadyModels,
    VersionState,
    VersionTable,
    ready_models,
)

logger = logging.getLogger(__name__)

MAX_REASON = 500
"""Maximum number of characters kept of a refusal; a model file can put long texts into it."""


class ModelRegistry:
    """Hold every version of every model in a repository folder.

    A refresh builds a new table and replaces the old one in one assignment, so each request sees a consistent table.

    Args:
        root: Folder of the repository.
        unload_state: Unloaded models, shared by all workers.
        loads: Counter of the versions "loaded" and "refused".
        verify: Signature check of each version; None to accept unsigned versions.
        allow_empty: True if a repository without a model is ready.
        accept_unknown: True if models accept unknown values.

    Attributes:
        problem: Reason why the repository cannot be read now; empty if it can.
    """

    def __init__(
        self,
        root: Path,
        unload_state: UnloadState,
        loads: Counter[str],
        verify: Verify | None = None,
        *,
        allow_empty: bool = False,
        accept_unknown: bool = False,
    ) -> None:
        self._root, self._unload_state, self._loads, self._verify = root, unload_state, loads, verify
        self._refreshing = threading.Lock()
        self._table: VersionTable = {}
        self._ready: ReadyModels = {}
        self._folder: tuple[int, int] | None = None
        self._had_model = False
        self._allow_empty, self._accept_unknown = allow_empty, accept_unknown
        self.problem = "it was not read yet"

    def refresh(self, force: str | None = None) -> None:
        """Load new and changed versions and drop removed and unloaded ones.

        A version keeps its model if its changed file fails the checks, or if a folder or file cannot be read.

        Args:
            force: Name of a model to load again even if its files did not change.
        """
        with self._refreshing:
            if (listing := self._list()) is None:
                return
            unloaded = self._unload_state.names()
            table: VersionTable = {}
            for entry in listing.entries:
                old = self._table.get(entry.name, {}).get(entry.version)
                if entry.name in unloaded:
                    state = VersionState(entry, None, UNLOADED)
                elif old is not None and old.entry == entry and not old.needs_load and entry.name != force:
                    state = old
                else:
                    state = self._load(entry, old)
                table.setdefault(entry.name, {})[entry.version] = state
            for name, reason in listing.unreadable.items():
                table[name] = self._keep(name, UNLOADED if name in unloaded else reason)
            for state in self.version_states():
                if state.entry.version not in table.get(state.entry.name, {}):
                    logger.info("removed %r/%r", state.entry.name, state.entry.version)
            self._table, self._ready = table, ready_models(table)
            self._folder = listing.folder
            self._had_model |= any(state.model or state.reason == UNLOADED for state in self.version_states())

    def _list(self) -> RepositoryListing | None:
        """Return the content of the repository; None if it cannot be read, with the reason in `problem`.

        An empty folder in the place of one that had models is taken for a mount point whose volume is gone.
        """
        listing, problem = None, ""
        try:
            listing = list_repository(self._root)
        except OSError as error:
            problem = error.strerror or type(error).__name__
        else:
            if self._table and not listing.entries and not listing.unreadable and listing.folder != self._folder:
                listing, problem = None, "an empty folder has taken its place; a volume may not be mounted"
        if problem != self.problem:
            if problem:
                loaded = len(self.ready_models())
                served = f"{loaded} loaded versions are still served" if loaded else "no model is served"
                logger.warning("the model repository %s cannot be read: %s; %s", self._root, problem, served)
            elif self.was_read:
                logger.info("the model repository %s can be read again", self._root)
            self.problem = problem
        return listing

    @property
    def was_read(self) -> bool:
        """True once the repository has been read."""
        return self._folder is not None

    def not_ready_reason(self) -> str:
        """Return the reason why this process should receive no requests yet; empty once it is ready.

        A process is ready once it has read the repository and loaded a model. It stays ready: models that are removed
        later are removed on purpose, and models whose folder vanishes are still served.
        """
        if not self.was_read:
            return f"the model repository cannot be read: {self.problem}"
        if self._had_model or self._allow_empty:
            return ""
        refused = sum(1 for _ in self.version_states())
        found = f"{refused} versions, none of which can be served" if refused else "no model"
        return f"the model repository has {found}; with ENN_ALLOW_EMPTY=true the service is ready nevertheless"

    def _keep(self, name: str, reason: str) -> dict[str, VersionState]:
        """Return the versions of a model whose folder cannot be read, with the models that are loaded."""
        unloaded = reason == UNLOADED
        known = self._table.get(name) or {
            UNKNOWN_VERSION: VersionState(VersionEntry(name, UNKNOWN_VERSION, ()), None, "", unreadable=True)
        }
        if not unloaded and any(state.reason != reason for state in known.values()):
            logger.warning("cannot read %r: %s; versions that are loaded are still served", name, reason)
        return {
            version: replace(state, reason=reason, unreadable=True, model=None if unloaded else state.model)
            for version, state in known.items()
        }

    def load(self, name: str) -> None:
        """Load a model from its files now, also if it was unloaded.

        Raises:
            UnknownModelError: The repository has no such model.
            ConflictError: Another request unloaded the model at the same time.
            InvalidRequestError: A version was refused; the version loaded before stays in use.
            ModelNotReadyError: A folder or file cannot be read now; the version loaded before stays in use.
        """
        if name in self._unload_state.names():
            self._unload_state.mark_loaded(name)
        self.refresh(force=name)
        versions = self._states_of(name)
        if any(state.reason == UNLOADED for state in versions):
            raise ConflictError(f"model {name!r} was unloaded by another request meanwhile; load it again")
        if self.problem:
            raise ModelNotReadyError(f"model {name!r}: the model repository cannot be read: {self.problem}")
        if reasons := [f"version {state.entry.version!r}: {state.reason}" for state in versions if state.reason]:
            kind = ModelNotReadyError if any(state.unreadable for state in versions) else InvalidRequestError
            raise kind(f"model {name!r} is not loaded whole: {'; '.join(reasons)}")

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
        kept, unreadable = old.model if old else None, False
        try:
            model = load_model(self._root, entry.name, entry.version, self._verify, accept_unknown=self._accept_unknown)
        except ModelError as error:
            reason, unreadable = str(error)[:MAX_REASON], isinstance(error, UnreadableError)
            if not unreadable or old is None or old.reason != reason:
                logger.warning("refused %r/%r: %s", entry.name, entry.version, reason)
                self._loads["refused"] += 1
        except Exception:
            reason = "its checks ended unexpectedly; the log says more"
            logger.exception("refused %r/%r", entry.name, entry.version)
            self._loads["refused"] += 1
        else:
            logger.info("loaded %s/%s", entry.name, entry.version)
            self._loads["loaded"] += 1
            return VersionState(entry, model, "")
        return VersionState(entry, kept, reason, unreadable)

    def version_states(self) -> Iterator[VersionState]:
        """Yield the state of every version, sorted by name, then by version.

        While the repository cannot be read, that is the reason of each version that has no other.
        """
        reason = f"the model repository cannot be read: {self.problem}" if self.problem else ""
        for _, versions in sorted(self._table.items()):
            for version in sorted(versions, key=version_key):
                state = versions[version]
                yield replace(state, reason=reason) if reason and not state.reason else state

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

    def stale_versions(self) -> list[tuple[str, str]]:
        """Return the loaded versions whose files on disk are not served: they cannot be read or were refused."""
        return [
            (state.entry.name, state.entry.version) for state in self.version_states() if state.model and state.reason
        ]

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
        if not self.was_read:
            return ModelNotReadyError(f"model {name[:140]!r} is not served: {self.not_ready_reason()}")
        if table is None:
            return UnknownModelError(f"model {name[:140]!r} is not known; GET /v1/models lists the models")
        version = max(table, key=version_key) if version is None else version
        if (state := table.get(version)) is None:
            return UnknownModelError(
                f"model {name!r} has no version {version[:140]!r}; GET /v2/models/{name} lists its versions"
            )
        return ModelNotReadyError(f"model {name!r} version {version!r} is not served: {state.reason}")

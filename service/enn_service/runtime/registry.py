"""The registry: the models of a repository that this process serves, kept in step with the disk."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enn_models import repository
from enn_models.errors import ModelError
from enn_models.repository import Entry, version_key
from enn_models.signature import Verify
from enn_service.errors import ConflictError, InvalidRequestError, ModelNotReadyError, RequestError, UnknownModelError
from enn_service.runtime.model import ServedModel, load_model
from enn_service.runtime.unload_state import UnloadState

logger = logging.getLogger(__name__)

MAX_REASON = 500
"""The most characters of a refusal that are kept: what a file says of itself may be long."""
UNLOADED = "unloaded"
"""The reason why a version is not served although nothing is wrong with it."""


@dataclass(frozen=True)
class VersionState:
    """A version in the repository.

    Attributes:
        entry: Where it lies, and its stamp when it was last looked at.
        model: What is served; None where nothing ever passed the checks.
        reason: Why the file on disk is not what is served; empty where it is.
    """

    entry: Entry
    model: ServedModel | None
    reason: str


Table = dict[str, dict[str, VersionState]]
Served = dict[tuple[str, str | None], ServedModel]


class ModelRegistry:
    """All versions of all models under a root.

    A refresh builds the new table beside the old one and swaps it in one assignment: a request sees one or the other.

    Args:
        root: The repository's folder.
        unload_state: Unloaded models, shared by all workers.
        loads: Counts the versions "loaded" and "refused".
        verify: Checks the signature of each version; None where they need none.
    """

    def __init__(
        self, root: Path, unload_state: UnloadState, loads: Counter[str], verify: Verify | None = None
    ) -> None:
        self._root, self._unload_state, self._loads, self._verify = root, unload_state, loads, verify
        self._refreshing = threading.Lock()
        self._table: Table = {}
        self._served: Served = {}

    def refresh(self, again: str | None = None) -> None:
        """Load what is new or changed, drop what is gone or unloaded, keep what cannot be replaced.

        Args:
            again: The name of a model whose files are looked at even if they are those of the last look.
        """
        with self._refreshing:
            try:
                found = list(repository.entries(self._root))
            except ModelError as error:
                logger.warning("%s; still serving what was loaded", error)
                return
            unloaded = self._unload_state.names()
            table: Table = {}
            for entry in found:
                old = self._table.get(entry.name, {}).get(entry.version)
                table.setdefault(entry.name, {})[entry.version] = (
                    VersionState(entry, None, UNLOADED)
                    if entry.name in unloaded
                    else old
                    if old is not None and old.entry == entry and old.reason != UNLOADED and entry.name != again
                    else self._load(entry, old)
                )
            for state in self.states():
                if state.entry.version not in table.get(state.entry.name, {}):
                    logger.info("removed %s/%s", state.entry.name, state.entry.version)
            self._table, self._served = table, _served(table)

    def load(self, name: str) -> None:
        """Serve a model of the repository, again if it was unloaded; look at its files now.

        Raises:
            UnknownModelError: The repository has no such model.
            ConflictError: It was unloaded meanwhile.
            InvalidRequestError: A version was refused; what was served before goes on.
        """
        if name in self._unload_state.names():
            self._unload_state.mark_loaded(name)
        self.refresh(again=name)
        versions = self._versions(name)
        if any(state.reason == UNLOADED for state in versions):
            raise ConflictError(f"model {name!r} was unloaded by another request meanwhile; load it again")
        if reasons := [f"version {state.entry.version!r}: {state.reason}" for state in versions if state.reason]:
            raise InvalidRequestError(f"model {name!r} is not loaded whole: {'; '.join(reasons)}")

    def unload(self, name: str) -> None:
        """Serve a model no more, in any worker, until load.

        Raises:
            UnknownModelError: The repository has no such model.
            InvalidRequestError: Its name is not one that is served.
        """
        self._versions(name)
        try:
            self._unload_state.mark_unloaded(name)
        except ModelError as error:
            raise InvalidRequestError(str(error)) from None
        self.refresh()

    def _versions(self, name: str) -> list[VersionState]:
        if name not in self._table:
            raise self._why_not(name, None)
        return list(self._table[name].values())

    def _load(self, entry: Entry, old: VersionState | None) -> VersionState:
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

    def states(self) -> Iterator[VersionState]:
        """Yield the state of every version, models by name and versions by age."""
        for _, versions in sorted(self._table.items()):
            for version in sorted(versions, key=version_key):
                yield versions[version]

    def known(self) -> set[tuple[str, str]]:
        """Return name and version of all that the repository has, served or not."""
        return {(state.entry.name, state.entry.version) for state in self.states()}

    def names(self) -> list[str]:
        """Return the names of the models that answer."""
        return sorted({state.entry.name for state in self.states() if state.model is not None})

    def versions(self, name: str) -> list[str]:
        """Return the versions of a model that answer, the one served by default last."""
        return [state.entry.version for state in self.states() if state.entry.name == name and state.model is not None]

    def models(self, name: str | None = None) -> list[ServedModel]:
        """Return every version that answers, of one model or of all."""
        return [state.model for state in self.states() if state.model and name in (None, state.entry.name)]

    def model(self, name: str, version: str | None = None) -> ServedModel:
        """Return a model; without a version the highest integer one that answers.

        Raises:
            UnknownModelError: There is no such model or version.
            ModelNotReadyError: It is there, but its file was refused.
        """
        if (model := self._served.get((name, version))) is not None:
            return model
        raise self._why_not(name, version)

    def _why_not(self, name: str, version: str | None) -> RequestError:
        table = self._table.get(name)
        if table is None:
            return UnknownModelError(f"model {name[:140]!r} is not known; known are {self.names()}")
        version = max(table, key=version_key) if version is None else version
        if (state := table.get(version)) is None:
            return UnknownModelError(f"model {name!r} has no version {version[:140]!r}; it has {self.versions(name)}")
        return ModelNotReadyError(f"model {name!r} version {version!r} is not served: {state.reason}")


def _served(table: Table) -> Served:
    """Return the models that answer, by name and version, and by name alone the highest version that does."""
    served: Served = {}
    for name, versions in table.items():
        for version in sorted(versions, key=version_key):
            if (model := versions[version].model) is not None:
                served[name, version] = served[name, None] = model
    return served

"""The set of unloaded models, shared by all workers of one service."""

from pathlib import Path

from enn_models.repository import check_name


class UnloadState:
    """The models that no worker may serve, one empty file per model.

    Args:
        folder: Folder that all workers share; created if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def names(self) -> frozenset[str]:
        """Return the names of the unloaded models."""
        return frozenset(path.name for path in self._folder.iterdir() if not path.name.startswith("."))

    def mark_unloaded(self, name: str) -> None:
        """Add a model to the unloaded ones.

        Raises:
            RepositoryError: The name is not a valid model name.
        """
        (self._folder / check_name(name)).touch()

    def mark_loaded(self, name: str) -> None:
        """Remove a model from the unloaded ones; do nothing if it is not among them.

        Raises:
            RepositoryError: The name is not a valid model name.
        """
        (self._folder / check_name(name)).unlink(missing_ok=True)

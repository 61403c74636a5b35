"""The unload state: shared by all workers, safe against names that are paths."""

from pathlib import Path

import pytest

from enn_models.errors import RepositoryError
from enn_service.runtime.unload_state import UnloadState


def test_unloaded_models_are_seen_by_other_workers(tmp_path: Path) -> None:
    first, second = UnloadState(tmp_path), UnloadState(tmp_path)
    first.mark_unloaded("ring")
    assert second.names() == {"ring"}
    second.mark_loaded("ring")
    second.mark_loaded("ring")
    assert first.names() == frozenset()


@pytest.mark.parametrize("name", ["..", "../ring", "a/b", ""])
def test_name_that_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RepositoryError):
        UnloadState(tmp_path).mark_unloaded(name)

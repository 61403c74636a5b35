"""Limits on folders and imports that CONTRIBUTING.md promises."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "models": ROOT / "models" / "enn_models",
    "service": ROOT / "service" / "enn_service",
    "training": ROOT / "training" / "enn_training",
}
MAX_ENTRIES = {"models": 16, "service": 12, "training": 12}
FOLDERS = sorted({path.parent for folder in PACKAGES.values() for path in folder.rglob("*.py")})


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("folder", FOLDERS, ids=relative)
def test_folder_has_few_entries(folder: Path) -> None:
    entries = [path.name for path in folder.iterdir() if not path.name.startswith("__") and path.name != "py.typed"]
    most = MAX_ENTRIES[folder.relative_to(ROOT).parts[0]]
    assert len(entries) <= most, f"{relative(folder)} has {len(entries)} entries; at most {most} are allowed"


@pytest.mark.parametrize("package", [folder.name for folder in PACKAGES.values()])
def test_package_has_no_import_cycle(package: str) -> None:
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' <- '.join(error.args[1])}")

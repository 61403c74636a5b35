"""Fixtures of the contract tests: a model that is learned from a table."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from enn_training.__main__ import main
from support.animals import table
from support.serving import serving


@pytest.fixture(scope="session")
def animal_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one model, learned from a Parquet file by the command."""
    folder = tmp_path_factory.mktemp("columns")
    table().to_parquet(folder / "animals.parquet")
    options = ["--target", "species", "--models", folder / "models", "--name", "animals", "--learner", "adam"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["enn-train", "table", *map(str, [folder / "animals.parquet", *options])])
        with pytest.raises(SystemExit, match="0"):
            main()
    return folder / "models"


@pytest.fixture(scope="session")
def animals(animal_models: Path) -> Iterator[httpx.Client]:
    """A client of a server with that model."""
    with serving(animal_models) as client:
        yield client

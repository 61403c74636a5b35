"""Promises of the plain file: predictions of the package in an ordinary session, without its explanations."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from enn_models import repository
from enn_models.package import open_package
from enn_training import export_plain
from enn_training.__main__ import main
from enn_training.errors import ExportError
from support.serving import SHIPPED

FLOAT32 = 2e-5
"""Difference of two unrollings in float32, of outputs of size 1."""


@pytest.mark.parametrize("name", sorted(path.name for path in SHIPPED.iterdir()))
@pytest.mark.parametrize("rows", [1, 1024])
def test_plain_file_gives_the_predictions_of_the_package(name: str, rows: int, tmp_path: Path) -> None:
    file = export_plain(SHIPPED, name, tmp_path / "plain.onnx", rows=rows)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["input"]
    assert [value.name for value in session.get_outputs()] == ["output"]
    package = open_package(repository.read_model(SHIPPED, name, "1"))
    whole = onnxruntime.InferenceSession(package.data, providers=["CPUExecutionProvider"])
    low, high = (np.array([getattr(each, end) for each in package.card.features]) for end in ("minimum", "maximum"))
    for batch in (1, 200):
        inputs = np.random.default_rng(0).uniform(low, high, (batch, len(low))).astype(np.float32)
        found, wanted = (np.asarray(each.run(["output"], {"input": inputs})[0]) for each in (session, whole))
        np.testing.assert_allclose(found, wanted, atol=FLOAT32 * np.abs(wanted).max())
    assert len(onnx.load(file).graph.node) < len(package.model.graph.node) / 1.3


def test_plain_file_names_features_and_classes_and_is_reproducible(tmp_path: Path) -> None:
    first, second = (export_plain(SHIPPED, "breast-cancer", tmp_path / name) for name in ("a.onnx", "b.onnx"))
    assert first.read_bytes() == second.read_bytes()
    metadata = {entry.key: json.loads(entry.value) for entry in onnx.load(first).metadata_props}
    assert metadata["enn.classes"] == ["benign", "malignant"]
    assert metadata["enn.features"][0] == {"name": "mean radius", "kind": "numeric"}
    assert f"{metadata['enn.package']}  model.onnx" in (SHIPPED / "breast-cancer" / "1" / "SHA256SUMS").read_text()


def test_command_writes_the_file_and_leaves_the_version_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SHIPPED / "ring", tmp_path / "models" / "ring")
    before = {file: file.read_bytes() for file in (tmp_path / "models").rglob("*") if file.is_file()}
    options = ["--models", tmp_path / "models", "--out", tmp_path / "ring.onnx", "--rows", 512]
    monkeypatch.setattr(sys, "argv", ["enn-train", "plain", "ring", *map(str, options)])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert (tmp_path / "ring.onnx").is_file()
    assert {file: file.read_bytes() for file in (tmp_path / "models").rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("rows", [0, True, 1.5])
def test_wrong_number_of_rows_is_refused(rows: int, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="expected a number of rows from 1"):
        export_plain(SHIPPED, "ring", tmp_path / "ring.onnx", rows=rows)


def test_unwritable_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"missing/ring.onnx: No such file"):
        export_plain(SHIPPED, "ring", tmp_path / "missing" / "ring.onnx")

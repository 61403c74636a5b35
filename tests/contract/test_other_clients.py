"""Tests with unmodified clients: the KServe SDK, MLServer types and codecs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

pytestmark = pytest.mark.slow

FOREIGN = Path(__file__).parent / "foreign"
ROWS = [[0.1, 0.2], [0.5, -0.1], [-0.3, 0.7]]
NAMES = ["output", "bumps", "pre_activation"]
TEXT_OF_FLOAT32 = 1e-6
"""Bytes and the shortest text of a number differ by a rounding."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both clients and their dependencies, which precedes the packages of this environment."""
    folder = tmp_path_factory.mktemp("foreign")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-compile"]
    command = [*install, "--target", str(folder), "--requirement", str(FOREIGN / "requirements.txt")]
    subprocess.run(command, check=True, timeout=300)
    return folder


def found(packages: Path, client: httpx.Client, script: str) -> Any:
    """Return what a script prints of the server."""
    environment = os.environ | {"PYTHONPATH": str(packages)}
    command = [sys.executable, str(FOREIGN / script), str(client.base_url).rstrip("/")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def kserve(packages: Path, client: httpx.Client) -> dict[str, Any]:
    """What the KServe SDK gets, by protocol and call."""
    return found(packages, client, "with_kserve.py")


@pytest.fixture(scope="module")
def mlserver(packages: Path, client: httpx.Client) -> dict[str, Any]:
    """What MLServer's types and codecs read, by call."""
    return found(packages, client, "with_mlserver.py")


@pytest.fixture(scope="module")
def expected(client: httpx.Client) -> dict[str, np.ndarray]:
    """What plain HTTP gets for ROWS, by output."""
    tensor = {"name": "input", "shape": [3, 2], "datatype": "FP32", "data": ROWS}
    body = {"inputs": [tensor], "outputs": [{"name": name} for name in NAMES]}
    outputs = client.post("/v2/models/ring/infer", json=body).json()["outputs"]
    return {output["name"]: np.reshape(output["data"], output["shape"]) for output in outputs}


def assert_same(outputs: dict[str, Any], names: list[str], expected: dict[str, np.ndarray]) -> None:
    assert list(outputs) == names
    for name in names:
        np.testing.assert_allclose(outputs[name], expected[name], atol=TEXT_OF_FLOAT32)


def test_kserve_v1_client_gets_health_predictions_explanations_and_errors(
    kserve: dict[str, Any], client: httpx.Client
) -> None:
    v1 = kserve["v1"]
    assert v1["live"] is v1["ready"] is True
    body = {"instances": [{"x0": 0.1, "x1": 0.2}, [0.5, -0.1]]}
    for verb in ("predict", "explain"):
        assert v1[verb] == client.post(f"/v1/models/ring:{verb}", json=body).json()
    assert "model 'moon' is not known" in v1["unknown"]
    assert "instances[0][0]: true for feature 'x0'" in v1["wrong"]


@pytest.mark.parametrize("way", ["json", "binary", "binary answer"])
def test_kserve_v2_client_gets_numeric_and_bytes_tensors(
    kserve: dict[str, Any], expected: dict[str, np.ndarray], way: str
) -> None:
    answer = kserve["v2"][way]
    assert_same(answer["outputs"], ["output"], expected)
    assert answer["id"] == "7"


def test_kserve_v2_client_gets_health_named_outputs_and_errors(
    kserve: dict[str, Any], expected: dict[str, np.ndarray]
) -> None:
    v2 = kserve["v2"]
    assert v2["live"] is v2["ready"] is True
    assert v2["model ready"] == [True, False]
    assert_same(v2["named"]["outputs"], ["bumps", "output"], expected)
    assert "inputs[0].shape: [3, 1]; expected [rows, 2]" in v2["wrong"]


def test_mlserver_types_parse_metadata_index_and_errors(mlserver: dict[str, Any], client: httpx.Client) -> None:
    assert mlserver["server"] == client.get("/v2").json()
    assert mlserver["model"].items() <= client.get("/v2/models/ring").json().items()
    index = client.post("/v2/repository/index").json()
    assert mlserver["index"] == [[entry["name"], entry["version"], entry["state"]] for entry in index]
    assert "inputs[0].shape: [3, 1]" in mlserver["wrong"]


@pytest.mark.parametrize(("way", "identity"), [("float64", "7"), ("float32", "header"), ("whole", "header")])
def test_mlserver_codec_gets_tensors_of_its_arrays(
    mlserver: dict[str, Any], expected: dict[str, np.ndarray], way: str, identity: str
) -> None:
    assert_same(mlserver[way]["outputs"], ["output"], expected)
    assert mlserver[way]["id"] == identity


def test_mlserver_codec_sends_integers_and_gets_named_outputs(
    mlserver: dict[str, Any], expected: dict[str, np.ndarray]
) -> None:
    assert_same(mlserver["named"]["outputs"], ["pre_activation", "bumps"], expected)
    assert np.shape(mlserver["integers"]["outputs"]["output"]) == (2, 1)


def test_tables_of_mlserver_and_kserve_get_answers_of_rows(packages: Path, animals: httpx.Client) -> None:
    tables = found(packages, animals, "with_mlserver_tables.py") | found(packages, animals, "with_kserve_tables.py")
    rows = [[44.5, "Dream", True, "2", None], [40, "Torgersen", False, "10", 4000], [47.5, "Biscoe", True, "1", 3500]]
    filled = [[3500 if value is None else value for value in row] for row in rows]
    for wanted, ways in ((rows, ("frame", "texts", "words", "bytes")), (filled, ("input-1", "json"))):
        predictions = animals.post("/v1/models/animals:predict", json={"instances": wanted}).json()["predictions"]
        probabilities = [[*prediction["probabilities"].values()] for prediction in predictions]
        for way in ways:
            np.testing.assert_allclose(tables[way], probabilities, atol=TEXT_OF_FLOAT32, err_msg=way)

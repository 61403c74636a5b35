"""Tests of packages in other runtimes: the oldest ONNX Runtime and onnxruntime-node."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from enn_models.network import Network
from enn_models.package import open_package
from enn_training.publishing.export import build_package
from enn_training.publishing.onnx.accuracy import TOLERANCE
from enn_training.publishing.onnx.layout import FEW_INPUT, FEW_OUTPUT
from enn_training.publishing.onnx.runtime import extract_part
from support.examples import network
from support.learned import learned

pytestmark = pytest.mark.slow

OLDEST = {11: ("1.15.0", "1.26.4"), 12: ("1.17.0", "1.26.4"), 13: ("1.20.0", "2.1.0")}
"""The first onnxruntime with a wheel for each Python 3.x, and a NumPy of its time."""
NODE = "1.30.0"
ROWS = np.random.default_rng(1).uniform(-1, 1, size=(300, 3)).astype(np.float32)

PYTHON = """
import json, sys
import numpy as np
import onnxruntime
assert onnxruntime.__version__ == sys.argv[2], onnxruntime.__version__
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
rows = np.array(json.load(sys.stdin), dtype=np.float32)
values = session.run(None, {session.get_inputs()[0].name: rows})
print(json.dumps({o.name: v.ravel().tolist() for o, v in zip(session.get_outputs(), values)}))
"""
JAVASCRIPT = """
const { InferenceSession, Tensor } = require("onnxruntime-node");
const rows = JSON.parse(require("fs").readFileSync(0));
(async () => {
  const session = await InferenceSession.create(process.argv[2]);
  const input = new Tensor("float32", rows.flat(), [rows.length, rows[0].length]);
  const values = await session.run({ [session.inputNames[0]]: input });
  console.log(JSON.stringify(Object.fromEntries(Object.entries(values).map(([n, v]) => [n, Array.from(v.data)]))));
})();
"""


def networks() -> list[Network]:
    """Return networks of both heads and tasks, one that float32 cannot compute, one whose output takes pairs,
    and one that fills the blocks of convolutions.
    """
    steep = network((3, 4, 1), head="linear", task="regression")
    steep = replace(steep, layers=(replace(steep.layers[0], weight=2000 * steep.layers[0].weight), steep.layers[1]))
    smooth, wide = (_decaying(network((3, neurons, 2), head="linear", harmonics=12)) for neurons in (24, 64))
    return [network((3, 5, 4, 2)), network((3, 6, 1), task="regression"), smooth, steep, wide]


def _decaying(net: Network) -> Network:
    spectrum = net.spectrum / np.arange(1, 24, 2, dtype=np.float32) ** 2
    return replace(net, layers=(replace(net.layers[0], coefficients=spectrum), net.layers[1]))


@pytest.fixture(params=range(5), ids=["deep", "paper", "pairs", "float64", "blocks"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path, dict[str, np.ndarray]]:
    """A package's file, that of its part for few rows, and what they are to give for ROWS."""
    net = networks()[request.param]
    opened = open_package(build_package(learned(net), harmonics=True))
    whole, few = tmp_path / "model.onnx", tmp_path / "few.onnx"
    whole.write_bytes(opened.data)
    if opened.card.unrolling.few is None:
        shutil.copy(whole, few)
    else:
        onnx.save(extract_part(opened.model, [FEW_OUTPUT], FEW_INPUT), few)
    response = net.respond(ROWS)
    wanted = {name: getattr(response, name) for name in ("output", "bumps", "pre_activation")}
    return whole, few, wanted | {"harmonics": net.harmonics(ROWS), FEW_OUTPUT: response.output}


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the oldest onnxruntime for this Python."""
    if sys.version_info.minor not in OLDEST:
        pytest.skip(f"the oldest onnxruntime for Python 3.{sys.version_info.minor} is not known here")
    runtime, numpy = OLDEST[sys.version_info.minor]
    folder = tmp_path_factory.mktemp("oldest")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    wanted = [f"onnxruntime=={runtime}", f"numpy=={numpy}"]
    _install([*install, "--target", str(folder), *wanted], folder)
    return folder


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with onnxruntime-node."""
    if shutil.which("npm") is None:
        pytest.skip("Node.js is not installed here")
    folder = tmp_path_factory.mktemp("node")
    (folder / "run.js").write_text(JAVASCRIPT)
    _install(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", f"onnxruntime-node@{NODE}"], folder)
    yield folder
    shutil.rmtree(folder / "node_modules")


def _install(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"{command[0]} could not install it here: {done.stderr.strip().splitlines()[-1:]}")


def _check(command: list[str], wanted: dict[str, np.ndarray], **environment: str) -> None:
    rows = json.dumps(ROWS.tolist())
    environment = {**os.environ, **environment}
    done = subprocess.run(command, input=rows, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found
    for name, values in found.items():
        exact = wanted[name]
        assert np.abs(np.reshape(values, exact.shape) - exact).max() <= TOLERANCE * np.abs(exact).max()


def test_oldest_onnxruntime_equals_oracle(oldest, files):
    *models, wanted = files
    for model in models:
        _check(
            [sys.executable, "-c", PYTHON, str(model), OLDEST[sys.version_info.minor][0]],
            wanted,
            PYTHONPATH=str(oldest),
        )


def test_onnxruntime_node_equals_oracle(node, files):
    *models, wanted = files
    for model in models:
        _check(["node", str(node / "run.js"), str(model)], wanted)

"""Tests of the public types: a user's script passes strict type checkers with the installed wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PACKAGES = ("enn_models", "enn_service", "enn_training")
SCRIPT = """
import asyncio
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import torch
from torch import nn

from enn_service.app import create_app
from enn_service.client import AsyncClient, Client
from enn_service.settings import Settings
from enn_training import ENN, DCTActivation, ENNClassifier, ENNRegressor, adopt, export, fit_lm, load

rows = np.zeros((20, 2))
classifier = ENNClassifier(hidden=4, harmonics=3, head="linear", learner="lms").fit(rows, rows[:, 0] > 0)
probabilities: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = classifier.predict_proba(rows)
regressor = ENNRegressor(hidden=(4,), head="dct", learner="adam").fit(rows, rows[:, 0])
values: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = regressor.predict(rows)
folder: Path = export(classifier.model_, "models", "half", optimize="latency")

network = ENN(2, (4,), 1, 3, head="dct", task="regression")
output: torch.Tensor = network(torch.zeros(1, 2))
chain = nn.Sequential(nn.Linear(2, 3), DCTActivation(3, 6), nn.Linear(3, 1))
error: float = fit_lm(chain, torch.zeros(20, 2), rows[:, 0], loss="squared", starts=0)
export(adopt(chain, rows), Path("models"), "chain", unrolling="direct")
again: ENN = ENN.from_network(load("models", "chain").network)


def ask(client: Client) -> list[float]:
    explanation = client.explain("half", [[0.5, 0.25]], attributions="shapley")
    assert explanation.attributions is not None
    surface = client.surface("half", "x0", "x1", points=5)
    curves = client.activations("half", layer=0)
    ready: bool = client.ready("half")
    assert ready and surface and curves and client.predict("half", rows)
    frame = pd.DataFrame({"x0": [0.5], "x1": [0.25]})
    for row in (frame, frame.iloc[0], pl.DataFrame({"x0": [0.5], "x1": [0.25]}), {"x0": 0.5, "x1": 0.25}, [0.5, 0.25]):
        client.predict("half", row)
    client.explain_outputs("half", rows).to_shap()
    table: pd.DataFrame = client.explain("half", frame, background=frame, baseline=frame.iloc[0]).to_frame()
    print(table)
    states: list[str] = [version.state for version in client.models()]
    print(states, client.metadata("half")["name"], client.infer("half", rows)["output"].shape)
    return [float(bump) for bump in explanation.bumps[0]]


async def ask_async() -> None:
    async with AsyncClient("http://127.0.0.1:8080") as client:
        await client.explain_outputs("half", [{"x0": 0.5, "x1": 0.25}])


with Client("http://127.0.0.1:8080") as client:
    ask(client)
asyncio.run(ask_async())
app = create_app(Settings(models=Path("models")))
"""


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the project's wheel, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(dependencies))
    return folder / "venv" / "bin" / "python"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Folder with the script and a configuration of pyright in strict mode."""
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["script.py"]}')
    return tmp_path


def test_wheel_marks_each_package_as_typed(interpreter: Path) -> None:
    (packages,) = (interpreter.parents[1] / "lib").glob("python*/site-packages")
    assert [name for name in PACKAGES if not (packages / name / "py.typed").is_file()] == []


def test_user_script_passes_mypy_strict(interpreter: Path, script: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(interpreter), "script.py"]
    done = subprocess.run(command, cwd=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_user_script_passes_strict_pyright(interpreter: Path, script: Path) -> None:
    command = [sys.executable, "-m", "pyright", "--pythonpath", str(interpreter), "--project", str(script)]
    done = subprocess.run(command, cwd=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('head="linear"', 'head="softmax"'), ('learner="lms"', 'learner="sgd"'), ('"shapley"', '"lime"')],
)
def test_values_outside_a_literal_are_type_errors(interpreter: Path, script: Path, right: str, wrong: str) -> None:
    assert right in SCRIPT
    (script / "script.py").write_text(SCRIPT.replace(right, wrong))
    command = [sys.executable, "-m", "pyright", "--pythonpath", str(interpreter), "--project", str(script)]
    done = subprocess.run(command, cwd=script, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert wrong.rpartition("=")[2].strip('"') in done.stdout

"""The commands predict and explain write the answers of the service as CSV or JSON."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from enn_service.client import Client
from enn_training import load
from enn_training.__main__ import application
from enn_training.errors import DataError, OptionError
from support.serving import SHIPPED, serving

FLOAT32 = 2e-5
"""Error of a float32 graph, relative to the scale of the numbers."""
TABLE = Path(__file__).parents[4] / "models" / "recipes" / "breast-cancer.csv"


def run(*arguments: str, text: str | None = None) -> str:
    """Return the standard output of a command on the shipped models."""
    done = CliRunner().invoke(application(), [*arguments, "--models", str(SHIPPED)], input=text)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_predict_writes_the_answers_of_the_service(tmp_path: Path) -> None:
    frame, file = pd.read_csv(TABLE).head(5), tmp_path / "rows.csv"
    frame.to_csv(file, index=False)
    with serving(SHIPPED) as http, Client(str(http.base_url)) as client, pytest.warns(UserWarning, match="diagnosis"):
        served = client.predict("breast-cancer", frame)
    found = json.loads(run("predict", "breast-cancer", str(file), "--json", "-"))["predictions"]
    assert [each["label"] for each in found] == [each["label"] for each in served]
    for one, other in zip(found, served, strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=FLOAT32)
    table = pd.read_csv(StringIO(run("predict", "breast-cancer", "-", text=file.read_text())))
    assert list(table) == ["prediction", "probability_benign", "probability_malignant"]
    np.testing.assert_allclose(table["probability_benign"], [each["probabilities"]["benign"] for each in found])


def test_explain_writes_bumps_and_attributions(tmp_path: Path) -> None:
    points = pd.DataFrame({"x1": [0.1, 3.0], "x0": [0.5, -0.5]})
    text = points.to_csv(index=False)
    expected = load(SHIPPED, "ring").explain(points, attributions="shapley")
    table = pd.read_csv(StringIO(run("explain", "ring", "-", "--attributions", "shapley", text=text)))
    pd.testing.assert_frame_equal(table.drop(columns="out_of_range"), expected.to_frame().drop(columns="out_of_range"))
    assert table["out_of_range"].fillna("").tolist() == ["", "x1"]
    run("explain", "ring", "-", "--top", "2", "--out", str(tmp_path / "why.json"), text=text)
    body = json.loads((tmp_path / "why.json").read_text())
    assert body["predictions"] == expected.predictions
    for row, each in enumerate(body["explanations"]):
        bumps = sum(bump["value"] for bump in each["bumps"]) + each["rest"]["value"]
        assert len(each["bumps"]) == 2
        assert each["bias"] + bumps == pytest.approx(expected.pre_activation[row])
    assert body["explanations"][1]["ranges"] == {"x1": list(expected.ranges["x1"])}


def test_refusals_name_file_line_and_option(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x0,x1\n0.5,0.1\n0.5,far\n")
    with pytest.raises(DataError, match=r"rows.csv: column 'x1', line \d: .*expected a number"):
        run("predict", "ring", str(tmp_path / "rows.csv"))
    with pytest.raises(OptionError, match=r"--out why.txt: expected a .csv or .json file"):
        run("explain", "ring", str(tmp_path / "rows.csv"), "--out", "why.txt")

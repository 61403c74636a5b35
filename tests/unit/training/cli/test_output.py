"""Tests of the output of commands: lines, JSON documents, and nothing if they are quiet."""

import json

import numpy as np
import pandas as pd
import pytest

from enn_models.package import open_package
from enn_models.repository import read_model

COMMANDS = ("table", "problem", "image", "inspect", "plain", "predict", "explain", "prune", "sign")


def test_dry_run_states_each_column_and_learns_nothing(enn, tmp_path):
    frame = pd.DataFrame({"price": [f"${row},000" for row in range(1, 31)], "id": range(30), "t": [0, 1, 1] * 10})
    frame.to_csv(tmp_path / "table.csv", index=False)
    arguments = ("table", tmp_path / "table.csv", "--target", "t", "--dry-run")
    status, out, err = enn(*arguments)
    assert status == 0
    assert out.splitlines()[1:] == [
        (
            "column 'price': numeric, 1000 to 30000; ',' between thousands left out: '1,000' is 1000;"
            " the currency '$' is left out; --decimal changes this"
        ),
        "column 'id': left out: numbers of the rows, one more in each; --with id keeps it",
        "target 't': classification, 2: 0, 1; use --task regression to learn numbers",
    ]
    assert err.count("warning: column '") == 2
    status, out, _ = enn(*arguments, "--json", "-", "--with", "id", "--decimal", ",")
    columns = json.loads(out)["table"]["columns"]
    assert [(column["name"], column["role"], column["maximum"]) for column in columns[:2]] == [
        ("price", "feature", 30),
        ("id", "feature", 29),
    ]
    assert enn(*arguments, "--quiet") == (0, "", "")
    status, _, err = enn(*arguments[:-1])
    assert (status, err) == (2, "error: --models and --name: expected both, to publish the model, or --dry-run\n")
    assert list(tmp_path.iterdir()) == [tmp_path / "table.csv"]


def test_results_are_written_as_json_and_quiet_prints_nothing(enn, tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=100), "b": random.normal(size=100), "same": 1})
    frame.assign(label=np.where(frame["a"] > frame["b"], "u", "v")).to_csv(tmp_path / "table.csv", index=False)
    models, file = ("--models", tmp_path / "models"), tmp_path / "result.json"
    learned = (
        "--target",
        "label",
        "--name",
        "t",
        *models,
        "--learner",
        "adam",
        "--passes",
        5,
        "--quiet",
        "--json",
        file,
    )
    assert enn("table", tmp_path / "table.csv", *learned) == (0, "", "")
    result = json.loads(file.read_text())
    assert result["published"] == str(tmp_path / "models" / "t" / "1")
    assert result["warnings"] == ["column 'same' is left out: all its values are 1"]
    assert set(result["model"]["baselines"]) == {"majority class", "straight line"}
    card = open_package(read_model(tmp_path / "models", "t", "1")).card
    assert result["model"]["scores"] == card.scores
    status, out, err = enn("inspect", "t", *models, "--json", "-")
    assert (status, json.loads(out)["card"]["scores"], err) == (0, card.scores, "")
    status, out, err = enn("plain", "t", *models, "--out", tmp_path / "t.onnx", "--json", "-")
    assert json.loads(out) == {"warnings": [], "wrote": str(tmp_path / "t.onnx")}
    status, _, err = enn("inspect", "t", *models, "--json", tmp_path / "nowhere" / "x.json")
    assert (status, "expected a file in a folder that exists" in err) == (2, True)


@pytest.mark.parametrize(
    "command", ["table", "problem", "image", "inspect", "plain", "predict", "explain", "prune", "sign"]
)
def test_commands_share_quiet_and_json(enn, command):
    status, out, _ = enn(command, "--help")
    assert (status, "--json" in out, "-q, --quiet" in out) == (0, True, True)


def test_words_for_booleans_are_predicted_as_they_were_learned(enn, tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=100), "b": random.choice(["yes", "no"], 100)})
    frame["price"] = [f"{value:,.2f} €" for value in 1000 + 100 * frame["a"] + 500 * (frame["b"] == "yes")]
    frame.to_csv(tmp_path / "table.csv", index=False)
    models = ("--models", tmp_path / "models")
    learned = ("--target", "price", "--name", "t", *models, "--learner", "adam", "--passes", 5)
    assert enn("table", tmp_path / "table.csv", *learned)[0] == 0
    frame[["a", "b"]].iloc[[0]].to_csv(tmp_path / "row.csv", index=False)
    status, out, err = enn("predict", "t", tmp_path / "row.csv", *models, "--json", "-", "--quiet")
    assert (status, len(json.loads(out)["predictions"]), err) == (0, 1, "")
    (tmp_path / "row.csv").write_text("a;b\n0,5;NO\n")
    status, out, err = enn("explain", "t", tmp_path / "row.csv", *models, "--decimal", ",", "--out", tmp_path / "x.csv")
    assert (status, out, err) == (0, "", f"wrote {tmp_path / 'x.csv'}\n")

"""The command table tells classes and left-out columns, and judges by the rows that its options choose."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from enn_training import load
from enn_training.__main__ import application
from enn_training.errors import OptionError


def run(*arguments: object) -> str:
    """Return the standard output of a command."""
    done = CliRunner().invoke(application(), [*map(str, arguments)])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def ratings(folder: Path, rows: int = 200) -> Path:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"size": random.normal(size=rows), "patient": random.integers(100, 120, rows) + 0.5})
    frame["year"] = 2000 + np.arange(rows) // 10
    frame["rating"] = np.clip(np.round(frame["size"] + 3), 1, 5).astype(int)
    frame.to_csv(folder / "ratings.csv", index=False)
    return folder / "ratings.csv"


def test_numbers_as_classes_name_the_other_task(tmp_path: Path) -> None:
    file = ratings(tmp_path)
    told = run("table", file, "--target", "rating", "--without", "patient", "--dry-run")
    line = "target 'rating': classification, 5: 1, 2, 3, 4, 5; use --task regression to learn numbers"
    assert line in told.splitlines()
    assert "column 'patient': left out: --without" in told.splitlines()
    told = run("table", file, "--target", "rating", "--task", "regression", "--dry-run")
    assert "target 'rating': regression, 1 to 5" in told.splitlines()


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--group", "patient", "of other groups of 'patient'"),
        ("--time", "year", "of the newest by 'year'"),
        ("--test", "new.csv", "judged on 200 of new.csv"),
    ],
)
def test_options_choose_the_rows_that_judge(tmp_path: Path, option: str, value: str, told: str) -> None:
    root = tmp_path / "models"
    given = value if option != "--test" else str(ratings(tmp_path).rename(tmp_path / value))
    file = ratings(tmp_path)
    fast = ("--learner", "adam", "--passes", 3, "--hidden", 2)
    common = ("--target", "rating", "--models", root)
    out = run("table", file, *common, "--task", "regression", "--name", "rated", option, given, *fast)
    assert told in out
    model = load(root, "rated")
    assert model.training["judged_by"] == {option.removeprefix("--"): value}
    assert value not in [feature.name for feature in model.features]
    assert "rows not learned from" in run("prune", "rated", "--data", file, *common, "--loss", 0.5)


def test_words_for_true_and_false_are_read_in_every_file(tmp_path: Path) -> None:
    file, new, root = ratings(tmp_path), tmp_path / "new.csv", tmp_path / "models"
    frame = pd.read_csv(file).assign(smoker=lambda table: np.where(table["size"] > 0, "Yes", "no"))
    frame.to_csv(file, index=False)
    frame[frame["smoker"] == "no"].to_csv(new, index=False)
    fast = ("--learner", "adam", "--passes", 1, "--hidden", 2, "--task", "regression")
    out = run("table", file, "--target", "rating", "--models", root, "--name", "rated", "--test", new, *fast)
    assert f"judged on {(frame['smoker'] == 'no').sum()} of new.csv" in out
    predictions = json.loads(run("predict", "rated", new, "--models", root, "--json", "-"))["predictions"]
    assert len(predictions) == (frame["smoker"] == "no").sum()


def test_options_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--group and --time: expected at most one"):
        run("table", ratings(tmp_path), "--target", "rating", "--dry-run", "--group", "patient", "--time", "year")

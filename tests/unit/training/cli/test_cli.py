"""Tests of the commands: they train, report baselines, publish, and refuse in one line with exit status 2."""

import re
from importlib import metadata

import numpy as np
import pandas as pd
import pytest

from enn_models import repository
from enn_models.package import open_package, verify_golden_vector
from enn_training import ENNClassifier, export
from enn_training.learners.adam import Adam
from enn_training.learners.auto_adam import AutoAdam
from enn_training.pruning import cuts
from enn_training.publishing.onnx.cost_model import estimate_microseconds
from enn_training.publishing.onnx.runtime import RuntimeSession, extract_part


def table(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200), "same": 1})
    frame["label"] = np.where(frame["a"] > frame["b"], "more", "less")
    frame.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def test_problem_prints_baselines_and_publishes_the_model(enn, tmp_path):
    status, out, err = enn("problem", "line-1", "--models", tmp_path, "--samples", 400, "--starts", 2)
    assert (status, err) == (0, "")
    assert "\naccuracy           0.9" in out
    assert "majority class" in out
    assert "straight line" in out
    assert "parameters 67 (2-6-1, Q = 6, dct head)" in out
    assert f"published {tmp_path / 'line-1' / '1'}" in out
    assert (tmp_path / "line-1" / "1" / "model.onnx").is_file()


def test_program_has_version_short_help_and_exit_statuses(enn):
    assert enn("--version") == (0, metadata.version("enn") + "\n", "")
    status, out, _ = enn("-h")
    assert (status, "Exit status: 0 after success, 2 if" in out, "--install-completion" in out) == (0, True, True)
    assert enn("prune", "-h") == enn("prune", "--help")


def test_model_without_skill_is_published_with_warning(enn, tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=100), "price": random.permutation(100) / 7})
    frame.to_csv(tmp_path / "table.csv", index=False)
    options = ("--target", "price", "--name", "t", "--models", tmp_path, "--learner", "adam", "--hidden", 32)
    status, out, err = enn("table", tmp_path / "table.csv", *options)
    assert (status, "published" in out) == (0, True)
    assert err.startswith("warning: the model is not better than the mean of the target: skill -")


def test_inspect_prints_and_draws_a_published_model(enn, tmp_path):
    assert enn("problem", "ring", "--models", tmp_path, "--samples", 400, "--starts", 2)[0] == 0
    status, out, err = enn("inspect", "ring", "--models", tmp_path, "--out", tmp_path / "ring.svg")
    assert (status, err) == (0, "")
    package = open_package(repository.read_model(tmp_path, "ring", "1"))
    found = package.network.layers[0].coefficients
    assert found is not None
    for name, value in package.card.scores.items():
        assert re.search(rf"^{name} +{value:.6g} *$", out, re.MULTILINE)
    coefficients = " ".join(f"{value:+.3f}" for value in found[3])
    assert any(line.split()[0] == "3" and coefficients in line for line in out.splitlines() if line.strip())
    assert "<svg" in (tmp_path / "ring.svg").read_text()
    status, out, err = enn("inspect", "moon", "--models", tmp_path)
    assert (status, out) == (2, "")
    assert "model 'moon' is not in" in err


@pytest.mark.parametrize(("options", "unrolled"), [(("--unrolling", "clenshaw"), None), (("--optimize", 2), 2)])
def test_unrolling_options_choose_or_measure_the_unrolling(enn, tmp_path, monkeypatch, options, unrolled):
    monkeypatch.setattr("enn_training.publishing.onnx.selection.MEASUREMENT_SECONDS", 0.0005)
    assert enn("problem", "sum", "--models", tmp_path, "--samples", 200, "--starts", 1, *options)[0] == 0
    record = open_package(repository.read_model(tmp_path, "sum", "1")).card.unrolling
    if unrolled is None:
        assert (record.output, record.measured) == ("clenshaw", None)
    else:
        assert record.measured is not None
        assert record.measured.rows == unrolled


def test_equal_seeds_publish_equal_bytes(enn, tmp_path):
    for name in ("one", "two"):
        status, *_ = enn("problem", "sum", "--models", tmp_path, "--name", name, "--samples", 200, "--starts", 2)
        assert status == 0
    one, two = ((tmp_path / name / "1" / "model.onnx").read_bytes() for name in ("one", "two"))
    assert one == two


def opened(folder):
    """Return the package of a version after all checks, those in the runtime too."""
    package = open_package((folder / "model.onnx").read_bytes())
    verify_golden_vector(package, lambda rows, outputs: RuntimeSession(package.model, outputs).run(rows))
    return package


def test_prune_publishes_a_smaller_version_that_passes_all_checks(enn, tmp_path):
    assert enn("problem", "ring", "--models", tmp_path, "--samples", 400, "--starts", 8)[0] == 0
    status, out, err = enn("prune", "ring", "--models", tmp_path, "--loss", 0.05)
    assert (status, err) == (0, "")
    assert f"published {tmp_path / 'ring' / '2'}" in out
    before, after = (opened(tmp_path / "ring" / version) for version in ("1", "2"))
    assert len(after.data) < len(before.data)
    assert after.network.parameters < before.network.parameters
    ran, runs = (estimate_microseconds(extract_part(package.model, ["output"]), 1024) for package in (before, after))
    assert runs < ran
    assert f"{ran:.0f} -> {runs:.0f} microseconds estimated" in out
    assert after.card.scores["accuracy"] > before.card.scores["accuracy"] - 0.1
    assert after.card.background == before.card.background
    assert after.card.training["pruned"]["loss"] == 0.05
    for kind, count in (("neurons", cuts.count_neurons), ("harmonics", cuts.count_harmonics)):
        assert f"{kind} {count(before.network)} -> {count(after.network)}" in out
        assert after.card.training["pruned"][kind] == count(before.network) - count(after.network)
    again = ("--version", 1, "--loss", 0.05, "--name", "again")
    assert enn("prune", "ring", "--models", tmp_path, *again)[0] == 0
    assert (tmp_path / "again" / "1" / "model.onnx").read_bytes() == after.data


def test_prune_publishes_nothing_if_every_level_loses_too_much(enn, tmp_path):
    assert enn("problem", "product", "--models", tmp_path, "--samples", 400, "--starts", 2)[0] == 0
    status, out, _ = enn("prune", "product", "--models", tmp_path, "--loss", 0, "--only", "neurons")
    assert (status, "nothing published: every level loses more than 0" in out) == (0, True)
    assert [path.name for path in (tmp_path / "product").iterdir()] == ["1"]


def test_table_model_is_pruned_only_with_its_own_table(enn, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "b": rng.choice(["x", "y"], 200), "left": rng.normal(size=200)})
    frame.loc[:20, "a"] = np.nan
    frame["same"], frame["price"] = 1, frame["a"].fillna(2) + (frame["b"] == "x")
    frame.to_csv(tmp_path / "table.csv", index=False)
    options = ("--target", "price", "--name", "t", "--models", tmp_path, "--without", "left", "--learner", "adam")
    assert enn("table", tmp_path / "table.csv", *options)[0] == 0
    where = ("--models", tmp_path, "--data", tmp_path / "table.csv", "--target")
    status, out, err = enn("prune", "t", *where, "price", "--loss", 0.1, "--by", "share")
    assert (status, err) == (0, "")
    assert opened(tmp_path / "t" / "2").card.features == opened(tmp_path / "t" / "1").card.features
    assert "least magnitude" not in out
    assert "R2 lost" in out
    for arguments, words in (
        ((*where, "left"), "its training rows have the fingerprint"),
        (("--models", tmp_path), "not trained on one of the paper's problems; give its table"),
        (where[:4], "--data and --target: expected both"),
    ):
        status, _, err = enn("prune", "t", *arguments)
        assert (status, err.count("\n")) == (2, 1)
        assert words in err


def test_estimator_is_pruned_with_its_table_and_other_rows(enn, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=300), "b": rng.choice(["x", "y"], 300)})
    frame["label"] = np.where(frame["a"] > (frame["b"] == "x"), "more", "less")
    learned, others = frame.iloc[:200], frame.iloc[200:]
    for name, rows in (("learned", learned), ("others", others)):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    for name, learner in (("auto", AutoAdam(hidden=(6,), passes=12)), ("adam", Adam(passes=20))):
        model = ENNClassifier(6, learner=learner, random_state=5).fit(learned[["a", "b"]], learned["label"]).model_
        assert 0.7 < model.scores["accuracy"] <= 1
        assert 0 < model.scores["log_loss"] < 0.7
        export(model, tmp_path, name)
    where = ("--models", tmp_path, "--data", tmp_path / "learned.csv", "--target", "label", "--loss", 0.1)
    status, out, err = enn("prune", "adam", *where)
    assert (status, err) == (0, "")
    assert "on 25 rows not learned from" in out
    status, _, err = enn("prune", "auto", *where)
    assert (status, err) == (
        2,
        "error: the model has learned from all rows of its table; give other rows to score on: --test FILE\n",
    )
    status, out, err = enn("prune", "auto", *where, "--test", tmp_path / "others.csv")
    assert (status, err) == (0, "")
    assert "on 100 rows not learned from" in out
    assert opened(tmp_path / "auto" / "2").card.scores["accuracy"] > 0.7


def test_weights_of_rows_and_classes_come_from_options(enn, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=300), "w": rng.choice([0, 1.5, 3], 300)})
    frame["label"] = np.where(frame["a"] + rng.normal(size=300) > 1, "yes", "no")
    frame.to_csv(tmp_path / "t.csv", index=False)
    where = ("--target", "label", "--models", tmp_path, "--name", "t")
    options = (*where, "--learner", "adam", "--passes", 5, "--weight", "w")
    status, _, err = enn("table", tmp_path / "t.csv", *options, "--class-weight", "yes=4")
    line, none = 2 + int(np.argmax(frame["w"] == 0)), int((frame["w"] == 0).sum())
    assert (status, err.splitlines()[0]) == (
        0,
        f"warning: {none} row(s) have weight 0 and are left out, the first of them line {line}",
    )
    card = opened(tmp_path / "t" / "1").card
    assert (card.feature_names, card.training["weighted"], card.training["class_weight"]) == (["a"], True, [1.0, 4.0])
    data = ("--models", tmp_path, "--data", tmp_path / "t.csv", "--target", "label", "--loss", 0.9)
    assert "trained on rows with weights; give their column: --weight COLUMN" in enn("prune", "t", *data)[2]
    assert enn("prune", "t", *data, "--weight", "w", "--only", "neurons")[0] == 0
    for arguments, words in (
        (("--weight", "label"), "column 'label', line 2: 'yes' is not a number"),
        (("--weight", "a"), "expected a number from 0"),
        (("--weight", "v"), "no column 'v' of weights"),
        (("--class-weight", "yes:4"), "--class-weight yes:4: expected balanced, or a class and a factor, as yes=5"),
        (("--class-weight", "maybe=4"), "'maybe' is no class; expected one of 'no', 'yes'"),
    ):
        status, _, err = enn("table", tmp_path / "t.csv", *options, *arguments)
        assert (status, words in err) == (2, True), err


def test_declared_columns_are_learned_and_pruned_as_declared(enn, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"zip": rng.choice([8001, 8002, 9000], 300), "size": rng.choice(["s", "m", "l"], 300)})
    frame["price"] = (frame["zip"] == 8002) + frame["size"].map({"s": 0, "m": 1, "l": 2})
    frame.to_csv(tmp_path / "t.csv", index=False)
    where = (tmp_path / "t.csv", "--target", "price", "--models", tmp_path, "--name", "t")
    options = (*where, "--learner", "adam", "--passes", 20)
    declared = ("--categorical", "zip", "--ordinal", "size=s<m<l")
    assert enn("table", *options, *declared)[0] == 0
    names, sizes = opened(tmp_path / "t" / "1").card.features
    assert names.kind == "categorical"
    assert sizes.kind == "categorical"
    assert (names.categories, sizes.categories, sizes.ordered) == (("8001", "8002", "9000"), ("s", "m", "l"), True)
    data = ("--models", tmp_path, "--data", tmp_path / "t.csv", "--target", "price", "--loss", 0.9)
    assert enn("prune", "t", *data, "--only", "neurons")[0] == 0
    status, _, err = enn("table", *options, "--ordinal", "size")
    assert (status, "--ordinal size: expected a column and its categories, as size=low<mid<high" in err) == (2, True)


def test_quantile_is_learned_and_reported_with_its_loss(enn, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.uniform(-1, 1, 400)})
    frame["y"] = frame["a"] + rng.exponential(size=400)
    frame.to_csv(tmp_path / "t.csv", index=False)
    options = (tmp_path / "t.csv", "--target", "y", "--models", tmp_path, "--name", "t", "--passes", 30)
    status, out, err = enn("table", *options, "--learner", "adam", "--loss", "quantile", "--quantile", 0.1)
    card = opened(tmp_path / "t" / "1").card
    assert (status, err, "pinball loss" in out) == (0, "", True)
    assert (card.training["loss"], card.training["quantile"]) == ("quantile", 0.1)
    assert 0 < card.scores["mean_pinball_loss"] < 0.2
    for arguments, words in (
        (
            ("--loss", "quantile", "--quantile", 1, "--learner", "adam"),
            "quantile 1.0: expected a number between 0 and 1",
        ),
        (("--loss", "absolute", "--learner", "lms"), "LMS learns the mean alone; for a quantile use auto, adam or lm"),
    ):
        status, _, err = enn("table", *options, *arguments)
        assert (status, words in err) == (2, True), err


@pytest.mark.parametrize("learner", ["adam", "lms"])
def test_table_trains_several_layers(enn, tmp_path, learner):
    options = ("--target", "label", "--name", "t", "--models", tmp_path, "--hidden", "8,4", "--passes", 20)
    status, out, err = enn("table", table(tmp_path), *options, "--learner", learner)
    assert (status, err) == (0, "warning: column 'same' is left out: all its values are 1\n")
    assert "2-8-4-1, Q = 6, linear head" in out
    assert "log-loss" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("problem", "square"), "problem 'square': expected one of"),
        (("problem", "ring", "--hidden", "six"), "--hidden six: expected whole numbers"),
        (("problem", "ring", "--learner", "adam", "--pace", 2), "--pace does not belong to --learner adam"),
        (("problem", "ring", "--decay", 2), "--decay does not belong to --learner lm;"),
        (("problem", "ring", "--spread", -1), "spread -1.0: expected a positive number"),
        (("problem", "ring", "--optimize", "speed"), "--optimize speed: expected latency, throughput or"),
        (("problem", "ring", "--optimize", 0), "--optimize 0: expected latency, throughput or"),
        (("table", "t.csv", "--target", "t", "--name", "n", "--unrolling", "taylor"), "--unrolling taylor: expected"),
        (
            ("image", "--name", "n", "--unrolling", "direct", "--optimize", 1),
            "--optimize and --unrolling: expected one of the two",
        ),
        (("problem", "sum", "--samples", 64, "--starts", 1, "--name", "../x"), "name '../x'"),
        (("table", "nowhere.csv", "--target", "t", "--name", "n"), "nowhere.csv: cannot be read"),
    ],
)
def test_refusal_is_one_line_and_exit_status_2(enn, tmp_path, arguments, words):
    status, _, err = enn(*arguments, "--models", tmp_path)
    assert status == 2
    assert err.startswith("error: ")
    assert words in err
    assert err.count("\n") == 1

"""Models in this process answer as the service does: labels, scores, bumps, attributions and flags are equal."""

import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from enn_models.explanations.results import Attributions, Explanations
from enn_service.client import Client, RequestRefusedError
from enn_training import ENNClassifier, ENNRegressor, export, load
from enn_training.errors import DataError, OptionError, UnusedColumnsWarning
from enn_training.learners.adam import Adam
from support.serving import SHIPPED, serving

FLOAT32 = 2e-5
"""Error of a float32 graph, relative to the scale of the numbers."""
OPTIONS: list[dict[str, Any]] = [
    {},
    {"top": 2},
    {"harmonics": True},
    {"attributions": "shapley", "interactions": True},
    {"attributions": "integrated_gradients"},
    {"attributions": "sampled_shapley", "permutations": 3},
]


def table(rows: int = 40) -> pd.DataFrame:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "age": random.normal(50, 10, rows),
            "colour": random.choice(["red", "green", "blue"], rows),
            "zone": random.choice([10, 20, 30], rows),
            "smoker": random.random(rows) < 0.5,
        },
        index=pd.Index(range(100, 100 + rows), name="patient"),
    )
    frame["zone"] = pd.Categorical(frame["zone"], [10, 20, 30])
    frame.loc[frame.index[::9], ["age", "colour"]] = None
    return frame


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of each kind of output, and the shipped ring."""
    root, frame = tmp_path_factory.mktemp("api") / "models", table()
    settings = {"hidden": 5, "harmonics": 3, "learner": Adam(passes=2)}
    three = np.resize(["low", "middle", "high"], len(frame))
    export(ENNClassifier(**settings).fit(frame, three).model_, root, "three")
    export(ENNClassifier(**settings, head="dct").fit(frame, three).model_, root, "scores")
    export(ENNClassifier(**settings).fit(frame, frame["smoker"]).model_, root, "two")
    values = np.random.default_rng(2).normal(size=(len(frame), 2))
    export(ENNRegressor(**settings, head="dct").fit(frame, values).model_, root, "values")
    shutil.copytree(SHIPPED / "ring", root / "ring")
    return root


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[Client]:
    with serving(root) as http, Client(str(http.base_url)) as client:
        yield client


def assert_equal(found: Any, expected: Any, name: str = "") -> None:
    """Compare two results field by field."""
    if isinstance(expected, Explanations | Attributions):
        assert type(found) is type(expected)
        for field in fields(expected):
            assert_equal(getattr(found, field.name), getattr(expected, field.name), field.name)
    elif isinstance(expected, np.ndarray) and expected.dtype == np.float64:
        assert found.shape == expected.shape, name
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        assert np.abs(found - expected).max(initial=0) <= FLOAT32 * scale, name
    elif isinstance(expected, np.ndarray | pd.Index):
        # The client sends a category that is a number as text.
        assert found.astype(str).tolist() == expected.astype(str).tolist(), name
    elif isinstance(expected, dict):
        assert list(found) == list(expected), name
        for key, value in expected.items():
            assert_equal(found[key], value, name)
    elif isinstance(expected, list) and name != "out_of_range":
        assert len(found) == len(expected), name
        for one, other in zip(found, expected, strict=True):
            assert_equal(one, other, name)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=FLOAT32, abs=FLOAT32), name
    else:
        assert found == expected, name


@pytest.mark.parametrize("name", ["three", "scores", "two", "values"])
def test_answers_equal_those_of_the_service(client: Client, root: Path, name: str) -> None:
    model, frame = load(root, name), table()
    frame.iloc[3, 0], frame.iloc[4, 0] = 500.0, -7.5
    assert_equal(model.predict(frame), client.predict(name, frame))
    for options in OPTIONS:
        assert_equal(model.explain(frame, **options), client.explain(name, frame, **options))
    every, served = model.explain_outputs(frame, top=3), client.explain_outputs(name, frame, top=3)
    assert list(every) == list(served)
    for output in served:
        assert_equal(every[output], served[output])
    given = model.explain(frame.iloc[:5], attributions="shapley", background=frame.iloc[5:9])
    assert_equal(given, client.explain(name, frame.iloc[:5], attributions="shapley", background=frame.iloc[5:9]))
    pd.testing.assert_frame_equal(
        given.to_frame(),
        client.explain(name, frame.iloc[:5], attributions="shapley", background=frame.iloc[5:9]).to_frame(),
        rtol=FLOAT32,
        atol=FLOAT32 * max(1.0, float(np.abs(given.bumps).max())),
    )


def test_rows_of_every_kind_agree(client: Client, root: Path) -> None:
    model, frame = load(root, "three"), table().dropna()
    expected = client.predict("three", frame)
    records = frame.astype({"zone": str}).to_dict(orient="records")
    kinds = [
        frame[["smoker", "zone", "age", "colour"]],
        frame.set_axis(range(4), axis="columns"),
        pl.from_pandas(frame.astype({"zone": "int64"})),
        pl.from_pandas(frame.astype({"zone": "int64"})).to_arrow(),
        records,
        [list(record.values()) for record in records],
    ]
    for rows in kinds:
        assert_equal(model.predict(rows), expected)
    assert_equal(model.predict(records[0]), expected[:1])
    assert_equal(model.predict(frame.iloc[0]), expected[:1])
    with pytest.warns(UnusedColumnsWarning, match="'target'"):
        assert_equal(model.predict(frame.assign(target=1)), expected)
    points = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    ring = load(root, "ring")
    for rows in (points, points.astype(np.float32), points.tolist(), points[0].tolist()):
        assert_equal(ring.predict(rows), client.predict("ring", rows))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"age": "old"}, "'age', row 0: 'old'; expected a number, or null"),
        ({"age": 1e9}, "is more than 1000 ranges away"),
        ({"colour": "pink"}, "'colour', row 0: 'pink'; expected a string, one of 'blue'"),
        ({"zone": None}, "'zone', row 0: no value; expected a string, one of '10'"),
        ({"smoker": 2}, "'smoker', row 0: 2; expected true or false"),
        ({"age": True}, "'age', row 0: True; expected a number, or null"),
        ({"weight": 1.0}, "'weight' not known"),
    ],
)
def test_what_the_service_refuses_is_refused(client: Client, root: Path, change: dict[str, Any], text: str) -> None:
    row = {"age": 50.0, "colour": "red", "zone": "10", "smoker": True} | change
    with pytest.raises(RequestRefusedError):
        client.predict("three", row)
    with pytest.raises(DataError, match=text):
        load(root, "three").predict(row)


def test_errors_name_columns_and_options(root: Path) -> None:
    model = load(root, "three")
    with pytest.raises(DataError, match="lack the columns 'colour', 'smoker'; the model takes 'age'"):
        model.predict(table()[["zone", "age"]])
    with pytest.raises(DataError, match=r"shape \[2, 3\]; expected \[rows, 4\]"):
        model.predict(np.zeros((2, 3)))
    with pytest.raises(OptionError, match="output 'none': the model explains high, low, middle"):
        model.explain(table(), output="none")
    with pytest.raises(OptionError, match="baseline: not used by attributions 'shapley'"):
        model.explain(table(), attributions="shapley", baseline=table().iloc[0])

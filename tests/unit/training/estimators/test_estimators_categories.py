"""Columns of many categories, and columns that are declared."""

import numpy as np
import pandas as pd
import pytest

from enn_training import ENNRegressor, export
from enn_training.errors import TableWarning
from enn_training.learners.adam import Adam
from support.serving import serving


def test_pooled_categories_are_served_under_any_other_name(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"city": [f"city {number}" for number in np.arange(600) % 60], "age": random.normal(size=600)})
    frame.loc[300:, "city"] = "city 1"
    with pytest.warns(TableWarning, match="column 'city': 11 of 60 categories, in 55 row"):
        model = ENNRegressor(4, learner=Adam(passes=3)).fit(frame, frame["age"])
    rows = pd.DataFrame({"city": ["city 1", "city 9", "Atlantis", "other"], "age": 0.5})
    found = model.predict(rows)
    assert found[2] == found[3]
    export(model.model_, tmp_path, "cities")
    with serving(tmp_path) as client:
        reply = client.post("/v1/models/cities:predict", json={"instances": rows.to_dict("records")})
        wrong = client.post("/v1/models/cities:predict", json={"instances": [{"city": True, "age": 0}]})
        city, _ = client.get("/v2/models/cities").json()["properties"]["features"]
    np.testing.assert_allclose(reply.json()["predictions"], found, rtol=1e-5)
    assert (wrong.status_code, "expected a string" in wrong.text) == (400, True)
    assert (city["other"], len(city["categories"])) == ("other", 50)


def test_declared_columns_are_categories_and_ordered_numbers(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"zip": random.choice([8001, 8002, 9000], 200), "size": random.choice(["s", "m", "l"], 200)})
    frame.loc[:9, "size"] = None
    y = (frame["zip"] == 8002) + frame["size"].map({"s": 0, "m": 1, "l": 2, None: 0})
    model = ENNRegressor(6, learner=Adam(passes=60), categorical=["zip"], ordinal={"size": ["s", "m", "l"]})
    model.fit(frame, y)
    assert [column.categories for column in model.columns_ or ()] == [("8001", "8002", "9000"), ("s", "m", "l")]
    # Three indicators of the first column; index and mark of missing values of the second.
    assert model.model_.network.columns == 5
    assert model.score(frame, y) > 0.95
    export(model.model_, tmp_path, "sizes")
    rows = [{"zip": "8002", "size": "l"}, {"zip": "8001", "size": "s"}, {"zip": "9000", "size": None}]
    with serving(tmp_path) as client:
        reply = client.post("/v1/models/sizes:predict", json={"instances": rows}).json()["predictions"]
        features = client.get("/v2/models/sizes").json()["properties"]["features"]
    np.testing.assert_allclose(reply, model.predict(pd.DataFrame(rows).astype({"zip": int})), rtol=1e-4, atol=1e-5)
    assert [feature.get("ordered", False) for feature in features] == [False, True]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"categorical": ["no"]}, "no column 'no' to declare; it has 'a', 'b'"),
        ({"categorical": ["b"], "ordinal": {"b": ["x", "y"]}}, "'b' is declared categorical and ordinal"),
        ({"ordinal": {"b": ["x"]}}, "expected two or more different categories"),
        (
            {"ordinal": {"b": ["x", "z"]}},
            "column 'b', row 1: 'y' is not in the order; expected one of 'x', 'z'",
        ),
    ],
)
def test_declarations_that_do_not_fit_are_refused(options, words):
    frame = pd.DataFrame({"a": np.arange(20.0), "b": ["x", "y"] * 10})
    with pytest.raises(ValueError, match=words):
        ENNRegressor(**options).fit(frame, frame["a"])
    with pytest.raises(ValueError, match="X is of type ndarray"):
        ENNRegressor(**options).fit(np.eye(20), np.arange(20))

"""Unknown values are answered as estimators answer them, and named, if the service accepts them."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from enn_service.api.schemas import inference as schemas
from enn_training import ENNClassifier, ENNRegressor, export
from enn_training.errors import TableWarning
from enn_training.learners.adam import Adam
from enn_training.learners.lms import LMS
from support.serving import serving

FLOAT32 = 1e-5
"""Tolerance of float32 results of size 1."""
COLUMNS = ("tail", "island", "colour", "wild", "town", "mass")
UNKNOWN = ["island", "tail", "wild"]


def table(rows: int = 400) -> pd.DataFrame:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "tail": random.lognormal(0, 2, rows),
            "island": random.choice(["Biscoe", "Dream", "Torgersen"], rows),
            "colour": random.choice(["red", "blue"], rows),
            "wild": random.random(rows) < 0.3,
            "town": [f"t{min(each, 70)}" for each in random.geometric(0.04, rows)],
            "mass": random.normal(4000, 500, rows).round(),
        }
    )
    frame.loc[::7, "colour"], frame.loc[::5, "mass"] = None, np.nan
    return frame


def unknown_rows() -> pd.DataFrame:
    """Return a known row, then rows with each kind of unknown value."""
    rows = table().iloc[[1, 1, 1, 1, 1]].astype(object).reset_index(drop=True)
    rows.loc[1, ["tail", "island", "wild"]] = [None, "Moon", None]
    rows.loc[2, "colour"], rows.loc[3, "town"], rows.loc[4, ["tail", "island"]] = "pink", "nowhere", [5e3, None]
    return rows


@pytest.fixture(scope="module")
def estimators() -> dict[str, Any]:
    frame, options = table(), dict[str, Any](hidden=5, harmonics=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        return {
            "labels": ENNClassifier(**options, learner=Adam(passes=5)).fit(frame, frame["tail"] > 1),
            "scores": ENNClassifier(**options, learner=LMS(passes=2), head="dct").fit(frame, frame["wild"]),
            "values": ENNRegressor(**options, learner=Adam(passes=5)).fit(frame, frame["mass"].fillna(9e3) / 1e3),
        }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, estimators: dict[str, Any]) -> Path:
    root = tmp_path_factory.mktemp("unknown") / "models"
    for name, estimator in estimators.items():
        export(estimator.model_, root, name)
    return root


@pytest.fixture(scope="module")
def accepting(root: Path) -> Iterator[httpx.Client]:
    with serving(root, unknown="accept") as client:
        yield client


def instances() -> list[Any]:
    rows = unknown_rows()
    return rows.where(rows.notna(), None).to_dict("records")


def ask(client: httpx.Client, name: str, verb: str, rows: list, **parameters: object) -> dict[str, Any]:
    body = {"instances": rows} | ({"parameters": parameters} if parameters else {})
    reply = client.post(f"/v1/models/{name}:{verb}", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.filterwarnings("ignore::enn_training.errors.UnknownValueWarning")
def test_predictions_of_unknown_values_equal_the_estimators(accepting: httpx.Client, estimators: dict) -> None:
    rows = instances()
    for name, estimator in estimators.items():
        answer = ask(accepting, name, "predict", rows)
        assert schemas.PredictResponse.model_validate(answer, strict=True)
        flags = [(each["row"], sorted(each["features"])) for each in answer["unknown"]]
        assert flags == [(1, UNKNOWN), (2, ["colour"]), (3, ["town"]), (4, ["island"])]
        assert answer["out_of_range"] == [{"row": 4, "features": ["tail"]}]
        expected = estimator._respond(unknown_rows()).output
        found = answer["predictions"]
        if name == "labels":
            found = [list(each["probabilities"].values()) for each in found]
        elif name == "scores":
            found = [each["score"] for each in found]
        np.testing.assert_allclose(np.reshape(found, expected.shape), expected, rtol=FLOAT32, atol=FLOAT32)
        many = ask(accepting, name, "predict", rows * 2000)  # more than the event loop answers
        assert many["unknown"][4:5] == [answer["unknown"][0] | {"row": 6}]
        assert len(many["unknown"]) == 8000
        assert many["predictions"][5:10] == many["predictions"][-5:]


@pytest.mark.filterwarnings("ignore::enn_training.errors.UnknownValueWarning")
def test_explanations_of_unknown_values_equal_the_estimators(accepting: httpx.Client, estimators: dict) -> None:
    for name, method in [("labels", "shapley"), ("scores", "shapley"), ("values", "integrated_gradients")]:
        options = {} if name == "values" else {"background": table().iloc[[1, 2, 3]]}
        if name == "values":
            options = {"baseline": table().iloc[[1]]}
        found = estimators[name].explain(unknown_rows(), attributions=method, harmonics=True, **options)
        sent = {key: part.astype(object).where(part.notna(), None).to_dict("records") for key, part in options.items()}
        sent = {key: part[0] if key == "baseline" else part for key, part in sent.items()}
        answer = ask(accepting, name, "explain", instances(), attributions=method, harmonics=True, **sent)
        assert schemas.ExplainResponse.model_validate(answer, strict=True)
        texts = answer["explanations"]
        assert [sorted(text.get("unknown", [])) for text in texts] == [[], UNKNOWN, ["colour"], ["town"], ["island"]]
        bumps = [[bump["value"] for bump in text["bumps"]] for text in texts]
        np.testing.assert_allclose(bumps, found.bumps, rtol=1e-4, atol=FLOAT32)
        terms = [[bump["harmonics"] for bump in text["bumps"]] for text in texts]
        np.testing.assert_allclose(terms, found.harmonics, rtol=1e-4, atol=FLOAT32)
        values = [[text["attributions"]["values"][column] for column in COLUMNS] for text in texts]
        np.testing.assert_allclose(values, found.attributions.values, rtol=1e-4, atol=FLOAT32)


def test_tensors_give_unknown_categories_as_minus_one(accepting: httpx.Client) -> None:
    known, unknown = [1.0, 0, 0, 0, 0, 4000.0], [None, -1, -1, None, -1, None]
    tensor = {"name": "input", "shape": [2, 6], "datatype": "FP32", "data": [known, unknown]}
    names = [{"name": "output"}, {"name": "bumps"}, {"name": "pre_activation"}]
    answer = accepting.post("/v2/models/values/infer", json={"inputs": [tensor], "outputs": names}).json()
    assert schemas.InferResponse.model_validate(answer, strict=True)
    assert answer["parameters"] == {"rows_unknown": 1}
    row = dict(zip(COLUMNS, [None, "Moon", "pink", None, "nowhere", None], strict=True))
    (expected,) = ask(accepting, "values", "predict", [row])["predictions"]
    output, bumps, pre_activation = (each["data"] for each in answer["outputs"])
    assert output[1] == pytest.approx(expected, rel=FLOAT32)
    datatypes = ["FP64", "BYTES", "BYTES", "BOOL", "BYTES", "FP64"]
    pairs = zip(row.items(), datatypes, strict=True)
    table = [{"name": name, "shape": [1], "datatype": kind, "data": [value]} for (name, value), kind in pairs]
    named = accepting.post("/v2/models/values/infer", json={"inputs": table}).json()
    assert (named["parameters"], named["outputs"][0]["data"]) == ({"rows_unknown": 1}, output[1:])
    bias = ask(accepting, "values", "explain", [row])["explanations"][0]["bias"]
    assert bias + sum(bumps[len(bumps) // 2 :]) == pytest.approx(pre_activation[1], rel=FLOAT32)


def test_only_other_names_are_accepted_without_the_option(root: Path, accepting: httpx.Client) -> None:
    rows = instances()
    stability = {"stability": {"tolerance": 0.01}}
    reply = accepting.post("/v1/models/values:explain", json={"instances": rows[1:2], "parameters": stability})
    assert (reply.status_code, "row 0 has an unknown value" in reply.text) == (400, True), reply.text
    with serving(root) as client:
        assert ask(client, "labels", "predict", rows[3:4]) == ask(accepting, "labels", "predict", rows[3:4])
        for row, words in [
            (rows[1], "instances[0][0]: null for feature 'tail'; expected a number"),
            (rows[2], "instances[0][2]: 'pink' for feature 'colour'; expected a string, one of 'blue', 'red', or null"),
            (rows[4], "instances[0][1]: null for feature 'island'"),
        ]:
            reply = client.post("/v1/models/labels:predict", json={"instances": [row]})
            assert (reply.status_code, words in reply.json()["error"]) == (400, True), reply.text

"""Tests of a model with categories, booleans and missing values, trained by the command on a table and served."""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from enn_models import repository
from enn_models.package import open_package
from enn_service.api.schemas import inference as schemas
from support.animals import table

EXACT = 1e-5
"""Tolerance of float32 results of size 1."""
ROW = {"bill": 44.5, "island": "Dream", "wild": True, "grade": "2", "mass": None}
VECTOR = [44.5, "Dream", True, "2", None]
CODES = [44.5, 1, 1, 1, None]


def ask(client: httpx.Client, verb: str, rows: list, **parameters: object) -> dict:
    body = {"instances": rows} | ({"parameters": parameters} if parameters else {})
    reply = client.post(f"/v1/models/animals:{verb}", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def infer(client: httpx.Client, data: list) -> httpx.Response:
    tensor = {"name": "input", "shape": [len(data), len(data[0])], "datatype": "FP32", "data": data}
    return client.post("/v2/models/animals/infer", json={"inputs": [tensor]})


def test_objects_arrays_and_codes_get_the_same_response(animals: httpx.Client) -> None:
    (named,), (vector,) = (ask(animals, "predict", [row])["predictions"] for row in (ROW, VECTOR))
    codes = infer(animals, [CODES]).json()["outputs"][0]["data"]
    assert named == vector
    assert named["label"] in ("Adelie", "Gentoo")
    assert list(named["probabilities"].values()) == pytest.approx(codes, abs=EXACT)
    assert ask(animals, "predict", [[44.5, 1, 1, "2", None]])["predictions"] == [named]


def test_responses_equal_the_float64_network_and_are_mostly_right(animals: httpx.Client, animal_models: Path) -> None:
    network = open_package(repository.read_model(animal_models, "animals", "1")).network
    frame = table()
    rows = frame.drop(columns="species").astype(object).where(frame.notna(), None).to_dict("records")
    predictions = ask(animals, "predict", rows)["predictions"]
    codes = frame.drop(columns="species").assign(
        island=frame["island"].map({"Biscoe": 0, "Dream": 1, "Torgersen": 2}), grade=frame["grade"].cat.codes
    )
    expected = network.respond(codes.to_numpy(dtype=np.float64)).output
    found = [list(prediction["probabilities"].values()) for prediction in predictions]
    np.testing.assert_allclose(found, expected, atol=EXACT)
    assert np.mean([prediction["label"] for prediction in predictions] == frame["species"]) > 0.9


def test_bumps_add_up_and_only_numbers_are_out_of_range(animals: httpx.Client) -> None:
    answer = ask(animals, "explain", [ROW, ROW | {"island": None, "bill": 99}], harmonics=True)
    assert schemas.ExplainResponse.model_validate(answer, strict=True)
    for explanation in answer["explanations"]:
        total = explanation["bias"] + sum(bump["value"] for bump in explanation["bumps"])
        assert total == pytest.approx(explanation["pre_activation"], rel=1e-6, abs=1e-6)
        for bump in explanation["bumps"]:
            assert sum(bump["harmonics"]) == pytest.approx(bump["value"], rel=1e-4, abs=1e-5)
    assert [explanation["out_of_range"] for explanation in answer["explanations"]] == [[], ["bill"]]


def test_metadata_describes_every_feature_of_the_table(animals: httpx.Client) -> None:
    metadata = animals.get("/v2/models/animals").json()
    features = {feature["name"]: feature for feature in metadata["properties"]["features"]}
    assert metadata["inputs"][0]["shape"] == [-1, 5]
    assert list(features) == list(ROW)
    assert {name: feature["kind"] for name, feature in features.items() if feature["kind"] != "numeric"} == {
        "island": "categorical",
        "wild": "boolean",
        "grade": "categorical",
    }
    assert features["island"]["categories"] == ["Biscoe", "Dream", "Torgersen"]
    assert [name for name, feature in features.items() if feature["missing"]] == ["island", "mass"]
    assert 3000 < features["mass"]["mean"] < 5000


def test_guarantees_keep_missing_values_and_change_categories(animals: httpx.Client) -> None:
    (before,) = ask(animals, "predict", [ROW])["predictions"]
    (wanted,) = {"Adelie", "Gentoo"} - {before["label"]}
    options = {"label": wanted, "within": {"island": ["Biscoe", "Torgersen", "Dream"]}, "fixed": ["bill"]}
    answer = ask(animals, "explain", [ROW], stability={"tolerance": {"bill": 0.2}}, counterfactual=options)
    assert schemas.ExplainResponse.model_validate_json(json.dumps(answer), strict=True)
    found = answer["explanations"][0]["counterfactual"]
    assert found["instance"] == ROW | {name: change["to"] for name, change in found["changes"].items()}
    assert set(found["changes"]) <= {"island", "wild", "grade"}
    assert found["distance"] == len(found["changes"])
    assert found["prediction"] == ask(animals, "predict", [found["instance"]])["predictions"][0]
    assert found["prediction"]["label"] == wanted
    stable = answer["explanations"][0]["stability"]
    assert stable["lower"] < answer["explanations"][0]["pre_activation"] < stable["upper"]
    for parameters, text in (
        ({"stability": {"tolerance": {"island": 1}}}, "tolerance.island: feature 'island' is categorical"),
        ({"counterfactual": {"label": wanted, "within": {"island": ["Moon"]}}}, "within.island[0]: 'Moon'; expected"),
        ({"counterfactual": {"label": wanted, "within": {"island": []}}}, "within.island: []; expected"),
    ):
        reply = animals.post("/v1/models/animals:explain", json={"instances": [ROW], "parameters": parameters})
        assert reply.status_code == 400
        assert text in reply.json()["error"]


ISLANDS = "expected a string, one of 'Biscoe', 'Dream', 'Torgersen', or null"
WRONG = [
    ({"island": "Moon"}, f"instances[0][1]: 'Moon' for feature 'island'; {ISLANDS}"),
    ({"island": True}, f"instances[0][1]: true for feature 'island'; {ISLANDS}"),
    ({"island": ["Dream"]}, f"instances[0][1]: ['Dream'] for feature 'island'; {ISLANDS}"),
    ({"island": 3}, "instances[0][1]: 3 for feature 'island': expected the index of a category, 0 to 2"),
    ({"island": 0.5}, "instances[0][1]: 0.5 for feature 'island': expected the index"),
    ({"grade": 2}, "instances[0][3]: 2 for feature 'grade'; expected a string, one of '1', '2', '10'"),
    ({"grade": None}, "instances[0][3]: null for feature 'grade'; expected a string, one of '1', '2', '10'"),
    ({"wild": None}, "instances[0][2]: null for feature 'wild'; expected true or false"),
    ({"wild": "true"}, "instances[0][2]: 'true' for feature 'wild'; expected true or false"),
    ({"wild": 2}, "instances[0][2]: 2 for feature 'wild': expected false, 0, or true, 1"),
    ({"bill": None}, "instances[0][0]: null for feature 'bill'; expected a number"),
    ({"bill": "Dream"}, "instances[0][0]: 'Dream' for feature 'bill'; expected a number"),
    ({"mass": "heavy"}, "instances[0][4]: 'heavy' for feature 'mass'; expected a number, or null"),
    ({"mass": 1e39}, "instances[0][4]: 1e+39 is not a finite float32"),
    ({"mass": 1e12}, "instances[0][4]: 1e+12 for feature 'mass' is more than 1000 ranges away"),
    ({"island": "x" * 100_000}, f"'{'x' * 60}' for feature 'island'"),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=[str(change)[:40] for change, _ in WRONG])
@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_wrong_value_is_refused_with_the_expected_values(
    animals: httpx.Client, verb: str, change: dict, words: str
) -> None:
    for row in (ROW | change, list((ROW | change).values())):
        reply = animals.post(f"/v1/models/animals:{verb}", json={"instances": [row]})
        assert reply.status_code == 400
        assert words in reply.json()["error"]
        assert len(reply.json()["error"]) < 300


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (1, 3, "3 for feature 'island': expected the index of a category, 0 to 2"),
        (1, -1, "-1 for feature 'island'"),
        (1, 1.5, "1.5 for feature 'island'"),
        (1, "Dream", "'Dream' for feature 'island'; expected a number, or null"),
        (2, True, "true for feature 'wild'; expected a number"),
        (2, 0.5, "0.5 for feature 'wild'"),
        (3, None, "null for feature 'grade'; expected a number"),
        (0, None, "null for feature 'bill'; expected a number"),
    ],
)
def test_wrong_value_in_a_tensor_is_refused(animals: httpx.Client, column: int, value: object, words: str) -> None:
    reply = infer(animals, [CODES, [*CODES[:column], value, *CODES[column + 1 :]]])
    assert reply.status_code == 400
    assert f"inputs[0].data[1][{column}]: {words}" in reply.json()["error"]


@pytest.mark.parametrize("method", ["shapley", "integrated_gradients"])
def test_attributions_per_original_column_add_up(animals: httpx.Client, method: str) -> None:
    (explanation,) = ask(animals, "explain", [ROW], attributions=method)["explanations"]
    found = explanation["attributions"]
    assert list(found["values"]) == list(ROW)
    total = found["base_value"] + sum(found["values"].values())
    assert total == pytest.approx(explanation["pre_activation"], abs=10 * EXACT)

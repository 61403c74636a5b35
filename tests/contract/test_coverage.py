"""Tests of coverage: intervals and label sets in both protocols and the client, and their refusals."""

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from enn_models import conformal
from enn_models.card import Calibration, LogScale
from enn_models.repository import publish_version
from enn_service.client import Client
from support import tiny
from support.examples import network
from support.serving import serving

ROWS = [[0.25, -0.5], [1.5, 0.75]]
SCORES = tuple(np.linspace(0.1, 2.0, 20).tolist())
BOUND_TOLERANCE = 1e-5
"""Relative error of the bumps of a float32 graph, from which the width of an interval is computed."""
AMOUNTS = network((2, 4, 2), head="linear", task="regression")
AMOUNT = network((2, 4, 1), head="dct", task="regression")
CLASSES = network((2, 4, 3), head="linear")
SIGN = network((2, 4, 1), head="dct")
SCALE = LogScale(intercept=0.1, weights=(0.3, -0.2, 0.1, 0.4), low=-2.0, high=2.0)
FLAT = LogScale(intercept=0.5, low=0.5, high=0.5)
SETS = Calibration(rows=20, scores=(tuple(np.linspace(0.05, 0.99, 20).tolist()),))
MODELS = {
    "amounts": (AMOUNTS, Calibration(rows=20, scores=(SCORES, SCORES), scales=(SCALE, FLAT))),
    "amount": (AMOUNT, Calibration(rows=20, scores=(SCORES,), scales=(SCALE,))),
    "classes": (CLASSES, SETS),
    "sign": (SIGN, SETS),
    "uncalibrated": (CLASSES, None),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = tmp_path_factory.mktemp("models")
    for name, (model, calibration) in MODELS.items():
        publish_version(root, name, tiny.package(model, calibration=calibration))
    with serving(root) as client:
        yield client


def expected_sets(name: str, coverage: float) -> list[list[str]]:
    """Return the labels of each row's set, the most probable first, by the definition of adaptive sets."""
    model, calibration = MODELS[name]
    assert calibration is not None
    limit = conformal.threshold(calibration.scores[0], calibration.rows, coverage)
    sets = []
    probabilities = conformal.class_probabilities(model.respond(ROWS).output, model.head)
    for row, fraction in zip(probabilities, conformal.row_fractions(ROWS), strict=True):
        order, more_probable, labels = np.argsort(-row), 0.0, []
        for label in order:
            if more_probable + fraction * row[label] <= limit:
                labels.append(f"class {label}")
            more_probable += row[label]
        sets.append(labels)
    return sets


def expected_bounds(name: str, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    model, calibration = MODELS[name]
    assert calibration is not None
    response = model.respond(ROWS)
    widths = conformal.half_widths(calibration, response.bumps, coverage)
    return response.output - widths, response.output + widths


def infer(service: httpx.Client, name: str, verb: str = "infer", **fields: Any) -> httpx.Response:
    tensor = {"name": "input", "shape": [2, 2], "datatype": "FP32", "data": [value for row in ROWS for value in row]}
    return service.post(f"/v2/models/{name}/{verb}", json={"inputs": [tensor], **fields})


def predict(service: httpx.Client, name: str, verb: str = "predict", rows: Any = ROWS, **parameters: Any) -> Any:
    return service.post(f"/v1/models/{name}:{verb}", json={"instances": rows, "parameters": parameters})


@pytest.mark.parametrize("verb", ["predict", "explain"])
@pytest.mark.parametrize("name", ["amounts", "amount"])
def test_a_regression_answers_each_value_with_its_interval(service: httpx.Client, name: str, verb: str) -> None:
    lower, upper = expected_bounds(name, 0.9)
    plain = service.post(f"/v1/models/{name}:predict", json={"instances": ROWS}).json()["predictions"]
    found = predict(service, name, verb, coverage=0.9).json()["predictions"]
    assert [row["value"] for row in found] == plain
    for field, expected in (("lower", lower), ("upper", upper)):
        values = np.array([row[field] for row in found]).reshape(2, -1)
        assert values == pytest.approx(expected, rel=BOUND_TOLERANCE, abs=BOUND_TOLERANCE)
    (alone,) = predict(service, name, verb, ROWS[1:], coverage=0.9).json()["predictions"]
    for field, value in alone.items():
        assert value == pytest.approx(found[1][field], rel=BOUND_TOLERANCE, abs=BOUND_TOLERANCE)


@pytest.mark.parametrize("verb", ["predict", "explain"])
@pytest.mark.parametrize("name", ["classes", "sign"])
@pytest.mark.parametrize("coverage", [0.05, 0.5, 0.95])
def test_a_classification_answers_each_label_with_its_set(
    service: httpx.Client, name: str, verb: str, coverage: float
) -> None:
    plain = service.post(f"/v1/models/{name}:predict", json={"instances": ROWS}).json()["predictions"]
    found = predict(service, name, verb, coverage=coverage).json()["predictions"]
    assert [row.pop("set") for row in found] == expected_sets(name, coverage)
    assert found == plain


@pytest.mark.parametrize("verb", ["infer", "explain"])
def test_the_v2_protocol_answers_regions_as_tensors(service: httpx.Client, verb: str) -> None:
    answer = infer(service, "amounts", verb, parameters={"coverage": 0.8}).json()
    assert [(each["name"], each["datatype"], each["shape"]) for each in answer["outputs"]] == [
        (name, "FP32", [2, 2]) for name in ("output", "lower", "upper")
    ]
    for tensor, expected in zip(answer["outputs"][1:], expected_bounds("amounts", 0.8), strict=True):
        assert np.reshape(tensor["data"], (2, 2)) == pytest.approx(expected, rel=BOUND_TOLERANCE, abs=BOUND_TOLERANCE)
    output, sets = infer(service, "classes", verb, parameters={"coverage": 0.8}).json()["outputs"]
    assert (output["name"], sets["name"], sets["datatype"], sets["shape"]) == ("output", "set", "BOOL", [2, 3])
    members = [[f"class {label}" in labels for label in range(3)] for labels in expected_sets("classes", 0.8)]
    assert np.reshape(sets["data"], (2, 3)).tolist() == members


def test_the_client_reads_regions(service: httpx.Client) -> None:
    with Client(str(service.base_url)) as client:
        predictions = client.predict("amount", ROWS, coverage=0.9)
        assert predictions == predict(service, "amount", coverage=0.9).json()["predictions"]
        frame = client.explain("amount", ROWS, coverage=0.9).to_frame()
        for column, field in (("prediction", "value"), ("prediction_lower", "lower"), ("prediction_upper", "upper")):
            assert frame[column].tolist() == [row[field] for row in predictions]
        sets = client.explain("classes", ROWS, coverage=0.9).to_frame()["prediction_set"].tolist()
        assert sets == expected_sets("classes", 0.9)
        tensors = client.infer("classes", ROWS, coverage=0.9, binary=True)
        assert tensors["set"].dtype == np.bool_
        assert tensors["set"].sum(axis=1).tolist() == [len(labels) for labels in sets]


def test_metadata_lists_the_outputs_of_calibrated_models(service: httpx.Client) -> None:
    for name, expected in (("amounts", ["lower", "upper"]), ("classes", ["set"]), ("uncalibrated", [])):
        listed = service.get(f"/v2/models/{name}").json()["properties"]["optional_outputs"]
        assert [each["name"] for each in listed] == ["bumps", "pre_activation", *expected]


REFUSALS = [
    ("classes", {"coverage": 1}, "parameters.coverage: 1; expected a number between 0 and 1"),
    ("classes", {"coverage": 0}, "parameters.coverage: 0; expected a number between 0 and 1"),
    ("classes", {"coverage": True}, "parameters.coverage: true; expected a number between 0 and 1"),
    ("classes", {"coverage": "0.9"}, "parameters.coverage: '0.9'; expected a number between 0 and 1"),
    ("classes", {"coverage": 0.96}, "parameters.coverage: 0.96; the 20 rows of the calibration allow at most 0.952381"),
    ("uncalibrated", {"coverage": 0.9}, "the model has no calibration; leave it out, or train the model again"),
]


@pytest.mark.parametrize(("name", "parameters", "text"), REFUSALS)
def test_impossible_coverages_are_refused_by_name(
    service: httpx.Client, name: str, parameters: dict[str, Any], text: str
) -> None:
    for verb in ("predict", "explain"):
        answer = predict(service, name, verb, **parameters)
        assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text
        answer = infer(service, name, "infer" if verb == "predict" else verb, parameters=parameters)
        assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text


def test_outputs_of_a_coverage_need_one(service: httpx.Client) -> None:
    answer = infer(service, "classes", outputs=[{"name": "output"}, {"name": "set"}])
    assert answer.status_code == 400
    assert answer.json()["error"] == "outputs[1].name: 'set' is of a coverage; expected parameters.coverage as well"
    named = [{"name": "set"}, {"name": "bumps"}]
    answer = infer(service, "classes", outputs=named, parameters={"coverage": 0.9})
    assert [each["name"] for each in answer.json()["outputs"]] == ["set", "bumps"]


def test_large_requests_answer_the_same_sets(service: httpx.Client) -> None:
    rows = np.random.default_rng(0).uniform(-1, 1, (20_000, 2)).astype(np.float32).astype(np.float64).tolist()
    found = predict(service, "classes", rows=rows, coverage=0.9).json()["predictions"]
    few = predict(service, "classes", rows=rows[:3], coverage=0.9).json()["predictions"]
    assert len(found) == len(rows)
    assert [row["set"] for row in found[:3]] == [row["set"] for row in few]

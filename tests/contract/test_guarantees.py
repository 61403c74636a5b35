"""Tests of stability and counterfactuals over HTTP: answers hold for the served model, refusals name their place."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from enn_models.repository.publishing import publish_version
from enn_service.api.schemas import inference as schemas
from enn_service.client import Client
from support.examples import network
from support.serving import serving
from support.tiny import package

ROW = [0.5, 0.3]
CLOSE = 0.98
"""Share of the distance of a counterfactual of two features that is proved at least."""
SHARE = "parameters.stability.tolerance: "
OUTCOME = "parameters.counterfactual"


def explain(client: httpx.Client, model: str, row: Any, **parameters: Any) -> dict[str, Any]:
    reply = client.post(f"/v1/models/{model}:explain", json={"instances": [row], "parameters": parameters})
    assert reply.status_code == 200, reply.text
    schemas.ExplainResponse.model_validate_json(reply.content, strict=True)
    return reply.json()["explanations"][0]


def pre_activations(client: httpx.Client, model: str, rows: np.ndarray) -> np.ndarray:
    tensor = {"name": "input", "shape": list(rows.shape), "datatype": "FP32", "data": rows.ravel().tolist()}
    body = {"inputs": [tensor], "outputs": [{"name": "pre_activation"}]}
    return np.array(client.post(f"/v2/models/{model}/infer", json=body).json()["outputs"][0]["data"])


def predict(client: httpx.Client, model: str, rows: list[Any]) -> list[Any]:
    return client.post(f"/v1/models/{model}:predict", json={"instances": rows}).json()["predictions"]


@pytest.mark.parametrize("model", ["ring", "product", "face", "stripes"])
def test_served_rows_within_the_tolerance_stay_within_bounds(client: httpx.Client, model: str) -> None:
    random = np.random.default_rng(0)
    for tolerance in ({"x0": 0.1}, {"x0": 0.01, "x1": 0.02}):
        changes = np.array([tolerance["x0"], tolerance.get("x1", 0.0)])
        found = explain(client, model, ROW, stability={"tolerance": tolerance})["stability"]
        rows = ROW + changes * random.uniform(-1, 1, size=(500, 2))
        values = pre_activations(client, model, rows.astype(np.float32))
        assert found["lower"] <= values.min()
        assert values.max() <= found["upper"]
        assert np.ptp(values) >= 0.8 * (found["upper"] - found["lower"])
        if found["label_holds"] is True:
            assert len({answer["label"] for answer in predict(client, model, rows.tolist())}) == 1
    assert (found["label_holds"] is None) == (model == "product")


def test_counterexample_is_within_the_tolerance_and_has_another_label(client: httpx.Client) -> None:
    found = explain(client, "ring", ROW, stability={"tolerance": 0.05})["stability"]
    assert found["label_holds"] is False
    example = found["counterexample"]
    assert max(abs(example["x0"] - ROW[0]), abs(example["x1"] - ROW[1])) <= 0.1
    labels = [answer["label"] for answer in predict(client, "ring", [ROW, example])]
    assert labels[0] != labels[1]


def test_counterfactual_has_its_outcome_and_its_proved_distance(client: httpx.Client) -> None:
    (before,) = predict(client, "ring", [ROW])
    found = explain(client, "ring", ROW, counterfactual={"label": -before["label"]})["counterfactual"]
    assert found["prediction"]["label"] == -before["label"]
    assert predict(client, "ring", [found["instance"]]) == [found["prediction"]]
    assert found["changes"] == {
        name: {"from": old, "to": found["instance"][name]}
        for name, old in zip(("x0", "x1"), ROW, strict=True)
        if found["instance"][name] != old
    }
    assert CLOSE * found["distance"] <= found["no_closer_than"] <= found["distance"]
    grid = np.linspace(-1, 1, 201)
    rows = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    near = rows[np.abs(rows - ROW).sum(axis=1) / 2 < 0.99 * found["no_closer_than"]]
    assert {answer["label"] for answer in predict(client, "ring", near.tolist())} == {before["label"]}


def test_regression_reaches_a_value_or_proves_that_none_does(client: httpx.Client) -> None:
    found = explain(client, "product", ROW, counterfactual={"at_most": -0.1, "fixed": ["x1"]})["counterfactual"]
    assert found["instance"]["x1"] == pytest.approx(ROW[1])
    assert found["prediction"] <= -0.1
    assert list(found["changes"]) == ["x0"]
    none = explain(client, "product", ROW, counterfactual={"at_least": 3})["counterfactual"]
    assert none["instance"] is None
    assert none["reason"].endswith("proved")


def test_v2_and_client_give_the_answers_of_v1(client: httpx.Client) -> None:
    options = {"stability": {"tolerance": 0.02}, "counterfactual": {"label": -1, "max_changes": 1}}
    first = explain(client, "ring", ROW, **options)
    tensor = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": ROW}
    second = client.post("/v2/models/ring/explain", json={"inputs": [tensor], "parameters": options}).json()
    assert second["explanations"] == [first]
    with Client(str(client.base_url)) as caller:
        found = caller.explain("ring", [ROW, ROW], stability=0.02, counterfactual={"label": -1, "max_changes": 1})
    assert found.stability == [first["stability"]] * 2
    assert found.counterfactuals == [first["counterfactual"]] * 2
    assert len(first["counterfactual"]["changes"]) == 1


def test_deep_networks_and_several_classes_are_answered(tmp_path: Path) -> None:
    nets = {
        "deep": network((2, 5, 4, 1), head="linear", spread=0.6),
        "classes": network((2, 6, 5), head="linear", spread=0.6),
        "scores": network((2, 4, 4, 3), head="dct", spread=0.6),
    }
    for name, net in nets.items():
        publish_version(tmp_path, name, package(net))
    with serving(tmp_path) as client:
        for name in nets:
            (before,) = predict(client, name, [[0.3, 0.4]])
            wanted = "class 1" if before["label"] == "class 0" else "class 0"
            options = {"stability": {"tolerance": 0.01}, "counterfactual": {"label": wanted}}
            found = explain(client, name, [0.3, 0.4], **options)
            assert found["stability"]["lower"] < found["pre_activation"] < found["stability"]["upper"]
            answer = found["counterfactual"]
            assert answer["prediction"]["label"] == wanted
            assert 0.8 * answer["distance"] <= answer["no_closer_than"] <= answer["distance"]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"stability": {}}, SHARE + "null; expected"),
        ({"stability": {"tolerance": 0}}, SHARE + "0; expected a share of the training ranges from 2.98e-08"),
        ({"stability": {"tolerance": 1e-9}}, SHARE + "1e-09; expected"),
        ({"stability": {"tolerance": True}}, SHARE + "true; expected"),
        ({"stability": {"tolerance": {}}}, SHARE + "{}; expected"),
        ({"stability": {"tolerance": {"x9": 1}}}, SHARE + "feature 'x9' is not known; expected one of x0, x1"),
        (
            {"stability": {"tolerance": {"x0": 1e-12}}},
            "parameters.stability.tolerance.x0: 1e-12; expected a number from",
        ),
        ({"stability": {"tolerance": 0.1, "more": 1}}, "parameters.stability.more: not known; expected"),
        ({"stability": {"tolerance": 0.1, "boxes": 0}}, "parameters.stability.boxes: 0; expected"),
        ({"stability": {"tolerance": 0.1}, "outputs": "all"}, "parameters.stability: is for one output"),
        ({"counterfactual": {}}, OUTCOME + ": no outcome; expected label"),
        ({"counterfactual": {"at_least": 1}}, OUTCOME + ": ['at_least']; expected label"),
        ({"counterfactual": {"label": 7}}, OUTCOME + ".label: 7; expected one of -1, 1"),
        ({"counterfactual": {"label": [1]}}, OUTCOME + ".label: [1]; expected one of -1, 1"),
        ({"counterfactual": {"label": 1, "fixed": ["x7"]}}, OUTCOME + ".fixed[0]: feature 'x7' is not known"),
        ({"counterfactual": {"label": 1, "fixed": "x0"}}, OUTCOME + ".fixed: 'x0'; expected a list"),
        ({"counterfactual": {"label": 1, "within": {"x0": [0.5, 0.1]}}}, OUTCOME + ".within.x0: [0.5, 0.1]"),
        ({"counterfactual": {"label": 1, "within": {"x0": [2, 3]}}}, OUTCOME + ".within.x0: [2, 3]; expected [low"),
        ({"counterfactual": {"label": 1, "within": {"x0": [0, "1"]}}}, OUTCOME + ".within.x0[1]: '1'; expected [low"),
        ({"counterfactual": {"label": 1, "within": {"x0": 3}}}, OUTCOME + ".within.x0: 3; expected [low, high]"),
        (
            {"counterfactual": {"label": 1, "within": {"x0": [0, 1]}, "fixed": ["x0"]}},
            OUTCOME + ".fixed[0]: feature 'x0'",
        ),
        ({"counterfactual": {"label": 1, "max_changes": 0}}, OUTCOME + ".max_changes: 0; expected"),
        ({"counterfactual": {"label": 1}, "outputs": "all"}, OUTCOME + ": is for one output"),
    ],
)
def test_impossible_question_gets_400_with_place_and_value(client: httpx.Client, parameters: Any, text: str) -> None:
    body = {"instances": [ROW], "parameters": parameters}
    reply = client.post("/v1/models/ring:explain", json=body)
    assert reply.status_code == 400
    assert text in reply.json()["error"]


def test_too_expensive_question_is_refused_before_its_work_begins(client: httpx.Client) -> None:
    body = {"instances": [ROW] * 1000, "parameters": {"stability": {"tolerance": 0.1}}}
    reply = client.post("/v1/models/ring:explain", json=body)
    assert reply.status_code == 413
    assert 1 <= int(reply.headers["enn-max-rows"]) < 1000
    body = {"instances": [ROW], "parameters": {"counterfactual": {"label": -1, "boxes": 1_000_000}}}
    assert client.post("/v1/models/ring:explain", json=body).status_code == 413

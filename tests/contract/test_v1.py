"""Tests of KServe V1: predictions and explanations of vectors and named rows."""

import httpx
import numpy as np
import pytest

from enn_models import cosine_series
from enn_service.api.schemas import inference as schemas

INSIDE = [[0.1, 0.2], [0.5, -0.1]]


def post(client: httpx.Client, path: str, body: object) -> dict:
    reply = client.post(path, json=body)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/json"
    return reply.json()


def test_vector_and_named_row_get_equal_predictions(client: httpx.Client) -> None:
    named = [{"x1": x1, "x0": x0} for x0, x1 in INSIDE]
    by_vector = post(client, "/v1/models/ring:predict", {"instances": INSIDE})
    assert by_vector == post(client, "/v1/models/ring:predict", {"instances": named})
    assert by_vector == post(client, "/v1/models/ring:predict", {"inputs": INSIDE})
    assert [prediction["label"] for prediction in by_vector["predictions"]] == [-1, 1]


@pytest.mark.parametrize(("model", "body"), [("ring", INSIDE), ("product", INSIDE), ("breast-cancer", None)])
def test_v1_bodies_match_documented_schemas(client: httpx.Client, model: str, body: list | None) -> None:
    rows = body or [[feature["mean"] for feature in features(client, model)]]
    prediction = post(client, f"/v1/models/{model}:predict", {"instances": rows})
    assert schemas.PredictResponse.model_validate(prediction, strict=True).predictions
    explanation = post(client, f"/v1/models/{model}:explain", {"instances": rows, "parameters": {"harmonics": True}})
    assert len(schemas.ExplainResponse.model_validate(explanation, strict=True).explanations) == len(rows)


def features(client: httpx.Client, model: str) -> list[dict]:
    return client.get(f"/v2/models/{model}").json()["properties"]["features"]


def test_regression_predictions_are_numbers(client: httpx.Client) -> None:
    predictions = post(client, "/v1/models/product:predict", {"instances": INSIDE})["predictions"]
    assert predictions == pytest.approx([0.02, -0.05], abs=0.05)


def test_linear_head_probabilities_sum_to_one(client: httpx.Client) -> None:
    row = {feature["name"]: feature["mean"] for feature in features(client, "breast-cancer")}
    (prediction,) = post(client, "/v1/models/breast-cancer:predict", {"instances": [row]})["predictions"]
    probabilities = prediction["probabilities"]
    assert sum(probabilities.values()) == pytest.approx(1)
    assert prediction["label"] == max(probabilities, key=lambda label: probabilities[label])


def test_bias_and_bumps_sum_to_pre_activation(client: httpx.Client) -> None:
    body = {"instances": INSIDE, "parameters": {"harmonics": True}}
    for explanation in post(client, "/v1/models/face:explain", body)["explanations"]:
        total = explanation["bias"] + sum(bump["value"] for bump in explanation["bumps"])
        assert total == pytest.approx(explanation["pre_activation"], rel=1e-6, abs=1e-6)
        for bump in explanation["bumps"]:
            assert bump["weight"] * bump["activation"] == pytest.approx(bump["value"], rel=1e-6)
            assert sum(bump["harmonics"]) == pytest.approx(bump["value"], rel=1e-4, abs=1e-5)


def test_bump_with_harmonics_has_pre_activation_of_its_neuron(client: httpx.Client) -> None:
    layer, _ = client.get("/v1/models/face/activations").json()["layers"]
    body = {"instances": INSIDE, "parameters": {"harmonics": True}}
    for explanation in post(client, "/v1/models/face:explain", body)["explanations"]:
        for bump, neuron in zip(explanation["bumps"], layer["neurons"], strict=True):
            found = cosine_series.activation(bump["pre_activation"], np.array(neuron["coefficients"]))
            assert found == pytest.approx(bump["activation"], abs=1e-5)
    for bump in post(client, "/v1/models/face:explain", {"instances": INSIDE})["explanations"][0]["bumps"]:
        assert "pre_activation" not in bump


def test_explain_and_predict_give_equal_predictions(client: httpx.Client) -> None:
    predicted = post(client, "/v1/models/stripes:predict", {"instances": INSIDE})
    assert post(client, "/v1/models/stripes:explain", {"instances": INSIDE})["predictions"] == predicted["predictions"]


def test_row_outside_training_range_is_flagged(client: httpx.Client) -> None:
    body = {"instances": [[0.1, 0.2], [0.1, 3.5]]}
    answer = post(client, "/v1/models/ring:predict", body)
    assert answer["out_of_range"] == [{"row": 1, "features": ["x1"]}]
    explanations = post(client, "/v1/models/ring:explain", body)["explanations"]
    assert [explanation["out_of_range"] for explanation in explanations] == [[], ["x1"]]


def test_large_batch_equals_its_single_rows(client: httpx.Client) -> None:
    rows = [[index / 5000 - 0.5, 0.5 - index / 5000] for index in range(5000)]
    predictions = post(client, "/v1/models/ring:predict", {"instances": rows})["predictions"]
    assert len(predictions) == len(rows)
    for index in (0, 1234, 4999):
        single = post(client, "/v1/models/ring:predict", {"instances": [rows[index]]})["predictions"][0]
        assert predictions[index]["score"] == pytest.approx(single["score"], abs=1e-5)


def test_models_and_readiness_are_listed(client: httpx.Client) -> None:
    assert client.get("/").json() == {"status": "alive"}
    assert client.get("/v1/models").json()["models"] == ["breast-cancer", "face", "product", "ring", "stripes"]
    for path in ("/v1/models/ring", "/v1/models/ring/versions/1"):
        assert client.get(path).json() == {"name": "ring", "ready": True}
    assert client.get("/v1/models/ring/versions/9").status_code == 404


def test_output_parameter_selects_explained_output(client: httpx.Client) -> None:
    body = {"instances": [[0.1, 0.2]], "parameters": {"output": 1}}
    assert post(client, "/v1/models/ring:explain", body)["explanations"][0]["output"] == 1
    body["parameters"] = {"output": "moon"}
    reply = client.post("/v1/models/ring:explain", json=body)
    assert reply.status_code == 400
    assert "parameters.output: 'moon'" in reply.json()["error"]


@pytest.mark.parametrize("rows", [1, 200])
def test_predict_refuses_parameters_by_name(client: httpx.Client, rows: int) -> None:
    for accepted in ({}, None):
        assert post(client, "/v1/models/ring:predict", {"instances": INSIDE, "parameters": accepted})
    for wrong, text in (
        ({"harmonics": True}, "parameters.harmonics: not known; expected ['coverage']"),
        ([], "parameters: []; expected an object"),
    ):
        body = {"instances": [INSIDE[0]] * rows, "parameters": wrong}
        reply = client.post("/v1/models/ring:predict", json=body)
        assert (reply.status_code, reply.json()["error"]) == (400, text)


def test_version_in_path_selects_version(client: httpx.Client) -> None:
    for verb in ("predict", "explain"):
        by_default = post(client, f"/v1/models/ring:{verb}", {"instances": INSIDE})
        assert post(client, f"/v1/models/ring/versions/1:{verb}", {"instances": INSIDE}) == by_default
        assert client.post(f"/v1/models/ring/versions/2:{verb}", json={"instances": INSIDE}).status_code == 404


def test_large_bodies_in_any_json_format_equal_small_ones(client: httpx.Client) -> None:
    rows = [[index / 500 - 0.5, 0.5 - index / 500] for index in range(500)]
    small = [post(client, "/v1/models/ring:predict", {"instances": [row]})["predictions"][0] for row in rows[::100]]
    for body in (
        {"instances": rows},
        {"inputs": rows},
        {"note": "first", "instances": rows, "parameters": {}},
        {"instances": [{"x0": x0, "x1": x1} for x0, x1 in rows]},
        {"instances": [*({"x1": x1, "x0": x0} for x0, x1 in rows[:250]), *rows[250:]]},
    ):
        found = post(client, "/v1/models/ring:predict", body)["predictions"]
        assert [prediction["label"] for prediction in found[::100]] == [prediction["label"] for prediction in small]
        assert [prediction["score"] for prediction in found[::100]] == pytest.approx(
            [prediction["score"] for prediction in small], abs=1e-5
        )

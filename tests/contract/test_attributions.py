"""Tests of attributions over HTTP: completeness, background, baseline and refusals."""

import httpx
import pytest

from enn_service.api.schemas import inference as schemas

ROUNDING = 2e-5  # the pre-activation is float32, the attributions are of the float64 network


def explain(client: httpx.Client, model: str, rows: list, **parameters: object) -> dict:
    reply = client.post(f"/v1/models/{model}:explain", json={"instances": rows, "parameters": parameters})
    assert reply.status_code == 200, reply.text
    return schemas.ExplainResponse.model_validate_json(reply.content, strict=True).model_dump()


@pytest.mark.parametrize("method", ["shapley", "integrated_gradients", "sampled_shapley"])
@pytest.mark.parametrize("model", ["ring", "product"])
def test_base_value_and_attributions_sum_to_pre_activation(client: httpx.Client, model: str, method: str) -> None:
    for explanation in explain(client, model, [[0.1, 0.2], [0.5, -0.3]], attributions=method)["explanations"]:
        found = explanation["attributions"]
        assert found["method"] == method
        total = found["base_value"] + sum(found["values"].values())
        assert total == pytest.approx(explanation["pre_activation"], abs=ROUNDING)


def test_attributions_of_a_table_have_its_column_names(client: httpx.Client) -> None:
    features = client.get("/v2/models/breast-cancer").json()["properties"]["features"]
    row = {feature["name"]: feature["maximum"] for feature in features}
    (explanation,) = explain(client, "breast-cancer", [row], attributions="shapley")["explanations"]
    assert list(explanation["attributions"]["values"]) == list(row)


def test_background_equal_to_row_gives_zero_attributions(client: httpx.Client) -> None:
    (explanation,) = explain(client, "ring", [[0.1, 0.2]], attributions="shapley", background=[[0.1, 0.2]])[
        "explanations"
    ]
    assert explanation["attributions"]["values"] == {"x0": 0.0, "x1": 0.0}


def test_baseline_accepts_named_features(client: httpx.Client) -> None:
    given = explain(client, "ring", [[0.1, 0.2]], attributions="integrated_gradients", baseline={"x0": 0.1, "x1": 0})
    values = given["explanations"][0]["attributions"]["values"]
    assert values["x0"] == 0.0
    assert values["x1"] != 0.0


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"attributions": "lime"}, "parameters.attributions: 'lime'"),
        ({"attributions": "shapley", "baseline": [0, 0]}, "parameters.baseline: not used"),
        ({"attributions": "shapley", "background": []}, "parameters.background: []"),
        ({"attributions": "shapley", "background": [[0.1, None]]}, "parameters.background[0][1]: null"),
        ({"attributions": "integrated_gradients", "baseline": [0]}, "parameters.baseline[0]: 1 values"),
        ({"attributions": "sampled_shapley", "permutations": 0}, "parameters.permutations: 0"),
        ({"attributions": "sampled_shapley", "permutations": True}, "parameters.permutations: true"),
        ({"attributions": "shapley", "interactions": 1}, "parameters.interactions: 1; expected true or false"),
        ({"attributions": "sampled_shapley", "interactions": True}, 'true with attributions "sampled_shapley"'),
        ({"interactions": True}, "parameters.interactions: true with no attributions"),
    ],
)
def test_invalid_attribution_request_gets_400_with_reason(client: httpx.Client, parameters: dict, text: str) -> None:
    reply = client.post("/v1/models/ring:explain", json={"instances": [[0.1, 0.2]], "parameters": parameters})
    assert reply.status_code == 400
    assert text in reply.json()["error"]


def test_attributions_that_take_too_long_are_refused_before_they_begin(client: httpx.Client) -> None:
    parameters = {"attributions": "sampled_shapley", "permutations": 1000, "background": [[0, 0]]}
    body = {"instances": [[0.1, 0.2]] * 1388, "parameters": parameters}
    reply = client.post("/v1/models/ring:explain", json=body)
    assert reply.status_code == 413
    assert "1388 rows take about" in reply.json()["error"]
    body["instances"] = body["instances"][:1]
    assert 1 < int(reply.headers["enn-max-rows"]) < 1388
    assert client.post("/v1/models/ring:explain", json=body).status_code == 200
    parameters["background"] *= 5000
    assert client.post("/v1/models/ring:explain", json=body).status_code == 413


@pytest.mark.parametrize("model", ["product", "breast-cancer"])
def test_interactions_of_each_feature_sum_to_its_shapley_value(client: httpx.Client, model: str) -> None:
    (row,) = [client.get(f"/v2/models/{model}").json()["properties"]["sample"]]
    plain, own = (
        explain(client, model, [row], attributions="shapley", **given)["explanations"][0]["attributions"]
        for given in ({}, {"interactions": True})
    )
    assert (own["values"], plain["interactions"]) == (plain["values"], {})
    assert list(own["interactions"]) == list(own["values"])
    for name, line in own["interactions"].items():
        assert sum(line.values()) == pytest.approx(own["values"][name], abs=1e-11)
        assert all(own["interactions"][other][name] == value for other, value in line.items())


def test_interactions_of_several_outputs_and_of_v2_agree(client: httpx.Client) -> None:
    given = {"attributions": "shapley", "interactions": True}
    (one,) = explain(client, "ring", [[0.1, 0.2]], **given)["explanations"]
    (several,) = explain(client, "ring", [[0.1, 0.2]], outputs="all", **given)["explanations"]
    assert several["outputs"][0]["attributions"] == one["attributions"]
    tensor = {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.1, 0.2]}
    reply = client.post("/v2/models/ring/explain", json={"inputs": [tensor], "parameters": given})
    found = schemas.ExplainTensorsResponse.model_validate_json(reply.content, strict=True).model_dump()
    assert found["explanations"][0]["attributions"] == one["attributions"]

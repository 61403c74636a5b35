"""Tests of the introspection endpoints: activations, surfaces and profiles."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from enn_models import cosine_series
from enn_models.card.activation_statistics import measure_activations
from enn_models.card.features import Boolean, Categorical, column_encoding
from enn_models.repository import publish_version
from enn_service.api.schemas import introspection as exploration
from enn_service.inference.introspection.activation_curves import BACKGROUND_BINS
from enn_training.learned_model import LearnedModel
from enn_training.publishing.export import build_package as exported
from support.examples import network
from support.serving import serving
from support.tiny import package

FLOAT32 = 2e-5
"""Of values of size 1, with slopes up to some tens."""
WHAT = {
    "activations": exploration.ActivationsResponse,
    "surface?x=x0&y=x1&points=5&bumps=true": exploration.SurfaceResponse,
    "profile?feature=x0&bumps=true": exploration.ProfileResponse,
}
DEEP = network((2, 4, 3, 2), spread=0.5)
BACKGROUND = [[0.5, 0.25], [0.25, 1.0], [-1.0, 1.5]]
TRAINING = np.random.default_rng(0).uniform(-2, 2, (300, 2))


def words() -> bytes:
    """Return a package whose values are the name of a category, true, false and null."""
    features = (Categorical(name="kind", categories=("a", "b", "c")), Boolean(name="wild", missing=True))
    net = replace(network((5, 4, 1), head="linear", task="regression"), encoding=column_encoding(features))
    rows = np.array([[0.0, 1.0], [2.0, np.nan]])
    return exported(LearnedModel(net, features, None, rows, {}, {}, "0" * 64, rows[1:]))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server with models that carry much of their training data, little and none."""
    root = tmp_path_factory.mktemp("explored")
    linear = network((2, 4, 3), head="linear")
    publish_version(root, "deep", package(DEEP, usage=measure_activations(DEEP, TRAINING)))
    publish_version(root, "bare", package(DEEP))
    publish_version(root, "still", package(DEEP, usage=measure_activations(DEEP, np.ones((3, 2)))))
    publish_version(root, "named", package(linear, background=BACKGROUND, classes=["a", True, 7]))
    publish_version(root, "words", words())
    with serving(root) as client:
        yield client


def get(client: httpx.Client, path: str, **query: Any) -> dict[str, Any]:
    if "at" in query:
        query["at"] = json.dumps(query["at"])
    reply = client.get(f"/v1/models/{path}", params=query or None)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("model", ["ring", "face", "product"])
@pytest.mark.parametrize("what", WHAT)
def test_introspection_responses_match_schemas_for_every_version(client: httpx.Client, model: str, what: str) -> None:
    by_default, named = (client.get(f"/v1/models/{model}{version}/{what}") for version in ("", "/versions/1"))
    assert WHAT[what].model_validate_json(by_default.content, strict=True).model_name == model
    assert by_default.content == named.content
    assert client.get(f"/v1/models/{model}/versions/2/{what}").status_code == 404


@pytest.mark.parametrize("what", WHAT)
def test_etag_gives_304_until_model_file_changes(own_repository: Path, eventually: Any, what: str) -> None:
    with serving(own_repository) as client:
        path = f"/v1/models/ring/{what}"
        first = client.get(path)
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "private, no-cache"
        for known in (tag, f'"other", W/{tag}', "*"):
            again = client.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content
        assert client.get(path.replace("ring", "product")).headers["etag"] != tag
        publish_version(own_repository, "ring", package(DEEP))
        eventually(lambda: client.get(path, headers={"If-None-Match": tag}).status_code == 200)


def test_activation_curve_covers_range_of_training_data(own: httpx.Client) -> None:
    layers = get(own, "deep/activations")["layers"]
    assert [(layer["layer"], len(layer["neurons"])) for layer in layers] == [(1, 4), (2, 3), (3, 2)]
    for layer, own_layer, z in zip(layers, DEEP.layers, DEEP.activation_inputs(TRAINING), strict=True):
        assert own_layer.coefficients is not None
        for index, neuron in enumerate(layer["neurons"]):
            assert neuron["neuron"] == index
            assert neuron["coefficients"] == pytest.approx(own_layer.coefficients[index].tolist())
            assert neuron["range"] == pytest.approx([z[:, index].min(), z[:, index].max()], rel=1e-5)
            assert [neuron["pre_activation"][end] for end in (0, -1)] == pytest.approx(neuron["range"])
            wanted = cosine_series.activation(
                np.array(neuron["pre_activation"])[:, None], own_layer.coefficients[[index]]
            )
            np.testing.assert_allclose(neuron["activation"], wanted[:, 0], atol=FLOAT32)
            edges, density = (np.array(neuron["density"][name]) for name in ("edges", "density"))
            assert (np.diff(edges) * density).sum() == pytest.approx(1, abs=1e-5)


def test_importance_is_share_of_bump_standard_deviations(own: httpx.Client) -> None:
    first, last, output = get(own, "deep/activations")["layers"]
    deviation = DEEP.respond(TRAINING).bumps.std(axis=0).sum(axis=0)
    found = [neuron["importance"] for neuron in last["neurons"]]
    np.testing.assert_allclose(found, deviation / deviation.sum(), rtol=1e-4)
    assert {neuron["importance"] for layer in (first, output) for neuron in layer["neurons"]} == {None}
    assert [neuron["output"] for neuron in output["neurons"]] == ["class 0", "class 1"]
    assert not any("output" in neuron for neuron in last["neurons"])


def test_background_rows_replace_missing_training_summary(own: httpx.Client) -> None:
    (layer,) = get(own, "named/activations")["layers"]
    (z,) = network((2, 4, 3), head="linear").activation_inputs(np.array(BACKGROUND))
    for index, neuron in enumerate(layer["neurons"]):
        assert neuron["range"] == pytest.approx([z[:, index].min(), z[:, index].max()], rel=1e-5)
        assert len(neuron["density"]["density"]) == BACKGROUND_BINS


def test_without_data_ranges_follow_from_feature_ranges(own: httpx.Client) -> None:
    corners = np.array(np.meshgrid([-2, 2], [-2, 2])).reshape(2, -1).T
    for layer, z in zip(get(own, "bare/activations")["layers"], DEEP.activation_inputs(TRAINING), strict=True):
        for index, neuron in enumerate(layer["neurons"]):
            low, high = neuron["range"]
            assert low <= z[:, index].min() < z[:, index].max() <= high
            assert (neuron["density"], neuron["importance"]) == (None, None)
            if layer["layer"] == 1:
                tight = DEEP.activation_inputs(corners)[0][:, index]
                assert [low, high] == pytest.approx([tight.min(), tight.max()])


def test_constant_neuron_gets_curve_around_its_value(own: httpx.Client) -> None:
    neuron = get(own, "still/activations")["layers"][0]["neurons"][0]
    (low, high), z = neuron["range"], neuron["pre_activation"]
    assert low == high
    assert (z[0], z[-1]) == pytest.approx((low - 0.5, low + 0.5))
    assert neuron["density"] is neuron["importance"] is None


def test_layer_and_points_select_part_of_activations(own: httpx.Client) -> None:
    (layer,) = get(own, "deep/activations", layer=2, points=7)["layers"]
    assert layer["layer"] == 2
    assert {len(neuron["activation"]) for neuron in layer["neurons"]} == {7}


@pytest.mark.parametrize("model", ["deep", "named"])
def test_surface_equals_explanations_of_its_grid_points(own: httpx.Client, model: str) -> None:
    found = get(own, f"{model}/surface", x="x1", y="x0", points=4, bumps="true")
    x, y = found["x"]["values"], found["y"]["values"]
    assert (found["x"]["feature"], found["y"]["feature"], found["at"]) == ("x1", "x0", {})
    rows = [[x0, x1] for x0 in y for x1 in x]
    body = {"instances": rows, "parameters": {"output": found["output"]}}
    explanations_of_rows = own.post(f"/v1/models/{model}:explain", json=body).json()["explanations"]
    for name in ("pre_activation", "response"):
        np.testing.assert_allclose(np.ravel(found[name]), [row[name] for row in explanations_of_rows], atol=FLOAT32)
    for bump in found["bumps"]:
        wanted = [row["bumps"][bump["neuron"]]["value"] for row in explanations_of_rows]
        np.testing.assert_allclose(np.ravel(bump["values"]), wanted, atol=FLOAT32)
    assert "bumps" not in get(own, f"{model}/surface", x="x1", y="x0", points=4)


def test_profile_equals_line_of_surface(own: httpx.Client) -> None:
    line = get(own, "named/profile", feature="x0", points=5, at={"x1": 0.5}, output="true", bumps="true")
    assert (line["feature"], line["at"], line["output"]) == ("x0", {"x1": 0.5}, True)
    assert line["values"] == [-2.0, -1.0, 0.0, 1.0, 2.0]
    wanted = network((2, 4, 3), head="linear").respond([[x0, 0.5] for x0 in line["values"]])
    np.testing.assert_allclose(line["response"], wanted.output[:, 1], atol=FLOAT32)
    np.testing.assert_allclose(line["pre_activation"], wanted.pre_activation[:, 1], atol=FLOAT32)
    found = [bump["values"] for bump in line["bumps"]]
    np.testing.assert_allclose(found, wanted.bumps[:, 1].T, atol=FLOAT32)


def test_unnamed_features_take_typical_values_and_predicted_output(own: httpx.Client) -> None:
    line = get(own, "named/profile", feature="x0")
    assert line["at"] == {"x1": 1.0}
    typical = [0.25, 1.0]
    (prediction,) = own.post("/v1/models/named:predict", json={"instances": [typical]}).json()["predictions"]
    assert line["output"] == prediction["label"]


def test_categorical_axis_has_category_names(own: httpx.Client) -> None:
    found = get(own, "words/surface", x="wild", y="kind")
    assert (found["x"]["values"], found["y"]["values"]) == ([False, True], ["a", "b", "c"])
    rows = [{"kind": kind, "wild": wild} for kind in "abc" for wild in (False, True)]
    wanted = own.post("/v1/models/words:predict", json={"instances": rows}).json()["predictions"]
    np.testing.assert_allclose(np.ravel(found["response"]), wanted, atol=FLOAT32)
    assert get(own, "words/profile", feature="kind", at={"wild": None})["at"] == {"wild": None}


def test_metadata_has_typical_values_outputs_and_sample_row(own: httpx.Client) -> None:
    properties = own.get("/v2/models/words").json()["properties"]
    assert [feature["typical"] for feature in properties["features"]] == ["c", False]
    assert (properties["outputs"], properties["sample"]) == (["value"], ["c", None])
    for model in ("words", "named", "bare", "deep"):
        properties = own.get(f"/v2/models/{model}").json()["properties"]
        row, typical = properties["sample"], {each["name"]: each["typical"] for each in properties["features"]}
        body = {"instances": [row, typical], "parameters": {"outputs": properties["outputs"]}}
        assert own.post(f"/v1/models/{model}:explain", json=body).status_code == 200
    assert own.get("/v2/models/named").json()["properties"]["outputs"] == ["a", True, 7]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("moon/activations", "model 'moon' is not known"),
        ("deep/activations?layer=4", "layer: 4; the model has learned activations in layers 1 to 3"),
        ("deep/activations?layer=0", "layer"),
        ("deep/activations?points=100000", "points"),
        ("deep/surface?x=x0", "y: Field required"),
        ("deep/surface?x=x0&y=x0", "y: feature 'x0' is x too"),
        ("deep/surface?x=x0&y=moon", "y: feature 'moon' is not known; expected one of x0, x1"),
        ("deep/surface?x=x0&y=x1&points=202", "points"),
        ("deep/surface?x=x0&y=x1&pionts=20", "pionts: Extra inputs are not permitted"),
        ("deep/surface?x=x0&y=x1&output=moon", "output: 'moon'; the model explains class 0, class 1"),
        ("deep/profile?feature=x0&at=[", "at: not valid JSON"),
        ("deep/profile?feature=x0&at=[]", "at: []; expected an object"),
        ('deep/profile?feature=x0&at={"x0":1}', "at: feature 'x0' varies along an axis"),
        ('deep/profile?feature=x0&at={"moon":1}', "feature 'moon' is not known"),
        ('deep/profile?feature=x0&at={"x1":"a"}', "'a' for feature 'x1'; expected a number"),
        ('deep/profile?feature=x0&at={"x1":1e30}', "ranges away from where the model was trained"),
        ('words/profile?feature=wild&at={"kind":"z"}', "'z' for feature 'kind'"),
    ],
)
def test_invalid_introspection_query_gets_400_with_field(own: httpx.Client, path: str, text: str) -> None:
    reply = own.get(f"/v1/models/{path}")
    assert reply.status_code == (404 if path.startswith("moon") else 400)
    assert text in reply.json()["error"]


def test_introspection_responses_are_bounded(tmp_path: Path) -> None:
    publish_version(tmp_path, "wide", package(network((2, 1500, 1), head="linear", task="regression")))
    with serving(tmp_path) as client:
        for path in (
            "activations?points=1001",
            "surface?x=x0&y=x1&bumps=true",
            "profile?feature=x0&points=2001&bumps=true",
        ):
            reply = client.get(f"/v1/models/wide/{path}")
            assert (reply.status_code, "at most 1000000" in reply.json()["error"]) == (400, True)
        assert client.get("/v1/models/wide/activations?points=20").status_code == 200
        assert client.get("/v1/models/wide/surface?x=x0&y=x1").status_code == 200

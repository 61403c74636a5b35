"""Tests of importance and interactions over HTTP and in the client: means, average effects, limits and plots."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import matplotlib as mpl
import numpy as np
import pytest
import shap

from enn_models.card.features import Boolean, Categorical, column_encoding
from enn_models.repository import publish_version
from enn_service.api.schemas.introspection import ImportanceResponse
from enn_service.client import Client, NoInteractionsError
from enn_training.learned_model import LearnedModel
from enn_training.publishing.export import build_package as exported
from support.examples import network
from support.serving import serving
from support.tiny import package

JSON_OF_FLOAT64 = 1e-12
FEATURES = (Categorical(name="kind", categories=("a", "b", "c")), Boolean(name="wild", missing=True))
ROWS = np.array([[0, 1], [2, np.nan], [1, 0], [2, 1]], np.float64)
WORDS = replace(network((5, 4, 1), head="linear", task="regression"), encoding=column_encoding(FEATURES))
WIDE = network((120, 16, 1), harmonics=4, spread=0.1)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server with models of categories, of several layers and classes, and of many features."""
    root, random = tmp_path_factory.mktemp("important"), np.random.default_rng(0)
    few = random.uniform(-1, 1, (6, 2)).astype(np.float32).tolist()
    publish_version(root, "words", exported(LearnedModel(WORDS, FEATURES, None, ROWS, {}, {}, "0" * 64, ROWS[1:])))
    publish_version(root, "deep", package(network((2, 4, 3, 2), spread=0.5), background=few))
    publish_version(root, "named", package(network((2, 4, 3), head="linear"), background=few, classes=["a", True, 7]))
    publish_version(root, "bare", package(network((2, 4, 1))))
    wide = random.uniform(-1, 1, (100, 120)).astype(np.float32).tolist()
    publish_version(root, "wide", package(WIDE, background=wide))
    with serving(root) as client:
        yield client


def importance(client: httpx.Client, model: str, **query: Any) -> dict[str, Any]:
    reply = client.get(f"/v1/models/{model}/importance", params=query)
    assert reply.status_code == 200, reply.text
    return ImportanceResponse.model_validate_json(reply.content, strict=True).model_dump()


def test_importance_is_mean_of_explanations_of_background(own: httpx.Client) -> None:
    background = [["c", None], ["b", False], ["c", True]]
    body = {"instances": background, "parameters": {"attributions": "shapley", "interactions": True}}
    explained = own.post("/v1/models/words:explain", json=body).json()["explanations"]
    parts = [each["attributions"] for each in explained]
    found = importance(own, "words")
    assert (found["method"], found["output"], found["rows"]) == ("shapley", "value", 3)
    for feature in found["features"]:
        name = feature["name"]
        values = np.abs([part["values"][name] for part in parts])
        alone = np.abs([part["interactions"][name][name] for part in parts])
        assert feature["importance"] == pytest.approx(values.mean(), abs=JSON_OF_FLOAT64)
        assert feature["main_effect"] == pytest.approx(alone.mean(), abs=JSON_OF_FLOAT64)
    (pair,) = found["interactions"]
    assert pair["features"] == ["kind", "wild"]
    wanted = np.abs([part["interactions"]["kind"]["wild"] for part in parts]).mean()
    assert pair["importance"] == pytest.approx(wanted, abs=JSON_OF_FLOAT64)


def test_average_effect_is_mean_of_changed_background(own: httpx.Client) -> None:
    kind, wild = (feature["average_effect"] for feature in importance(own, "words")["features"])
    assert (kind["values"], wild["values"]) == (["a", "b", "c"], [False, True])
    for code, mean in enumerate(kind["pre_activation"]):
        rows = ROWS[1:].copy()
        rows[:, 0] = code
        assert mean == pytest.approx(WORDS.respond(rows).pre_activation.mean(), abs=1e-6)


def test_pairs_come_strongest_first_and_top_limits_them(client: httpx.Client) -> None:
    path = "/v1/models/breast-cancer/importance"
    first = client.get(path, params={"rows": 2, "top": 5, "points": 3})
    found = ImportanceResponse.model_validate_json(first.content, strict=True)
    assert found.interactions is not None
    assert (found.rows, len(found.features), len(found.interactions)) == (2, 30, 5)
    strengths = [pair.importance for pair in found.interactions]
    assert strengths == sorted(strengths, reverse=True)
    again = client.get(path, params={"rows": 2, "top": 5, "points": 3})
    assert again.content == first.content
    known = client.get(
        path, params={"rows": 2, "top": 5, "points": 3}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert (known.status_code, known.content) == (304, b"")


def test_each_output_has_its_importance(own: httpx.Client) -> None:
    found = {label: importance(own, "named", output=label) for label in ("a", "true", "7")}
    assert [each["output"] for each in found.values()] == ["a", True, 7]
    assert len({each["features"][0]["importance"] for each in found.values()}) == 3
    assert importance(own, "named")["output"] in ("a", True, 7)
    assert own.get("/v1/models/named/versions/1/importance").status_code == 200


def test_deep_models_have_estimated_importance_without_pairs(own: httpx.Client) -> None:
    found = importance(own, "deep")
    assert (found["method"], found["interactions"]) == ("sampled_shapley", None)
    assert all(feature["importance"] > 0 and feature["main_effect"] is None for feature in found["features"])


def test_rows_follow_from_the_time_of_an_answer(own: httpx.Client) -> None:
    reply = own.get("/v1/models/wide/importance?rows=100")
    assert reply.status_code == 413
    fitting = int(reply.headers["enn-max-rows"])
    assert 1 <= fitting < 100
    text = reply.json()["error"]
    assert text.startswith("importance over 100 rows takes about")
    assert f"ask for rows={fitting}, or interactions=false, or fewer points" in text
    assert importance(own, "wide", rows=1, interactions=False, points=2)["rows"] == 1


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("bare/importance", "the model carries no background rows"),
        ("deep/importance?interactions=true", "interactions: true for a model with 2 hidden layers"),
        ("named/importance?output=moon", "output: 'moon'; the model explains a, True, 7"),
        ("named/importance?rows=7", "rows: 7; the model carries 6 background rows"),
        ("named/importance?rows=0", "rows: Input should be greater than or equal to 1"),
        ("named/importance?points=1002", "points: Input should be less than or equal to 1001"),
        ("named/importance?row=2", "row: Extra inputs are not permitted"),
    ],
)
def test_invalid_importance_request_gets_400_with_reason(own: httpx.Client, query: str, text: str) -> None:
    reply = own.get(f"/v1/models/{query}")
    assert reply.status_code == 400
    assert text in reply.json()["error"]


def test_deep_models_refuse_interactions_in_explanations(own: httpx.Client) -> None:
    body = {"instances": [[0.1, 0.2]], "parameters": {"attributions": "shapley", "interactions": True}}
    reply = own.post("/v1/models/deep:explain", json=body)
    assert reply.status_code == 400
    assert 'ask for "sampled_shapley" or "integrated_gradients", which have no interactions' in reply.json()["error"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # shap's own, while it draws
def test_shap_plots_interactions_of_features(client: httpx.Client) -> None:
    mpl.use("Agg")
    rows = [[0.1, 0.2], [0.5, -0.1], [-0.3, 0.4]]
    with Client(str(client.base_url)) as own:
        several = own.explain_outputs("ring", rows, attributions="shapley", interactions=True)
        plain = own.explain("ring", rows, attributions="shapley")
        assert own.importance("ring", rows=2, interactions=False, points=3, output=1)["interactions"] is None
    with pytest.raises(NoInteractionsError, match="interactions=True"):
        plain.to_shap(interactions=True)
    ((_, found),) = several.items()
    assert found.attributions is not None
    assert found.attributions.interactions is not None
    np.testing.assert_allclose(found.attributions.interactions.sum(axis=2), found.attributions.values, atol=1e-12)
    drawn = found.to_shap(interactions=True)
    assert (drawn.shape, several.to_shap(interactions=True).shape) == ((3, 2, 2), (3, 2, 2, 1))
    np.testing.assert_array_equal(drawn[:, "x0", "x1"].values, found.attributions.interactions[:, 0, 1])
    shap.summary_plot(drawn, drawn.data, show=False)
    shap.dependence_plot(("x0", "x1"), drawn.values, drawn.data, feature_names=drawn.feature_names, show=False)
    shap.plots.scatter(drawn[:, "x0", "x1"], show=False)
    shap.plots.waterfall(found.to_shap()[0], show=False)

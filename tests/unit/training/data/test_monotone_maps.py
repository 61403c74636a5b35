"""Tests of monotone maps: which columns have one, and what networks with one learn, export and explain."""

from dataclasses import replace
from itertools import permutations
from math import factorial
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from pydantic import ValidationError

from enn_models.card import Card
from enn_models.card.features import Numeric, column_encoding, column_ranges
from enn_models.encoding import map_to_knots
from enn_models.explanations import attributions
from enn_models.package import GOLDEN_TOLERANCE, open_package
from enn_training import ENNClassifier, export, load
from enn_training.data.monotone_maps import SEGMENTS, find_knots
from enn_training.learned_model import LearnedModel
from enn_training.publishing.export import build_package
from support.serving import serving

RANDOM = np.random.default_rng(0)
NORMAL = RANDOM.normal(size=1000)
TAIL = np.exp(3 * NORMAL)
NAN = float("nan")


def with_sentinel(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values, [-999.0]])


@pytest.mark.parametrize(
    ("values", "mapped"),
    [
        (NORMAL, False),
        (RANDOM.exponential(size=1000), False),
        (RANDOM.integers(0, 2, 1000).astype(float), False),
        (np.where(RANDOM.random(1000) < 0.02, RANDOM.integers(0, 17, 1000), 0.0), False),
        (np.zeros(1000), False),
        (np.full(10, NAN), False),
        (TAIL, True),
        (with_sentinel(NORMAL), True),
        (with_sentinel(RANDOM.integers(1, 6, 1000).astype(float)), True),
        (np.append(NORMAL, 1e30), True),
        (np.append(np.linspace(0, 1, 1000), 4.9), False),
        (np.append(np.linspace(0, 1, 1000), 5.3), True),
    ],
)
def test_only_a_long_range_gets_a_map(values: np.ndarray, *, mapped: bool) -> None:
    knots = find_knots(values)
    assert (knots is not None) == mapped
    if knots is not None:
        assert 2 < len(knots) <= SEGMENTS + 1
        assert (knots[0], knots[-1]) == (np.float32(values.min()), np.float32(values.max()))


def test_a_map_interpolates_and_ends_at_its_knots() -> None:
    knots = np.array([-999.0, 0.0, 1.0, 3.0, 100.0])
    values = np.array([-2000, -999, 0, 0.5, 1, 2, 3, 100, 1e9])
    assert map_to_knots(values, knots).tolist() == [
        *(-1, -1, -0.5, -0.25),
        *(0, 0.25, 0.5, 1, 1),
    ]
    optional = Numeric(name="a", minimum=-999, maximum=100, mean=2, missing=True, knots=tuple(knots))
    plain = Numeric(name="b", minimum=0, maximum=7, mean=3)
    encoding = column_encoding([optional, plain])
    assert encoding is not None
    assert encoding.apply([[NAN, 5], [3, 6]]).tolist() == [[0.25, 1, 5], [0.5, 0, 6]]
    assert column_ranges([optional, plain]) == [(-1, 1), (0, 1), (0, 7)]


@pytest.mark.parametrize("knots", [(1, 0, 2), (0, 0, 1), (0.1, 1, 2), (0.0,), (0, 1e39), tuple(range(66))])
def test_a_feature_refuses_knots_that_are_no_map(knots: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="knots"):
        Numeric(name="a", minimum=0, maximum=1, mean=0, knots=knots)


def test_a_feature_without_a_map_keeps_its_bytes() -> None:
    assert "knots" not in Numeric(name="a", minimum=0, maximum=1, mean=0).model_dump_json()


@pytest.fixture(scope="module")
def learned() -> tuple[LearnedModel, float]:
    """Return a model of columns with outliers, a long tail, missing values and categories, and its accuracy."""
    a, b = RANDOM.normal(size=(2, 900))
    x = pd.DataFrame(
        {
            "tail": np.exp(3 * a),
            "sentinel": b,
            "kind": pd.Categorical(RANDOM.choice(list("xyz"), 900)),
            "optional": np.where(RANDOM.random(900) < 0.1, NAN, np.exp(2 * b)),
            "plain": RANDOM.uniform(size=900),
        }
    )
    x.loc[3, "sentinel"] = -999
    y = a + b * b > 0.8
    model = ENNClassifier(hidden=6, learner="adam").fit(x[:600], y[:600])
    return model.model_, float(model.score(x[600:], y[600:]))


def test_an_outlier_and_a_tail_cost_little_accuracy(learned: tuple[LearnedModel, float]) -> None:
    assert learned[1] > 0.93  # .60 without maps; the classes have shares .62 and .38


@pytest.mark.parametrize("unrolling", [None, "spectral", "blocked"])
def test_the_graph_of_a_map_equals_the_network(learned: tuple[LearnedModel, float], unrolling: str | None) -> None:
    data = build_package(learned[0], unrolling=unrolling, harmonics=unrolling is None)  # verifies the golden vector
    package = open_package(data)
    knots = [feature.knots for feature in package.card.features if feature.kind == "numeric"]
    assert [each is None for each in knots] == [False, False, False, True]
    assert {entry.domain for entry in package.model.opset_import} <= {""}
    onnx.checker.check_model(package.model, full_check=True)
    rows = learned[0].examples
    assert np.allclose(package.network.respond(rows).output, learned[0].network.respond(rows).output)


def test_a_published_map_is_loaded_again(learned: tuple[LearnedModel, float], tmp_path: Path) -> None:
    export(learned[0], tmp_path, "m")
    again = load(tmp_path, "m")
    assert again.features == learned[0].features
    found, wanted = (each.network.respond(learned[0].examples).output for each in (again, learned[0]))
    assert np.abs(found - wanted).max() <= GOLDEN_TOLERANCE
    card = open_package((tmp_path / "m" / "1" / "model.onnx").read_bytes()).card
    with pytest.raises(ValidationError, match="format 1: feature 'tail' has knots"):
        Card.model_validate({**card.model_dump(), "format": 1})


def test_explanations_of_a_map_are_exact_in_the_features(learned: tuple[LearnedModel, float]) -> None:
    network, rows = learned[0].network, learned[0].examples[:2]
    background, features = learned[0].background[:3], len(learned[0].features)
    assert network.encoding is not None
    players = [np.flatnonzero(network.encoding.feature == feature) for feature in range(features)]
    encoded = (replace(network, encoding=None), network.encode(rows), network.encode(background), players)
    found = attributions.complete(attributions.shapley(*encoded)).values[:, 0]

    def value(row: np.ndarray, present: tuple[int, ...]) -> float:
        mixed = background.copy()
        mixed[:, present] = row[list(present)]
        return float(network.respond(mixed).pre_activation.mean())

    for row, values in zip(rows, found, strict=True):
        wanted = np.zeros(features)
        for order in permutations(range(features)):
            games = [value(row, order[:count]) for count in range(features + 1)]
            wanted[list(order)] += np.diff(games) / factorial(features)
        assert np.abs(values - wanted).max() < 1e-9


def test_the_service_flags_rows_outside_a_map(learned: tuple[LearnedModel, float], tmp_path: Path) -> None:
    export(learned[0], tmp_path, "m")
    inside = {"tail": 1.0, "sentinel": -999.0, "kind": "x", "optional": None, "plain": 0.5}
    with serving(tmp_path) as client:
        answer = client.post("/v1/models/m:explain", json={"instances": [inside, {**inside, "tail": 1e5}]}).json()
        curves = client.get("/v1/models/m/activations")
    assert [row["out_of_range"] for row in answer["explanations"]] == [[], ["tail"]], answer
    assert curves.is_success

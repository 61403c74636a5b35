"""Tests of the encoder of predictions: labels of the card, numbers exact to the last bit of float32."""

import numpy as np
import orjson
import pytest

from enn_service.runtime.prediction_encoder import LONG, PredictionEncoder
from support.examples import network
from support.tiny import card

LABELS = ('no, "never",-1', "yes\0")


@pytest.mark.parametrize("first", [-1, 0, 1])
@pytest.mark.parametrize("count", [1, 2, 7, LONG])
def test_each_score_has_the_label_of_its_sign(count: int, first: float) -> None:
    random = np.random.default_rng(count)
    scores = (random.normal(size=(count, 1)) * 10.0 ** random.integers(-30, 30, (count, 1))).astype(np.float32)
    scores[0] = first
    predictions = orjson.loads(PredictionEncoder(card(network(), classes=LABELS)).encode(scores))
    assert [prediction["label"] for prediction in predictions] == [LABELS[score > 0] for score in scores[:, 0].tolist()]
    np.testing.assert_array_equal(
        np.array([prediction["score"] for prediction in predictions], np.float32), scores[:, 0]
    )

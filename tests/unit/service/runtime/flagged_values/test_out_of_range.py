"""Tests of the texts of values outside their training range: they are right, and those kept are bounded."""

import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson

from enn_models.card.features import Numeric
from enn_service.runtime.flagged_values.out_of_range import MAX_KEPT_BYTES, MAX_SETS, OutOfRange, OutOfRangeEncoder

FEATURES = 600


def test_kept_texts_of_many_features_are_bounded() -> None:
    names = [f"feature {index}" for index in range(FEATURES)]
    card: Any = SimpleNamespace(features=[Numeric(name=name, minimum=0, maximum=1, mean=0.5) for name in names])
    encoder = OutOfRangeEncoder(card)
    tracemalloc.start()
    for missing in range(min(MAX_SETS, FEATURES)):  # every set but one feature
        outside = OutOfRange(np.delete(np.arange(FEATURES), missing), FEATURES)
        found = orjson.loads(encoder.rows(outside, 5)[0])
        assert found == {"row": 5, "features": names[:missing] + names[missing + 1 :]}
        del found, outside
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2 * MAX_KEPT_BYTES

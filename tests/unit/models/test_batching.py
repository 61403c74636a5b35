"""Tests of batching: batches give the results of the whole."""

import numpy as np
import pytest

from enn_models.batching import MAX_LAYER_BYTES, max_batch_rows, run_in_batches
from support.examples import network


@pytest.mark.parametrize("batch", [0, 1, 4, 5, 8, 9])
def test_batches_concatenate_to_the_whole_within_the_limit(batch):
    lengths = []

    def run(rows):
        lengths.append(len(rows))
        return [rows * 2, rows[:, :1]]

    inputs = np.arange(2 * batch, dtype=np.float32).reshape(batch, 2)
    double, first = run_in_batches(run, inputs, 4)
    np.testing.assert_array_equal(double, inputs * 2)
    np.testing.assert_array_equal(first, inputs[:, :1])
    assert max(lengths) <= 4


@pytest.mark.parametrize(("precision", "size"), [("float32", 4), ("float64", 8)])
def test_batch_of_the_widest_layer_fits_the_cache(precision, size):
    model = network()
    row = size * max(len(layer.bias) for layer in model.layers[:-1])
    rows = max_batch_rows(model, precision=precision)
    assert rows * row <= MAX_LAYER_BYTES < (rows + 1) * row

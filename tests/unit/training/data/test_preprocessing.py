"""A preprocessor maps rows to samples, and networks between raw rows and samples."""

import numpy as np
import pytest

from enn_models.network import Head
from enn_training.data.columns import Column
from enn_training.data.dataset import Split, summarize_columns
from enn_training.data.preprocessing import Preprocessor
from enn_training.nn.architecture import Architecture
from enn_training.nn.initialization import initial_network

ROUNDED = 1e-4
"""float32 weights, scaled once in each direction."""
COLUMNS = (Column("size"), Column("kind", "categorical", ("a", "b", "c")))


def rows() -> Split:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(10, 20, 40), rng.integers(0, 3, 40).astype(float)]).astype(np.float64)
    return Split(x, (3.0 * x[:, 0] + x[:, 1]).astype(np.float64))


def fitted(head: Head, *, ignore_constant: bool = False) -> Preprocessor:
    split = rows()
    return Preprocessor.fit(summarize_columns(COLUMNS, split.x), split, head, None, ignore_constant=ignore_constant)


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_folded_network_predicts_raw_targets_from_raw_rows(head):
    preprocessor, split = fitted(head), rows()
    network = initial_network(Architecture(4, (5,), 1, 6, head, "regression"))
    scaling = preprocessor.targets.scaling
    assert scaling is not None
    expected = network.respond(preprocessor.transform(split).x).output * scaling.scale + scaling.center
    np.testing.assert_allclose(preprocessor.fold(network).respond(split.x).output, expected, rtol=ROUNDED)


@pytest.mark.parametrize("head", ["dct", "linear"])
def test_unfold_is_the_inverse_of_fold(head):
    preprocessor, split = fitted(head), rows()
    network = initial_network(Architecture(4, (5,), 1, 6, head, "regression"))
    found = preprocessor.unfold(preprocessor.fold(network))
    x = preprocessor.transform(split).x
    np.testing.assert_allclose(found.respond(x).output, network.respond(x).output, atol=ROUNDED)


def test_ignored_constant_column_has_no_influence():
    split = Split(np.column_stack([np.arange(20.0), np.full(20, 7.0)]), np.arange(20.0))
    features = summarize_columns(("a", "b"), split.x)
    preprocessor = Preprocessor.fit(features, split, "linear", None, ignore_constant=True)
    other = Split(split.x + np.array([0.0, 5.0]), split.y)
    np.testing.assert_array_equal(preprocessor.transform(other).x, preprocessor.transform(split).x)

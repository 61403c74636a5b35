"""Tests of conformal prediction: thresholds, adaptive sets and widths by their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enn_models import conformal
from enn_models.card import Calibration, LogScale
from enn_models.card.calibration import MAX_SCORES

EXACT = 1e-12
"""Relative error of float64."""


@given(st.integers(1, 3000), st.floats(0.0005, 0.9995))
def test_a_threshold_has_at_least_the_finite_sample_rank(rows: int, coverage: float) -> None:
    scores = conformal.keep_scores(np.random.default_rng(rows).permutation(rows) + 1.0)
    assert len(scores) == min(rows, MAX_SCORES)
    rank = np.ceil((rows + 1) * coverage)
    if rank > rows:
        with pytest.raises(ValueError, match=f"{rows} rows allow at most"):
            conformal.threshold(scores, rows, coverage)
    else:  # the score of a rank is the rank
        assert rank <= conformal.threshold(scores, rows, coverage) <= rank + np.ceil(rows / MAX_SCORES) - 1


def test_rounding_errors_of_a_rank_do_not_raise_it() -> None:
    assert conformal.threshold(tuple(range(1, 20)), 19, 0.95) == 19
    assert conformal.threshold((3.0,), 1, 1e-12) == 3.0


def test_adaptive_scores_add_more_probable_classes_and_a_fraction() -> None:
    scores = conformal.adaptive_scores(np.array([[0.2, 0.5, 0.3]]), np.array([0.25]))
    assert scores == pytest.approx(np.array([[0.8 + 0.25 * 0.2, 0.25 * 0.5, 0.5 + 0.25 * 0.3]]), rel=EXACT)


def test_adaptive_sets_have_exactly_the_coverage_of_true_probabilities() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(40_000, 2))
    probabilities = random.dirichlet([0.4, 1.0, 2.0], size=len(rows))
    labels = (random.uniform(size=(len(rows), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    scores = conformal.adaptive_scores(probabilities, conformal.row_fractions(rows))[np.arange(len(rows)), labels]
    # The score of the true class is uniform, so that its quantiles are the coverages.
    assert np.quantile(scores, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.01)


def test_fractions_depend_on_the_float32_values_alone() -> None:
    rows = np.array([[0.1, 0.0], [0.1, -0.0], [np.nan, 1.0], [0.1, 1.0]])
    found = conformal.row_fractions(rows)
    assert found[0] == found[1]
    assert found.tolist() == conformal.row_fractions(rows.astype(np.float32)).tolist()
    assert found[2] == conformal.row_fractions(np.array([[-np.nan, 1.0]], dtype=np.float32))[0]
    assert len(set(found.tolist())) == 3
    assert ((found >= 0) & (found < 1)).all()


def test_scores_of_a_dct_head_become_probabilities() -> None:
    softmax = np.array([[1, np.e]]) / (1 + np.e)
    expected = ([[0.25, 0.75]] + conformal.SOFTMAX_SHARE * softmax) / (1 + conformal.SOFTMAX_SHARE)
    assert conformal.class_probabilities([[0.5]], "dct") == pytest.approx(expected, rel=EXACT)
    (first, second, third) = conformal.class_probabilities([[1.0, -1.5, -1.2]], "dct")[0]
    assert first > third > second > 0
    assert conformal.class_probabilities([[1.0, 1.0]], "dct").tolist() == [[0.5, 0.5]]
    assert conformal.class_probabilities([[0.3, 0.7]], "linear").tolist() == [[0.3, 0.7]]


def test_widths_are_thresholds_times_bounded_scales() -> None:
    scale = LogScale(intercept=1.0, weights=(2.0, -1.0), low=0.0, high=2.0)
    flat = LogScale(intercept=0.5, low=0.5, high=0.5)
    calibration = Calibration(rows=3, scores=((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)), scales=(scale, flat))
    bumps = np.array([[[0.0, 0.0], [9.0, 9.0]], [[9.0, 0.0], [0.0, 0.0]], [[-9.0, 0.5], [0.0, 0.0]]])
    expected = [[2 * np.exp(1.0), 5 * np.exp(0.5)], [2 * np.exp(2.0), 5 * np.exp(0.5)], [2.0, 5 * np.exp(0.5)]]
    assert conformal.half_widths(calibration, bumps, 0.5) == pytest.approx(np.array(expected), rel=EXACT)


def test_weights_count_as_repeated_rows() -> None:
    scores, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])
    assert conformal.keep_scores(scores, weights) == (1.0, 2.0, 3.0)
    assert conformal.keep_scores(scores, np.array([1.0, 5.0, 1.0])) == (1.0, 1.0, 3.0)
    many = np.arange(1.0, 2001.0)
    assert conformal.keep_scores(many, np.full(2000, 0.3)) == conformal.keep_scores(many)

"""Splits share no row, keep the shares of classes, and depend on the seed alone."""

import numpy as np
import pytest

from enn_training.data.sampling.splits import folds, sample_rows, train_validation, train_validation_test


@pytest.mark.parametrize("stratify", [False, True])
def test_three_parts_hold_every_row_once(stratify):
    parts = train_validation_test(np.arange(200) % 2, 0, stratify=stratify)
    assert [len(part) for part in parts] == [140, 20, 40]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(200))


def test_stratified_parts_keep_the_shares_of_classes():
    y = (np.arange(400) < 100).astype(int)
    assert [y[part].mean() for part in train_validation_test(y, 3, stratify=True)] == [0.25] * 3


def test_equal_seeds_give_equal_parts_and_others_differ():
    first, again, other = (np.concatenate(train_validation_test(np.arange(50), s, stratify=False)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", [None, 4])
def test_an_eighth_of_the_rows_is_for_validation(seed):
    train, validation = train_validation(80, seed)
    assert len(validation) == 10
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(80))


def test_fewer_than_sixteen_rows_are_not_split():
    for part in train_validation(15, 0):
        np.testing.assert_array_equal(part, np.arange(15))


@pytest.mark.parametrize(("count", "number"), [(100, 5), (1_000, 3), (3_000, 1)])
def test_folds_validate_on_rows_they_do_not_train_on(count, number):
    made = folds(np.random.default_rng(0).normal(size=(count, 1)), 0)
    assert len(made.validation) == number
    for train, validation in zip(made.train, made.validation, strict=True):
        assert not set(train) & set(validation)
        assert len(train) + len(validation) == count
    assert len(np.unique(made.validation)) == made.validation.size


def test_classes_are_spread_evenly_over_the_folds():
    y = (np.arange(100) < 10).astype(float)[:, None]
    assert {int(y[rows].sum()) for rows in folds(y, 0).validation} == {2}


def test_few_rows_are_trained_and_validated_on_together():
    made = folds(np.zeros((5, 1)), 0)
    np.testing.assert_array_equal(made.train, made.validation)


def test_sampled_rows_are_float32_values_in_order():
    rows = np.linspace(0, 1, 30)[:, None]
    drawn = sample_rows(rows, 10, 0)[:, 0]
    assert len(drawn) == 10
    assert (np.diff(drawn) > 0).all()
    assert set(drawn) <= set(rows.astype(np.float32).astype(np.float64)[:, 0])

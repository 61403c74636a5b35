"""Rows held out from those of an estimator, whatever their order, with whole weights as repeated rows."""

import numpy as np
import pandas as pd

from enn_training.data.columns import Column
from enn_training.data.dataset import Dataset, Split
from enn_training.data.sampling.splits import train_validation
from enn_training.learned_model import Label

MOST_REPEATED = 10
"""Largest mean of whole weights for which rows are repeated; larger ones are not numbers of rows."""


def hold_out_rows(columns: tuple[Column, ...], classes: tuple[Label, ...] | None, rows: Split, seed: int) -> Dataset:
    """Return a data set of which an eighth is held out for validation, and is the test part too.

    A weight that is a whole number means as many equal rows: fitting to weights equals fitting to repeated rows. The
    order of the rows has no effect, because rows with weights and repeated rows come in different ones.

    Args:
        columns: Kind of each column.
        classes: Labels of the class indices; None for a regression.
        rows: Raw rows with their targets.
        seed: Seed of the split.
    """
    rows = _sort(_repeat(rows))
    training, validation = (rows.take(part) for part in train_validation(len(rows.x), seed))
    if len(training.x) == len(rows.x):
        validation = training
    names = tuple(column.name for column in columns)
    return Dataset(names, classes, training, validation, validation, columns=columns)


def _repeat(rows: Split) -> Split:
    """Return rows of whole weights as often as their weights say, without weights; other rows as they are."""
    weight = rows.weight
    if weight is None or (weight % 1.0 != 0.0).any() or weight.sum() > MOST_REPEATED * len(weight):
        return rows
    places = np.repeat(np.arange(len(weight)), weight.astype(np.int64))
    return Split(rows.x[places], rows.y[places])


def _sort(rows: Split) -> Split:
    """Return the rows in an order that depends on their values alone."""
    parts = [rows.x, rows.y.reshape(len(rows.x), -1)] + ([] if rows.weight is None else [rows.weight[:, None]])
    hashes = pd.util.hash_pandas_object(pd.DataFrame(np.hstack(parts)), index=False)
    return rows.take(np.argsort(hashes.to_numpy(), kind="stable"))

"""Rows that judge a model in a report, with the output of the model for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_models.card import Card
from enn_models.conformal import class_probabilities
from enn_models.network import Network
from enn_training.data.dataset import Split
from enn_training.evaluation.baselines import Baseline
from enn_training.evaluation.metrics import Floats, served_output, to_classes

MAX_ROWS = 50_000
"""Most rows that a report judges by; of more, a random part with a fixed seed."""
PIECE = 4096
"""Rows evaluated at once, so that the terms of a wide layer fit in memory."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Hold rows with their targets and the output of a model.

    Attributes:
        rows: Raw rows with targets and weights.
        output: Output of the model as the service computes it, [rows, outputs].
        description: Origin of the rows, one sentence.
        numbers: Number of each row in its source, from 1, int64 [rows].
        groups: Name of the group of each row, [rows]; None without groups.
        by: Name of the column of the groups; None without groups.
        baselines: Scores of simple models on the same rows; empty if their training rows are unknown.
    """

    rows: Split
    output: Floats
    description: str
    numbers: NDArray[np.int64]
    groups: NDArray[np.str_] | None = None
    by: str | None = None
    baselines: tuple[Baseline, ...] = ()

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Class index of each row, for a classification."""
        return to_classes(self.output)

    def probabilities(self, network: Network) -> Floats:
        """Return the probabilities of the classes, [rows, classes], for a classification."""
        return class_probabilities(self.output, network.head)


def judge(
    card: Card,
    network: Network,
    rows: Split,
    description: str,
    *,
    by: str | None = None,
    groups: Sequence[str] | None = None,
    baselines: tuple[Baseline, ...] = (),
) -> Judged:
    """Run a model on rows; of more than MAX_ROWS, on a random part.

    Args:
        card: Card of the model.
        network: Network of the model.
        rows: Raw rows with targets.
        description: Origin of the rows, one sentence.
        by: Name of a column of groups: a feature, unless `groups` are given.
        groups: Name of the group of each row; None to form groups of the values of the feature `by`.
        baselines: Scores of simple models on the same rows.
    """
    names = None if by is None else np.array(groups if groups is not None else feature_groups(card, rows.x, by))
    places = np.arange(len(rows.x))
    if len(places) > MAX_ROWS:
        places = np.sort(np.random.default_rng(0).choice(places, MAX_ROWS, replace=False))
        description += f" A random {MAX_ROWS} of them are used here."
        rows, names = rows.take(places), None if names is None else names[places]
    pieces = [served_output(network, rows.x[start : start + PIECE]) for start in range(0, len(places), PIECE)]
    return Judged(rows, np.concatenate(pieces), description, places + 1, names, by, baselines)


def feature_groups(card: Card, x: Floats, name: str) -> list[str]:
    """Return the group of each row by a feature: its category, or the quarter of a number.

    Args:
        card: Card of the model, which has the feature.
        x: Raw rows, [rows, features].
        name: Name of the feature.
    """
    place = card.feature_names.index(name)
    feature, values = card.features[place], x[:, place]
    if feature.kind == "categorical":
        texts: Sequence[str] = feature.categories
    elif feature.kind == "boolean":
        texts = ("false", "true")
    else:
        return number_groups(values)
    return ["missing" if np.isnan(value) else texts[int(value)] for value in values]


def number_groups(values: Floats) -> list[str]:
    """Return the quarter of each number as a text, or the number itself if there are at most eight different ones."""
    known = values[~np.isnan(values)]
    if len(np.unique(known)) <= 8:
        return ["missing" if np.isnan(value) else f"{value:.6g}" for value in values]
    edges = np.unique(np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0]))
    last = len(edges) - 2
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, last)
    names = [f"{edges[index]:.6g} to {edges[index + 1]:.6g}" for index in range(last + 1)]
    return ["missing" if np.isnan(value) else names[index] for value, index in zip(values, place, strict=True)]

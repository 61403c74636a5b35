"""Training data of a published model: rebuild it, verify it by the fingerprint in the card, and scale it."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enn_models.card import Card
from enn_models.network import Head, Network
from enn_training.data import tables
from enn_training.data.dataset import Dataset, Split
from enn_training.data.preprocessing import Preprocessor, Samples
from enn_training.data.problems import problems
from enn_training.data.reading.table import read_table
from enn_training.errors import DataError, TableWarning
from enn_training.evaluation.metrics import score

MIN_SCORING_ROWS = 1_000
"""Minimum number of held-out rows for scoring; fewer cannot distinguish a loss of 0.01 from chance."""


@dataclass(frozen=True, eq=False)
class ScaledData:
    """Data set with the preprocessing of training.

    Attributes:
        dataset: Raw rows.
        preprocessor: Map of the raw rows to samples.
    """

    dataset: Dataset
    preprocessor: Preprocessor

    @classmethod
    def of(cls, dataset: Dataset, head: Head) -> "ScaledData":
        """Return a data set with the preprocessing of training."""
        # Constant columns keep a scale: a network cannot be unfolded over a column without influence.
        return cls(dataset, Preprocessor.fit(dataset.summaries, dataset.training, head, dataset.class_count))

    @property
    def scoring_rows(self) -> Split:
        """Raw rows that score a pruned network: the held-out rows, with the training rows if there are too few."""
        held_out = self.dataset.validation
        return held_out if len(held_out.x) >= MIN_SCORING_ROWS else self.dataset.merge_validation().training

    @property
    def training(self) -> Samples:
        """Training rows, scaled."""
        return self.preprocessor.transform(self.dataset.training)

    def to_scaled_units(self, network: Network) -> Network:
        """Return the network over scaled rows that equals a network over raw rows."""
        return self.preprocessor.unfold(network)

    def to_raw_units(self, network: Network) -> Network:
        """Return the network over raw rows that equals a network over scaled rows."""
        return self.preprocessor.fold(network)

    def score(self, network: Network, rows: Split) -> float:
        """Return the accuracy, or R^2 of a regression, of a network over scaled rows.

        Args:
            network: Network over scaled rows.
            rows: Raw rows to score on.
        """
        scores = score(self.to_raw_units(network), rows)
        return scores["r2" if self.dataset.classes is None else "accuracy"]


def load_problem_data(card: Card) -> Dataset:
    """Return the data set of the paper's problem that a model was trained on.

    Args:
        card: Card of the model.

    Raises:
        DataError: The model was not trained on one of the paper's problems.
    """
    seed, rows = _recorded_split(card)
    samples = rows["training"] + rows["held_out"]
    if [feature.name for feature in card.features] == ["x0", "x1"] and samples >= 16:
        for problem in problems():
            data = problem.dataset(samples, seed, rows["test"])
            if data.fingerprint == card.fingerprint:
                return data
    raise DataError("the model was not trained on one of the paper's problems; give its table: --data FILE --target")


def load_table_data(card: Card, file: Path, target: str) -> Dataset:
    """Return the data set of the table that a model was trained on, with the same split.

    Args:
        card: Card of the model.
        file: CSV or Parquet file.
        target: Name of the target column.

    Raises:
        DataError: The file cannot be read, or the model was trained on other rows.
    """
    seed, _ = _recorded_split(card)
    table = read_table(file)
    features = {feature.name for feature in card.features}
    without = [name for name in table.frame.columns if name not in features and name != target]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        data = tables.to_dataset(table, target, seed, card.task, without)
    if data.fingerprint != card.fingerprint:
        raise DataError(
            f"{file}: its training rows have the fingerprint {data.fingerprint[:12]}..., those of the model"
            f" {card.fingerprint[:12]}...: give the file and the target that the model was trained on, or train again"
        )
    return data


def _recorded_split(card: Card) -> tuple[int, dict[str, int]]:
    """Return the seed of the split and the number of rows of each part from the card."""
    training: dict[str, Any] = card.training
    try:
        rows = {part: int(training["rows"][part]) for part in ("training", "held_out", "test")}
        return int(training["seed"]), rows
    except (KeyError, TypeError, ValueError):
        raise DataError(
            "the card does not record the training of the model; expected its seed and numbers of rows"
        ) from None

"""Training data of a published model: rebuild it, verify it by the fingerprint in the card, and scale it."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from enn_models.card import Card
from enn_models.card.features import Feature
from enn_models.network import Head, Network
from enn_training.data import tables
from enn_training.data.dataset import Dataset, Split
from enn_training.data.preprocessing import Preprocessor, Samples
from enn_training.data.problems import problems
from enn_training.data.reading.options import ReadingOptions
from enn_training.data.reading.roles import Roles
from enn_training.data.reading.table import Table, read_table
from enn_training.data.reading.understanding import understand
from enn_training.errors import DataError, TableWarning

MIN_SCORING_ROWS = 1_000
"""Minimum number of held-out rows to score on without the test rows; fewer cannot distinguish a loss of 0.01."""
MIN_CLASS_ROWS = 100
"""Minimum number of them of each class; fewer cannot distinguish the loss of a class."""


@dataclass(frozen=True, eq=False)
class ScaledData:
    """Data set with the preprocessing of training.

    Attributes:
        dataset: Raw rows.
        preprocessor: Map of the raw rows to samples.
        scoring_rows: Raw rows that score a pruned network; none of them is a training row.
    """

    dataset: Dataset
    preprocessor: Preprocessor
    scoring_rows: Split

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        head: Head,
        scoring_rows: Split | None = None,
        class_weight: tuple[float, ...] | None = None,
    ) -> "ScaledData":
        """Return a data set with the preprocessing of training.

        Args:
            dataset: Raw rows.
            head: Output layer of the model.
            scoring_rows: Rows to score on; None for the held-out rows, with the test rows if those are too few.
            class_weight: Factor of the weights of the rows of each class in training; None for 1.

        Raises:
            DataError: There are no rows to score on, or all of them have one class.
        """
        rows = _unlearned_rows(dataset) if scoring_rows is None else scoring_rows
        if not len(rows.x):
            raise DataError(
                "the model has learned from all rows of its table; give other rows to score on: --test FILE"
            )
        if dataset.classes is not None and len(np.unique(rows.y)) < 2:
            raise DataError(f"all {len(rows.y)} rows to score on have one class; give rows of several: --test FILE")
        # Constant columns keep a scale: a network cannot be unfolded over a column without influence.
        preprocessor = Preprocessor.fit(
            dataset.summaries, dataset.training, head, dataset.class_count, class_weight=class_weight
        )
        return cls(dataset, preprocessor, rows)

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


def _unlearned_rows(dataset: Dataset) -> Split:
    """Return the held-out rows, together with the test rows if there are too few of them or of a class."""
    held_out, test = dataset.validation, dataset.test
    rarest = (
        len(held_out.y) if dataset.classes is None else min(np.bincount(held_out.y, minlength=len(dataset.classes)))
    )
    if test is held_out or (len(held_out.x) >= MIN_SCORING_ROWS and rarest >= MIN_CLASS_ROWS):
        return held_out
    every = replace(dataset, training=held_out, validation=test).merge_validation()
    return every.training


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


def load_table_data(
    card: Card, file: Path, target: str, weight: str | None = None, reading: ReadingOptions | None = None
) -> Dataset:
    """Return the data set of the table that a model was trained on, with the same split.

    The model was trained by `enn-train table`, or by an estimator on all rows of the table, in any order.

    Args:
        card: Card of the model.
        file: File of the table.
        target: Name of the target column.
        weight: Name of the column of the weights; None if the model was trained without.
        reading: Form of a text, as it was for training.

    Raises:
        DataError: The file cannot be read, or the model was trained on other rows.
    """
    seed, _ = _recorded_split(card)
    if card.training.get("weighted") and weight is None:
        raise DataError(f"{file}: the model was trained on rows with weights; give their column: --weight COLUMN")
    found, refused = list[str](), list[DataError]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        table = _declare(read_table(file, reading), card.features)
        features = {feature.name for feature in card.features}
        if absent := sorted(features - set(table.frame.columns)):
            raise DataError(f"{file}: no column {absent[0]!r}, which the model was trained on")
        without = [name for name in table.frame.columns if name not in features | {target, weight}]
        texts = [feature.name for feature in card.features if feature.kind == "categorical"]
        judged = tables.Judged.of_record(card.training.get("judged_by", {}))
        roles = Roles(target, card.task, without, features, texts, weight)
        for build in (
            lambda: tables.judged_dataset(understand(table, roles), target, seed, judged),
            lambda: tables.to_estimator_dataset(table, target, seed, card.task, without, weight=weight),
        ):
            try:
                data = build()
            except DataError as error:
                refused.append(error)
                continue
            for candidate in (data, data.merge_validation()):
                if candidate.fingerprint == card.fingerprint:
                    return replace(candidate, described=card.features)
                found.append(candidate.fingerprint)
    if not found:
        raise refused[0]
    raise DataError(
        f"{file}: its training rows have the fingerprint {found[0][:12]}..., those of the model"
        f" {card.fingerprint[:12]}...: give the file and the target that the model was trained on, or train again"
    )


def _declare(table: Table, features: Sequence[Feature]) -> Table:
    """Return a table with the columns declared as those of a model: numbers that are names, and ordinal columns."""
    known = [each for each in features if each.kind == "categorical" and each.name in table.frame]
    numbers = [each.name for each in known if pd.api.types.is_numeric_dtype(table.frame[each.name])]
    ordinal = {each.name: each.categories for each in known if each.ordered}
    return table.declare([name for name in numbers if name not in ordinal], ordinal)


def load_scoring_rows(dataset: Dataset, file: Path, target: str, reading: ReadingOptions | None = None) -> Split:
    """Return the rows of a table to score a model on.

    Args:
        dataset: Data set of the model.
        file: File with the columns of the data set.
        target: Name of the target column.
        reading: Form of a text.

    Raises:
        DataError: The file cannot be read, or a value is not of the kind of its column.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TableWarning)
        return tables.to_split(read_table(file, reading), target, dataset)


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

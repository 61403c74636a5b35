"""Rebuild the data set that a published model was trained on, verified by the fingerprint in the card."""

import warnings
from pathlib import Path
from typing import Any

from enn_models.card import Card
from enn_training.data import tables
from enn_training.data.dataset import Dataset
from enn_training.data.problems import problems
from enn_training.errors import DataError


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
    table = tables.read_table(file)
    features = {feature.name for feature in card.features}
    without = [name for name in table.frame.columns if name not in features and name != target]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tables.LeftOutWarning)
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

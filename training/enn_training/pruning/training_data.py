"""Where a published model came from: the data set that it was learned from, made or read again and proved the same."""

import warnings
from pathlib import Path
from typing import Any

from enn_models.card import Card
from enn_training.data import tables
from enn_training.data.dataset import Dataset
from enn_training.data.problems import problems
from enn_training.errors import DataError


def of_problem(card: Card) -> Dataset:
    """Return the data set of the paper's problem that a model was learned from.

    Raises:
        DataError: It was learned from something else.
    """
    seed, rows = _learned(card)
    samples = rows["training"] + rows["held_out"]
    if [feature.name for feature in card.features] == ["x0", "x1"] and samples >= 16:
        for problem in problems():
            data = problem.dataset(samples, seed, rows["test"])
            if data.fingerprint == card.fingerprint:
                return data
    raise DataError("the model was not learned from one of the paper's problems; name its table: --data FILE --target")


def of_table(card: Card, file: Path, target: str) -> Dataset:
    """Return the data set of the table that a model was learned from, in the same three parts.

    Args:
        card: The model's.
        file: CSV or Parquet.
        target: Name of the column that it predicts.

    Raises:
        DataError: The file cannot be read, or the model was learned from other rows.
    """
    seed, _ = _learned(card)
    table = tables.read_table(file)
    features = {feature.name for feature in card.features}
    without = [name for name in table.frame.columns if name not in features and name != target]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tables.LeftOutWarning)
        data = tables.to_dataset(table, target, seed, card.task, without)
    if data.fingerprint != card.fingerprint:
        raise DataError(
            f"{file}: its rows to learn from have the fingerprint {data.fingerprint[:12]}...; the model's have"
            f" {card.fingerprint[:12]}...: name the file and the target that it was learned from, or learn it again"
        )
    return data


def _learned(card: Card) -> tuple[int, dict[str, int]]:
    """Return the seed of the split and the number of rows of each part."""
    training: dict[str, Any] = card.training
    try:
        rows = {part: int(training["rows"][part]) for part in ("training", "held_out", "test")}
        return int(training["seed"]), rows
    except (KeyError, TypeError, ValueError):
        raise DataError(
            "the card does not say how the model was learned; expected its seed and numbers of rows"
        ) from None

"""Rows of a table that judge a model in a report, though nothing is known about their part in its training."""

from dataclasses import replace

import pandas as pd

from enn_models.card import Card
from enn_models.network import Network
from enn_training.data.columns import Column
from enn_training.data.reading.column_reports import words_to_booleans
from enn_training.data.reading.roles import check_name
from enn_training.data.reading.table import Table
from enn_training.data.reading.understanding import encode_rows, weighted_rows
from enn_training.errors import DataError
from enn_training.evaluation.report.judged import Judged, judge, number_groups


def judge_new_rows(
    card: Card, network: Network, table: Table, target: str, *, weight: str | None = None, by: str | None = None
) -> Judged:
    """Run a model on the rows of a table.

    Args:
        card: Card of the model.
        network: Network of the model.
        table: Table with the features of the model.
        target: Name of the target column.
        weight: Name of the column of the weights; None without.
        by: Name of the column of groups; None without.

    Raises:
        DataError: A column is absent, or a value is not of the kind of its column.
    """
    columns = [
        Column(
            feature.name,
            feature.kind,
            feature.categories if feature.kind == "categorical" else (),
            feature.missing,
            feature.other if feature.kind == "categorical" else None,
            feature.kind == "categorical" and feature.ordered,
        )
        for feature in card.features
    ]
    try:
        for name in (*card.feature_names, target):
            check_name(table.frame, name, "to judge by")
        table = weighted_rows(table, weight)
        booleans = [column.name for column in columns if column.kind == "boolean"]
        table = replace(table, frame=words_to_booleans(table.frame, booleans))
        rows = encode_rows(table, target, columns, card.classes, weight)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None
    text = (
        f"{len(rows.y)} rows of {table.path.name}. It is not known to be the table that the model was trained on; if"
        " the model has learned from these rows, the scores are too good."
    )
    groups = None if by is None else _groups(table.frame[by])
    return judge(card, network, rows, text, by=by, groups=groups)


def _groups(values: pd.Series) -> list[str]:
    """Return the group of each row: the text, or the quarter of a number."""
    if values.dtype.kind in "iuf":
        return number_groups(values.to_numpy(dtype="float64", na_value=float("nan")))
    return ["missing" if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)]

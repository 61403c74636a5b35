"""Command `table`: train on a CSV or Parquet file and publish the model."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enn_models.repository import check_name
from enn_training.cli import options
from enn_training.learners.registry import find_learner

if TYPE_CHECKING:
    from enn_training.data.dataset import Dataset


class TaskName(StrEnum):
    """Kinds of targets."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


def table(
    file: Annotated[
        Path, typer.Argument(help="A .csv, .tsv or .txt file with a header, a .parquet file, or - for standard input.")
    ],
    *,
    target: Annotated[str, typer.Option("--target", help="Column to predict.")],
    models: options.Models,
    name: Annotated[str, typer.Option("--name", help="Name of the model.")],
    without: Annotated[list[str] | None, typer.Option("--without", help="Column to leave out; repeatable.")] = None,
    weight: Annotated[
        str | None, typer.Option("--weight", help="Column of the weights of the rows, numbers from 0; no feature.")
    ] = None,
    class_weight: Annotated[
        list[str] | None,
        typer.Option("--class-weight", help="balanced, or the factor of a class, as in yes=5; repeatable."),
    ] = None,
    task: Annotated[
        TaskName | None, typer.Option("--task", help="Kind of target. Default: inferred from the column.")
    ] = None,
    hidden: options.Hidden = None,
    harmonics: options.Harmonics = 6,
    head: options.Head = options.HeadName.LINEAR,
    learner: options.Learners = "adam",
    seed: options.Seed = 0,
    background: options.Background = 100,
    starts: options.Starts = None,
    passes: options.Passes = None,
    spread: options.Spread = None,
    pace: options.Pace = None,
    decay: options.Decay = None,
    optimize: options.Optimize = None,
    unrolling: options.UnrollingName = None,
) -> None:
    """Train on a table and publish the model: a fifth of the rows is for testing, an eighth of the rest held out."""
    check_name(name)
    export_options = options.parse_export_options(optimize, unrolling)
    # Imported here: torch, numba and pandas take seconds that --help should not.
    from enn_training.cli import console

    data = _read_dataset(file, target, seed, task, without or [], weight=weight)
    method = options.parse_learner(
        learner,
        hidden=hidden,
        defaults=find_learner(learner).table_defaults,
        starts=starts,
        passes=passes,
        spread=spread,
        pace=pace,
        decay=decay,
    )
    console.train_and_publish(
        data,
        method,
        hidden=options.parse_hidden(hidden, (16,)),
        harmonics=harmonics,
        head=head.value,
        seed=seed,
        background=background,
        class_weight=options.parse_class_weight(class_weight, data.classes),
        models=models,
        name=name,
        export_options=export_options,
    )


def _read_dataset(
    file: Path, target: str, seed: int, task: TaskName | None, without: list[str], *, weight: str | None
) -> "Dataset":
    """Return the data set of a file; print warnings about the table on standard error."""
    from enn_training.cli.console import printed_warnings
    from enn_training.data import tables
    from enn_training.data.reading.table import read_table
    from enn_training.errors import TableWarning

    with printed_warnings(TableWarning):
        return tables.to_dataset(
            read_table(file), target, seed, None if task is None else task.value, without, weight=weight
        )

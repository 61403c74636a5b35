"""The command `table`: learn a CSV or Parquet file and publish it."""

import warnings
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
    """What to predict."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


def table(
    file: Annotated[Path, typer.Argument(help="A .csv file with a header, or a .parquet file.")],
    *,
    target: Annotated[str, typer.Option("--target", help="Column to predict.")],
    models: options.Models,
    name: Annotated[str, typer.Option("--name", help="Name of the model.")],
    without: Annotated[list[str] | None, typer.Option("--without", help="Column to leave out; repeat it.")] = None,
    task: Annotated[TaskName | None, typer.Option("--task", help="Told by the target where it is left out.")] = None,
    hidden: options.Hidden = None,
    harmonics: options.Harmonics = 6,
    head: options.Head = options.HeadName.LINEAR,
    learner: options.Learners = "adam",
    seed: options.Seed = 0,
    background: options.Background = 100,
    passes: options.Passes = None,
    spread: options.Spread = None,
    pace: options.Pace = None,
    decay: options.Decay = None,
    optimize: options.Optimize = None,
    unrolling: options.UnrollingName = None,
) -> None:
    """Learn a table: a fifth of its rows judges the model, an eighth of the rest chooses it."""
    check_name(name)
    unrolled = options.unrolled(optimize, unrolling)
    # Imported here: torch, numba and pandas take seconds that --help should not.
    from enn_training.cli import console as report  # noqa: PLC0415

    data = _read(file, target, seed, task, without or [])
    method = options.parse_learner(
        learner,
        hidden=hidden,
        defaults=find_learner(learner).table_defaults,
        passes=passes,
        spread=spread,
        pace=pace,
        decay=decay,
    )
    report.learn_and_publish(
        data,
        method,
        hidden=options.sizes(hidden, (16,)),
        harmonics=harmonics,
        head=head.value,
        seed=seed,
        background=background,
        models=models,
        name=name,
        unrolled=unrolled,
    )


def _read(file: Path, target: str, seed: int, task: TaskName | None, without: list[str]) -> "Dataset":
    """Return the data set of a file; columns left out are told on standard error."""
    from enn_training.data import tables  # noqa: PLC0415

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", tables.LeftOutWarning)
        data = tables.to_dataset(tables.read_table(file), target, seed, None if task is None else task.value, without)
    for warning in caught:
        typer.echo(f"warning: {warning.message}", err=True)
    return data

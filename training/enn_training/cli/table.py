"""Command `table`: train on a CSV or Parquet file and publish the model."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enn_models.repository import check_name
from enn_training.cli import options
from enn_training.cli.output import Output
from enn_training.errors import OptionError
from enn_training.learners.registry import find_learner

if TYPE_CHECKING:
    from collections.abc import Callable

    from enn_training.data.dataset import Dataset
    from enn_training.data.reading.roles import Roles
    from enn_training.data.reading.table import Table
    from enn_training.data.reading.understanding import Understanding
    from enn_training.data.tables import Judged


class TaskName(StrEnum):
    """Kinds of targets."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class LossName(StrEnum):
    """Losses of values."""

    SQUARED = "squared"
    ABSOLUTE = "absolute"
    QUANTILE = "quantile"


def table(
    file: Annotated[
        Path, typer.Argument(help="A .csv, .tsv or .txt file with a header, a .parquet file, or - for standard input.")
    ],
    *,
    target: Annotated[str, typer.Option("--target", help="Column to predict.")],
    models: Annotated[
        Path | None, typer.Option("--models", help="Folder of the model repository; created if needed.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the model.")] = None,
    without: Annotated[list[str] | None, typer.Option("--without", help="Column to leave out; repeatable.")] = None,
    include: Annotated[
        list[str] | None,
        typer.Option("--with", help="Column to learn from though it seems to number the rows; repeatable."),
    ] = None,
    separator: options.Separator = None,
    encoding: options.EncodingName = None,
    decimal: options.Decimal = None,
    missing: options.Missing = None,
    keep: options.Keep = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the way in which each column is understood, and stop.")
    ] = False,
    weight: Annotated[
        str | None, typer.Option("--weight", help="Column of the weights of the rows, numbers from 0; no feature.")
    ] = None,
    class_weight: Annotated[
        list[str] | None,
        typer.Option("--class-weight", help="balanced, or the factor of a class, as in yes=5; repeatable."),
    ] = None,
    categorical: Annotated[
        list[str] | None,
        typer.Option("--categorical", help="Column whose values are names, also if they are numbers; repeatable."),
    ] = None,
    ordinal: Annotated[
        list[str] | None,
        typer.Option("--ordinal", help="Column and its categories in their order, as size=low<mid<high; repeatable."),
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", help="Table of rows to judge by. Default: a random fifth of the rows.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", help="Column of groups, as patients: judge by other groups than those learned from."),
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", help="Column of numbers or dates: judge by the newest fifth of the rows.")
    ] = None,
    task: Annotated[
        TaskName | None, typer.Option("--task", help="Kind of target. Default: inferred from the column.")
    ] = None,
    loss: Annotated[
        LossName | None,
        typer.Option("--loss", help="squared: the mean; absolute: the median; quantile. Default of values: squared."),
    ] = None,
    quantile: Annotated[float, typer.Option("--quantile", help="Level of --loss quantile, between 0 and 1.")] = 0.5,
    hidden: options.Hidden = None,
    harmonics: options.Harmonics = 6,
    head: options.Head = options.HeadName.LINEAR,
    learner: options.Learners = "auto",
    seed: options.Seed = 0,
    background: options.Background = 100,
    starts: options.Starts = None,
    passes: options.Passes = None,
    spread: options.Spread = None,
    pace: options.Pace = None,
    decay: options.Decay = None,
    optimize: options.Optimize = None,
    unrolling: options.UnrollingName = None,
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Train on a table and publish the model: a fifth of the rows is for testing.

    The learner auto chooses by cross-validation of the rest; the others hold out an eighth of it.
    """
    output = Output(quiet, json_file)
    _check_place(models, name, dry_run=dry_run)
    export_options = options.parse_export_options(optimize, unrolling)
    reading = options.parse_reading_options(separator, encoding, decimal, missing, keep)
    # Imported here: torch, numba and pandas take seconds that --help should not.
    from enn_training.data.reading.roles import Roles
    from enn_training.data.reading.table import read_table
    from enn_training.data.tables import Judged

    judged = Judged(test, group, time)
    chosen = None if task is None else task.value
    roles = Roles(target, chosen, without or (), include or (), weight=weight, group=group, time=time)

    def read(path: Path) -> "Table":
        return read_table(path, reading).declare(categorical or [], options.parse_orders(ordinal))

    found = _understand(output, file, roles, read)
    if dry_run or models is None or name is None:
        output.write()
        return
    from enn_training.cli import console

    given = {"starts": starts, "passes": passes, "spread": spread, "pace": pace, "decay": decay}
    method = options.parse_learner(learner, hidden=hidden, defaults=find_learner(learner).table_defaults, **given)
    console.train_and_publish(
        _divide(output, found, roles, judged, seed=seed, read=read),
        method,
        hidden=options.parse_hidden(hidden, (16,)),
        harmonics=harmonics,
        head=head.value,
        seed=seed,
        background=background,
        class_weight=options.parse_class_weight(class_weight, found.classes),
        quantile=options.parse_quantile(loss or "squared", quantile),
        models=models,
        name=name,
        export_options=export_options,
        output=output,
    )
    output.write()


def _check_place(models: Path | None, name: str | None, *, dry_run: bool) -> None:
    """Refuse to learn a model that has no place, or a name that no model can have."""
    if not dry_run and (models is None or name is None):
        raise OptionError("--models and --name: expected both, to publish the model, or --dry-run")
    if name is not None:
        check_name(name)


def _understand(output: Output, file: Path, roles: "Roles", read: "Callable[[Path], Table]") -> "Understanding":
    """Return the understanding of a file with declared columns; print it, and warnings about the table."""
    from enn_training.data.reading.understanding import understand
    from enn_training.errors import TableWarning

    with output.printed_warnings(TableWarning):
        found = understand(read(file), roles)
    output.document["table"] = found.to_json()
    for line in found.lines():
        output.line(line)
    return found


def _divide(
    output: Output,
    found: "Understanding",
    roles: "Roles",
    judged: "Judged",
    *,
    seed: int,
    read: "Callable[[Path], Table]",
) -> "Dataset":
    """Return the data set of an understood file, with the rows that the user has chosen to judge by."""
    from enn_training.data.tables import judged_dataset
    from enn_training.errors import TableWarning

    with output.printed_warnings(TableWarning):
        test = None if judged.test is None else read(judged.test)
        return judged_dataset(found, roles.target, seed, judged, test, weight=roles.weight)

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
    from enn_training.data.reading.options import ReadingOptions
    from enn_training.data.reading.roles import Roles
    from enn_training.data.reading.understanding import Understanding


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
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Train on a table and publish the model: a fifth of the rows is for testing, an eighth of the rest held out."""
    output = Output(quiet, json_file)
    if not dry_run and (models is None or name is None):
        raise OptionError("--models and --name: expected both, to publish the model, or --dry-run")
    if name is not None:
        check_name(name)
    export_options = options.parse_export_options(optimize, unrolling)
    reading = options.parse_reading_options(separator, encoding, decimal, missing, keep)
    # Imported here: torch, numba and pandas take seconds that --help should not.
    from enn_training.data.reading.roles import Roles

    roles = Roles(target, None if task is None else task.value, without or (), include or (), weight=weight)
    found = _understand(output, file, reading, roles, (categorical or [], options.parse_orders(ordinal)))
    if dry_run or models is None or name is None:
        output.write()
        return
    from enn_training.cli import console

    given = {"starts": starts, "passes": passes, "spread": spread, "pace": pace, "decay": decay}
    defaults = find_learner(learner).table_defaults
    method = options.parse_learner(learner, hidden=hidden, defaults=defaults, **given)
    console.train_and_publish(
        found.split(seed),
        method,
        hidden=options.parse_hidden(hidden, (16,)),
        harmonics=harmonics,
        head=head.value,
        seed=seed,
        background=background,
        class_weight=options.parse_class_weight(class_weight, found.classes),
        models=models,
        name=name,
        export_options=export_options,
        output=output,
    )
    output.write()


def _understand(
    output: Output,
    file: Path,
    reading: "ReadingOptions",
    roles: "Roles",
    declared: tuple[list[str], dict[str, list[str]]],
) -> "Understanding":
    """Return the understanding of a file with declared columns; print it, and warnings about the table."""
    from enn_training.data.reading.table import read_table
    from enn_training.data.reading.understanding import understand
    from enn_training.errors import TableWarning

    with output.printed_warnings(TableWarning):
        found = understand(read_table(file, reading).declare(*declared), roles)
    output.document["table"] = found.to_json()
    for line in found.lines():
        output.line(line)
    return found

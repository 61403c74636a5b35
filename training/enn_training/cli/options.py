"""Options shared by the training commands, and the functions that parse their values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from enn_training.errors import OptionError
from enn_training.learners.base import Learner
from enn_training.learners.registry import LEARNERS, find_learner

if TYPE_CHECKING:
    from enn_training.data.problems import Problem
    from enn_training.data.reading.options import ReadingOptions
    from enn_training.data.sampling.class_weights import ClassWeight
    from enn_training.learned_model import Label
    from enn_training.publishing.export import OptimizationTarget


class HeadName(StrEnum):
    """Kinds of output layers."""

    DCT = "dct"
    LINEAR = "linear"


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer passes the value of the option
    if asked:
        typer.echo(metadata.version("enn"))
        raise typer.Exit


def parse_program_options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options of the program itself, which act before a command is read."""


def parse_hidden(values: list[str] | None, default: tuple[int, ...]) -> tuple[int, ...]:
    """Return the neurons of each hidden layer from a repeated or comma-separated option.

    Raises:
        OptionError: A part is not a whole number.
    """
    if not values:
        return default
    try:
        return tuple(int(part) for value in values for part in value.split(","))
    except ValueError:
        raise OptionError(f"--hidden {','.join(values)}: expected whole numbers, as in --hidden 16,8") from None


def parse_learner(
    name: str,
    *,
    hidden: list[str] | None,
    defaults: Mapping[str, Any],
    **given: float | None,
) -> Learner:
    """Return the registered learner of this name.

    Args:
        name: Value of `--learner`.
        hidden: Value of `--hidden`, for a learner that chooses the hidden layers if this is None.
        defaults: Options that replace the learner's own defaults.
        **given: Options of the command line by name; None if left out.

    Raises:
        OptionError: An option is out of its range, or the learner does not have it.
    """
    spec = find_learner(name)
    options = {option: value for option, value in given.items() if value is not None}
    for option in options:
        if option not in spec.options:
            raise OptionError(f"--{option} does not belong to --learner {name}; leave it out")
    if hidden and "hidden" in spec.options:
        return spec.create({**defaults, **options, "hidden": parse_hidden(hidden, ())})
    return spec.create({**defaults, **options})


def parse_class_weight(values: list[str] | None, classes: "tuple[Label, ...] | None") -> "ClassWeight":
    """Return the class weights of a repeated option: balanced, or a label and its factor.

    Raises:
        OptionError: A value is neither, or names no class.
    """
    if not values or values == ["balanced"]:
        return "balanced" if values else None
    labels = {str(label): label for label in classes or ()}
    factors: dict[Label, float] = {}
    for value in values:
        label, _, factor = value.rpartition("=")
        try:
            factors[labels.get(label, label)] = float(factor)
        except ValueError:
            raise OptionError(f"--class-weight {value}: expected balanced, or a class and a factor, as yes=5") from None
    return factors


def parse_quantile(loss: str, quantile: float) -> float | None:
    """Return the level of the quantile that a loss learns; None for the mean.

    Raises:
        OptionError: The level is out of its range.
    """
    # Imported here: NumPy takes a moment that --help should not.
    from enn_training.nn.architecture import quantile_level

    return quantile_level(loss, quantile)


def parse_orders(values: list[str] | None) -> dict[str, list[str]]:
    """Return the categories of each ordinal column of a repeated option, from the lowest to the highest.

    Raises:
        OptionError: A value has no column or no order.
    """
    orders = dict[str, list[str]]()
    for value in values or ():
        name, equals, order = value.partition("=")
        if not (name and equals and "<" in order):
            raise OptionError(f"--ordinal {value}: expected a column and its categories, as size=low<mid<high")
        orders[name] = [category.strip() for category in order.split("<")]
    return orders


def _check_learner(name: str) -> str:
    """Return the name of a registered learner; refuse another one as a choice that does not exist."""
    if name not in LEARNERS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, LEARNERS))}.")
    return name


@dataclass(frozen=True)
class ExportOptions:
    """Arguments of `export` that select the unrolling."""

    optimize: "OptimizationTarget | None"
    unrolling: str | None


def parse_reading_options(
    separator: str | None,
    encoding: str | None,
    decimal: str | None,
    missing: list[str] | None,
    keep: list[str] | None,
) -> "ReadingOptions":
    """Return the form of a text that options state.

    Raises:
        OptionError: A value is out of its range.
    """
    from enn_training.data.reading.options import ReadingOptions

    return ReadingOptions(separator, encoding, decimal, tuple(missing or ()), tuple(keep or ()))


def parse_export_options(optimize: str | None, unrolling: str | None) -> ExportOptions:
    """Return the arguments of `export` for the options, so that an error is reported before training.

    Raises:
        OptionError: A value is unknown or out of range, or both options are given.
    """
    # Imported here: onnx takes a second that --help should not.
    from enn_training.publishing.onnx.unrollings import all_unrollings

    if optimize is not None and unrolling is not None:
        raise OptionError("--optimize and --unrolling: expected one of the two")
    if unrolling is not None and unrolling not in all_unrollings():
        raise OptionError(f"--unrolling {unrolling}: expected one of {', '.join(all_unrollings())}")
    if optimize is None or optimize in ("latency", "throughput"):
        return ExportOptions(optimize, unrolling)
    if not optimize.isdecimal() or int(optimize) < 1:
        raise OptionError(f"--optimize {optimize}: expected latency, throughput or a number of rows from 1")
    return ExportOptions(int(optimize), unrolling)


def parse_problems(listed: str | None) -> "tuple[Problem, ...]":
    """Return the paper's problems of a comma-separated option; all problems if the option is not given.

    Raises:
        OptionError: A name is unknown or repeated.
    """
    # Imported here: NumPy takes a moment that --help should not.
    from enn_training.data.problems import problem, problem_names

    asked = listed.split(",") if listed else problem_names()
    if len(set(asked)) != len(asked):
        raise OptionError(f"--problems {listed}: one is named twice")
    return tuple(problem(name) for name in asked)


Models = Annotated[Path, typer.Option("--models", help="Folder of the model repository; created if needed.")]
Hidden = Annotated[
    list[str] | None, typer.Option("--hidden", help="Neurons of each hidden layer, as in 16,8; repeatable.")
]
Harmonics = Annotated[
    int, typer.Option("--harmonics", min=1, max=1024, help="Q, the number of odd cosines of every activation.")
]
Head = Annotated[
    HeadName, typer.Option("--head", help="Output layer: learned activations (dct), or values and logits (linear).")
]
Learners = Annotated[
    str,
    typer.Option(
        "--learner",
        metavar=f"[{'|'.join(LEARNERS)}]",
        callback=_check_learner,
        help="; ".join(f"{spec.name}: {spec.description}" for spec in LEARNERS.values()) + ".",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Equal seeds make equal packages.")]
Background = Annotated[
    int,
    typer.Option(
        "--background",
        min=0,
        max=1000,
        help="Number of training rows in the package for attributions; 0 publishes no training data.",
    ),
]
Optimize = Annotated[
    str | None,
    typer.Option(
        "--optimize",
        help="Time the unrollings on this machine for latency, throughput or a number of rows. Default: cost estimate.",
    ),
]
UnrollingName = Annotated[str | None, typer.Option("--unrolling", help="Unrolling to use; an unknown name lists all.")]
Starts = Annotated[int | None, typer.Option("--starts", min=1, help="Number of initial networks of lm.")]
Passes = Annotated[int | None, typer.Option("--passes", min=1, help="Number of passes over the training rows.")]
Spread = Annotated[
    float | None, typer.Option("--spread", help="Dynamic range g; higher values reach higher frequencies.")
]
Pace = Annotated[float | None, typer.Option("--pace", help="Factor of the step sizes of lms.")]
Decay = Annotated[float | None, typer.Option("--decay", help="Weight decay of adam.")]

Problems = Annotated[str | None, typer.Option("--problems", help="Comma-separated problems, as in ring,face.")]
Samples = Annotated[int, typer.Option("--samples", min=16, help="Number of training rows; an eighth is held out.")]
Judged = Annotated[int, typer.Option("--judged", min=1, help="Number of new rows for the scores.")]
EveryPasses = Annotated[int, typer.Option("--passes", min=1, help="Number of passes over the training rows.")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the result as JSON too; - for standard output, which gets nothing else."
    ),
]

Separator = Annotated[
    str | None,
    typer.Option("--separator", help="Character between values, or tab or space. Default: inferred."),
]
EncodingName = Annotated[
    str | None, typer.Option("--encoding", help="Encoding of the text, as utf-8 or cp1252. Default: inferred.")
]
Decimal = Annotated[
    str | None, typer.Option("--decimal", metavar="[.|,]", help="Character before decimals. Default: inferred.")
]
Missing = Annotated[
    list[str] | None,
    typer.Option("--missing", metavar="MARKER", help="Text or number that means missing, as -999; repeatable."),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="MARKER",
        help="Text that is a category though it means missing otherwise, as NA or None; repeatable.",
    ),
]

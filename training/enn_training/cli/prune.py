"""The command `prune`: what a published model can do without is cut, and what is left published as a smaller one."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from enn_training.cli import options
from enn_training.errors import OptionError


class CriterionName(StrEnum):
    """By what coefficients are ranked."""

    MAGNITUDE = "magnitude"
    SHARE = "share"


class KindName(StrEnum):
    """What is cut."""

    NEURONS = "neurons"
    HARMONICS = "harmonics"


def prune(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    *,
    models: options.Models,
    version: Annotated[str | None, typer.Option("--version", help="Version; the latest where none is named.")] = None,
    loss: Annotated[float, typer.Option("--loss", min=0, help="Most held-out accuracy, or R2, to lose.")] = 0.01,
    data: Annotated[Path | None, typer.Option("--data", help="Its table; the paper's problems need none.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Column of the table that it predicts.")] = None,
    by: Annotated[
        CriterionName | None, typer.Option("--by", help="Least |F|, or share of its neuron's energy.")
    ] = None,
    only: Annotated[KindName | None, typer.Option("--only", help="Cut only these.")] = None,
    published_name: Annotated[str | None, typer.Option("--name", help="Name to publish under; the model's.")] = None,
    seed: options.Seed = 0,
) -> None:
    """Cut neurons, then harmonics, as far as the loss allows; every level is shown, as it is and after tuning."""
    if (data is None) != (target is None):
        raise OptionError("--data and --target: expected both, or neither for one of the paper's problems")
    # Imported here: torch takes seconds that --help should not.
    from enn_models import repository  # noqa: PLC0415
    from enn_models.package import open_package  # noqa: PLC0415
    from enn_training.cli import pruning  # noqa: PLC0415

    repository.check_name(published_name or name)
    package = open_package(repository.read_model(models, name, version or repository.latest_version(models, name)))
    pruning.prune_and_publish(
        package,
        source=None if data is None or target is None else (data, target),
        loss=loss,
        kinds=("neurons", "harmonics") if only is None else (only.value,),
        criteria=("magnitude", "share") if by is None else (by.value,),
        seed=seed,
        models=models,
        name=published_name or name,
    )

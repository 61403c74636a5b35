"""The command `figure`: draw a published model as the paper does."""

from pathlib import Path
from typing import Annotated

import typer

from enn_training.commands import options


def figure(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    models: options.Models,
    out: Annotated[Path, typer.Option("--out", help="A .png or .svg file.")],
    version: Annotated[str, typer.Option("--version", help="Version of the model.")] = "1",
) -> None:
    """Draw activations, bumps, their sum and the prediction over the first two features."""
    # Imported here: matplotlib takes a second that --help should not.
    from enn_models import repository  # noqa: PLC0415
    from enn_models.package import open_package  # noqa: PLC0415
    from enn_training.figure import draw  # noqa: PLC0415

    package = open_package(repository.read(models, name, version))
    draw(package.card, package.network).savefig(
        out, dpi=80, metadata={"Software": None} if out.suffix == ".png" else None
    )
    typer.echo(f"drew {out}")

"""Command `inspect`: print the card and the spectrum of a published model, or draw it."""

from pathlib import Path
from typing import Annotated

import typer

from enn_training.cli import options
from enn_training.cli.output import Output
from enn_training.errors import OptionError


def inspect(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    *,
    models: options.Models,
    version: Annotated[str | None, typer.Option("--version", help="Version to print. Default: the highest.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Draw the model in this .png or .svg file.")] = None,
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Print a model's card and the spectrum of its activations; draw activations, bumps, sum and prediction."""
    # Imported here: matplotlib takes a second that --help should not.
    from rich.console import Console

    from enn_models import repository
    from enn_models.package import open_package
    from enn_training.evaluation.figure import draw
    from enn_training.evaluation.model_report import card_table, spectrum_table

    if out is not None and out.suffix not in (".png", ".svg"):
        raise OptionError(f"--out {out}: expected a .png or .svg file")
    output = Output(quiet, json_file)
    package = open_package(repository.read_model(models, name, version or repository.latest_version(models, name)))
    output.document["card"] = package.card.model_dump(mode="json", exclude={"parameters", "golden", "background"})
    console = Console(quiet=not output.has_lines)
    console.print(card_table(package.card, package.network))
    for table in spectrum_table(package.card, package.network):
        console.print(table)
    if out is not None:
        draw(package.card, package.network).savefig(
            out, dpi=80, metadata={"Software": None} if out.suffix == ".png" else None
        )
        output.document["drew"] = str(out)
        output.line(f"drew {out}")
    output.write()

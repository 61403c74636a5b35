"""Command `plain`: write a published model as a plain ONNX file for ONNX Runtime without this project."""

from pathlib import Path
from typing import Annotated

import typer

from enn_training.cli import options
from enn_training.cli.output import Output


def plain(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    *,
    models: options.Models,
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    version: Annotated[str | None, typer.Option("--version", help="Version to write. Default: the highest.")] = None,
    rows: Annotated[
        int, typer.Option("--rows", min=1, help="Number of rows for which the file is fastest; it takes any number.")
    ] = 1,
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Write the predictions of a model as a plain ONNX file, without explanations, for other programs."""
    from enn_training.publishing.plain import export_plain

    output = Output(quiet, json_file)
    written = export_plain(models, name, out, version=version, rows=rows)
    output.document["wrote"] = str(written)
    output.line(f"wrote {written}")
    output.write()

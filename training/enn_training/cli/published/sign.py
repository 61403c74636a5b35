"""Command `sign`: sign a published version with a private key."""

from pathlib import Path
from typing import Annotated

import typer

from enn_models import repository
from enn_models.signature import signer
from enn_training.cli import options
from enn_training.cli.output import Output


def sign(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    *,
    models: options.Models,
    key: Annotated[Path, typer.Option("--key", help="PEM file of an Ed25519 private key.")],
    version: Annotated[str | None, typer.Option("--version", help="Version to sign. Default: the highest.")] = None,
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Sign a version of a model for services that verify signatures with the public key (ENN_PUBLIC_KEY)."""
    output = Output(quiet, json_file)
    version = version or repository.latest_version(models, repository.check_name(name))
    repository.sign_version(models, name, version, signer(key))
    output.document["signed"] = str(models / name / version)
    output.line(f"signed {models / name / version}")
    output.write()

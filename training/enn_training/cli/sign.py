"""Command `sign`: sign a published version with a private key."""

from pathlib import Path
from typing import Annotated

import typer

from enn_models import repository
from enn_models.signature import signer
from enn_training.cli import options


def sign(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    *,
    models: options.Models,
    key: Annotated[Path, typer.Option("--key", help="PEM file of an Ed25519 private key.")],
    version: Annotated[str | None, typer.Option("--version", help="Version to sign. Default: the highest.")] = None,
) -> None:
    """Sign a version of a model for services that verify signatures with the public key (ENN_PUBLIC_KEY)."""
    version = version or repository.latest_version(models, repository.check_name(name))
    repository.sign_version(models, name, version, signer(key))
    typer.echo(f"signed {models / name / version}")

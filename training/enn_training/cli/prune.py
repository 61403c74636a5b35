"""Command `prune`: remove dispensable neurons and harmonics of a published model and publish the smaller model."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enn_training.cli import options
from enn_training.cli.output import Output
from enn_training.errors import ExportError, OptionError, TrainingError

if TYPE_CHECKING:
    from enn_models.package import Package
    from enn_training.data.reading.options import ReadingOptions
    from enn_training.learned_model import LearnedModel
    from enn_training.pruning.search import PruningResult
    from enn_training.pruning.training_data import ScaledData


class CriterionName(StrEnum):
    """Rankings of coefficients."""

    MAGNITUDE = "magnitude"
    SHARE = "share"


class TargetName(StrEnum):
    """Parts of a network that can be pruned."""

    NEURONS = "neurons"
    HARMONICS = "harmonics"


def prune(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    *,
    models: options.Models,
    version: Annotated[str | None, typer.Option("--version", help="Version to prune. Default: the highest.")] = None,
    loss: Annotated[
        float,
        typer.Option(
            "--loss", min=0, help="Maximum loss on rows not learned from: of R2, or of accuracy and of skill."
        ),
    ] = 0.01,
    data: Annotated[
        Path | None, typer.Option("--data", help="Training table; not needed for the paper's problems.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="Target column of the table.")] = None,
    weight: Annotated[
        str | None, typer.Option("--weight", help="Column of the weights with which the model was trained.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", help="Table of rows to score on. Default: rows that training left out.")
    ] = None,
    by: Annotated[
        CriterionName | None,
        typer.Option("--by", help="Rank coefficients by |F|, or by their share of the neuron's energy. Default: both."),
    ] = None,
    only: Annotated[TargetName | None, typer.Option("--only", help="Prune only neurons or only harmonics.")] = None,
    published_name: Annotated[
        str | None, typer.Option("--name", help="Name of the pruned model. Default: the name of the model.")
    ] = None,
    seed: options.Seed = 0,
    separator: options.Separator = None,
    encoding: options.EncodingName = None,
    decimal: options.Decimal = None,
    missing: options.Missing = None,
    keep: options.Keep = None,
    quiet: options.Quiet = False,
    json_file: options.Json = None,
) -> None:
    """Prune neurons, then harmonics, as far as the loss allows; print every level with and without fine-tuning.

    Skill is 1 - log-loss / log-loss of the class shares, or R2 of the class scores.
    """
    if (data is None) != (target is None) or (test is not None and data is None):
        raise OptionError("--data and --target: expected both, or neither for one of the paper's problems")
    output = Output(quiet, json_file)
    reading = options.parse_reading_options(separator, encoding, decimal, missing, keep)
    # Imported here: torch takes seconds that --help should not.
    from enn_models import repository
    from enn_models.package import open_package
    from enn_training.cli import console

    repository.check_name(published_name or name)
    package = open_package(repository.read_model(models, name, version or repository.latest_version(models, name)))
    training_data = _training_data(package, data, target, test=test, weight=weight, reading=reading)
    result = console.prune_with_progress(
        package.network,
        training_data,
        name=published_name or name,
        loss=loss,
        targets=("neurons", "harmonics") if only is None else (only.value,),
        criteria=("magnitude", "share") if by is None else (by.value,),
        seed=seed,
        output=output,
    )
    if any(stage.chosen for stage in result.stages):
        smaller = _export(package, _pruned_model(package, result, training_data, loss))
        for line in console.comparison_lines(package, open_package(smaller), result):
            output.line(line)
        folder = str(repository.publish_version(models, published_name or name, smaller))
        output.line(f"published {folder}")
    else:
        folder = None
        output.line(f"nothing published: every level loses more than {loss:g}")
    output.document["published"] = folder
    output.write()


def _training_data(
    package: "Package",
    table: Path | None,
    target: str | None,
    *,
    test: Path | None,
    weight: str | None,
    reading: "ReadingOptions",
) -> "ScaledData":
    """Return the scaled data set that a model was trained on, with the rows to score on.

    Raises:
        DataError: The table or problem is not the training data of the model, or leaves no rows to score on.
    """
    from enn_training.pruning.training_data import (
        ScaledData,
        load_problem_data,
        load_scoring_rows,
        load_table_data,
    )

    card = package.card
    if table is None or target is None:
        return ScaledData.of(load_problem_data(card), card.head)
    dataset = load_table_data(card, table, target, weight, reading)
    scoring_rows = None if test is None else load_scoring_rows(dataset, test, target, reading)
    return ScaledData.of(dataset, card.head, scoring_rows, card.training.get("class_weight"))


def _pruned_model(package: "Package", result: "PruningResult", data: "ScaledData", loss: float) -> "LearnedModel":
    """Return the pruned network with the metadata of the complete model and a record of the pruning."""
    from enn_models.card import to_array
    from enn_training.learners.trainer import to_learned_model
    from enn_training.pruning import cuts

    card, network = package.card, result.network
    record = card.training | {
        "hidden": [len(layer.bias) for layer in network.layers[:-1]],
        "harmonics": network.spectrum.shape[1],
        "pruned": {
            "loss": loss,
            "scoring_rows": len(data.scoring_rows.x),
            "neurons": cuts.count_neurons(package.network) - cuts.count_neurons(network),
            "harmonics": cuts.count_harmonics(package.network) - cuts.count_harmonics(network),
        },
    }
    background = to_array(card.background or ()).reshape(-1, len(card.features))
    dataset = data.dataset if len(data.dataset.test.x) else replace(data.dataset, test=data.scoring_rows)
    return to_learned_model(network, dataset, record, background)


def _export(package: "Package", model: "LearnedModel") -> bytes:
    """Return the package of the pruned model, with the output `harmonics` if the complete model has it.

    Raises:
        TrainingError: The model cannot be exported exactly.
    """
    from enn_models.package import HARMONICS
    from enn_training.publishing.export import build_package

    try:
        return build_package(model, harmonics=HARMONICS in package.outputs)
    except ExportError as error:
        raise TrainingError(str(error)) from error

"""What `prune` shows: a bar while it learns on, the levels of each kind, and what became of the model."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from enn_models.card import to_array
from enn_models.package import HARMONICS, Package, open_package
from enn_models.repository import publish_version
from enn_training.errors import TrainingError
from enn_training.learned_model import LearnedModel
from enn_training.learners.trainer import to_learned_model
from enn_training.pruning import cuts
from enn_training.pruning import training_data as origin
from enn_training.pruning.cuts import Criterion
from enn_training.pruning.fine_tuning import passes
from enn_training.pruning.scaled import ScaledData
from enn_training.pruning.search import Kind, Pruned, Stage, prune
from enn_training.publishing import export as exporting
from enn_training.publishing.onnx.cost_model import estimate
from enn_training.publishing.onnx.runtime import part
from enn_training.publishing.onnx.selection import MANY_ROWS


def prune_and_publish(
    package: Package,
    *,
    source: tuple[Path, str] | None,
    loss: float,
    kinds: Sequence[Kind],
    criteria: Sequence[Criterion],
    seed: int,
    models: Path,
    name: str,
) -> None:
    """Prune with a bar, print every level, and publish what is left unless all of it is.

    Args:
        package: The model.
        source: Its table and target; None for one of the paper's problems.
        loss: As in `levels.prune`, like kinds, criteria and seed.
        kinds: What to cut.
        criteria: By what.
        seed: Of the order of rows.
        models: The repository to publish in.
        name: The name to publish under.

    Raises:
        TrainingError: The data are not those of the model, or what is left cannot be exported exactly.
        RepositoryError: The repository does not take it.
    """
    card = package.card
    data = ScaledData.of(origin.of_table(card, *source) if source else origin.of_problem(card), card.head)
    total = len(kinds) * passes(len(data.dataset.training.x))
    with tqdm(desc=f"pruning {name}", total=total, unit="pass", disable=None) as bar:
        pruned = prune(package.network, data, loss=loss, kinds=kinds, criteria=criteria, seed=seed, watch=bar.update)
    _show(pruned, "R2" if card.classes is None else "accuracy", _told(data))
    if not any(stage.chosen for stage in pruned.stages):
        typer.echo(f"nothing published: every level loses more than {loss:g}")
        return
    model = _model(package, pruned, data, loss)
    try:
        smaller = exporting.package(model, harmonics=HARMONICS in package.outputs)
    except exporting.ExportError as error:
        raise TrainingError(str(error)) from error
    for line in _comparison(package, open_package(smaller)):
        typer.echo(line)
    typer.echo(f"published {publish_version(models, name, smaller)}")


def _model(package: Package, pruned: Pruned, data: ScaledData, loss: float) -> LearnedModel:
    """Return what is left with what its card says: all that the whole one's did, and what was cut."""
    card, network = package.card, pruned.network
    record = card.training | {
        "hidden": [len(layer.bias) for layer in network.layers[:-1]],
        "harmonics": network.spectrum.shape[1],
        "pruned": {
            "loss": loss,
            "neurons": cuts.neurons(package.network) - cuts.neurons(network),
            "harmonics": cuts.harmonics(package.network) - cuts.harmonics(network),
        },
    }
    return to_learned_model(
        network, data.dataset, record, to_array(card.background or ()).reshape(-1, len(card.features))
    )


def _told(data: ScaledData) -> str:
    """Return which rows judge, in words."""
    held_out = len(data.judges.x) == len(data.dataset.validation.x)
    return f"{len(data.judges.x)} {'held-out rows' if held_out else 'rows, held-out ones and those learned from'}"


def _show(pruned: Pruned, measure: str, rows: str) -> None:
    console = Console()
    console.print(f"whole: {measure} {pruned.before:.6g} on {rows}")
    for stage in pruned.stages:
        console.print(f"{stage.kind}: {measure} lost, as cut and after learning on")
        console.print(_table(stage, "4f" if measure == "accuracy" else "1e", pruned.before))


def _table(stage: Stage, digits: str, before: float) -> Table:
    """Return the levels of a stage, one a line, the one applied marked."""
    table = Table("cut", "first", "as cut", "tuned", "", box=None)
    for level in stage.levels:
        lost = (f"{before - cut.score:.{digits}}" for cut in (level.plain, level.tuned))
        table.add_row(f"{level.portion:.0%}", f"least {level.by}", *lost, "applied" if level is stage.chosen else "")
    return table


def _comparison(before: Package, after: Package) -> Iterator[str]:
    """Yield what was and what is, line by line."""
    for name, score in after.card.scores.items():
        yield f"{name} {before.card.scores.get(name, float('nan')):.4g} -> {score:.4g} on the test rows"
    for what, count in (("neurons", cuts.neurons), ("harmonics", cuts.harmonics)):
        yield f"{what} {count(before.network)} -> {count(after.network)}"
    yield f"parameters {before.network.parameters} -> {after.network.parameters}"
    estimates = (estimate(part(each.model, ["output"]), MANY_ROWS) for each in (before, after))
    yield "{:.0f} -> {:.0f} microseconds estimated for {:,} rows".format(*estimates, MANY_ROWS)
    yield f"file {len(before.data):,} -> {len(after.data):,} bytes"

"""What the learning commands show: a bar while they learn, scores beside baselines afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from tqdm import tqdm

from enn_models.features import Feature
from enn_models.network import Head
from enn_training.cli.options import Unrolled
from enn_training.data.dataset import Dataset
from enn_training.errors import TrainingError
from enn_training.evaluation.baselines import Baseline, baselines
from enn_training.learned_model import LearnedModel
from enn_training.learners.base import Learner, PassResult, ProgressCallback
from enn_training.learners.trainer import train
from enn_training.publishing.export import ExportError, export


@contextmanager
def bar(name: str) -> Iterator[ProgressCallback]:
    """Yield what shows each pass on a bar; nothing where standard error is not a terminal."""
    with tqdm(desc=f"learning {name}", unit="pass", disable=None) as shown:

        def watch(epoch: PassResult) -> None:
            shown.total = epoch.total
            shown.set_postfix_str(f"held-out loss {epoch.loss:.4g}", refresh=False)
            shown.update()

        yield watch


def lines(model: LearnedModel, compared: tuple[Baseline, ...]) -> Iterator[str]:
    """Yield the report of a learned model, line by line."""
    rows = model.training["rows"]
    yield f"learned from {rows['training']} rows, chosen by {rows['held_out']}, judged on {rows['test']}"
    measure = "R2" if model.classes is None else "accuracy"
    shown = {"r2": "R2", "accuracy": "accuracy", "log_loss": "log-loss"}
    shown |= {"mean_squared_error": "MSE", "root_mean_squared_error": "RMSE"}
    for name, value in model.scores.items():
        yield f"{shown[name]:<10}{value:.4g}" if name not in ("r2", "accuracy") else f"{shown[name]:<10}{value:.4f}"
    for baseline in compared:
        yield f"{'':<10}{baseline.score:.4f}  {measure} of the {baseline.name}"
    if model.network.encoding is not None:
        yield f"columns   {_columns(model.features)}"
    layers = "-".join(str(len(layer.bias)) for layer in model.network.layers)
    size = f"{model.network.columns}-{layers}, Q = {model.training['harmonics']}"
    yield f"parameters {model.network.parameters} ({size}, {model.network.head} head)"


def _columns(features: tuple[Feature, ...]) -> str:
    """Return in a line what the raw columns are."""
    kinds = {
        "numeric": [feature.name for feature in features if feature.kind == "numeric"],
        "boolean": [feature.name for feature in features if feature.kind == "boolean"],
        "categorical": [f"{each.name} ({len(each.categories)})" for each in features if each.kind == "categorical"],
        "values may be missing in": [feature.name for feature in features if feature.missing],
    }
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items() if names)


def learn_and_publish(
    data: Dataset,
    learner: Learner,
    *,
    hidden: tuple[int, ...],
    harmonics: int,
    head: Head,
    seed: int,
    background: int,
    models: Path,
    name: str,
    unrolled: Unrolled,
) -> None:
    """Learn with a bar, print the report, publish the model and print where.

    Raises:
        TrainingError: It cannot be learned, or not exported exactly.
        RepositoryError: The repository does not take it.
    """
    with bar(name) as watch:
        model = train(
            data,
            learner,
            hidden=hidden,
            harmonics=harmonics,
            head=head,
            seed=seed,
            background=background,
            watch=watch,
        )
    for line in lines(model, baselines(data)):
        typer.echo(line)
    publish(model, models, name, unrolled)


def publish(model: LearnedModel, models: Path, name: str, unrolled: Unrolled) -> None:
    """Publish a model and print where.

    Raises:
        TrainingError: It cannot be exported exactly.
        RepositoryError: The repository does not take it.
    """
    try:
        folder = export(model, models, name, optimize=unrolled.optimize, unrolling=unrolled.unrolling)
        typer.echo(f"published {folder}")
    except ExportError as error:
        raise TrainingError(str(error)) from error

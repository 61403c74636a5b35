"""Terminal output of the training commands: progress bars, scores beside baselines, and pruning levels."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from enn_models.network import Head, Network
from enn_models.package import Package
from enn_training.cli.options import ExportOptions
from enn_training.cli.output import Output
from enn_training.data.dataset import Dataset
from enn_training.data.sampling.class_weights import ClassWeight
from enn_training.errors import ExportError, PrecisionWarning, TrainingError
from enn_training.evaluation.baselines import Baseline, baselines
from enn_training.evaluation.metrics import skill
from enn_training.learned_model import LearnedModel
from enn_training.learners.base import Learner
from enn_training.learners.progress import progress_bar
from enn_training.learners.trainer import train
from enn_training.pruning import cuts
from enn_training.pruning.cuts import Criterion
from enn_training.pruning.fine_tuning import pass_count
from enn_training.pruning.search import PruningResult, PruningStage, ScoredNetwork, Target, prune
from enn_training.pruning.training_data import ScaledData
from enn_training.publishing.export import export
from enn_training.publishing.onnx.cost_model import estimate_microseconds
from enn_training.publishing.onnx.runtime import extract_part
from enn_training.publishing.onnx.selection import LARGE_BATCH

SCORE_NAMES = {
    "r2": "R2",
    "mean_pinball_loss": "pinball loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log-loss",
    "roc_auc": "AUC",
    "average_precision": "average precision",
    "mean_squared_error": "MSE",
    "root_mean_squared_error": "RMSE",
}


def report_lines(model: LearnedModel, compared: tuple[Baseline, ...]) -> Iterator[str]:
    """Yield the lines of a training report: rows, scores, baselines, columns and size.

    Args:
        model: Trained model.
        compared: Baselines on the same test rows.
    """
    rows = model.training["rows"]
    if "cut_short" in model.training:
        yield f"cut short by the time limit after {model.training['passes']} passes: set --hidden, or use fewer columns"
    judges = {"group": " of other groups of {!r}", "time": " of the newest by {!r}", "test": " of {}"}
    which = "".join(judges[name].format(value) for name, value in model.training.get("judged_by", {}).items())
    chosen = rows["held_out"] or "cross-validation"
    yield f"learned from {rows['training']} rows, chosen by {chosen}, judged on {rows['test']}{which}"
    measure, width = "R2" if model.classes is None else "accuracy", 10 if model.classes is None else 19
    for name, value in model.scores.items():
        digits = (
            ".4g"
            if name in ("log_loss", "mean_pinball_loss", "mean_squared_error", "root_mean_squared_error")
            else ".4f"
        )
        yield f"{SCORE_NAMES[name]:<{width}}{value:{digits}}"
    for baseline in compared:
        yield f"{'':<{width}}{baseline.score:.4f}  {measure} of the {baseline.name}"
    if mapped := [
        feature.name for feature in model.features if feature.kind == "numeric" and feature.knots is not None
    ]:
        yield f"columns mapped to their quantiles: {', '.join(mapped)}"
    layers = "-".join(str(len(layer.bias)) for layer in model.network.layers)
    size = f"{model.network.columns}-{layers}, Q = {model.training['harmonics']}"
    yield f"parameters {model.network.parameters} ({size}, {model.network.head} head)"


def report_document(model: LearnedModel, compared: tuple[Baseline, ...], skill_found: float) -> dict[str, Any]:
    """Return a training report in JSON types; arguments as in `report_lines`, and the skill on the test rows."""
    return {
        "task": model.network.task,
        "classes": None if model.classes is None else list(model.classes),
        "features": [feature.name for feature in model.features],
        "scores": model.scores,
        "skill": skill_found,
        "baselines": {baseline.name: baseline.score for baseline in compared},
        "parameters": model.network.parameters,
        "training": model.training,
    }


def train_and_publish(
    data: Dataset,
    learner: Learner,
    *,
    hidden: tuple[int, ...],
    harmonics: int,
    head: Head,
    seed: int,
    background: int,
    class_weight: ClassWeight = None,
    quantile: float | None = None,
    models: Path,
    name: str,
    export_options: ExportOptions,
    output: Output,
) -> None:
    """Train a model with a progress bar, print the report, and publish the model.

    Raises:
        TrainingError: Training fails, or the model cannot be exported exactly.
        RepositoryError: The repository rejects the model.
    """
    with output.printed_warnings(PrecisionWarning), progress_bar(name, shown=False if output.quiet else None) as watch:
        model = train(
            data,
            learner,
            hidden=hidden,
            harmonics=harmonics,
            head=head,
            seed=seed,
            background=background,
            class_weight=class_weight,
            quantile=quantile,
            watch=watch,
        )
    compared, found = baselines(data), skill(model.network, data.test, quantile)
    output.document["model"] = report_document(model, compared, found)
    for line in report_lines(model, compared):
        output.line(line)
    if found <= 0:
        simple = (
            "the shares of the classes"
            if data.classes
            else f"the {'mean' if quantile is None else 'quantile'} of the target"
        )
        output.warn(f"the model is not better than {simple}: skill {found:.4f} on the test rows")
    publish(model, models, name, export_options, output)


def publish(model: LearnedModel, models: Path, name: str, export_options: ExportOptions, output: Output) -> None:
    """Publish a model and print the folder of its version.

    Raises:
        TrainingError: The model cannot be exported exactly.
        RepositoryError: The repository rejects the model.
    """
    try:
        folder = export(model, models, name, optimize=export_options.optimize, unrolling=export_options.unrolling)
    except ExportError as error:
        raise TrainingError(str(error)) from error
    output.document["published"] = str(folder)
    output.line(f"published {folder}")


def prune_with_progress(
    network: Network,
    data: ScaledData,
    *,
    name: str,
    loss: float,
    targets: Sequence[Target],
    criteria: Sequence[Criterion],
    seed: int,
    output: Output,
) -> PruningResult:
    """Prune a network with a progress bar and print all levels.

    Args:
        network: Network over raw rows.
        data: Data set of the network.
        name: Name shown on the bar.
        loss: Maximum loss of skill and accuracy, as the further arguments in `search.prune`.
        targets: Parts to prune.
        criteria: Rankings of coefficients.
        seed: Seed of the row order.
        output: Output of the command.
    """
    total = len(targets) * pass_count(len(data.dataset.training.x))
    with tqdm(desc=f"pruning {name}", total=total, unit="pass", disable=output.bar_disabled) as bar:
        result = prune(network, data, loss=loss, targets=targets, criteria=criteria, seed=seed, watch=bar.update)
    output.document.update(_pruning_document(result))
    console = Console(quiet=not output.has_lines)
    scores = [f"{SCORE_NAMES[name]} {value:.6g}" for name, value in result.before.scores.items()]
    if data.dataset.classes is not None:
        scores.insert(0, f"skill {result.before.skill:.6g}")
    console.print(f"whole: {', '.join(scores)} on {len(data.scoring_rows.x)} rows not learned from", soft_wrap=True)
    for stage in result.stages:
        console.print(f"{stage.target}: lost as cut and after fine-tuning")
        console.print(_levels_table(stage, result.before))
    return result


def _pruning_document(result: PruningResult) -> dict[str, Any]:
    """Return the levels of all stages in JSON types, with the scores of each as cut and after fine-tuning."""

    def scored(network: ScoredNetwork) -> dict[str, Any]:
        return {"scores": network.scores, "skill": network.skill}

    stages = {
        stage.target: [
            {"fraction": level.fraction, "criterion": level.criterion, "applied": level is stage.chosen}
            | {"cut": scored(level.cut), "tuned": scored(level.tuned)}
            for level in stage.levels
        ]
        for stage in result.stages
    }
    return {"before": scored(result.before), "after": scored(result.after), "stages": stages}


def _levels_table(stage: PruningStage, before: ScoredNetwork) -> Table:
    """Return the levels of a stage, one per line, with the applied one marked."""
    has_accuracy = "accuracy" in before.scores
    names = ("skill lost", "tuned", "accuracy lost", "tuned") if has_accuracy else ("R2 lost", "tuned")
    table = Table("cut", "first", *names, "", box=None)
    for level in stage.levels:
        pair = (level.cut, level.tuned)
        lost = [f"{before.skill - each.skill:{'.4f' if has_accuracy else '.1e'}}" for each in pair]
        if has_accuracy:
            lost += [f"{before.scores['accuracy'] - each.scores['accuracy']:.4f}" for each in pair]
        applied = "applied" if level is stage.chosen else ""
        table.add_row(f"{level.fraction:.0%}", f"least {level.criterion}", *lost, applied)
    return table


def comparison_lines(before: Package, after: Package, result: PruningResult) -> Iterator[str]:
    """Yield scores, sizes and estimated time of a model before and after pruning, line by line."""
    for name, score in result.after.scores.items():
        yield f"{SCORE_NAMES[name]} {result.before.scores[name]:.4g} -> {score:.4g} on the rows not learned from"
    for part, count in (("neurons", cuts.count_neurons), ("harmonics", cuts.count_harmonics)):
        yield f"{part} {count(before.network)} -> {count(after.network)}"
    yield f"parameters {before.network.parameters} -> {after.network.parameters}"
    estimates = (estimate_microseconds(extract_part(each.model, ["output"]), LARGE_BATCH) for each in (before, after))
    yield "{:.0f} -> {:.0f} microseconds estimated for {:,} rows".format(*estimates, LARGE_BATCH)
    yield f"file {len(before.data):,} -> {len(after.data):,} bytes"

"""Train a learned model on a data set: preprocess, learn, fold the scaling into the network, score."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.card.activation_statistics import measure_activations
from enn_models.card.unknown_values import column_means
from enn_models.network import Head, Network
from enn_training.data.dataset import Dataset, Split
from enn_training.data.float32_range import to_float32
from enn_training.data.preprocessing import Preprocessor
from enn_training.data.sampling.class_weights import ClassWeight, class_factors, weight_record
from enn_training.data.sampling.splits import BACKGROUND_ROWS, sample_rows
from enn_training.errors import OptionError
from enn_training.evaluation.calibration import calibrate
from enn_training.evaluation.metrics import score
from enn_training.learned_model import MAX_EXAMPLES, LearnedModel, Rows
from enn_training.learners.auto import Auto
from enn_training.learners.base import Learner, LearningResult, PassResult, ProgressCallback
from enn_training.learners.registry import holds_out_rows
from enn_training.nn.architecture import Architecture
from enn_training.nn.threads import one_thread


@one_thread()
def train(
    dataset: Dataset,
    learner: Learner,
    *,
    hidden: tuple[int, ...],
    harmonics: int,
    head: Head,
    seed: int,
    background: int = BACKGROUND_ROWS,
    class_weight: ClassWeight = None,
    quantile: float | None = None,
    watch: ProgressCallback | None = None,
) -> LearnedModel:
    """Return the model that a learner trains on a data set, scored on the test part or else by cross-validation.

    Args:
        dataset: Raw rows in three parts.
        learner: Learner to train with; one that holds out rows itself gets the validation rows for training too.
        hidden: Number of neurons of each hidden layer; a learner that chooses them itself can return others.
        harmonics: Number of odd cosines Q of every activation.
        head: Output layer, "dct" or "linear".
        seed: Seed of all randomness; equal seeds give equal models, byte for byte.
        background: Number of training rows in the package, for explanations; 0 to withhold all rows, and the
            distribution of the pre-activations over them.
        class_weight: Factor of the weights of the rows of each class by label, or "balanced"; None for 1.
        quantile: Level of the quantile that a regression learns, between 0 and 1; None for the mean.
        watch: Function to call after every pass, as in `Learner.learn`.

    Raises:
        TrainingError: A size is out of its range, the learner learns no quantiles, or training diverged.
    """
    _check_learner(learner, quantile)
    if holds_out_rows(learner):
        dataset = dataset.merge_validation()
    factors = class_factors(class_weight, dataset.classes, dataset.training)
    prepared = _Prepared(dataset, hidden, harmonics, head, quantile, factors)
    if isinstance(learner, Auto):
        prepared, result = _learn_with_best_maps(prepared, learner, seed, watch)
    else:
        result = prepared.learn(learner, seed, watch)
    dataset, preprocessor, architecture = prepared.dataset, prepared.preprocessor, prepared.architecture
    model = to_learned_model(
        preprocessor.fold(result.network),
        dataset,
        _training_record(dataset, architecture, result, seed) | weight_record(dataset.training, factors),
        sample_rows(dataset.training.x, background, seed, dataset.training.weight),
    )
    folds = [(preprocessor.fold(network), rows) for network, rows in result.folds]
    model = replace(model, calibration=calibrate(model.network, dataset.training, folds))
    if not model.scores:
        return _with_fold_scores(model, dataset.training, folds, quantile)
    return model if quantile is None else replace(model, scores=score(model.network, dataset.test, quantile))


def _check_learner(learner: Learner, quantile: float | None) -> None:
    """Refuse a learner that cannot learn a quantile, if one is asked for."""
    if quantile is not None and not getattr(learner, "learns_quantiles", False):
        raise OptionError(f"{type(learner).__name__} learns the mean alone; for a quantile use auto, adam or lm")


@dataclass(frozen=True, eq=False)
class _Prepared:
    """Prepare the rows of a data set for a learner.

    Attributes:
        dataset: Raw rows.
        hidden: Number of neurons of each hidden layer.
        harmonics: Number of odd cosines Q of every activation.
        head: Output layer.
        quantile: Level of the quantile that the network learns; None for the usual loss.
        factors: Factor of the weights of the rows of each class; None for 1.
    """

    dataset: Dataset
    hidden: tuple[int, ...]
    harmonics: int
    head: Head
    quantile: float | None
    factors: tuple[float, ...] | None

    @cached_property
    def preprocessor(self) -> Preprocessor:
        """Preprocessor of the training rows."""
        data = self.dataset
        return Preprocessor.fit(
            data.summaries, data.training, self.head, data.class_count, ignore_constant=True, class_weight=self.factors
        )

    @property
    def architecture(self) -> Architecture:
        """Architecture of the network."""
        sizes = (self.preprocessor.columns, self.hidden, self.preprocessor.targets.units)
        return Architecture(*sizes, self.harmonics, self.head, self.dataset.task, self.quantile)

    @property
    def rows(self) -> int:
        """Number of rows to learn from."""
        return len(self.dataset.training.x) + len(self.dataset.validation.x)

    def learn(self, learner: Learner, seed: int, watch: ProgressCallback | None) -> LearningResult:
        """Return what a learner learns from the rows."""
        data = self.dataset
        samples, validation = (self.preprocessor.transform(part) for part in (data.training, data.validation))
        return learner.learn(self.architecture, samples, validation, seed, watch)


def _learn_with_best_maps(
    few: _Prepared, learner: Auto, seed: int, watch: ProgressCallback | None
) -> tuple[_Prepared, LearningResult]:
    """Return the prepared rows and the result with the least loss: with a map of every column, or with few maps.

    Few columns have maps without a comparison if all rows are learned by AdamW, which would take long.
    """
    every = replace(few, dataset=few.dataset.with_every_map())
    if every.dataset.summaries == few.dataset.summaries or not learner.has_second_order(few.architecture, few.rows):
        return few, few.learn(learner, seed, watch)
    first = every.learn(learner, seed, watch)
    if first.stopped:
        return every, first
    passed = len(first.history)

    def watch_second(result: PassResult) -> object:
        return watch and watch(replace(result, number=passed + result.number, total=passed + result.total))

    second = few.learn(learner.narrowed(first), seed, watch_second)
    prepared, best = (few, second) if second.loss < first.loss else (every, first)
    return prepared, replace(best, history=first.history + second.history, stopped=second.stopped)


def _with_fold_scores(
    model: LearnedModel, rows: Split, folds: Sequence[tuple[Network, NDArray[np.int64]]], quantile: float | None
) -> LearnedModel:
    """Return a model that learned from all rows, with the mean scores of its cross-validation, if it has one."""
    judged = [(network, rows.take(validation)) for network, validation in folds if len(validation) < len(rows.x)]
    scores = [score(network, part, quantile) for network, part in judged]
    if not scores:
        return model
    common = [name for name in scores[0] if all(name in each for each in scores)]  # some need every class in a fold
    mean = {name: float(np.mean([each[name] for each in scores])) for name in common}
    return replace(model, scores=mean, training={**model.training, "scored_on": f"{len(scores)} folds"})


def to_learned_model(network: Network, dataset: Dataset, training: dict[str, Any], background: Rows) -> LearnedModel:
    """Return a network over raw rows as a learned model; arguments as in `LearnedModel`."""
    return LearnedModel(
        network=network,
        features=dataset.summaries,
        classes=dataset.classes,
        examples=to_float32(dataset.training.x[:MAX_EXAMPLES]),
        training=training,
        scores=score(network, dataset.test) if len(dataset.test.x) else {},
        fingerprint=dataset.fingerprint,
        background=background,
        usage=measure_activations(network, to_float32(dataset.training.x)) if len(background) else None,
        column_means=column_means(network, dataset.training.x, dataset.training.weight),
    )


def _training_record(dataset: Dataset, architecture: Architecture, result: LearningResult, seed: int) -> dict[str, Any]:
    """Return the training record, in JSON types and the same for every run that no time limit cuts short."""
    return {
        "learner": result.settings,
        "seed": seed,
        "rows": {
            "training": len(dataset.training.x),
            "held_out": len(dataset.validation.x),
            "test": len(dataset.test.x),
        },
        "hidden": [len(layer.bias) for layer in result.network.layers[:-1]],
        "harmonics": architecture.harmonics,
        "head": architecture.head,
        "loss": result.settings.get("loss", architecture.loss),
        "held_out_loss": result.loss,
        "passes": len(result.history),
    } | {
        **({} if architecture.quantile is None else {"quantile": architecture.quantile}),
        **({"judged_by": dict(dataset.judged_by)} if dataset.judged_by else {}),
        **{name: True for name in ("cut_short", "stopped") if getattr(result, name)},
    }

"""Learning from end to end: data set -> scaled samples -> learner -> network over raw rows -> learned model."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.activation_statistics import measure
from enn_models.network import Head, Network
from enn_training.data.dataset import Dataset, Part
from enn_training.data.preprocessing import Scaling, fold
from enn_training.data.targets import Targets
from enn_training.evaluation.metrics import score
from enn_training.learned_model import MAX_EXAMPLES, LearnedModel, Rows
from enn_training.learners.base import Learned, Learner, Samples, Watch
from enn_training.nn.architecture import Architecture

BACKGROUND_ROWS = 100
"""Training rows that a card carries: enough for Shapley values to a few percent, a few kilobytes."""


def learn(
    dataset: Dataset,
    learner: Learner,
    *,
    hidden: tuple[int, ...],
    harmonics: int,
    head: Head,
    seed: int,
    background: int = BACKGROUND_ROWS,
    watch: Watch | None = None,
) -> LearnedModel:
    """Return the model that a learner makes of a data set; its scores are those of the test part.

    Args:
        dataset: Three parts of rows.
        learner: How to learn.
        hidden: Neurons of each hidden layer; a learner that chooses them itself may return others.
        harmonics: Q of every activation.
        head: "dct" or "linear".
        seed: Equal seeds give equal models, byte for byte.
        background: Training rows, drawn by seed, that the package will carry for explanations; 0 keeps all back, and
            with them where the training part lies on the activations.
        watch: Called after every pass.

    Raises:
        TrainingError: A size is out of its range, or the learner left the finite numbers.
    """
    train = dataset.training
    classes = None if dataset.classes is None else len(dataset.classes)
    inputs, targets = Scaling.of_inputs(dataset.encode(train.x)), Targets.of(train.y, head, classes)
    architecture = Architecture(len(inputs.center), hidden, targets.units, harmonics, head, dataset.task)

    def samples(part: Part) -> Samples:
        return Samples(inputs.apply(dataset.encode(part.x)), targets.encode(part.y))

    learned = learner.learn(architecture, samples(train), samples(dataset.held_out), seed, watch)
    network = replace(fold(learned.network, inputs, targets.scaling), encoding=dataset.encoding)
    return described(network, dataset, _record(dataset, architecture, learned, seed), drawn(train.x, background, seed))


def described(network: Network, dataset: Dataset, training: dict[str, Any], background: Rows) -> LearnedModel:
    """Return a network over raw rows with what its package says of it; arguments as those of LearnedModel."""
    return LearnedModel(
        network=network,
        features=dataset.summaries,
        classes=dataset.classes,
        examples=dataset.training.x[:MAX_EXAMPLES].astype(np.float32).astype(np.float64),
        training=training,
        scores=score(network, dataset.test) if len(dataset.test.x) else {},
        fingerprint=dataset.fingerprint,
        background=background,
        usage=measure(network, dataset.training.x) if len(background) else None,
    )


def drawn(rows: NDArray[np.float64], count: int, seed: int) -> NDArray[np.float64]:
    """Return a random sample of raw rows [rows, features], each a float32 value, which a request could send."""
    places = np.random.default_rng(seed).permutation(len(rows))[:count]
    return rows[np.sort(places)].astype(np.float32).astype(np.float64)


def _record(dataset: Dataset, architecture: Architecture, learned: Learned, seed: int) -> dict[str, Any]:
    """Return how a model was learned, JSON-able and the same for every run."""
    return {
        "learner": learned.settings,
        "seed": seed,
        "rows": {
            "training": len(dataset.training.x),
            "held_out": len(dataset.held_out.x),
            "test": len(dataset.test.x),
        },
        "hidden": [len(layer.bias) for layer in learned.network.layers[:-1]],
        "harmonics": architecture.harmonics,
        "head": architecture.head,
        "loss": architecture.loss,
        "held_out_loss": learned.loss,
        "passes": len(learned.history),
    }

"""Learning from batches of raw rows: each goes through the online LMS and leaves a learned model."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Head
from enn_training.architecture import Architecture
from enn_training.learners.learner import Samples
from enn_training.learners.online import Online
from enn_training.model import MAX_EXAMPLES, FeatureSummary, Label, LearnedModel, Rows, fingerprint, summarise
from enn_training.scaling import Scaling, fold, unfold
from enn_training.targets import Targets

Truth = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """What a stream learns.

    Attributes:
        features: Name of every column.
        classes: Labels of all classes that will ever come; None for regression.
        hidden: Neurons of each hidden layer.
        harmonics: Q of every activation.
        head: "dct" or "linear".
    """

    features: tuple[str, ...]
    classes: tuple[Label, ...] | None
    hidden: tuple[int, ...]
    harmonics: int
    head: Head


class Stream:
    """An online LMS over raw rows; the scaling of inputs and targets is that of the first batch.

    Args:
        design: What is learned.
        x: First batch, [rows, features].
        y: Its class indices [rows] or values [rows] or [rows, units].
        model: Learned before, to go on from; its ranges then scale the inputs.
    """

    def __init__(self, design: Design, x: Rows, y: Truth, model: LearnedModel | None = None) -> None:
        self._design = design
        classes = None if design.classes is None else len(design.classes)
        self._inputs = Scaling.of_range(x)
        self._targets = Targets.of(y, design.head, classes)
        network = None
        if model is not None:
            self._inputs = _of_ranges(model)
            self._targets = _targets(self._targets, model, y)
            network = unfold(model.network, self._inputs, self._targets.scaling)
        task = "regression" if design.classes is None else "classification"
        self._architecture = Architecture(
            len(design.features), design.hidden, self._targets.units, design.harmonics, design.head, task
        )
        self._online = Online(self._architecture, network)
        self._features = None if model is None else model.features
        self._seen = 0 if model is None else int(model.training["rows"]["training"])
        self._examples = x[:MAX_EXAMPLES] if model is None else model.examples
        self._fingerprint = "" if model is None else model.fingerprint

    def learn(self, x: Rows, y: Truth) -> LearnedModel:
        """Return the model after one pass over more rows; arguments as those of the constructor."""
        loss = self._online.learn(Samples(self._inputs.apply(x), self._targets.encode(y)))
        design, before = self._design, self._fingerprint
        self._features = _merged(self._features, self._seen, summarise(design.features, x), len(x))
        self._seen += len(x)
        digest = fingerprint(design.features, x, y)
        self._fingerprint = hashlib.sha256((before + digest).encode()).hexdigest() if before else digest
        return LearnedModel(
            network=fold(self._online.network, self._inputs, self._targets.scaling),
            features=self._features,
            classes=design.classes,
            examples=self._examples.astype(np.float32).astype(np.float64),
            training=self._record(loss),
            scores={},
            fingerprint=self._fingerprint,
        )

    def _record(self, loss: float) -> dict[str, Any]:
        """Return how the model was learned; the loss is that of the last batch before it was learned from."""
        return {
            "learner": {"name": "lms", "online": True},
            "rows": {"training": self._seen, "held_out": 0, "test": 0},
            "hidden": list(self._design.hidden),
            "harmonics": self._design.harmonics,
            "head": self._design.head,
            "loss": self._architecture.loss,
            "held_out_loss": loss,
            "passes": 1,
        }


def _of_ranges(model: LearnedModel) -> Scaling:
    """Return the scaling of the ranges that a model was learned from."""
    ranges = [[feature.minimum for feature in model.features], [feature.maximum for feature in model.features]]
    return Scaling.of_range(ranges)


def _targets(first: Targets, model: LearnedModel, y: Truth) -> Targets:
    """Return the targets for going on from a model: in the unit of its answers and of the first batch."""
    if first.scaling is None:
        return first
    answers = model.network.respond(model.examples).output
    targets = Targets.of(np.concatenate([answers, np.reshape(y, (len(y), -1))]), first.head, None)
    if model.network.head == "linear" or targets.scaling is None:
        return targets
    center = model.network.output_offset.astype(np.float64)
    return Targets(first.units, first.head, None, Scaling(center, targets.scaling.half))


def _merged(
    old: tuple[FeatureSummary, ...] | None, seen: int, new: tuple[FeatureSummary, ...], rows: int
) -> tuple[FeatureSummary, ...]:
    """Return the summaries of all rows seen by now."""
    if old is None:
        return new
    return tuple(
        FeatureSummary(
            name=one.name,
            minimum=min(one.minimum, other.minimum),
            maximum=max(one.maximum, other.maximum),
            mean=(one.mean * seen + other.mean * rows) / (seen + rows),
        )
        for one, other in zip(old, new, strict=True)
    )

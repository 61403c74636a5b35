"""OnlineTrainer: train on batches of raw rows by the online LMS, with a learned model after each batch."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.card.features import Feature
from enn_models.card.unknown_values import column_means
from enn_models.network import Head
from enn_training.data.columns import Column
from enn_training.data.dataset import Split, fingerprint, summarize_columns
from enn_training.data.float32_range import to_float32
from enn_training.data.preprocessing import Preprocessor
from enn_training.data.sampling.splits import BACKGROUND_ROWS, sample_rows
from enn_training.learned_model import MAX_EXAMPLES, Label, LearnedModel, Rows
from enn_training.learners.online_lms import OnlineLMS
from enn_training.nn.architecture import Architecture
from enn_training.nn.threads import one_thread

Truth = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class OnlineDesign:
    """Describe the network that an online trainer trains.

    Attributes:
        columns: Kind of each raw column; ignored if a model is trained further.
        classes: Labels of all classes that later batches can have; None for a regression.
        hidden: Number of neurons of each hidden layer.
        harmonics: Number of odd cosines Q of every activation.
        head: Output layer, "dct" or "linear".
    """

    columns: tuple[Column, ...]
    classes: tuple[Label, ...] | None
    hidden: tuple[int, ...]
    harmonics: int
    head: Head


class OnlineTrainer:
    """Train by the online LMS over raw rows, scaled by the first batch.

    Args:
        design: Architecture, columns and classes.
        x: First batch, [rows, features].
        y: Class indices of the first batch [rows], or values [rows] or [rows, units].
        model: Model to train further, whose training ranges scale the inputs; None for a new network.
    """

    def __init__(self, design: OnlineDesign, x: Rows, y: Truth, model: LearnedModel | None = None) -> None:
        self._design = design
        self._features = summarize_columns(design.columns, x) if model is None else model.features
        classes = None if design.classes is None else len(design.classes)
        rows = Split(x, y)
        if model is None:
            self._preprocessor = Preprocessor.fit(self._features, rows, design.head, classes)
        else:
            self._preprocessor = Preprocessor.resume(model, rows, design.head, classes)
        network = None if model is None else self._preprocessor.unfold(model.network)
        task = "regression" if design.classes is None else "classification"
        units = self._preprocessor.targets.units
        self._architecture = Architecture(
            self._preprocessor.columns, design.hidden, units, design.harmonics, design.head, task
        )
        self._online = OnlineLMS(self._architecture, network)
        self._seen = 0 if model is None else int(model.training["rows"]["training"])
        self._examples = x[:MAX_EXAMPLES] if model is None else model.examples
        self._background = sample_rows(x, BACKGROUND_ROWS, 0) if model is None else model.background
        self._fingerprint = "" if model is None else model.fingerprint
        first = self._preprocessor.fold(self._online.network)
        self._column_means = column_means(first, x) if model is None else model.column_means

    @one_thread()
    def learn(self, x: Rows, y: Truth) -> LearnedModel:
        """Return the model after one pass over a batch; x and y as in the constructor."""
        loss = self._online.learn(self._preprocessor.transform(Split(x, y)))
        self._features = tuple(
            _widen(feature, self._seen, values) for feature, values in zip(self._features, x.T, strict=True)
        )
        self._seen += len(x)
        digest = self._fingerprint + fingerprint([feature.name for feature in self._features], x, y)
        self._fingerprint = hashlib.sha256(digest.encode()).hexdigest()
        return LearnedModel(
            network=self._preprocessor.fold(self._online.network),
            features=self._features,
            classes=self._design.classes,
            examples=to_float32(self._examples),
            training=self._training_record(loss),
            scores={},
            fingerprint=self._fingerprint,
            background=self._background,
            column_means=self._column_means,
        )

    def _training_record(self, loss: float) -> dict[str, Any]:
        """Return the training record; its loss is that of the last batch before training on it."""
        return {
            "learner": {"name": "lms", "online": True},
            "rows": {"training": self._seen, "held_out": 0, "test": 0},
            "hidden": list(self._architecture.hidden),
            "harmonics": self._architecture.harmonics,
            "head": self._architecture.head,
            "loss": self._architecture.loss,
            "held_out_loss": loss,
            "passes": 1,
        }


def _widen(feature: Feature, seen: int, values: Rows) -> Feature:
    """Return the summary of a feature after more values [rows]; the mean of a feature with missing values stays."""
    if feature.kind != "numeric" or np.isnan(values).all():
        return feature
    mean = feature.mean if feature.missing else (feature.mean * seen + values.sum()) / (seen + len(values))
    low, high = min(feature.minimum, np.nanmin(values)), max(feature.maximum, np.nanmax(values))
    return feature.model_copy(update={"minimum": float(low), "maximum": float(high), "mean": float(mean)})

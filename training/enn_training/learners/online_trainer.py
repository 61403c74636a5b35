"""Learning from batches of raw rows: each goes through the online LMS and leaves a learned model."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.features import Feature
from enn_models.network import Head
from enn_training.data.columns import Column
from enn_training.data.dataset import Split, fingerprint, summarize_columns
from enn_training.data.preprocessing import Preprocessor
from enn_training.data.splits import BACKGROUND_ROWS, sample_rows
from enn_training.learned_model import MAX_EXAMPLES, Label, LearnedModel, Rows
from enn_training.learners.online_lms import OnlineLMS
from enn_training.nn.architecture import Architecture

Truth = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class OnlineDesign:
    """What a stream learns.

    Attributes:
        columns: What every column is; ignored where a model is learned further.
        classes: Labels of all classes that will ever come; None for regression.
        hidden: Neurons of each hidden layer.
        harmonics: Q of every activation.
        head: "dct" or "linear".
    """

    columns: tuple[Column, ...]
    classes: tuple[Label, ...] | None
    hidden: tuple[int, ...]
    harmonics: int
    head: Head


class OnlineTrainer:
    """An online LMS over raw rows; the scaling of inputs and targets is that of the first batch.

    Args:
        design: What is learned.
        x: First batch, [rows, features].
        y: Its class indices [rows] or values [rows] or [rows, units].
        model: Learned before, to go on from; its ranges then scale the inputs.
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

    def learn(self, x: Rows, y: Truth) -> LearnedModel:
        """Return the model after one pass over more rows; arguments as those of the constructor."""
        loss = self._online.learn(self._preprocessor.transform(Split(x, y)))
        self._features = tuple(
            _widened(feature, self._seen, values) for feature, values in zip(self._features, x.T, strict=True)
        )
        self._seen += len(x)
        digest = self._fingerprint + fingerprint([feature.name for feature in self._features], x, y)
        self._fingerprint = hashlib.sha256(digest.encode()).hexdigest()
        return LearnedModel(
            network=self._preprocessor.fold(self._online.network),
            features=self._features,
            classes=self._design.classes,
            examples=self._examples.astype(np.float32).astype(np.float64),
            training=self._record(loss),
            scores={},
            fingerprint=self._fingerprint,
            background=self._background,
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


def _widened(feature: Feature, seen: int, values: Rows) -> Feature:
    """Return the summary of a feature after more values [rows]; a mean that stands for missing ones stays as it is."""
    if feature.kind != "numeric" or np.isnan(values).all():
        return feature
    mean = feature.mean if feature.missing else (feature.mean * seen + values.sum()) / (seen + len(values))
    low, high = min(feature.minimum, np.nanmin(values)), max(feature.maximum, np.nanmax(values))
    return feature.model_copy(update={"minimum": float(low), "maximum": float(high), "mean": float(mean)})

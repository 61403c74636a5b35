"""A learned model: the network with everything that its package says about where it came from."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Network

Label = int | str | bool
Rows = NDArray[np.float64]
MAX_EXAMPLES = 8
MAX_LABEL = 2**63


@dataclass(frozen=True)
class FeatureSummary:
    """One raw input column as the training part of the data has it.

    Attributes:
        name: The column's name.
        minimum: Smallest value, in the column's own unit.
        maximum: Largest value.
        mean: Arithmetic mean.
        kind: What the column holds; numbers, for now.
    """

    name: str
    minimum: float
    maximum: float
    mean: float
    kind: Literal["numeric"] = "numeric"


@dataclass(frozen=True, eq=False)
class LearnedModel:
    """What a learner leaves and a package is made of.

    Attributes:
        network: The float32 network over raw inputs; it IS the model, all scores are its own.
        features: One summary an input of the network.
        classes: The labels in the order of the class scores or probabilities; None for regression.
        examples: Raw rows of the training part, float64 [k <= 8, features]: inputs of the golden vector.
        training: How it was learned, JSON-able; neither times nor durations, so that equal seeds make equal packages.
        scores: Scores on data never learned from, named as scikit-learn names them.
        fingerprint: SHA-256 of the training part, hexadecimal.
        background: Raw rows of the training part, float64 [k, features], that explanations compare with; k may be 0.
    """

    network: Network
    features: tuple[FeatureSummary, ...]
    classes: tuple[Label, ...] | None
    examples: Rows
    training: dict[str, Any]
    scores: dict[str, float]
    fingerprint: str
    background: Rows

    def __post_init__(self) -> None:
        """Check that the parts speak of the same inputs and outputs."""
        inputs = self.network.inputs
        if len(self.features) != inputs:
            raise ValueError(f"features: {len(self.features)} summaries for a network of {inputs} inputs")
        if self.examples.ndim != 2 or self.examples.shape[1] != inputs or not 1 <= len(self.examples) <= MAX_EXAMPLES:
            raise ValueError(f"examples {self.examples.shape}: expected [1..{MAX_EXAMPLES}, {inputs}]")
        if self.background.ndim != 2 or self.background.shape[1] != inputs:
            raise ValueError(f"background {self.background.shape}: expected [rows, {inputs}]")
        if (self.classes is None) != (self.network.task == "regression"):
            raise ValueError(f"classes {self.classes} for a network of task {self.network.task!r}")


def summarise(names: tuple[str, ...], x: Rows) -> tuple[FeatureSummary, ...]:
    """Return the summary of every column of the raw training rows x [rows, features]."""
    columns = zip(names, x.min(axis=0), x.max(axis=0), x.mean(axis=0), strict=True)
    return tuple(FeatureSummary(name, float(low), float(high), float(mean)) for name, low, high, mean in columns)


def fingerprint(names: tuple[str, ...], x: Rows, y: NDArray[Any]) -> str:
    """Return the SHA-256, hexadecimal, of column names, raw training rows [rows, features] and targets [rows]."""
    digest = hashlib.sha256()
    for part in (*names, *(str(label) for label in y.ravel().tolist())):
        digest.update(part.encode() + b"\0")
    digest.update(np.ascontiguousarray(x, dtype="<f8").tobytes())
    return digest.hexdigest()


def as_label(value: object) -> Label:
    """Return a class label as JSON has it: whole numbers stay whole, what JSON cannot hold becomes text."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < MAX_LABEL) else str(value)

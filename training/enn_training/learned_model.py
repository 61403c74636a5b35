"""A learned model: the network with everything that its package says about where it came from."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.activation_statistics import Usage
from enn_models.features import Feature
from enn_models.network import Network

Label = int | str | bool
Rows = NDArray[np.float64]
MAX_EXAMPLES = 8


@dataclass(frozen=True, eq=False)
class LearnedModel:
    """What a learner leaves and a package is made of.

    Attributes:
        network: The float32 network over raw rows; it IS the model, all scores are its own.
        features: What each raw value of a row is, and how the training part has it.
        classes: The labels in the order of the class scores or probabilities; None for regression.
        examples: Raw rows of the training part, float64 [k <= 8, features]: inputs of the golden vector.
        training: How it was learned, JSON-able; neither times nor durations, so that equal seeds make equal packages.
        scores: Scores on data never learned from, named as scikit-learn names them.
        fingerprint: SHA-256 of the training part, hexadecimal.
        background: Raw rows of the training part, float64 [k, features], that explanations compare with; k may be 0.
        usage: Where on its activations each neuron has the training part; None where that is kept back, or unknown.
    """

    network: Network
    features: tuple[Feature, ...]
    classes: tuple[Label, ...] | None
    examples: Rows
    training: dict[str, Any]
    scores: dict[str, float]
    fingerprint: str
    background: Rows
    usage: Usage | None = None

    def __post_init__(self) -> None:
        """Check that the parts speak of the same inputs and outputs."""
        inputs = self.network.inputs
        if len(self.features) != inputs:
            raise ValueError(f"features: {len(self.features)} for a network of {inputs} inputs")
        if self.examples.ndim != 2 or self.examples.shape[1] != inputs or not 1 <= len(self.examples) <= MAX_EXAMPLES:
            raise ValueError(f"examples {self.examples.shape}: expected [1..{MAX_EXAMPLES}, {inputs}]")
        if self.background.ndim != 2 or self.background.shape[1] != inputs:
            raise ValueError(f"background {self.background.shape}: expected [rows, {inputs}]")
        if (self.classes is None) != (self.network.task == "regression"):
            raise ValueError(f"classes {self.classes} for a network of task {self.network.task!r}")

    def with_network(self, network: Network, scores: dict[str, float]) -> "LearnedModel":
        """Return the model with the network that further learning left, over the same columns, and its own scores."""
        network, training = replace(network, encoding=self.network.encoding), {**self.training, "learned_further": True}
        return replace(self, network=network, scores=scores, training=training, usage=None)

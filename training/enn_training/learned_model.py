"""LearnedModel: a trained network with its features, classes, scores and training record."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enn_models.card import Calibration
from enn_models.card.activation_statistics import ActivationStatistics
from enn_models.card.features import Feature
from enn_models.network import Network

Label = int | str | bool
Rows = NDArray[np.float64]
MAX_EXAMPLES = 8


@dataclass(frozen=True, eq=False)
class LearnedModel:
    """Hold a trained network with everything that its package contains.

    Attributes:
        network: Float32 network over raw rows; the scores are those of exactly this network.
        features: Kind and training range of each raw column.
        classes: Labels in the order of the class scores or probabilities; None for a regression.
        examples: Raw training rows, float64 [k <= 8, features]: the inputs of the golden vector.
        training: Training record in JSON types, without times and durations, so that equal seeds make equal packages.
        scores: Metrics on the test part, under scikit-learn's names.
        fingerprint: SHA-256 of the training part, hexadecimal.
        background: Raw training rows, float64 [k, features], to which explanations compare; k may be 0.
        usage: Distribution of each neuron's pre-activations over the training part; None if withheld or unknown.
        calibration: Scores for intervals and sets with a stated coverage; None if no folds held out rows.
        column_means: Mean of each input column of the network over the training rows, float64 [columns], which stands
            for an unknown value; None if unknown.
    """

    network: Network
    features: tuple[Feature, ...]
    classes: tuple[Label, ...] | None
    examples: Rows
    training: dict[str, Any]
    scores: dict[str, float]
    fingerprint: str
    background: Rows
    usage: ActivationStatistics | None = None
    calibration: Calibration | None = None
    column_means: Rows | None = None

    def __post_init__(self) -> None:
        """Check that all parts have the same number of inputs and the same task."""
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
        """Return the model with a network that was trained further.

        Args:
            network: Network over the same columns.
            scores: Metrics of this network on data that it was not trained on.
        """
        network, training = replace(network, encoding=self.network.encoding), {**self.training, "learned_further": True}
        return replace(self, network=network, scores=scores, training=training, usage=None, calibration=None)


def not_finite(network: Network) -> str | None:
    """Return the name of the first parameter of a network that has infinite numbers or NaN; None if all are finite."""
    for number, layer in enumerate(network.layers, start=1):
        for name in ("weight", "bias", "coefficients"):
            values = getattr(layer, name)
            if values is not None and not np.isfinite(values).all():
                return f"layer {number}: {name}"
    offsets = ("input_offset", "output_offset")
    return next((name for name in offsets if not np.isfinite(getattr(network, name)).all()), None)

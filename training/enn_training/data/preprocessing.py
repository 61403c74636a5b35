"""Preprocessing: raw rows and targets to the units of the learner, and networks between raw and scaled rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enn_models.card.features import Feature, column_encoding, column_ranges
from enn_models.encoding import Encoding
from enn_models.network import Head, Network
from enn_training.data.dataset import Split, join_weights
from enn_training.data.float32_range import refuse_narrow_range, to_float32, warn_of_rounding
from enn_training.data.scaling import Scaling, fold, unfold
from enn_training.data.targets import Targets
from enn_training.learned_model import LearnedModel


@dataclass(frozen=True, eq=False)
class Samples:
    """Rows in the units of the learner.

    Attributes:
        x: Scaled inputs, float64 [rows, inputs].
        y: Targets, float64 [rows, units]: scaled values, -1/+1 (dct head) or 0/1 (linear head).
        weight: Weight of each row, float64 [rows], > 0; None if all rows count the same.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    weight: NDArray[np.float64] | None = None

    @property
    def relative_weight(self) -> NDArray[np.float64]:
        """Weight of each row as a share of the mean weight, [rows]; 1 without weights."""
        return np.ones(len(self.x)) if self.weight is None else self.weight / self.weight.mean()

    def join(self, other: "Samples") -> "Samples":
        """Return these rows and then those of other samples."""
        x, y = np.concatenate([self.x, other.x]), np.concatenate([self.y, other.y])
        return Samples(x, y, join_weights(self.weight, other.weight))


@dataclass(frozen=True, eq=False)
class Preprocessor:
    """Map raw rows to samples, and networks over samples to networks over raw rows.

    Attributes:
        encoding: One-hot encoding of categories and missing values; None if every feature is one column.
        inputs: Scaling of the encoded columns.
        targets: Encoding of the targets for the output units.
        class_weight: Factor of the weights of the rows of each class; None for 1.
    """

    encoding: Encoding | None
    inputs: Scaling
    targets: Targets
    class_weight: tuple[float, ...] | None = None

    @classmethod
    def fit(
        cls,
        features: Sequence[Feature],
        rows: Split,
        head: Head,
        classes: int | None,
        *,
        ignore_constant: bool = False,
        class_weight: tuple[float, ...] | None = None,
    ) -> "Preprocessor":
        """Return the preprocessor for training rows.

        Args:
            features: Kind and range of each raw column.
            rows: Raw training rows.
            head: Output layer to prepare the targets for.
            classes: Number of classes; None for a regression.
            ignore_constant: Remove the influence of columns that are constant in training; such a preprocessor cannot
                unfold a network.
            class_weight: Factor of the weights of the rows of each class; None for 1.

        Raises:
            DataError: A column or the target varies by less than float32 can distinguish.
        """
        for feature, values in zip(features, rows.x.T, strict=True):
            refuse_narrow_range(f"column {feature.name!r}", feature.minimum, feature.maximum)
            warn_of_rounding(f"column {feature.name!r}", values)
        if classes is None:
            for target in rows.y.astype(np.float64).reshape(len(rows.y), -1).T:
                refuse_narrow_range("target", float(target.min()), float(target.max()))
                warn_of_rounding("target", target)
        encoder = column_encoding(features)
        inputs = Scaling.min_max(_encode(encoder, rows.x), ignore_constant=ignore_constant)
        return cls(encoder, inputs, Targets.fit(rows.y, head, classes, rows.weight), class_weight)

    @classmethod
    def resume(cls, model: LearnedModel, rows: Split, head: Head, classes: int | None) -> "Preprocessor":
        """Return the preprocessor for further training of a model.

        Inputs are scaled by the model's training ranges, and the targets of a regression by the model's predictions
        together with the new targets.

        Args:
            model: Model to train further.
            rows: First raw rows of the further training.
            head: Output layer to prepare the targets for.
            classes: Number of classes; None for a regression.
        """
        targets = Targets.fit(rows.y, head, classes)
        if targets.scaling is not None:
            targets = _resume_targets(targets, model, rows)
        return cls(column_encoding(model.features), _range_scaling(model.features), targets)

    @property
    def columns(self) -> int:
        """Number of encoded columns: the inputs of a network."""
        return len(self.inputs.center)

    def transform(self, rows: Split) -> Samples:
        """Return the encoded and scaled rows."""
        weight = rows.weight
        if self.class_weight is not None:
            factors = np.array(self.class_weight)[rows.y.astype(np.int64)]
            weight = factors if weight is None else factors * weight
        return Samples(self.inputs.transform(_encode(self.encoding, rows.x)), self.targets.encode(rows.y), weight)

    def fold(self, network: Network) -> Network:
        """Return the network over raw rows that equals one over samples."""
        return replace(fold(network, self.inputs, self.targets.scaling), encoding=self.encoding)

    def unfold(self, network: Network) -> Network:
        """Return the network over samples that equals one over raw rows."""
        return replace(unfold(network, self.inputs, self.targets.scaling), encoding=None)


def _encode(encoder: Encoding | None, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns of raw rows, rounded as the graph receives them: a network learns only what it is served."""
    rows = to_float32(x)
    return rows if encoder is None else encoder.apply(rows)


def _range_scaling(features: Sequence[Feature]) -> Scaling:
    """Return the scaling of the training ranges."""
    return Scaling.min_max(np.array(column_ranges(features), dtype=np.float64).T)


def _resume_targets(first: Targets, model: LearnedModel, rows: Split) -> Targets:
    """Return the targets for further training of a regression, scaled by predictions and new values together."""
    predictions = model.network.respond(model.examples).output
    targets = Targets.fit(np.concatenate([predictions, np.reshape(rows.y, (len(rows.y), -1))]), first.head, None)
    if model.network.head == "linear" or targets.scaling is None:
        return targets
    # `unfold` cannot move the center through a learned output activation: it stays the model's output offset.
    center = model.network.output_offset.astype(np.float64)
    return Targets(first.units, first.head, None, Scaling(center, targets.scaling.scale))

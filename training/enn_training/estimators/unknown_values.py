"""Unknown values in rows to predict, and the warnings that name them."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_models.card.features import Feature
from enn_models.card.unknown_values import column_means, encode_unknown, find_unknown, is_unseen
from enn_models.network import Network
from enn_training.errors import UnknownValueWarning
from enn_training.learned_model import LearnedModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class UnknownValues:
    """Replace the input columns of unknown values, so that such rows have a prediction too.

    Attributes:
        means: Mean of each input column of the network over the training rows, float64 [columns].
    """

    means: Floats

    @classmethod
    def fit(cls, network: Network, x: Floats, weight: Floats | None = None) -> "UnknownValues":
        """Return the replacement for a network trained on raw rows x [rows, features], with weights [rows] or none."""
        return cls(column_means(network, x, weight))

    def encode(self, model: LearnedModel, x: Floats) -> Floats:
        """Return the input columns of raw rows, [rows, columns]; a warning names the features with unknown values.

        Args:
            model: Model whose features are those of the rows.
            x: Raw rows, [rows, features]; `UNSEEN` for an unseen category, NaN for a missing value.
        """
        unknown = np.zeros(x.shape, dtype=np.bool_)
        for place, (feature, values) in enumerate(zip(model.features, x.T, strict=True)):
            unknown[:, place] = find_unknown(feature, values)
            if unknown[:, place].any():
                _warn(feature, values, unknown[:, place])
        if not unknown.any():
            return model.network.encode(x)
        return encode_unknown(model.network, model.features, x, unknown, self.means)


def _warn(feature: Feature, values: Floats, unknown: NDArray[np.bool_]) -> None:
    """Name the unknown values of a feature in a warning."""
    unseen = is_unseen(feature, values).any()
    what = "a category that no training row had" if unseen else "no value, unlike all training rows"
    rule = "missing" if feature.missing else "the mean of the training rows"
    warnings.warn(
        f"column {feature.name!r}: {int(unknown.sum())} row(s) have {what}, the first of them row"
        f" {int(np.flatnonzero(unknown)[0])}; they count as {rule}",
        UnknownValueWarning,
        stacklevel=6,
    )

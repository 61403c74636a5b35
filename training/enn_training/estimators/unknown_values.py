"""Unknown values: categories that no training row had, and missing values where training rows had none."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enn_models.card.features import Feature
from enn_models.network import Network
from enn_training.data.dataframes import UNSEEN
from enn_training.errors import UnknownValueWarning
from enn_training.learned_model import LearnedModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class UnknownValues:
    """Replace the input columns of unknown values, so that such rows have a prediction too.

    An unknown value counts as a missing one if training rows lacked values of the feature. Otherwise its input columns
    are their means over the training rows: its feature contributes its mean to every pre-activation of the first layer.

    Attributes:
        means: Mean of each input column of the network over the training rows, float64 [columns].
    """

    means: Floats

    @classmethod
    def fit(cls, network: Network, x: Floats, weight: Floats | None = None) -> "UnknownValues":
        """Return the replacement for a network trained on raw rows x [rows, features], with weights [rows] or none."""
        return cls(np.average(_encode(network, x), axis=0, weights=weight))

    def encode(self, model: LearnedModel, x: Floats) -> Floats:
        """Return the input columns of raw rows, [rows, columns]; a warning names the features with unknown values.

        Args:
            model: Model whose features are those of the rows.
            x: Raw rows, [rows, features]; `UNSEEN` for an unseen category, NaN for a missing value.
        """
        network, unknown = model.network, np.zeros(x.shape, dtype=np.bool_)
        for place, (feature, values) in enumerate(zip(model.features, x.T, strict=True)):
            unknown[:, place] = _find_unknown(feature, values)
        if not unknown.any():
            return _encode(network, x)
        rows = np.where(unknown, np.nan, x)
        learned = np.array([feature.missing for feature in model.features])
        columns = slice(None) if network.encoding is None else network.encoding.feature
        return np.where((unknown & ~learned)[:, columns], self.means, _encode(network, rows))


def _find_unknown(feature: Feature, values: Floats) -> NDArray[np.bool_]:
    """Return a mask of the unknown values of a feature, and name them in a warning."""
    unseen = (values == UNSEEN) & (feature.kind == "categorical")
    unknown = unseen | (np.isnan(values) & (not feature.missing))
    if unknown.any():
        what = "a category that no training row had" if unseen.any() else "no value, unlike all training rows"
        rule = "missing" if feature.missing else "the mean of the training rows"
        warnings.warn(
            f"column {feature.name!r}: {int(unknown.sum())} row(s) have {what}, the first of them row"
            f" {int(np.flatnonzero(unknown)[0])}; they count as {rule}",
            UnknownValueWarning,
            stacklevel=6,
        )
    return unknown


def _encode(network: Network, x: Floats) -> Floats:
    return x if network.encoding is None else network.encoding.apply(x)

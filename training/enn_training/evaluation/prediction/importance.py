"""Importance of each feature: mean absolute Shapley values over the background rows of a model."""

import numpy as np
from numpy.typing import NDArray

from enn_models.explanations.attributions import complete
from enn_models.explanations.importance import importance
from enn_training.errors import OptionError
from enn_training.learned_model import LearnedModel


def feature_importances(model: LearnedModel) -> NDArray[np.float64]:
    """Return the importance of each feature; all sum to 1.

    The importance of a feature is the mean of its absolute Shapley values over background rows and output units: exact
    with one hidden layer, else sampled with a fixed seed.

    Raises:
        OptionError: The model carries no background rows.
    """
    if not len(model.background):
        raise OptionError("feature_importances_: the model carries no background rows; train with a background")
    sizes = complete(importance(model.network, model.background, interactions=False)).features.mean(axis=0)
    total = sizes.sum()
    return sizes / total if total > 0 else np.full(len(sizes), 1 / len(sizes))

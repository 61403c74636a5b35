"""A learned model around any network, for tests of what is made of learned models."""

import numpy as np

from enn_models.network import Network
from enn_training.model import LearnedModel, fingerprint, summarise


def learned(net: Network) -> LearnedModel:
    """Return the network with features x0, x1, ... over [-1, 1]."""
    x = np.random.default_rng(0).uniform(-1, 1, size=(50, net.inputs)).astype(np.float32).astype(np.float64)
    names = tuple(f"x{index}" for index in range(net.inputs))
    classes = None if net.task == "regression" else tuple(range(max(2, net.units)))
    digest = fingerprint(names, x, x[:, 0])
    return LearnedModel(net, summarise(names, x), classes, x[:6], {"learner": "none"}, {"r2": 0.5}, digest, x[:10])

"""From a published package back to a learned model, to learn it further, prune it or publish it again."""

from pathlib import Path

import numpy as np

from enn_models import repository
from enn_models.card import Card, to_array
from enn_models.package import open_package
from enn_training.learned_model import LearnedModel


def load(root: Path | str, name: str, version: str | None = None) -> LearnedModel:
    """Return a published model with all that its card says; its parameters equal the published ones bit for bit.

    `ENN.from_network(model.network)` is the module in torch, `model.with_network(network, scores)` the model after
    further learning, and `export(model, root, name)` publishes it.

    Args:
        root: The model repository.
        name: The model's name there.
        version: Its version; None for the one that is served when none is named.

    Raises:
        RepositoryError: The repository has no such model.
        ModelError: The package is unsafe or contradicts itself.
    """
    version = version or repository.latest_version(Path(root), name)
    package = open_package(repository.read_model(Path(root), name, version))
    card = package.card
    return LearnedModel(
        network=package.network,
        features=card.features,
        classes=card.classes,
        examples=to_array(card.golden.inputs)[: len(card.golden.inputs) - _corners(card)],
        training=card.training,
        scores=card.scores,
        fingerprint=card.fingerprint,
        background=to_array(card.background) if card.background else np.zeros((0, len(card.features))),
        usage=card.usage,
    )


def _corners(card: Card) -> int:
    """Return how many golden rows are no examples: two corners, and one where all that may miss is missing."""
    return 2 + any(feature.missing for feature in card.features)

"""Load a published package as a model, to predict and explain, to train it further, prune it or publish it again."""

from pathlib import Path

import numpy as np

from enn_models import repository
from enn_models.card import Card, to_array
from enn_models.package import open_package
from enn_training.evaluation.prediction.published_model import PublishedModel


def load(root: Path | str, name: str, version: str | None = None) -> PublishedModel:
    """Load a published model from a repository.

    `model.predict(rows)` and `model.explain(rows)` answer as the service does. The parameters equal the published ones
    bit for bit. `ENN.from_network(model.network)` converts them to a torch module, `model.with_network(network,
    scores)` returns the model after further training, and `export(model, root, name)` publishes it again.

    Args:
        root: Folder of the model repository.
        name: Name of the model in the repository.
        version: Version to load. None: the version that is served by default, the highest integer.

    Returns:
        Network, features, classes, training record and scores from the card of the package.

    Raises:
        RepositoryError: The repository has no such model or version.
        ModelError: The package is unsafe or inconsistent.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from enn_training import ENN, adopt, export, load
        >>> rows = torch.rand(50, 2, generator=torch.Generator().manual_seed(0))
        >>> with tempfile.TemporaryDirectory() as root:
        ...     _ = export(adopt(ENN(2, (6,), 1, head="linear", task="regression"), rows.numpy()), root, "house-prices")
        ...     model = load(root, "house-prices")
        >>> [feature.name for feature in model.features]
        ['x0', 'x1']
        >>> [len(model.predict(rows.numpy())), model.explain(rows.numpy(), attributions="shapley").bumps.shape]
        [50, (50, 6)]
        >>> ENN.from_network(model.network)(rows).shape
        torch.Size([50, 1])
    """
    version = version or repository.latest_version(Path(root), name)
    package = open_package(repository.read_model(Path(root), name, version))
    card = package.card
    return PublishedModel(
        network=package.network,
        features=card.features,
        classes=card.classes,
        examples=to_array(card.golden.inputs)[: len(card.golden.inputs) - _corner_count(card)],
        training=card.training,
        scores=card.scores,
        fingerprint=card.fingerprint,
        background=to_array(card.background) if card.background else np.zeros((0, len(card.features))),
        usage=card.usage,
        calibration=card.calibration,
        column_means=None if card.column_means is None else np.array(card.column_means),
    )


def _corner_count(card: Card) -> int:
    """Return the number of golden rows that are not examples: two corners, and a row of missing values if any."""
    return 2 + any(feature.missing for feature in card.features)

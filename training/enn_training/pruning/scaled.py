"""Data set of a model in the units of its learner, with conversions of networks to these units and back."""

from dataclasses import dataclass

from enn_models.network import Head, Network
from enn_training.data.dataset import Dataset, Split
from enn_training.data.preprocessing import Preprocessor, Samples
from enn_training.evaluation.metrics import score

ENOUGH = 1_000
"""Minimum number of held-out rows for scoring; fewer cannot distinguish a loss of 0.01 from chance."""


@dataclass(frozen=True, eq=False)
class ScaledData:
    """Data set with its preprocessing.

    Attributes:
        dataset: Raw rows.
        preprocessor: Map of the raw rows to samples.
    """

    dataset: Dataset
    preprocessor: Preprocessor

    @classmethod
    def of(cls, dataset: Dataset, head: Head) -> "ScaledData":
        """Return a data set with the preprocessing of training."""
        # Constant columns keep a scale: a network cannot be unfolded over a column without influence.
        return cls(dataset, Preprocessor.fit(dataset.summaries, dataset.training, head, dataset.class_count))

    @property
    def judges(self) -> Split:
        """Rows that score a pruned network: the held-out rows, with the training rows if there are too few."""
        held_out = self.dataset.validation
        return held_out if len(held_out.x) >= ENOUGH else self.dataset.merge_validation().training

    @property
    def training(self) -> Samples:
        """Training rows, scaled."""
        return self.samples(self.dataset.training)

    def samples(self, part: Split) -> Samples:
        """Return the scaled rows of a part."""
        return self.preprocessor.transform(part)

    def enter(self, network: Network) -> Network:
        """Return the network over scaled rows that equals one over raw rows."""
        return self.preprocessor.unfold(network)

    def leave(self, network: Network) -> Network:
        """Return the network over raw rows that equals one over scaled rows."""
        return self.preprocessor.fold(network)

    def score(self, network: Network, part: Split) -> float:
        """Return the accuracy, or R^2 of a regression, of a network over scaled rows."""
        scores = score(self.leave(network), part)
        return scores["r2" if self.dataset.classes is None else "accuracy"]

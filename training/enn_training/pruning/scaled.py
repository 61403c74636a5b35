"""The data set of a model in the units in which it learns, and the way of a network into them and out again."""

from dataclasses import dataclass

from enn_models.network import Head, Network
from enn_training.data.dataset import Dataset, Split
from enn_training.data.preprocessing import Preprocessor, Samples
from enn_training.evaluation.metrics import score

ENOUGH = 1_000
"""Held-out rows that can tell a loss of a hundredth from chance."""


@dataclass(frozen=True, eq=False)
class ScaledData:
    """A data set and its scaling.

    Attributes:
        dataset: Raw rows.
        preprocessor: Map of the raw rows to samples.
    """

    dataset: Dataset
    preprocessor: Preprocessor

    @classmethod
    def of(cls, dataset: Dataset, head: Head) -> "ScaledData":
        """Return a data set as `learning.learn` scales it."""
        # Constant columns keep a scale: a network cannot be unfolded over a column without influence.
        return cls(dataset, Preprocessor.fit(dataset.summaries, dataset.training, head, dataset.class_count))

    @property
    def judges(self) -> Split:
        """The rows that tell what a cut costs: the held-out ones, and those learned from where they are too few."""
        held_out = self.dataset.validation
        return held_out if len(held_out.x) >= ENOUGH else self.dataset.merge_validation().training

    @property
    def training(self) -> Samples:
        """The rows to learn from."""
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

"""The data set of a model in the units in which it learns, and the way of a network into them and out again."""

from dataclasses import dataclass, replace

from enn_models.network import Head, Network
from enn_training.data.dataset import Dataset, Split
from enn_training.data.preprocessing import Scaling, fold, unfold
from enn_training.data.targets import Targets
from enn_training.evaluation.metrics import score
from enn_training.learners.base import Samples

ENOUGH = 1_000
"""Held-out rows that can tell a loss of a hundredth from chance."""


@dataclass(frozen=True, eq=False)
class ScaledData:
    """A data set and its scaling.

    Attributes:
        dataset: Raw rows.
        inputs: How their columns are scaled.
        targets: What the output units learn.
    """

    dataset: Dataset
    inputs: Scaling
    targets: Targets

    @classmethod
    def of(cls, dataset: Dataset, head: Head) -> "ScaledData":
        """Return a data set as `learning.learn` scales it."""
        train = dataset.training
        classes = None if dataset.classes is None else len(dataset.classes)
        # A constant column has no weight, and here a unit, so that a network can be taken out of raw ones.
        return cls(dataset, Scaling.of_range(dataset.encode(train.x)), Targets.of(train.y, head, classes))

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
        return Samples(self.inputs.apply(self.dataset.encode(part.x)), self.targets.encode(part.y))

    def enter(self, network: Network) -> Network:
        """Return the network over scaled rows that equals one over raw rows."""
        return replace(unfold(network, self.inputs, self.targets.scaling), encoding=None)

    def leave(self, network: Network) -> Network:
        """Return the network over raw rows that equals one over scaled rows."""
        return replace(fold(network, self.inputs, self.targets.scaling), encoding=self.dataset.encoding)

    def score(self, network: Network, part: Split) -> float:
        """Return the accuracy, or R^2 of a regression, of a network over scaled rows."""
        scores = score(self.leave(network), part)
        return scores["r2" if self.dataset.classes is None else "accuracy"]

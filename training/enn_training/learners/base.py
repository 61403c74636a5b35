"""Learner: the interface of all learners, with the result and the progress that they report."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from enn_models.network import Network
from enn_training.data.preprocessing import Samples
from enn_training.nn.architecture import Architecture


@dataclass(frozen=True)
class PassResult:
    """Report the progress after one pass over the training rows.

    Attributes:
        number: Number of passes made, from 1.
        total: Number of passes planned.
        loss: Least validation loss of this pass: mean squared error, or mean cross-entropy in nats.
    """

    number: int
    total: int
    loss: float


@dataclass(frozen=True, eq=False)
class LearningResult:
    """Hold the network that a learner returns.

    Attributes:
        network: Network of the least validation loss, over scaled inputs.
        loss: Validation loss of the network.
        history: One entry for each pass.
        settings: Settings and choices of the learner, in JSON types.
        cut_short: True if the time limit ended the learning before the planned number of steps.
        stopped: True if the callback ended it.
        folds: Networks of the cross-validation by which a learner chose, each with the indices of the training rows
            that it was not trained on.
    """

    network: Network
    loss: float
    history: tuple[PassResult, ...]
    settings: dict[str, Any]
    cut_short: bool = False
    stopped: bool = False
    folds: tuple[tuple[Network, NDArray[np.int64]], ...] = ()


ProgressCallback = Callable[[PassResult], object]
"""Function that a learner calls after every pass; learning stops if it returns a true value."""


def stops(watch: ProgressCallback | None, result: PassResult) -> bool:
    """Report a pass, and return True if the callback asks to stop."""
    return watch is not None and bool(watch(result))


class Learner(Protocol):
    """Train a network on samples; the settings are fields of the implementation."""

    def learn(
        self,
        architecture: Architecture,
        training: Samples,
        validation: Samples,
        seed: int,
        watch: ProgressCallback | None = None,
    ) -> LearningResult:
        """Return the network with the least validation loss.

        Args:
            architecture: Architecture of the network.
            training: Samples to train on.
            validation: Samples to choose among networks by, never trained on.
            seed: Seed of all randomness; equal seeds give equal networks, byte for byte.
            watch: Function to call after every pass. If it returns a true value, the result is the best network so far.

        Raises:
            DivergenceError: Training produced infinite numbers or NaN in every network.
        """
        ...

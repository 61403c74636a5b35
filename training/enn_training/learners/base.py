"""What every learner is: scaled samples in, a network over scaled inputs and the history of its held-out loss out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from enn_models.network import Network
from enn_training.data.preprocessing import Samples
from enn_training.nn.architecture import Architecture


@dataclass(frozen=True)
class PassResult:
    """Where learning stood after one pass over the training rows.

    Attributes:
        number: Passes made, from 1.
        total: Passes planned.
        loss: Held-out loss of the best network of this pass: mean squared error or mean cross-entropy in nats.
    """

    number: int
    total: int
    loss: float


@dataclass(frozen=True, eq=False)
class LearningResult:
    """What a learner leaves.

    Attributes:
        network: The network of least held-out loss, over scaled inputs.
        loss: Its held-out loss.
        history: One entry a pass.
        settings: The learner's own settings and choices, JSON-able.
    """

    network: Network
    loss: float
    history: tuple[PassResult, ...]
    settings: dict[str, Any]


ProgressCallback = Callable[[PassResult], None]


class Learner(Protocol):
    """A way to learn; its settings are its fields."""

    def learn(
        self,
        architecture: Architecture,
        training: Samples,
        validation: Samples,
        seed: int,
        watch: ProgressCallback | None = None,
    ) -> LearningResult:
        """Return the network of least held-out loss that was met.

        Args:
            architecture: What to learn.
            training: Rows learned from.
            validation: Rows that choose among networks and are never learned from.
            seed: Equal seeds give equal networks, byte for byte.
            watch: Called after every pass.

        Raises:
            DivergenceError: No finite network was left.
        """
        ...

"""Architecture of a network: layer sizes, harmonics, head and task."""

from dataclasses import dataclass
from typing import Literal, get_args

from enn_models.network import Head, Network, Task
from enn_training.errors import OptionError
from enn_training.nn.option_values import check_options, whole_number

Loss = Literal["squared", "cross-entropy", "quantile"]


ValueLoss = Literal["squared", "absolute", "quantile"]
"""Losses of a regression."""


def quantile_level(loss: str, quantile: float = 0.5) -> float | None:
    """Return the level of the quantile that a loss of a regression learns; None for the mean.

    Args:
        loss: "squared" for the mean, "absolute" for the median, or "quantile".
        quantile: Level for "quantile", between 0 and 1.

    Raises:
        OptionError: The loss is unknown, or the level is out of its range.
    """
    if loss not in get_args(ValueLoss):
        raise OptionError(f"loss {loss!r}: expected one of {', '.join(get_args(ValueLoss))}")
    if not 0.0 < quantile < 1.0:
        raise OptionError(f"quantile {quantile}: expected a number between 0 and 1")
    return {"squared": None, "absolute": 0.5, "quantile": quantile}[loss]


@dataclass(frozen=True)
class Architecture:
    """Describe a network before training.

    Attributes:
        inputs: Number of input columns, >= 1.
        hidden: Number of neurons of each hidden layer: 1 to 14 layers of 1 to 65,536 neurons.
        units: Number of neurons of the output layer, >= 1.
        harmonics: Number of odd cosines Q of every learned activation, 1 to 1024.
        head: "dct" (the output neurons learn activations too) or "linear" (values or logits).
        task: "classification" or "regression".
        quantile: Level of the quantile that a regression learns, between 0 and 1; None for the mean.

    Raises:
        OptionError: A value is out of its range.
    """

    inputs: int
    hidden: tuple[int, ...] = (6,)
    units: int = 1
    harmonics: int = 6
    head: Head = "dct"
    task: Task = "classification"
    quantile: float | None = None

    def __post_init__(self) -> None:
        """Check the range of every value."""
        check_options(self, whole_number, required=("inputs", "units", "harmonics"))
        object.__setattr__(self, "hidden", tuple(whole_number("hidden", neurons) for neurons in self.hidden))
        if self.inputs < 1 or self.units < 1:
            raise OptionError(f"inputs {self.inputs}, units {self.units}: expected at least 1 of each")
        if not 1 <= len(self.hidden) <= 14 or any(not 1 <= neurons <= 65_536 for neurons in self.hidden):
            raise OptionError(f"hidden {self.hidden}: expected 1 to 14 layers of 1 to 65536 neurons")
        if not 1 <= self.harmonics <= 1024:
            raise OptionError(f"harmonics {self.harmonics}: expected 1 to 1024")
        if self.head not in get_args(Head) or self.task not in get_args(Task):
            raise OptionError(f"head {self.head!r}, task {self.task!r}: expected {get_args(Head)}, {get_args(Task)}")

        if self.quantile is not None and not (self.task == "regression" and 0.0 < self.quantile < 1.0):
            raise OptionError(f"quantile {self.quantile} of a {self.task}: expected a regression, and between 0 and 1")

    @classmethod
    def of(cls, network: Network) -> "Architecture":
        """Return the architecture of a network, with the Q of its first layer."""
        hidden = tuple(len(layer.bias) for layer in network.layers[:-1])
        coefficients = network.layers[0].coefficients
        harmonics = 0 if coefficients is None else coefficients.shape[1]
        return cls(network.columns, hidden, network.units, harmonics, network.head, network.task)

    @property
    def widths(self) -> tuple[int, ...]:
        """Layer sizes: (inputs, hidden..., units)."""
        return (self.inputs, *self.hidden, self.units)

    @property
    def loss(self) -> Loss:
        """Loss to minimize: cross-entropy for the logits of a linear head, else that of a quantile or of the mean."""
        if self.quantile is not None:
            return "quantile"
        return "cross-entropy" if (self.task, self.head) == ("classification", "linear") else "squared"

"""Results: what the answers say, as typed values with NumPy arrays."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ModelVersion:
    """A version in the service's repository.

    Attributes:
        name: The model's name.
        version: The version's name.
        state: READY or UNAVAILABLE.
        reason: Why the file in the repository is not the one served; empty where it is.
    """

    name: str
    version: str
    state: str
    reason: str


@dataclass(frozen=True, eq=False)
class Explanations:
    """Predictions and their exact explanations: bias + the sum of a row's bumps = its pre_activation.

    Attributes:
        predictions: What predict gives for the rows.
        output: The output explained for each row: a class label, or the name of a value; [rows].
        bumps: Each hidden neuron's share of the pre-activation, weight x activation, float64 [rows, neurons].
        activations: The neurons' activations, float64 [rows, neurons].
        weights: Their weights towards the output explained, float64 [rows, neurons].
        bias: The bias of the output explained, float64 [rows].
        pre_activation: The sum, float64 [rows].
        harmonics: The terms of each bump's series, float64 [rows, neurons, Q]; None unless asked for.
        out_of_range: For each row the features outside their training range, where the row is an extrapolation.
    """

    predictions: list[Any]
    output: list[Any]
    bumps: NDArray[np.float64]
    activations: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    pre_activation: NDArray[np.float64]
    harmonics: NDArray[np.float64] | None
    out_of_range: list[tuple[str, ...]]

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame, one line a row: output, bias, bump_0, bump_1, ..., pre_activation, out_of_range."""
        import pandas as pd  # noqa: PLC0415  (the client works without it)

        bumps = {f"bump_{neuron}": self.bumps[:, neuron] for neuron in range(self.bumps.shape[1])}
        columns = {"output": self.output, "bias": self.bias, **bumps, "pre_activation": self.pre_activation}
        return pd.DataFrame({**columns, "out_of_range": self.out_of_range})


def explanations(answer: dict[str, Any]) -> Explanations:
    """Return a V1 explain answer as arrays."""
    rows = answer["explanations"]

    def of_bumps(field: str) -> NDArray[np.float64]:
        return np.array([[bump[field] for bump in row["bumps"]] for row in rows], dtype=np.float64)

    split = all("harmonics" in bump for row in rows for bump in row["bumps"])
    return Explanations(
        predictions=answer["predictions"],
        output=[row["output"] for row in rows],
        bumps=of_bumps("value"),
        activations=of_bumps("activation"),
        weights=of_bumps("weight"),
        bias=np.array([row["bias"] for row in rows], dtype=np.float64),
        pre_activation=np.array([row["pre_activation"] for row in rows], dtype=np.float64),
        harmonics=of_bumps("harmonics") if split else None,
        out_of_range=[tuple(row["out_of_range"]) for row in rows],
    )

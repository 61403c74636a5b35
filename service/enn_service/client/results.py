"""Results: what the answers say, as typed values with NumPy arrays."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import shap


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
class Attributions:
    """What each feature adds to the pre-activation: base_value + the sum of a row's values = its pre_activation.

    Attributes:
        method: The rule by which it is shared out.
        features: The features' names.
        values: float64 [rows, features].
        base_value: float64 [rows].
        data: The rows as they were sent, in the order of the features: object [rows, features].
    """

    method: str
    features: list[str]
    values: NDArray[np.float64]
    base_value: NDArray[np.float64]
    data: NDArray[Any]


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
        attributions: What each feature adds; None unless asked for.
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
    attributions: Attributions | None

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame, one line a row: output, bias, bump_0, bump_1, ..., pre_activation, out_of_range."""
        import pandas as pd  # noqa: PLC0415  (the client works without it)

        bumps = {f"bump_{neuron}": self.bumps[:, neuron] for neuron in range(self.bumps.shape[1])}
        columns = {"output": self.output, "bias": self.bias, **bumps, "pre_activation": self.pre_activation}
        if self.attributions is not None:
            values = self.attributions.values
            columns |= {name: values[:, index] for index, name in enumerate(self.attributions.features)}
        return pd.DataFrame({**columns, "out_of_range": self.out_of_range})

    def to_shap(self) -> "shap.Explanation":
        """Return what the plots of shap draw: the features' attributions, or the bumps where none were asked for."""
        import shap  # noqa: PLC0415  (the client works without it)

        found = self.attributions
        if found is None:
            names = [f"bump {neuron}" for neuron in range(self.bumps.shape[1])]
            return shap.Explanation(self.bumps, self.bias, data=self.activations, feature_names=names)
        return shap.Explanation(found.values, found.base_value, data=found.data, feature_names=found.features)


def explanations(answer: dict[str, Any], instances: Any) -> Explanations:  # noqa: ANN401  (rows of any kind)
    """Return a V1 explain answer as arrays; instances are the rows that were sent."""
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
        attributions=_attributions([row["attributions"] for row in rows if "attributions" in row], instances),
    )


def _attributions(rows: list[dict[str, Any]], instances: Any) -> Attributions | None:  # noqa: ANN401
    if not rows:
        return None
    features = list(rows[0]["values"])
    data = [[row[name] for name in features] if isinstance(row, dict) else list(row) for row in instances]
    return Attributions(
        method=rows[0]["method"],
        features=features,
        values=np.array([list(row["values"].values()) for row in rows], dtype=np.float64),
        base_value=np.array([row["base_value"] for row in rows], dtype=np.float64),
        data=np.array(data, dtype=object),
    )

"""Typed results of the client's calls, with NumPy arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import shap

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ModelVersion:
    """A version in the service's repository.

    Attributes:
        name: Name of the model.
        version: Name of the version.
        state: READY or UNAVAILABLE.
        reason: Reason why the file in the repository is not served; empty if it is.
    """

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


@dataclass(frozen=True, eq=False)
class Attributions:
    """Attributions of features: base_value + the sum of a row's values is the row's pre_activation.

    Attributes:
        method: Method of attribution.
        features: Names of the features.
        values: Attribution of each feature, float64 [rows, features].
        base_value: Pre-activation that the attributions start from, float64 [rows].
        data: Rows as sent, in the order of `features`, object [rows, features].
    """

    method: str
    features: list[str]
    values: Floats
    base_value: Floats
    data: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Explanations:
    """Predictions and their exact explanations: bias + the sum of a row's bumps + rest is its pre_activation.

    Attributes:
        predictions: Predictions as `Client.predict` returns them, [rows].
        output: Output explained in each row: a class label, or the name of a value; [rows].
        neurons: Index of each bump's neuron, int64 [rows, shown]: all neurons, or with `top` the largest bumps first.
        bumps: Contributions to the pre-activation, weight x activation, float64 [rows, shown].
        activations: Activations of the neurons, float64 [rows, shown].
        weights: Weights from the neurons to the explained output, float64 [rows, shown].
        rest: Sum of the bumps that are not shown, float64 [rows]; 0 without `top`.
        bias: Bias of the explained output, float64 [rows].
        pre_activation: Pre-activation of the explained output, float64 [rows].
        response: Value that the head computes from it: regression value, score or probability; float64 [rows].
        slope: Derivative of a dct head's activation at the pre-activation, float64 [rows]; None for a linear head.
        probability_changes: Change of the probability by each bump, float64 [rows, shown]; None without probabilities.
        base_probability: Probability for the bias alone, float64 [rows]; None without probabilities.
        harmonics: Terms of each bump's cosine series, float64 [rows, shown, Q]; None unless requested.
        out_of_range: Features outside their training range, for each row.
        ranges: Training range of each feature that is out of range in some row.
        attributions: Attributions of features; None unless requested.
    """

    predictions: list[Any]
    output: list[Any]
    neurons: NDArray[np.int64]
    bumps: Floats
    activations: Floats
    weights: Floats
    rest: Floats
    bias: Floats
    pre_activation: Floats
    response: Floats
    slope: Floats | None
    probability_changes: Floats | None
    base_probability: Floats | None
    harmonics: Floats | None
    out_of_range: list[tuple[str, ...]]
    ranges: dict[str, tuple[float, float]]
    attributions: Attributions | None

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas frame with one line per row.

        Returns:
            Columns output, bias, bump_0, ..., pre_activation, response, the attributions, out_of_range. With `top`,
            bumps that a row does not show are NaN there, and a column `rest` contains their sum.
        """
        import pandas as pd  # noqa: PLC0415  (the client works without it)

        neurons, values = self._by_neuron(np.nan)
        bumps = {f"bump_{neuron}": values[:, place] for place, neuron in enumerate(neurons)}
        if self._is_partial:
            bumps["rest"] = self.rest
        columns = {"output": self.output, "bias": self.bias, **bumps}
        columns |= {"pre_activation": self.pre_activation, "response": self.response}
        if self.attributions is not None:
            given = self.attributions.values
            columns |= {name: given[:, index] for index, name in enumerate(self.attributions.features)}
        return pd.DataFrame({**columns, "out_of_range": self.out_of_range})

    def to_shap(self) -> "shap.Explanation":
        """Return an explanation for the plots of the library shap.

        Returns:
            The attributions of features, or the bumps if there are none. With `top`, `rest` is a bump of its own, and
            bumps that a row does not show are 0 there.
        """
        import shap  # noqa: PLC0415  (the client works without it)

        found = self.attributions
        if found is not None:
            return shap.Explanation(found.values, found.base_value, data=found.data, feature_names=found.features)
        neurons, values = self._by_neuron(0.0)
        _, data = self._by_neuron(0.0, self.activations)
        names = [f"bump {neuron}" for neuron in neurons]
        if self._is_partial:
            names.append("rest")
            values, data = (np.column_stack([each, self.rest]) for each in (values, data))
        return shap.Explanation(values, self.bias, data=data, feature_names=names)

    @property
    def _is_partial(self) -> bool:
        """Return True if some bumps are not shown."""
        return bool(np.count_nonzero(self.rest))

    def _by_neuron(self, absent: float, numbers: Floats | None = None) -> tuple[list[int], Floats]:
        """Return the values of each neuron that some row shows.

        Args:
            absent: Value of a neuron in a row that does not show it.
            numbers: Values to arrange, [rows, shown]; None for the bumps.

        Returns:
            Indices of the neurons, and the values, [rows, neurons].
        """
        neurons = np.unique(self.neurons)
        result = np.full((len(self.neurons), len(neurons)), absent)
        places = np.searchsorted(neurons, self.neurons)
        np.put_along_axis(result, places, self.bumps if numbers is None else numbers, axis=1)
        return neurons.tolist(), result


def explanations(response: dict[str, Any], instances: Any) -> Explanations:  # noqa: ANN401  (rows of any kind)
    """Convert a V1 explain response to arrays; `instances` are the rows that were sent."""
    return _explanations(response["predictions"], response["explanations"], response["explanations"], instances)


def explanations_of_outputs(response: dict[str, Any], instances: Any) -> dict[Any, Explanations]:  # noqa: ANN401
    """Convert a V1 explain response for several outputs to arrays, by output."""
    flags = response["explanations"]
    every = [
        _explanations(response["predictions"], list(rows), flags, instances)
        for rows in zip(*(row["outputs"] for row in flags), strict=True)
    ]
    return {found.output[0]: found for found in every}


def _explanations(
    predictions: list[Any],
    rows: list[dict[str, Any]],
    flags: list[dict[str, Any]],
    instances: Any,  # noqa: ANN401
) -> Explanations:
    def of_rows(read: Callable[[dict[str, Any]], Any]) -> Floats:
        return np.array([read(row) for row in rows], dtype=np.float64)

    def of_bumps(field: str) -> Floats:
        return of_rows(lambda row: [bump[field] for bump in row["bumps"]])

    split = all("harmonics" in bump for row in rows for bump in row["bumps"])
    likely = all("base_probability" in row for row in rows)
    standing = all("output_activation" in row for row in rows)
    return Explanations(
        predictions=predictions,
        output=[row["output"] for row in rows],
        neurons=np.array([[bump["neuron"] for bump in row["bumps"]] for row in rows], dtype=np.int64),
        bumps=of_bumps("value"),
        activations=of_bumps("activation"),
        weights=of_bumps("weight"),
        rest=of_rows(lambda row: row["rest"]["value"] if "rest" in row else 0.0),
        bias=of_rows(itemgetter("bias")),
        pre_activation=of_rows(itemgetter("pre_activation")),
        response=of_rows(itemgetter("response")),
        slope=of_rows(lambda row: row["output_activation"]["slope"]) if standing else None,
        probability_changes=of_bumps("probability_change") if likely else None,
        base_probability=of_rows(itemgetter("base_probability")) if likely else None,
        harmonics=of_bumps("harmonics") if split else None,
        out_of_range=[tuple(row["out_of_range"]) for row in flags],
        ranges={name: (low, high) for row in flags for name, (low, high) in row.get("ranges", {}).items()},
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
